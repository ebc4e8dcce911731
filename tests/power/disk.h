/*
 * disk - what may be left of a trace when the power fails.
 *
 * Walks over a trace and knows at each point what has to survive and what may:
 * names by the rules of a kind of file system, data by sectors. A choice makes
 * one possible state of it. The file systems of a trace fail independently.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_POWER_DISK_H
#define TESTS_POWER_DISK_H

#include "common/base/hash.h"
#include "common/base/str.h"
#include "tests/harness/trace.h"

enum disk_kind {
	DISK_JOURNAL,		/* ext4, XFS: changes of names in their order,
				   a sync takes along all before it */
	DISK_TREE,		/* btrfs: the same, but a sync of a file may
				   overtake what concerns others */
	DISK_OTHER,		/* names are durable after a sync of their
				   directory; unsynced ones in any order; a
				   rename may leave both names */
};

#define DISK_SYSTEMS 2			/* 0: the queue, 1: mailboxes */

struct disk;
struct disk *disk_new(const struct trace *t, enum disk_kind kind);
void disk_free(struct disk **d);
/* One entry further; false at the end. */
bool disk_step(struct disk *d);
size_t disk_position(const struct disk *d);	/* entries walked over */
size_t disk_strangers(const struct disk *d);	/* changes outside the roots */

/* What happens to names that are not durable, and to data. */
enum disk_names { NAMES_NONE, NAMES_ALL, NAMES_SOME };
enum disk_data {
	DATA_NONE,		/* only what was synced */
	DATA_ALL,
	DATA_CUT,		/* files end somewhere in what is new */
	DATA_ZERO,		/* they have their length, pages are empty */
	DATA_MIXED,		/* sectors old or new, any length */
};
struct disk_choice {
	enum disk_names names[DISK_SYSTEMS];
	enum disk_data data[DISK_SYSTEMS];
	uint32_t seed;
};

/* One file of a state; names of one inode share `inode`. */
struct disk_entry {
	unsigned fs;
	struct span path;		/* below the root; no slash in front */
	bool is_dir, is_base;
	mode_t mode;
	time_t mtime;			/* 0: not known */
	struct span content;
	const void *inode;
};
struct disk_state {
	struct arena *arena;
	struct disk_entry *entries;
	size_t count;
	uint64_t digest;		/* equal states have equal ones */
};
/* The state lives until disk_state_free. */
void disk_state_make(struct disk *d, const struct disk_choice *choice,
    struct disk_state *out);
void disk_state_free(struct disk_state *s);
/* Now, as running processes see it: no power failure. */
void disk_state_now(struct disk *d, struct disk_state *out);

/* The directories that were there at the start, once; false with errno. */
bool disk_write_base(const struct disk_state *s,
    const char *const roots[DISK_SYSTEMS]);
/* Puts the state below two existing directories, where what disk_clean left is
 * all there is; false with errno. */
bool disk_write_out(const struct disk_state *s,
    const char *const roots[DISK_SYSTEMS]);
/* Removes everything but the directories that were there at the start. */
void disk_clean(const struct disk_state *s,
    const char *const roots[DISK_SYSTEMS]);

#endif
