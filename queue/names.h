/*
 * names - the directories of the queue, their hashing, what modes mean.
 *
 * incoming is spread over 16 directories by the low bits of the id's last
 * character; deferred, defer, bounce, trace by hash_queue_names and
 * hash_queue_depth as documented (leading characters). A file is found under
 * its flat name too, where Postfix left it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QUEUE_NAMES_H
#define QUEUE_NAMES_H

#include <sys/types.h>

#include "common/base/span.h"
#include "common/base/str.h"

enum queue_name {
	QUEUE_MAILDROP, QUEUE_INCOMING, QUEUE_ACTIVE, QUEUE_DEFERRED,
	QUEUE_HOLD, QUEUE_CORRUPT, QUEUE_DEFER, QUEUE_BOUNCE, QUEUE_TRACE,
	QUEUE_NAME_COUNT
};

const char *queue_name_text(enum queue_name name);	/* "incoming" */
int queue_name_value(struct span text);			/* or -1 */

/* Path relative to the queue directory: "incoming/B/4F2...". */
void queue_path(enum queue_name name, struct span id, struct str *out);
/* The same as if hash_queue_depth had another value; 0 is flat. */
void queue_path_at_depth(enum queue_name name, struct span id, unsigned depth,
    struct str *out);
/* Configured once, before use; defaults as documented. */
void queue_names_setup(const char *hash_queue_names, int64_t depth);
unsigned queue_depth(enum queue_name name);	/* levels of them */
/* Sub-directories of a queue ("" for flat), for scans and for creation. */
size_t queue_subdirs(enum queue_name name);
void queue_subdir(enum queue_name name, size_t index, struct str *out);
/* Creates what is missing below the queue directory; owner may be -1. What was
 * made is synced in the calling thread, since master has no other. */
bool queue_directories_make(int queue_dir, uid_t owner, gid_t setgid_group,
    struct str *why);
/* The same, and what is there gets its owner, group and mode. */
bool queue_directories_repair(int queue_dir, uid_t owner, gid_t setgid_group,
    struct str *why);
/* All of their names, also those that an earlier start left unsynced. */
bool queue_directories_sync(int queue_dir, struct str *why);

#define QUEUE_DEPTH_MOST 4		/* of hash_queue_depth */

#define QUEUE_MODE_WRITING 0600		/* being written */
/* maildrop: files belong to whoever sent them, pickup reads them. */
#define QUEUE_MODE_DROPPING 0644
#define QUEUE_MODE_DROPPED 0744
#define QUEUE_MODE_COMPLETE 0700	/* for tools; END alone proves it */

#endif
