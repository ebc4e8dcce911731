/*
 * sync - how a commit becomes durable: queue_sync_method.
 *
 *	fsync	each queue file by itself
 *	log	their bytes in a commit log (commit_log.h)
 *	group	one sync of the queue's file system for all that wait
 *	auto	log where it has been proven, on ext4 and XFS, once there is
 *		so much mail that it pays, and room for it; else fsync
 *
 * log and group fall back to fsync for what they cannot take, and for good
 * after the first error of the disk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QUEUE_SYNC_H
#define QUEUE_SYNC_H

#include "queue/commit_log.h"

#define QUEUE_LOG_BYTES_MIN (256 * 1024)
#define QUEUE_LOG_BYTES_MAX (1024 * 1024 * 1024)

/*
 * Before the first commit, and before a jail, which hides the table of mounts.
 * log_bytes: how large a commit log is. Without it commits are by fsync. False
 * with a reason when the method is unknown or cannot be had here.
 */
bool queue_sync_setup(const char *method, int64_t log_bytes, int queue_dir,
    struct str *why);
/* A background fiber of who writes messages: nothing, or what a log needs.
 * Suspends. */
void queue_sync_keep(void);
/* No more messages to speak of: nothing depends on us afterwards. Suspends. */
void queue_sync_finish(void);
/* "fsync", "log" or "group": how the next message will be made durable. */
const char *queue_sync_in_force(void);
/* fn is told that, now and whenever it has changed. */
void queue_sync_watch(void (*fn)(const char *method));

/* Parts of it. */
enum queue_synced {
	QUEUE_SYNCED,
	QUEUE_SYNC_ITSELF,		/* sync the file by itself */
	QUEUE_SYNC_FAILED,		/* with a reason: the message is not safe */
};
/* For a file that has been written. whole: all of it, if the caller has that,
 * with its checksum. Suspends. */
enum queue_synced queue_sync_commit(const char *id, enum queue_name where,
    struct span whole, uint32_t crc, struct commit_log_spot *spot_out,
    struct str *why);

/* Is this path where a file system of its own begins, by the kernel's table of
 * mounts (/proc/self/mountinfo)? */
bool queue_sync_owns_system(struct span mountinfo, struct span path);

#endif
