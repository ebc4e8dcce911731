/*
 * source - where rules come from: a file, an inline table in the name
 * ("{ { rule }, { rule } }"), or a test's text; and did the file change.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_SOURCE_PRIV_H
#define MAPS_SOURCE_PRIV_H

#include <sys/stat.h>

#include "common/io/textfile.h"
#include "maps/map.h"

/* Remembers the file as it was read; asks by fstat on a descriptor that can
 * do nothing else, so it works in a jail. */
struct source_watch {
	int fd;				/* -1: nothing to watch */
	bool changed_early;		/* between reading and watching */
	struct stat as_read;
};
#define SOURCE_WATCH_NONE ((struct source_watch){ .fd = -1 })
void source_watch_path(struct source_watch *watch, const char *path,
    const struct stat *as_read);
bool source_watch_changed(const struct source_watch *watch);
int64_t source_watch_owner(const struct source_watch *watch); /* -1: no file */
void source_watch_close(struct source_watch *watch);

/* The text that a table was made from has changed since, and not just now:
 * "database x.db is older than source file x". */
void source_warn_if_newer(const char *source, const char *table,
    const struct stat *table_st);

enum source_status { SOURCE_OK, SOURCE_BAD, SOURCE_UNAVAILABLE };

/* word is the type's name for messages: "regexp". With SOURCE_BAD the text is
 * at fault (map_open answers NULL), else the file; *why says how. */
enum source_status source_open(struct textfile *file,
    struct source_watch *watch, const struct map_spec *spec, struct str *why);

/* "regexp map /etc/x, line 3: ..." */
__attribute__((format(printf, 3, 4))) void source_warn(
    const struct map *map, const struct textfile *file,
    const char *format, ...);

/* The lines of an inline table, appended to out with a newline each. */
bool source_inline_text(const char *type, struct span name, struct str *out,
    struct str *why);

#endif
