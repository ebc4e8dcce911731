/*
 * make - writing a table: build a copy aside, sync it, rename it into place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_MAKE_H
#define MAPS_MAKE_H

#include <sys/types.h>

#include "maps/map.h"

struct map_writer;

/* What a type that has an indexed file provides. `path` is the source's path
 * without the type's suffix. */
struct map_maker {
	const char *suffix;		/* ".db" */
	struct map_writer *(*begin)(const char *path, mode_t mode,
	    struct str *why);
	/* put: replace says whether an existing key is overwritten; *existed_out
	 * tells that it was there. */
	bool (*put)(struct map_writer *w, struct span key, struct span value,
	    bool replace, bool *existed_out, struct str *why);
	bool (*erase)(struct map_writer *w, struct span key, bool *existed_out,
	    struct str *why);
	/* Starts from the present contents (postmap -i, -d). */
	bool (*copy_present)(struct map_writer *w, struct str *why);
	/* Sync and rename, or drop all. Frees the writer. */
	bool (*commit)(struct map_writer *w, struct str *why);
	void (*abandon)(struct map_writer *w);
};

enum make_flags {
	MAKE_INCREMENTAL = 1, MAKE_REPLACE = 2, MAKE_WARN_DUPLICATES = 4,
	MAKE_IGNORE_DUPLICATES = 8, MAKE_FOLD = 16, MAKE_UTF8 = 32,
	MAKE_ALIASES = 64,		/* aliases(5) syntax: key: value */
	MAKE_SAVE_MODE = 128,		/* mode and owner of the source */
};

/* postmap and postalias: the source text to the indexed file. Warnings with
 * file and line go to the log; false with a reason when nothing was made. */
bool map_make(const char *spec, unsigned flags, struct span source_or_empty,
    struct str *why);
bool map_delete(const char *spec, const struct span *keys, size_t nkeys,
    unsigned flags, size_t *deleted_out, struct str *why);

#endif
