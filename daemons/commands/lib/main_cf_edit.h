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
	MAIN_CF_REMOVE,			/* name: all lines of it go */
};

/* Pure: the new text of a file. False with a reason for a bad change. */
bool main_cf_edit_text(struct span text, enum main_cf_change change,
    const struct strlist *items, struct str *out, struct str *why);
/* Writes a copy aside, syncs it, renames it; owner and mode are kept. */
bool main_cf_edit(const char *path, enum main_cf_change change,
    const struct strlist *items, struct str *why);

#endif
