/*
 * footer - what is said behind each reply that refuses: smtpd_reject_footer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SMTPD_FOOTER_H
#define DAEMONS_SMTPD_FOOTER_H

#include "daemons/smtpd/smtpd_priv.h"

/* Before the jail; fatal on syntax. */
void footer_setup(void);

/* Appends to the text of a 4xx or 5xx reply, whose lines a \n divides. dsn may
 * be NULL. Suspends where a table does. */
void footer_add(struct session *s, const char *code, const char *dsn,
    struct str *text);

#endif
