/*
 * main_cf_edit - changing main.cf in place: comments, order and everything
 * that is not asked for stay as they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_LIB_MAIN_CF_EDIT_H
#define DAEMONS_COMMANDS_LIB_MAIN_CF_EDIT_H

#include "common/base/strlist.h"

enum main_cf_change {
	MAIN_CF_SET,			/* "name=value": the last one, or appended */
	MAIN_CF_COMMENT,		/* name: all lines of it become comments */
	MAIN_CF_REMOVE,			/* name: all lines but comments go */
};

/* The next logical line with its line ends: one entry and its continuation
 * lines (*entry_out), or one comment, blank or stray line. False at the end. */
bool conf_text_next(struct span *rest, struct span *text_out,
    bool *entry_out);
/* Each line of it as a comment; comments and blank lines as they are. Appends. */
void conf_text_comment(struct span text, struct str *out);
/* Only the comments among the lines of an entry. Appends. */
void conf_text_keep_comments(struct span text, struct str *out);

/* Pure: the new text of a file. False with a reason for a bad change. */
bool main_cf_edit_text(struct span text, enum main_cf_change change,
    const struct strlist *items, struct str *out, struct str *why);
/* The same for any file whose new text another function makes. */
typedef bool conf_change_fn(struct span text, void *arg, struct str *out,
    struct str *why);
bool conf_file_edit(const char *path, conf_change_fn *change, void *arg,
    struct str *why);
/* Writes a copy aside, syncs it, renames it; owner and mode are kept. */
bool main_cf_edit(const char *path, enum main_cf_change change,
    const struct strlist *items, struct str *why);

#endif
