/*
 * map - one "type:name" table: open, look up, know when it changed.
 *
 * Three answers everywhere: found, absent, failed. "Failed" defers mail and
 * never bounces it. Local types look up in the process and do not suspend;
 * network types and proxy: suspend. Type names are those of postmap -q.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_MAP_H
#define MAPS_MAP_H

#include <sys/types.h>

#include "common/base/arena.h"
#include "common/base/ipaddr.h"
#include "common/base/list.h"
#include "common/base/span.h"
#include "common/base/str.h"
#include "common/io/deadline.h"

enum map_status { MAP_FOUND, MAP_ABSENT, MAP_FAILED };

enum map_flags {
	MAP_FOLD = 1,			/* keys are folded to lower case */
	MAP_NO_REGSUB = 2,		/* refuse $1 in results (aliases, security) */
	MAP_NO_PROXY = 4,		/* no answers of other processes: proxy:
					   is opened here, tcp: and socketmap:
					   are refused */
	MAP_UTF8 = 8,			/* keys and results must be UTF-8 */
	MAP_RAW_KEYS = 16,		/* do not fold, whatever the type says */
	MAP_PATTERN = 32,		/* of a type: whole-key matching, no @domain
					   or parent-domain look-ups */
	MAP_FIXED = 64,			/* of a type: key is ignored (static:, fail:) */
	MAP_SUSPENDS = 128,		/* of a type: look-ups may suspend */
	MAP_QUIET = 256,		/* no warning for a file that cannot be
					   opened: commands say it themselves */
	/* What a table made of others hands on to those. */
	MAP_HANDED_ON = MAP_FOLD | MAP_NO_REGSUB | MAP_NO_PROXY | MAP_UTF8 |
	    MAP_QUIET,
};

struct library;
struct map;
struct map_spec {
	const char *type, *name;	/* "hash", "/etc/aliases" */
	unsigned flags;
	struct span text;		/* tests: contents instead of a file */
};

typedef struct map *map_open_fn(const struct map_spec *spec, struct str *why);
typedef enum map_status map_lookup_fn(struct map *map, struct span key,
    struct str *value_out);
typedef enum map_status map_sequence_fn(struct map *map, bool first,
    struct str *key_out, struct str *value_out);
typedef bool map_changed_fn(struct map *map);
typedef void map_close_fn(struct map *map);

/* A type is one file and one row of types.c. */
struct map_type {
	const char *name;
	unsigned flags;
	map_open_fn *open;
	map_lookup_fn *lookup;
	map_sequence_fn *sequence;	/* postmap -s; may be NULL */
	map_changed_fn *changed;	/* may be NULL: never changes */
	map_close_fn *close;
	/* Writing by postmap: NULL where the type has no file of its own. */
	const struct map_maker *maker;
	/* Reading and writing by one process (cache.h): NULL as before. */
	const struct map_keeper *keeper;
	const struct library *library;	/* loaded before the first is opened */
	const char *missing;		/* library that was left out of this build */
};

/*
 * What map_open gives out is a handle; behind it stands the object that the
 * type made, which is replaced when its file changed. Both have this shape:
 * a type's struct begins with it.
 */
struct map {
	const struct map_type *type;
	char *label;			/* "hash:/etc/aliases" */
	const char *name;		/* "/etc/aliases", part of label */
	unsigned flags;			/* of the caller and of the type */
	struct str failed_why;
	/* Of an object: */
	bool unavailable;		/* made by map_unavailable */
	unsigned users;			/* look-ups that are inside now */
	bool retired;			/* closed by its last user */
	int64_t owner;			/* uid of the file; -1: none, or several */
	/* Of a handle: */
	struct map *object;
	struct span text;		/* of map_open_text */
	int64_t checked_ns;		/* when `changed` was last asked */
	int64_t opened_ns;
	bool asked;			/* while it was unavailable */
	struct list opened;		/* all handles of the process */
};

/*
 * Opens "type:name". NULL with a reason for an unknown type or bad syntax; a
 * file that cannot be opened gives a table whose look-ups fail and say why
 * (as Postfix does), with one warning now, or ends the process where
 * daemon_table_open_error_is_fatal says so. In a fiber it may suspend while
 * another program holds the file's lock.
 */
struct map *map_open(const char *spec, unsigned flags, struct str *why);
struct map *map_open_text(const char *type, const char *text); /* tests */
void map_close(struct map *map);		/* NULL is fine */

/* Value replaces *value_out. May suspend for types marked so. */
__attribute__((warn_unused_result)) enum map_status
map_lookup(struct map *map, struct span key, struct str *value_out);
/* MAP_ABSENT at the end. MAP_FAILED also when the type cannot list. */
enum map_status map_sequence(struct map *map, bool first,
    struct str *key_out, struct str *value_out);
const char *map_label(const struct map *map);
const char *map_why(const struct map *map);	/* of the last MAP_FAILED */
/* The file could not be opened (map_why has the reason) or the type is not
 * part of this build. */
bool map_is_unavailable(const struct map *map);
/* Whose the file is that answers now; false for tables that are not one file. */
bool map_owner(const struct map *map, uid_t *uid_out);

/*
 * Has the source changed since it was opened? Asked by fstat, at most once a
 * second per table. Where map_allow_reopen(true) was said, the new contents
 * are taken at once and the answer is false; look-ups do so by themselves.
 */
bool map_has_changed(struct map *map);
/* Label of the first open table that changed and cannot reopen here, or NULL:
 * roles log "table ... has changed -- restarting" and ask for a successor. A
 * table that is asked for and could not be opened counts as changed once a
 * minute, so that a successor tries again. */
const char *map_any_changed(void);
/* For roles that open tables when they are in their jail, where no library can
 * be loaded: now. One that cannot be had is told with the table that wants it. */
void map_load_libraries(void);
/* Unjailed roles and commands may reopen files by path. Default false. */
void map_allow_reopen(bool yes);
bool map_may_reopen(void);
/* For commands: tables are reopened, and a look-up that waits may be made
 * outside of fibers; the loop then runs until it has its answer. */
void map_for_command(void);
/* How many times a table of this process was opened anew. */
uint64_t map_reopens(void);

/*
 * How the host names of network tables become addresses (at most room; 0 with
 * a reason). By default the C library is asked in an offload thread; roles in
 * a jail, where it can read nothing, put another way in its place. May suspend.
 */
typedef size_t map_resolve_fn(const char *host, struct ipaddr *out,
    size_t room, struct deadline deadline, struct str *why);
void map_set_resolver(map_resolve_fn *fn);	/* NULL: the default */

/* Helpers for types: allocates the outer struct (first member is struct map),
 * and gives up on it in open. */
void *map_new_size(const struct map_spec *spec, size_t size);
#define map_new(spec, type, member) ((type *)map_new_size(spec, sizeof(type)))
struct map *map_discard(struct map *map);	/* frees, returns NULL */
/* What open returns when the file, not the text, is at fault. */
struct map *map_unavailable(const struct map_spec *spec, const char *reason);
/* In look-ups: keeps the reason for map_why, returns MAP_FAILED. */
__attribute__((format(printf, 2, 3))) enum map_status
map_fail(struct map *map, const char *format, ...);
/* Runs fn(arg), which must not suspend, where there is stack for a library:
 * fiber_call_deep inside a fiber, right here elsewhere. */
void map_call_deep(void (*fn)(void *arg), void *arg);
/* Lower case, as keys are folded everywhere: UTF-8 by the simple mappings,
 * anything else ASCII only. Replaces *out. */
void map_fold_key(struct str *out, struct span key);
/* True when folding would change nothing. */
bool map_key_is_folded(struct span key);

#endif
