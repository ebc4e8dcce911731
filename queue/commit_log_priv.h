/*
 * commit_log_priv - the bytes of a commit log, and what its files share.
 *
 *	page 0, page 1	the header twice; the younger one that is whole counts
 *	half 0, half 1	table of tombstones, u64 for each record;
 *			records, 64 bytes aligned, a batch on a new page
 *
 * One half takes records while the other is settled. Nothing that was promised
 * is written over, so no torn write can hurt it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QUEUE_COMMIT_LOG_PRIV_H
#define QUEUE_COMMIT_LOG_PRIV_H

#include "common/io/batch.h"
#include "common/io/fiber.h"
#include "queue/commit_log.h"

#define LOG_PAGE 4096
#define LOG_HEADER_PAGES 2
#define LOG_ALIGN 64

#define LOG_MAGIC "WPLOG1\n\n"
#define RECORD_MAGIC "WPREC1\n\n"
#define RECORD_END "WPREND1\n"
#define RECORD_HEAD_BYTES 80
#define RECORD_END_BYTES 8
#define LOG_HEADER_BYTES 56

#define LOG_LIVE_PREFIX "commit-"
#define LOG_FAILED_PREFIX "failed-"	/* for recovery alone */

/* ---- commit_log_format.c: pure ---- */

struct clog_header {
	struct commit_log_size size;
	uint64_t nonce;			/* of this log, in each of its records */
	uint64_t sequence;		/* the younger header has the larger */
	uint64_t retired;		/* epochs up to this one are over */
};

struct clog_record {
	uint64_t epoch, nonce;
	uint32_t index;			/* in its epoch: its tombstone's place */
	enum queue_name where;		/* incoming or hold */
	char id[QUEUE_ID_MAX];
	struct span bytes;		/* the queue file; borrowed */
	uint32_t crc;			/* of bytes */
	uint64_t mark;			/* what a tombstone of it says */
	bool over;			/* it has one */
	bool damaged;			/* the head holds, the bytes do not */
};

/* A table's word about the record with this mark. */
enum clog_word {
	WORD_NONE,			/* it may be needed */
	WORD_OVER,			/* a tombstone */
	WORD_SAFE,			/* its file has been synced */
};
enum clog_word clog_word_of(uint64_t word, uint64_t mark);
uint64_t clog_word_safe(uint64_t mark);

void clog_header_encode(const struct clog_header *h, char out[LOG_HEADER_BYTES]);
/* False when these bytes are no header. */
bool clog_header_decode(struct span bytes, struct clog_header *out);

/* Sets r->mark. */
void clog_record_head(struct clog_record *r, char out[RECORD_HEAD_BYTES]);
/* A head and its length; bytes.p is not set. */
bool clog_record_decode(struct span bytes, struct clog_record *out);
/* With head, end and padding. */
size_t clog_record_size(size_t bytes);
uint64_t clog_table_bytes(const struct commit_log_size *size);
bool clog_size_valid(const struct commit_log_size *size);

static inline uint64_t
clog_half_at(const struct commit_log_size *size, unsigned half)
{
	return LOG_HEADER_PAGES * LOG_PAGE + half * size->half_bytes;
}

static inline uint64_t
clog_file_bytes(const struct commit_log_size *size)
{
	return clog_half_at(size, 2);
}

typedef void clog_record_fn(const struct clog_record *r, void *arg);
/*
 * The records of a half's current epoch that is younger than h->retired, but
 * for those whose file is safe; bytes may be short. Finds its way past damage.
 * Returns the epoch, 0 if there is none. *missing_out: records that must have
 * been there. An h->nonce of 0 is not known.
 */
uint64_t clog_half_parse(struct span bytes, const struct clog_header *h,
    clog_record_fn *fn, void *arg, size_t *missing_out);

/* ---- commit_log_file.c ---- */

void clog_path(uint64_t name, bool failed, struct str *out);
/* The logs there are, by their numbers; failed ones if so asked. The array is
 * the caller's (mem_free). */
size_t clog_names(int queue_dir, bool failed, uint64_t **out);
/* A log that nobody else holds, locked, read and written; -1 if there is no
 * such one. */
int clog_open_free(int queue_dir, uint64_t name, bool failed, struct str *why);
/* The younger header; false if neither is whole. */
bool clog_header_read(int fd, struct clog_header *out);
/* Writes the next header, unsynced. */
bool clog_header_write(int fd, struct clog_header *h, struct str *why);
/* Makes the log unknown, or known to recovery alone. */
bool clog_remove(int queue_dir, uint64_t name, bool failed, struct str *why);
bool clog_set_aside(int queue_dir, uint64_t name, struct str *why);
bool clog_sync_directory(int queue_dir, struct str *why);
/* Makes a log, zero-filled and durable, locked. Blocks. */
int clog_create(int queue_dir, const struct commit_log_size *size,
    uint64_t *name_out, struct str *why);

struct clog_contents {
	struct clog_header header;
	uint64_t epoch;			/* the youngest that was met */
	size_t missing;
};
/* Of both halves. False when the file cannot be read. Blocks. */
bool clog_read(int fd, clog_record_fn *fn, void *arg,
    struct clog_contents *out, struct str *why);

/* ---- commit_log_settle.c: files that depend on a log ---- */

enum settled {
	SETTLED, SETTLED_GONE,		/* nothing depends on the log any more */
	SETTLED_LATER,			/* could not be opened: try again */
	SETTLED_FAILED,			/* its sync failed, which is for good */
};

/* Opens the message for reading wherever its queue file is, -1 with errno. It
 * may move while we look. path_out: where it was. */
int clog_open_message(int queue_dir, struct span id, enum queue_name *where_out,
    struct str *path_out, struct str *why);
/* Syncs the directory of this path, if its file system needs that for a name, or
 * always. path is cut. Suspends. */
enum settled clog_sync_name(int queue_dir, struct str *path, bool always,
    struct str *why);
/* Syncs the message's file and, where that is needed, its name. Suspends. */
enum settled clog_settle_message(int queue_dir, struct span id,
    struct str *why);

struct clog_entry {
	char id[QUEUE_ID_MAX];
	uint64_t mark, at;		/* its tombstone and that one's place */
	bool refused;			/* nobody was told that it is safe */
	enum settled result;
};
/* Several at once. The worst result; why is about that one. Suspends. */
enum settled clog_settle_entries(int queue_dir, struct clog_entry *entries, size_t count,
    struct str *why);

/* ---- the writer: commit_log_write.c; what keeps it: commit_log_keep.c ---- */

enum half_state { HALF_FREE, HALF_OPEN, HALF_CLOSED };

struct clog_half {
	enum half_state state;
	uint64_t epoch;
	uint64_t at;			/* next byte, from the half's begin */
	uint32_t placed;		/* records so far, durable or not */
	struct clog_entry *entries;	/* by their index */
	uint32_t count, room;
};

enum clog_job_kind { JOB_APPEND, JOB_SWITCH, JOB_RETIRE, JOB_SYNC };

struct clog_job {
	struct batch_job head;		/* first */
	enum clog_job_kind kind;
	int64_t wall_us;
	struct clog_record record;
	unsigned half;
	enum commit_log_result result;	/* of anything else, too */
	int closed;			/* a half that was closed, or -1 */
	char head_bytes[RECORD_HEAD_BYTES];
};

struct commit_log {
	int queue_dir, fd;
	uint64_t name;
	struct commit_log_size size;
	struct clog_header header;
	struct batch *batch;
	/* The thread's, while it works; else the loop's. */
	struct clog_half halves[2];
	unsigned current;
	uint64_t epoch;			/* the last one given away */
	struct str why;			/* of the first failure */
	_Atomic bool failed;
	/* The loop's. */
	bool ready, closed;
	bool put_off;			/* nobody wants it yet */
	void (*changed)(void *arg);
	void *changed_arg;
	bool busy;			/* messages came since the last rest */
	bool given_up;			/* failed, and that is dealt with */
	unsigned to_settle;		/* halves, by bit */
	uint64_t appended;		/* messages so far */
	struct fiber_queue wake;	/* the keeper */
	bool tended;			/* by some fiber, the others wait */
	struct fiber_queue tender;
};

batch_fn clog_run_batch;
void clog_open_half(struct commit_log *log, unsigned half, int64_t wall_us);
void clog_tell_change(struct commit_log *log);
/* Hands a job over. Suspends. */
enum commit_log_result clog_job_run(struct commit_log *log,
    struct clog_job *job);

#endif
