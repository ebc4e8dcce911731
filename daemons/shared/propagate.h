/*
 * propagate - propagate_unmatched_extensions: which tables' results get the
 * extension that the key did not have.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_PROPAGATE_H
#define DAEMONS_SHARED_PROPAGATE_H

#include "common/base/str.h"

enum propagate { PROPAGATE_CANONICAL = 1, PROPAGATE_VIRTUAL = 2,
	PROPAGATE_ALIAS = 4, PROPAGATE_FORWARD = 8, PROPAGATE_INCLUDE = 16,
	PROPAGATE_GENERIC = 32 };

/* Before the jail; fatal for unknown words. */
unsigned propagate_read(const char *words);
/* Puts "+ext" behind the local part; an empty one changes nothing. */
void propagate_add(struct str *address, struct span extension);
/* A result of "@other" means the same user there: true, and that is in *out. */
bool propagate_same_user(struct span found, struct span address,
    struct str *out);

#endif
