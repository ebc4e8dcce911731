/*
 * master_cf_edit - changing rows of master.cf in place.
 *
 * Rows that are not asked for stay as they are, comments too; a changed row is
 * written anew, an override a line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_LIB_MASTER_CF_EDIT_H
#define DAEMONS_COMMANDS_LIB_MASTER_CF_EDIT_H

#include "common/base/strlist.h"

enum master_cf_change {
	MASTER_CF_SET,			/* service/type=row: replaced or appended */
	MASTER_CF_COMMENT,		/* service/type: lines become comments */
	MASTER_CF_REMOVE,		/* service/type */
	MASTER_CF_SET_FIELD,		/* service/type/field=value */
	MASTER_CF_SET_PARAMETER,	/* service/type/name=value */
	MASTER_CF_REMOVE_PARAMETER,	/* service/type/name */
};

/* Pure: the new text of a file. False with a reason for a bad change, for a
 * result that is no master.cf, and for a row that does not exist. */
bool master_cf_edit_text(struct span text, enum master_cf_change change,
    const struct strlist *items, struct str *out, struct str *why);
/* Writes a copy aside, syncs it, renames it; owner and mode are kept. */
bool master_cf_edit(const char *path, enum master_cf_change change,
    const struct strlist *items, struct str *why);

#endif
