/*
 * keeper_priv - what a type with an indexed file provides for caches. All of
 * it is called on a stack for libraries.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_KEEPER_PRIV_H
#define MAPS_KEEPER_PRIV_H

#include "maps/map.h"

struct kept;
struct map_keeper {
	const char *suffix;		/* ".db" */
	bool ofd_lock;			/* else flock */
	/* The locked file of this path; an empty one becomes a database. */
	struct kept *(*open)(const char *path, int fd, struct str *why);
	enum map_status (*get)(struct kept *k, struct span key,
	    struct str *value_out, struct str *why);
	bool (*put)(struct kept *k, struct span key, struct span value,
	    struct str *why);
	bool (*erase)(struct kept *k, struct span key, struct str *why);
	enum map_status (*next)(struct kept *k, bool first,
	    struct str *key_out, struct str *value_out, struct str *why);
	bool (*sync)(struct kept *k, struct str *why);
	void (*close)(struct kept *k);	/* what is not synced may be lost */
};

#endif
