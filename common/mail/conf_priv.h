/*
 * conf_priv - what the files of conf share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_CONF_PRIV_H
#define COMMON_MAIL_CONF_PRIV_H

#include "common/mail/conf.h"

/* Before anything is added or looked at; more than once is no harm. */
void conf_setup_store(void);
/* The entry that counts for this name, from now on. */
void conf_add_entry(struct span name, struct span value, const char *origin,
    unsigned line);
bool conf_name_is_valid(struct span name);
/* "name = value"; name and value are parts of the text. */
bool conf_split_assignment(struct span text, struct span *name_out,
    struct span *value_out, struct str *why);
/* Adds what CONF_ENVIRONMENT variables set. */
bool conf_read_environment(struct str *why);
/* "x_destination_..." -> its template's row, and "x"; or NULL. */
const struct param *conf_template_of(struct span name,
    struct span *instance_out);
/* What conf_note_* were told. */
void conf_forget_noted(void);

#endif
