/*
 * commit_log - queue files are promised in common: their bytes go to one
 * preallocated file with one sync for all that wait, and the files themselves
 * are left to the system.
 *
 * The directory queue stays the queue. A record is needed until its queue file
 * is durable (a checkpoint synced it) or its message is over (a tombstone says
 * so); what is neither is written again after a loss of power, before anybody
 * works on the queue. docs/queue-format.md has the bytes and the states,
 * docs/decisions/0001-commit-log.md the reasons.
 *
 * Each process that writes messages has a log of its own, held by flock. What
 * such a process left behind is settled by another one, or at the next start.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QUEUE_COMMIT_LOG_H
#define QUEUE_COMMIT_LOG_H

#include "common/base/str.h"
#include "queue/names.h"
#include "queue/queue_id.h"

#define COMMIT_LOG_DIR "log"		/* below the queue directory, mode 0700 */
#define COMMIT_LOG_MESSAGE_MOST (64 * 1024 + 1024)	/* bytes of a record */

/* Where the tombstone of a message goes and what it says. It travels with the
 * notice to qmgr; log is 0 for a message that is in no log. */
struct commit_log_spot {
	uint64_t log, epoch, at, mark;
};

/* ---- writing: cleanup ---- */

struct commit_log;

struct commit_log_size {
	uint32_t records;		/* of one half, at most */
	uint64_t half_bytes;		/* with its table of tombstones */
};
/* Of a log of about so many bytes. */
struct commit_log_size commit_log_size_of(uint64_t file_bytes);

/* Without a file yet: messages pass. */
struct commit_log *commit_log_new(int queue_dir,
    const struct commit_log_size *size);
/*
 * Finds a log that nobody holds, or makes one, and settles what is in it. False
 * with a reason when there is none to be had now. Suspends.
 */
bool commit_log_take(struct commit_log *log, struct str *why);
bool commit_log_ready(const struct commit_log *log);
/* fn(arg) when commit_log_ready may have changed. */
void commit_log_watch(struct commit_log *log, void (*fn)(void *arg),
    void *arg);
/* It has no file until somebody wants it: commit_log_keep leaves it alone. */
void commit_log_put_off(struct commit_log *log);
void commit_log_want(struct commit_log *log);

enum commit_log_result {
	COMMIT_LOG_DURABLE,
	COMMIT_LOG_PASSED,		/* not taken: sync the file itself */
	COMMIT_LOG_FAILED,		/* the log broke under it: it is not safe,
					   and its file has to go */
};
/*
 * Makes a complete queue file durable by its bytes. It must be there under its
 * final name; crc is that of its bytes. Suspends.
 */
enum commit_log_result commit_log_append(struct commit_log *log,
    const char *id, enum queue_name where, struct span bytes, uint32_t crc,
    struct commit_log_spot *spot_out, struct str *why);

/* Syncs every file that still depends on the log. False with a reason, and the
 * log closed for good, when one could not be synced. Suspends. */
bool commit_log_checkpoint(struct commit_log *log, struct str *why);
/* Takes a log, checkpoints it in time, settles what dead processes left; until
 * it is cancelled. Suspends. */
void commit_log_keep(struct commit_log *log);
/* Nothing more is taken; a checkpoint, and the log is left empty. Suspends. */
void commit_log_close(struct commit_log *log);
void commit_log_free(struct commit_log *log);

/* ---- tombstones: who ends a message, qmgr and postsuper ---- */

/*
 * The message is over: every outcome is durable elsewhere, or it was deleted.
 * Before its file goes. durable: also synced, which is needed where a part of
 * its recipients was marked done in the file, since the record knows nothing
 * of that. Suspends if durable.
 */
bool commit_log_tombstone(int queue_dir, const struct commit_log_spot *spot,
    bool durable, struct str *why);
/* Looks for a message whose notice was not seen; spot_out->log is 0 if it is
 * in no log. Remembers what it read. */
void commit_log_find(int queue_dir, struct span id,
    struct commit_log_spot *spot_out);

/* ---- at a start and a stop, while nobody works on the queue ---- */

struct commit_log_recovery {
	size_t logs;
	size_t complete, restored, removed;	/* messages */
	size_t lost, troubles;
};
/*
 * Writes again what needs it, syncs what is whole, removes files that came back
 * although they were over, and then the logs. What could not be done stays in a
 * log of another name for the next time, and counts as trouble. Each message
 * that something is done with is logged.
 */
void commit_log_recover(int queue_dir, struct commit_log_recovery *out);
/* Is there anything to recover? */
bool commit_log_any(int queue_dir);
/* Told of each message that a recovery would make sure of; changes nothing. */
typedef void commit_log_list_fn(const char *log, const char *id, void *arg);
void commit_log_list(int queue_dir, commit_log_list_fn *fn, void *arg);

#endif
