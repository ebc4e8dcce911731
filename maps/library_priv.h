/*
 * library_priv - the libraries behind types of tables, which are loaded when
 * the first such table is opened: most processes open none.
 *
 * A type declares which functions it calls, and calls them through pointers:
 *
 *	#define CALLS(_) _(mdb_get) _(mdb_put)
 *	static struct { CALLS(LIBRARY_POINTER) } lib;
 *	static const struct library_call calls[] = { CALLS(LIBRARY_CALL) };
 *	static const struct library lmdb_library = LIBRARY(LMDB_SONAME,
 *	    "liblmdb0", calls);
 *	... lib.mdb_get(...)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_LIBRARY_PRIV_H
#define MAPS_LIBRARY_PRIV_H

#include "maps/map.h"

struct library_call {
	const char *name;
	void *pointer;			/* to a pointer to the function */
};

struct library {
	const char *file;		/* as the dynamic linker knows it */
	const char *package;		/* where Debian has it */
	const struct library_call *calls;
	size_t count;
};

#define LIBRARY_POINTER(name) __typeof__(name) *name;
/* pcre2_match and others are macros for the function's name. */
#define LIBRARY_NAME(name) #name
#define LIBRARY_CALL(name) { LIBRARY_NAME(name), (void *)&lib.name },
#define LIBRARY(soname, debian, table)                                       \
	{ .file = (soname), .package = (debian), .calls = (table),           \
	    .count = ARRAY_COUNT(table) }

/* What this type of table needs, NULL being nothing; it stays loaded. False
 * with the table, the library and its package in *why; the next call tries
 * again. */
bool library_load(const struct map_type *type, struct span table,
    struct str *why);

#endif
