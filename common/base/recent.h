/*
 * recent - what was found out within the last second and need not be asked again
 * for each message: as with tables, a change counts a second later at most.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_RECENT_H
#define COMMON_BASE_RECENT_H

#include "common/base/arena.h"
#include "common/base/hash.h"

/* All zero at first. */
struct recent {
	struct hash *known;
	struct arena *arena;		/* of the values */
	int64_t until_ns;		/* then all of it is forgotten */
};

/* NULL when nothing is known of this key. Lives until the next call. */
const void *recent_get(struct recent *r, struct span key);
/* Where a value may be made that recent_put keeps. */
struct arena *recent_arena(struct recent *r);
void recent_put(struct recent *r, struct span key, const void *value);
void recent_free(struct recent *r);

#endif
