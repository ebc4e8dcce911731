/*
 * commit_log_write - the thread that writes the log: all messages that wait,
 * one write, one sync.
 *
 * A batch begins on a page of its own, so that no byte that was promised is
 * written over. A half that is full is closed and the other one goes on, if it
 * has been settled; if not, messages pass by the log until it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/codec.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/io/fs.h"
#include "queue/commit_log_priv.h"

/* One run of the thread. */
struct run {
	struct commit_log *log;
	struct iovec *pieces;
	size_t npieces;
	off_t at;			/* of the pieces */
	bool dirty, ok;
	int closed;
};

#define PIECES_EACH 3			/* head, bytes, end with padding */

static const char ends[RECORD_END_BYTES + LOG_ALIGN] = RECORD_END;

static struct clog_half *
current_half(struct run *run)
{
	return &run->log->halves[run->log->current];
}

static void
write_pieces(struct run *run)
{
	if (run->ok && run->npieces > 0)
		run->ok = fs_pwritev_all(run->log->fd, run->pieces,
		    run->npieces, run->at, &run->log->why);
	run->dirty |= run->npieces > 0;
	run->npieces = 0;
}

void
clog_open_half(struct commit_log *log, unsigned half, int64_t wall_us)
{
	struct clog_half *h = &log->halves[half];

	log->epoch = (uint64_t)wall_us > log->epoch ? (uint64_t)wall_us
	    : log->epoch + 1;
	h->state = HALF_OPEN;
	h->epoch = log->epoch;
	h->at = clog_table_bytes(&log->size);
	h->placed = h->count = 0;
	log->current = half;
}

/* The current half is closed if the other one can go on. */
static bool
switch_half(struct run *run, int64_t wall_us)
{
	struct commit_log *log = run->log;
	unsigned other = 1 - log->current;

	if (current_half(run)->placed == 0
	    || log->halves[other].state != HALF_FREE)
		return false;
	write_pieces(run);
	run->closed = (int)log->current;
	current_half(run)->state = HALF_CLOSED;
	clog_open_half(log, other, wall_us);
	return true;
}

/* Where the next record goes; 0 if there is no room. */
static uint64_t
find_place(struct run *run, size_t size)
{
	const struct clog_half *h = current_half(run);
	uint64_t at = h->at;

	if (run->npieces == 0)
		at = (at + LOG_PAGE - 1) / LOG_PAGE * LOG_PAGE;
	return h->placed < run->log->size.records
	    && at + size <= run->log->size.half_bytes ? at : 0;
}

static void
add_pieces(struct run *run, struct clog_job *job, size_t size)
{
	struct iovec *piece = &run->pieces[run->npieces];
	struct span bytes = job->record.bytes;

	piece[0] = (struct iovec){ job->head_bytes, RECORD_HEAD_BYTES };
	piece[1] = (struct iovec){ (void *)(uintptr_t)bytes.p, bytes.len };
	piece[2] = (struct iovec){ (void *)(uintptr_t)ends,
		size - RECORD_HEAD_BYTES - bytes.len };
	run->npieces += PIECES_EACH;
}

static void
place(struct run *run, struct clog_job *job)
{
	struct commit_log *log = run->log;
	size_t size = clog_record_size(job->record.bytes.len);
	uint64_t at = find_place(run, size);

	if (at == 0 && switch_half(run, job->wall_us))
		at = find_place(run, size);
	if (at == 0) {
		job->result = COMMIT_LOG_PASSED;
		return;
	}
	struct clog_half *h = current_half(run);

	job->half = log->current;
	job->record.epoch = h->epoch;
	job->record.nonce = log->header.nonce;
	job->record.index = h->placed++;
	clog_record_head(&job->record, job->head_bytes);
	if (run->npieces == 0)
		run->at = (off_t)(clog_half_at(&log->size, log->current) + at);
	add_pieces(run, job, size);
	h->at = at + size;
	job->result = COMMIT_LOG_DURABLE;
}

static void
retire(struct run *run, const struct clog_job *job)
{
	struct commit_log *log = run->log;
	struct clog_half *h = &log->halves[job->half];

	if (h->epoch > log->header.retired)
		log->header.retired = h->epoch;
	run->ok = run->ok && clog_header_write(log->fd, &log->header,
	    &log->why);
	run->dirty = true;
}

static uint64_t
mark_at(const struct commit_log *log, const struct clog_job *job)
{
	return clog_half_at(&log->size, job->half)
	    + (uint64_t)job->record.index * 8;
}

/* Also of what failed: it must not come back at the next start. */
static void
remember(struct commit_log *log, const struct clog_job *job, bool refused)
{
	struct clog_half *h = &log->halves[job->half];

	if (h->count == h->room) {
		h->room = h->room > 0 ? 2 * h->room : 64;
		h->entries = mem_regrow(h->entries, h->room,
		    sizeof(*h->entries));
	}
	struct clog_entry *e = &h->entries[h->count++];

	*e = (struct clog_entry){ .mark = job->record.mark,
		.at = mark_at(log, job), .refused = refused };
	memcpy(e->id, job->record.id, sizeof(e->id));
}

static void
take(struct run *run, struct clog_job *job)
{
	if (run->log->fd < 0 || run->log->failed) {
		job->result = COMMIT_LOG_PASSED;
		return;
	}
	job->result = COMMIT_LOG_DURABLE;
	switch (job->kind) {
	case JOB_APPEND:
		place(run, job);
		break;
	case JOB_SWITCH:
		switch_half(run, job->wall_us);
		break;
	case JOB_RETIRE:
		retire(run, job);
		break;
	case JOB_SYNC:
		run->dirty = true;
		break;
	}
}

static void
tell_result(struct run *run, struct clog_job *job)
{
	job->closed = run->closed;
	if (job->result != COMMIT_LOG_DURABLE)
		return;
	if (job->kind == JOB_APPEND)
		remember(run->log, job, !run->ok);
	if (!run->ok)
		job->result = COMMIT_LOG_FAILED;
	else if (job->kind == JOB_RETIRE)
		run->log->halves[job->half].state = HALF_FREE;
}

static size_t
count_appends(const struct batch_job *jobs)
{
	size_t n = 0;

	for (; jobs != NULL; jobs = jobs->next)
		n += ((const struct clog_job *)jobs)->kind == JOB_APPEND;
	return n;
}

/* In the thread. Nothing of a batch is promised before all of it is durable. */
void
clog_run_batch(struct batch_job *jobs, void *arg)
{
	struct commit_log *log = arg;
	struct run run = { .log = log, .ok = true, .closed = -1 };

	run.pieces = mem_array(PIECES_EACH * count_appends(jobs) + 1,
	    sizeof(*run.pieces));
	for (struct batch_job *j = jobs; j != NULL; j = j->next)
		take(&run, (struct clog_job *)j);
	write_pieces(&run);
	if (run.ok && run.dirty)
		run.ok = fs_datasync(log->fd, &log->why);
	if (!run.ok)
		log->failed = true;
	for (struct batch_job *j = jobs; j != NULL; j = j->next)
		tell_result(&run, (struct clog_job *)j);
	mem_free(run.pieces);
}

/* ---- from the loop ---- */

struct commit_log *
commit_log_new(int queue_dir, const struct commit_log_size *size)
{
	struct commit_log *log = MEM_NEW(struct commit_log);

	log->queue_dir = queue_dir;
	log->fd = -1;
	CHECK(clog_size_valid(size));
	log->size = *size;
	log->batch = batch_new(clog_run_batch, log);
	fiber_queue_init(&log->wake);
	fiber_queue_init(&log->tender);
	return log;
}

void
commit_log_free(struct commit_log *log)
{
	if (log == NULL)
		return;
	batch_free(log->batch);
	if (log->fd >= 0)
		close(log->fd);
	for (int i = 0; i < 2; i++)
		mem_free(log->halves[i].entries);
	str_fini(&log->why);
	mem_free(log);
}

bool
commit_log_ready(const struct commit_log *log)
{
	return log->ready && !log->closed && !log->failed;
}

void
commit_log_watch(struct commit_log *log, void (*fn)(void *arg), void *arg)
{
	log->changed = fn;
	log->changed_arg = arg;
}

void
clog_tell_change(struct commit_log *log)
{
	if (log->changed != NULL)
		log->changed(log->changed_arg);
}

void
commit_log_put_off(struct commit_log *log)
{
	log->put_off = true;
}

void
commit_log_want(struct commit_log *log)
{
	if (!log->put_off)
		return;
	log->put_off = false;
	fiber_queue_wake_all(&log->wake);
}

enum commit_log_result
clog_job_run(struct commit_log *log, struct clog_job *job)
{
	job->wall_us = clock_wall_us();
	batch_run(log->batch, &job->head);
	if (job->closed >= 0)
		log->to_settle |= 1u << job->closed;
	if (job->closed >= 0 || job->result == COMMIT_LOG_FAILED)
		fiber_queue_wake_all(&log->wake);
	return job->result;
}

enum commit_log_result
commit_log_append(struct commit_log *log, const char *id,
    enum queue_name where, struct span bytes, uint32_t crc,
    struct commit_log_spot *spot_out, struct str *why)
{
	struct clog_job job = { .kind = JOB_APPEND, .record = {
		.where = where, .bytes = bytes, .crc = crc } };
	enum commit_log_result result;

	*spot_out = (struct commit_log_spot){ .log = 0 };
	if (!commit_log_ready(log) || bytes.len > COMMIT_LOG_MESSAGE_MOST
	    || (where != QUEUE_INCOMING && where != QUEUE_HOLD))
		return COMMIT_LOG_PASSED;
	memcpy(job.record.id, id, strlen(id) + 1);
	result = clog_job_run(log, &job);
	log->appended++;
	if (!log->busy) {
		log->busy = true;
		fiber_queue_wake_all(&log->wake);
	}
	if (result == COMMIT_LOG_FAILED)
		str_printf(why, "commit log: %s", str_cstr(&log->why));
	if (result == COMMIT_LOG_DURABLE)
		*spot_out = (struct commit_log_spot){ .log = log->name,
			.epoch = job.record.epoch,
			.at = mark_at(log, &job),
			.mark = job.record.mark };
	return result;
}
