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

enum make_flags {
	MAKE_INCREMENTAL = 1,		/* start from the present contents */
	MAKE_REPLACE = 2,		/* a later entry wins, silently */
	MAKE_IGNORE_DUPLICATES = 8,	/* the earlier one wins, silently; else
					   it wins with a warning */
	MAKE_FOLD = 16,			/* keys to lower case */
	MAKE_UTF8 = 32,			/* lines that are not UTF-8 are refused */
	MAKE_ALIASES = 64,		/* aliases(5) syntax: key: value */
	MAKE_SAVE_MODE = 128,		/* a new file gets the read permissions
					   of the source; else 0644 */
	MAKE_WITH_NUL = 256,		/* keys and values end with a NUL byte ... */
	MAKE_WITHOUT_NUL = 512,		/* ... or do not; else as the type does */
	MAKE_FILES = 1024,		/* values name files; their contents are
					   kept in base64 */
};

/* What a type that has an indexed file provides. `path` is the source's path
 * without the type's suffix. */
struct map_maker {
	const char *suffix;		/* ".db" */
	/* "w.db: duplicate entry" or "lmdb:w: duplicate entry" */
	bool names_file;
	struct map_writer *(*begin)(const char *path, unsigned flags,
	    struct str *why);
	/* put: replace says whether an existing key is overwritten; *existed_out
	 * tells that it was there. */
	bool (*put)(struct map_writer *w, struct span key, struct span value,
	    bool replace, bool *existed_out, struct str *why);
	bool (*erase)(struct map_writer *w, struct span key, bool *existed_out,
	    struct str *why);
	/* Starts from the present contents (postmap -i, -d); before any put. */
	bool (*copy_present)(struct map_writer *w, struct str *why);
	/* Sync and rename, or drop all. Both free the writer. mode is for a
	 * file that is not there yet. */
	bool (*commit)(struct map_writer *w, mode_t mode, struct str *why);
	void (*abandon)(struct map_writer *w);
};

/*
 * postmap and postalias: the source text to the indexed file. source is the
 * text of MAKE_INCREMENTAL; with a NULL pointer the file is read. Warnings with
 * file and line go to the log; false with a reason when nothing was made.
 */
bool map_make(const char *spec, unsigned flags, struct span source,
    struct str *why);
/* False when the table cannot be changed; keys that are not there are no
 * error. The file is left alone when nothing was deleted. */
bool map_delete(const char *spec, const struct span *keys, size_t nkeys,
    unsigned flags, size_t *deleted_out, struct str *why);

#endif
