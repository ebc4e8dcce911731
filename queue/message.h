/*
 * message - one queue file: written once, then only marked, moved, removed.
 *
 *	"WAYPOST1"  records: u8 type, varint length, bytes
 *	'E' envelope   'R' mark byte + recipient   ...   'C' content bytes raw,
 *	LF line ends, its length only in the trailer   'F' filter   'R' more
 *	recipients
 *	'Z' trailer, fixed size, at the very end: offsets, counts, CRC32C, magic
 *
 * The trailer alone proves completeness. docs/queue-format.md has the legal
 * states and the order of operations. A writer holds an OFD lock on the file;
 * a claim (in delivery) is a flock on a read-only description that travels
 * with the descriptor.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QUEUE_MESSAGE_H
#define QUEUE_MESSAGE_H

#include "common/base/arena.h"
#include "queue/envelope.h"
#include "queue/names.h"
#include "queue/queue_id.h"
#include "queue/sync.h"

enum queue_result {
	QUEUE_OK,
	QUEUE_GONE,			/* no such file (any more) */
	QUEUE_BUSY,			/* claimed by another, or being written */
	QUEUE_INCOMPLETE,		/* no trailer */
	QUEUE_DAMAGED,			/* trailer, but it does not hold */
	QUEUE_FOREIGN,			/* Postfix's: to be adopted first */
	QUEUE_NOSPACE,			/* disk or inodes are full: 452 */
	QUEUE_EXISTS,			/* id in use: make another */
	QUEUE_IO_ERROR,			/* anything else the disk said: 451 */
};

/* ---- writing: cleanup, and tools ---- */

struct queue_writer;

/* Creates the file O_EXCL in incoming (or hold) when the first bytes have to
 * go to disk, at the latest at commit. The writer lives in the arena and is
 * aborted when the arena goes unless committed. */
struct queue_writer *queue_writer_new(struct arena *arena, int queue_dir,
    const char *id);
/* postdrop: the file goes to maildrop, readable for pickup. Before content. */
void queue_writer_to_maildrop(struct queue_writer *w);
/* Into an open, empty file of the caller's, who gives it its name, makes it
 * durable and closes it. To be ended, not committed. */
struct queue_writer *queue_writer_over(struct arena *arena, int fd);
enum queue_result queue_writer_end(struct queue_writer *w, struct str *why);
const char *queue_writer_id(const struct queue_writer *w);
void queue_writer_envelope(struct queue_writer *w,
    const struct envelope *envelope);		/* once, before the rest */
/* Before or after the content. */
void queue_writer_rcpt(struct queue_writer *w, struct envelope_rcpt *rcpt);
void queue_writer_content(struct queue_writer *w, struct span bytes);
/* Another filter than the envelope's, or none: after the content, before more
 * recipients, once. ENVELOPE_LATE_FILTER says so. */
void queue_writer_filter(struct queue_writer *w, struct span filter);
/* Only the recipients that are written from now on count; after the content.
 * ENVELOPE_REDIRECTED says so. */
void queue_writer_redirect(struct queue_writer *w);
/* The envelope's flags and size as they are known at the end. */
void queue_writer_final_flags(struct queue_writer *w, uint64_t add_flags);
uint64_t queue_writer_content_length(const struct queue_writer *w);
/* The first trouble so far; QUEUE_OK if none. */
enum queue_result queue_writer_status(const struct queue_writer *w);

/*
 * Writes the trailer, sets the mode, makes it durable by the sync method, and
 * only then returns QUEUE_OK: 250 may be said. to is QUEUE_INCOMING,
 * QUEUE_HOLD, or QUEUE_MAILDROP where that was chosen before. On failure the file is gone. Suspends.
 */
enum queue_result queue_writer_commit(struct queue_writer *w,
    enum queue_name to, struct str *why);
void queue_writer_abort(struct queue_writer *w);

/* What the notice to qmgr needs; after commit. The read-only descriptor is
 * claimed (flock) and the caller's. */
struct queue_layout {
	uint64_t content_offset, content_length, file_length, rcpt_count;
};
void queue_writer_layout(const struct queue_writer *w,
    struct queue_layout *out);
int queue_writer_reader_fd(struct queue_writer *w);	/* -1: qmgr will scan */
/* Where its tombstone goes, if a commit log made it durable. */
void queue_writer_spot(const struct queue_writer *w,
    struct commit_log_spot *out);

/* ---- reading: qmgr, showq, postcat, recovery ---- */

struct queue_message {
	int fd;				/* read-only, CLOEXEC; -1 if none */
	char id[QUEUE_ID_MAX];
	enum queue_name where;
	struct queue_layout layout;
	struct envelope envelope;	/* spans in the arena */
	time_t mtime;			/* deferred: when to try again */
	uint64_t rcpts_done;		/* passed over by queue_message_rcpts */
	uint64_t rcpts_left;
	uid_t owner;			/* of the file */
	mode_t mode;
	bool is_copy;			/* in memory, of a file of Postfix's */
	int original;			/* that one, then */
};

/* Opens and reads the envelope, not the recipients. claim: flock it, or
 * QUEUE_BUSY. check_all: verify the CRC over everything (recovery). A file of
 * Postfix's is read as a copy in memory by those who do not claim it, and out of
 * maildrop; else it is QUEUE_FOREIGN. */
enum queue_result queue_message_open(int queue_dir, enum queue_name where,
    struct span id, bool claim, bool check_all, struct arena *arena,
    struct queue_message *out, struct str *why);
/* What check_all does, later. Blocks for as long as the file takes to read; may
 * be called from a thread. */
enum queue_result queue_message_check(struct queue_message *m,
    struct str *why);
/* A queue file by its path, wherever it lies; its name is taken as its id. */
enum queue_result queue_message_open_path(const char *path,
    struct arena *arena, struct queue_message *out, struct str *why);
void queue_message_close(struct queue_message *m);

/*
 * Undone recipients from *cursor (0 at start) on, at most `most`; appended to
 * the array rcpts_out, *count_out says how many. *cursor is 0 again after the
 * last one. Reads with pread; the spans live in the arena.
 */
enum queue_result queue_message_rcpts(struct queue_message *m,
    uint64_t *cursor, size_t most, struct arena *arena,
    struct envelope_rcpt *rcpts_out, size_t *count_out, struct str *why);
/* Every recipient, done or not, for postcat and showq. */
typedef void queue_rcpt_fn(const struct envelope_rcpt *rcpt, bool done,
    void *arg);
enum queue_result queue_message_each_rcpt(struct queue_message *m,
    queue_rcpt_fn *fn, void *arg, struct str *why);

/* ---- changing: qmgr and postsuper alone ---- */

/* Marks recipients done, by their mark offsets; evidence must be durable. */
enum queue_result queue_marks_write(int queue_dir, enum queue_name where,
    struct span id, const uint64_t *marks, size_t count, struct str *why);
/* Adds ENVELOPE_WARNED or other late flags, kept in the trailer's flag word. */
enum queue_result queue_late_flags_write(int queue_dir,
    enum queue_name where, struct span id, uint64_t flags, struct str *why);
/* These three are false with errno and a reason. */
bool queue_move(int queue_dir, struct span id,
    enum queue_name from, enum queue_name to, struct str *why);
/* Sets the time of the next attempt (mtime) on its way to deferred. */
bool queue_defer(int queue_dir, struct span id,
    enum queue_name from, time_t next_try, struct str *why);
bool queue_remove(int queue_dir, enum queue_name where,
    struct span id, struct str *why);
/* Looks for the id in the given queues, in order (a mask of 1 << name):
 * QUEUE_OK, QUEUE_GONE, or QUEUE_IO_ERROR when one could not be asked. */
enum queue_result queue_find(int queue_dir, struct span id, unsigned where_mask,
    enum queue_name *out);

#endif
