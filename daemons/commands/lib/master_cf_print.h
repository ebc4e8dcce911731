/*
 * master_cf_print - rows of master.cf as text, in columns.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_LIB_MASTER_CF_PRINT_H
#define DAEMONS_COMMANDS_LIB_MASTER_CF_PRINT_H

#include "common/mail/master_cf.h"

/* Words with one space between them; with `fold`, lines of 80 columns at most
 * where words allow it, continued by four spaces. Appends. */
void fold_words(struct span text, bool fold, struct str *out);
/* Appends the row with a line end; with `fold`, each -o on a line of its own
 * and other lines below 80 columns. */
void master_row_text(const struct master_row *row, bool fold,
    struct str *out);

/* Appends what is behind the program's name, a space before each word; `before`
 * columns of the line are taken, besides what is in *out. */
void master_arguments_text(const struct strlist *args, bool fold,
    size_t before, struct str *out);

/* $name as the service itself would see it: its own -o and $service_name come
 * before main.cf. Appends; false with a reason. */
bool master_row_expand(const struct master_row *row, struct span text,
    struct str *out, struct str *why);
/* The same for the value of each -o among the row's arguments. */
bool master_row_expand_overrides(struct master_row *row, struct str *why);

/* Are words i and i + 1 "-o" and an assignment? */
bool master_arg_is_override(const struct strlist *args, size_t i);
/* "name=value" or "{ name = value }", which must have a "=". */
void master_override_split(const char *text, struct span *name_out,
    struct span *value_out);

/* The eight columns by name: service type private unprivileged chroot wakeup
 * process_limit command. */
extern const char *const master_field_names[8];
#define MASTER_FIELDS 8

/*
 * Does "service/type/rest" name this row? Each part may be "*" or left away.
 * What is behind the second slash goes to *rest_out, empty if there is none.
 */
bool master_row_matches(const struct master_row *row, struct span pattern,
    struct span *rest_out);

#endif
