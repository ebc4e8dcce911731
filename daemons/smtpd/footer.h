/*
 * footer - what is said in place of replies that refuse, smtpd_reject_filter_maps,
 * and behind each of them, smtpd_reject_footer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SMTPD_FOOTER_H
#define DAEMONS_SMTPD_FOOTER_H

#include "daemons/smtpd/smtpd_priv.h"

/* Before the jail; fatal on syntax. */
void footer_setup(void);

/* False: the reply stays as it is. Else *code_out (4), *dsn_out (12; "" for none)
 * and *text_out are said instead. Suspends where a table does. */
bool footer_replace(const char *code, const char *dsn, struct span text,
    char *code_out, char *dsn_out, struct str *text_out);

/* Appends to the text of a 4xx or 5xx reply, whose lines a \n divides. dsn may
 * be NULL. Suspends where a table does. */
void footer_add(struct session *s, const char *code, const char *dsn,
    struct str *text);

#endif
