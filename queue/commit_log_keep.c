/*
 * commit_log_keep - what a log needs besides being written: a file to begin
 * with, checkpoints in time, and an orderly end, also when the disk fails.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/reader.h"
#include "common/io/fs.h"
#include "common/io/offload.h"
#include "queue/commit_log_priv.h"

#define CHECKPOINT_MS 5000		/* after its first record */
#define TICK_MS 250			/* while there are messages */
#define REST_MS 5000			/* while there are none */
#define RETRY_MS 60000			/* no log could be had */
#define SUBDIRS_MOST 257		/* hash_queue_depth = 2 */

/* ---- one fiber at a time ---- */

static bool
tend_begin(struct commit_log *log)
{
	while (log->tended)
		if (fiber_queue_wait(&log->tender, DEADLINE_NEVER) != IO_OK)
			return false;
	log->tended = true;
	return true;
}

static void
tend_end(struct commit_log *log)
{
	log->tended = false;
	fiber_queue_wake_one(&log->tender);
}

/* ---- tombstones of our own log ---- */

static bool
write_word(int fd, const struct clog_entry *e, uint64_t word)
{
	struct str s = STR_EMPTY;
	bool ok;

	writer_u64(&s, word);
	ok = fs_pwrite_all(fd, str_span(&s), (off_t)e->at, NULL);
	str_fini(&s);
	return ok;
}

struct entries {
	struct clog_entry *items;
	size_t count, room;
};

static void
add_entry(struct entries *list, const struct clog_entry *e)
{
	if (list->count == list->room) {
		list->room = list->room > 0 ? 2 * list->room : 64;
		list->items = mem_regrow(list->items, list->room,
		    sizeof(*list->items));
	}
	list->items[list->count++] = *e;
}

/* Those that were promised and have no tombstone. What cannot be read has
 * none. */
static void
add_living(struct entries *list, int fd, const struct clog_half *h)
{
	size_t bytes = (size_t)h->count * 8;
	char *table = mem_zalloc(bytes + 1);
	struct reader r = reader_over(span_of(table, bytes));

	if (h->count > 0 && !fs_pread_all(fd, table, bytes,
	    (off_t)h->entries[0].at, NULL))
		memset(table, 0, bytes);
	for (uint32_t i = 0; i < h->count; i++)
		if (clog_word_of(reader_u64(&r), h->entries[i].mark)
		    == WORD_NONE)
			add_entry(list, &h->entries[i]);
	mem_free(table);
}

/* ---- checkpoints ---- */

/* A tombstone says that a file which comes back has to go. It may be forgotten
 * only when none can come back: messages end in incoming and active. (Where
 * active has too many sub-directories for that, they may be sent twice.) */
static enum settled
sync_removals(struct commit_log *log, struct str *why)
{
	static const enum queue_name queues[] = { QUEUE_INCOMING,
		QUEUE_ACTIVE };
	struct str path = STR_EMPTY;
	enum settled result = SETTLED;

	for (size_t q = 0; q < ARRAY_COUNT(queues); q++)
		for (size_t i = 0; i < queue_subdirs(queues[q])
		     && i < SUBDIRS_MOST && result == SETTLED; i++) {
			queue_subdir(queues[q], i, &path);
			str_putc(&path, '/');
			result = clog_sync_name(log->queue_dir, &path, true,
			    why);
		}
	str_fini(&path);
	return result;
}

/* True when the half is free again. */
static bool
settle_half(struct commit_log *log, unsigned half, struct str *why)
{
	struct clog_job job = { .kind = JOB_RETIRE, .half = half };
	struct entries living = { NULL, 0, 0 };
	enum settled worst;

	add_living(&living, log->fd, &log->halves[half]);
	worst = clog_settle_entries(log->queue_dir, living.items, living.count,
	    why);
	if (worst <= SETTLED_GONE && living.count < log->halves[half].count)
		worst = sync_removals(log, why);
	mem_free(living.items);
	if (worst == SETTLED_FAILED) {
		str_set(&log->why, str_span(why));
		log->failed = true;
	}
	if (worst >= SETTLED_LATER)
		return false;
	log->to_settle &= ~(1u << half);
	if (clog_job_run(log, &job) == COMMIT_LOG_DURABLE)
		return true;
	str_set(why, str_span(&log->why));
	return false;
}

static bool
settle_closed(struct commit_log *log, struct str *why)
{
	bool ok = true;

	for (unsigned half = 0; ok && half < 2; half++)
		if (log->to_settle & 1u << half)
			ok = settle_half(log, half, why);
	return ok;
}

/* Tended already. */
static bool
checkpoint(struct commit_log *log, struct str *why)
{
	struct clog_job job = { .kind = JOB_SWITCH };

	if (log->fd < 0 || log->failed)
		return true;
	if (!settle_closed(log, why))
		return false;
	if (clog_job_run(log, &job) == COMMIT_LOG_FAILED) {
		str_set(why, str_span(&log->why));
		return false;
	}
	return settle_closed(log, why);
}

/* ---- when the disk failed ---- */

/* Each message that was promised is synced by itself. What is safe then, or was
 * never promised, must not come back from a log that cannot be removed. */
static enum settled
settle_all(struct commit_log *log)
{
	struct entries living = { NULL, 0, 0 };
	struct str why = STR_EMPTY;
	enum settled worst = SETTLED;

	for (int i = 0; i < 2; i++)
		if (log->halves[i].state != HALF_FREE)
			add_living(&living, log->fd, &log->halves[i]);
	for (size_t i = 0; i < living.count; i++) {
		struct clog_entry *e = &living.items[i];
		enum settled result = e->refused ? SETTLED
		    : clog_settle_message(log->queue_dir, SPAN(e->id), &why);

		if (result <= SETTLED_GONE)
			write_word(log->fd, e, e->refused ? e->mark
			    : clog_word_safe(e->mark));
		if (result == SETTLED_FAILED)
			log_error("%s: cannot be made durable: %s", e->id,
			    str_cstr(&why));
		if (result > worst)
			worst = result;
	}
	mem_free(living.items);
	str_fini(&why);
	return worst;
}

static void
put_failed_log_away(struct commit_log *log, enum settled worst)
{
	struct str why = STR_EMPTY, path = STR_EMPTY;
	bool done = worst == SETTLED_FAILED
	    ? clog_set_aside(log->queue_dir, log->name, &why)
	    : clog_remove(log->queue_dir, log->name, false, &why)
	    && clog_sync_directory(log->queue_dir, &why);

	clog_path(log->name, worst == SETTLED_FAILED, &path);
	if (worst == SETTLED_FAILED)
		log_error("messages named above depend on %s: look after the "
		    "disk, then stop and start the mail system",
		    str_cstr(&path));
	if (!done)
		log_error("%s: %s", str_cstr(&path), str_cstr(&why));
	str_fini(&why);
	str_fini(&path);
}

/* Tended already. What cannot be opened now is tried again. */
static void
give_up(struct commit_log *log)
{
	enum settled worst;

	if (log->ready)
		log_error("commit log closed: %s; from now on each queue file "
		    "is synced by itself", str_cstr(&log->why));
	log->ready = false;
	clog_tell_change(log);
	worst = settle_all(log);
	if (worst == SETTLED_LATER)
		return;
	put_failed_log_away(log, worst);
	close(log->fd);
	log->fd = -1;
	log->given_up = true;
}

/* ---- logs without a process ---- */

struct orphan {
	int fd;
	uint64_t name;
	struct clog_contents contents;
	struct entries living;
	bool has_header, ok;
	struct str why;
};

static void
take_living(const struct clog_record *r, void *arg)
{
	struct orphan *o = arg;
	struct clog_entry e = { .mark = r->mark };

	memcpy(e.id, r->id, sizeof(e.id));
	if (!r->over)
		add_entry(&o->living, &e);
}

static void
read_orphan(void *arg)
{
	struct orphan *o = arg;

	o->has_header = clog_header_read(o->fd, &o->contents.header);
	o->ok = o->has_header && clog_read(o->fd, take_living, o,
	    &o->contents, &o->why);
}

static void
retire_orphan(void *arg)
{
	struct orphan *o = arg;
	struct clog_header *h = &o->contents.header;

	if (o->contents.epoch <= h->retired)
		return;
	h->retired = o->contents.epoch;
	o->ok = clog_header_write(o->fd, h, &o->why)
	    && fs_datasync(o->fd, &o->why);
}

/*
 * A process has died, the machine has not: what it wrote is there for all to
 * see, so a message without a file is over. True when nothing depends on the
 * log any more.
 */
static bool
settle_orphan(int queue_dir, struct orphan *o)
{
	enum settled worst;

	offload_call(read_orphan, o);
	/* No header: never finished, or damaged, which is recovery's work. */
	if (!o->ok)
		return false;
	worst = clog_settle_entries(queue_dir, o->living.items,
	    o->living.count, &o->why);
	if (worst == SETTLED_FAILED || o->contents.missing > 0) {
		struct str path = STR_EMPTY, why = STR_EMPTY;

		clog_path(o->name, true, &path);
		log_error("a process has left messages in a commit log, and "
		    "%s: they depend on %s: look after the disk, then stop "
		    "and start the mail system", worst == SETTLED_FAILED
		    ? str_cstr(&o->why) : "it is damaged", str_cstr(&path));
		if (!clog_set_aside(queue_dir, o->name, &why))
			log_error("%s", str_cstr(&why));
		str_fini(&path);
		str_fini(&why);
		return false;
	}
	if (worst == SETTLED_LATER)
		return false;
	offload_call(retire_orphan, o);
	if (o->living.count > 0)
		log_info("commit log of a process that has died: %zu "
		    "message%s made durable", o->living.count,
		    o->living.count == 1 ? "" : "s");
	return o->ok;
}

static void
orphan_over(struct orphan *o)
{
	if (o->fd >= 0)
		close(o->fd);
	mem_free(o->living.items);
	str_fini(&o->why);
}

static bool
same_size(const struct commit_log_size *a, const struct commit_log_size *b)
{
	return a->records == b->records && a->half_bytes == b->half_bytes;
}

static void
begin_use(struct commit_log *log, int fd, uint64_t name,
    const struct clog_header *header, uint64_t epoch)
{
	log->name = name;
	log->header = *header;
	log->epoch = epoch > header->retired ? epoch : header->retired;
	for (int i = 0; i < 2; i++)
		log->halves[i] = (struct clog_half){ .state = HALF_FREE };
	clog_open_half(log, 0, clock_wall_us());
	log->fd = fd;
	log->ready = true;
	clog_tell_change(log);
}

/* Logs that nobody holds are settled; one of them becomes ours, if we have
 * none, the others go. */
static void
settle_orphans(struct commit_log *log)
{
	bool may_take = !log->failed && !log->closed && !log->put_off;
	uint64_t *names;
	size_t n = clog_names(log->queue_dir, false, &names);

	for (size_t i = 0; i < n; i++) {
		struct orphan o = { .name = names[i] };

		if (log->fd >= 0 && log->name == names[i])
			continue;
		o.fd = clog_open_free(log->queue_dir, names[i], false, &o.why);
		if (o.fd < 0) {
			orphan_over(&o);
			continue;
		}
		if (!settle_orphan(log->queue_dir, &o)) {
			orphan_over(&o);
			continue;
		}
		if (log->fd < 0 && may_take && same_size(&o.contents.header.size,
		    &log->size)) {
			begin_use(log, o.fd, names[i], &o.contents.header,
			    o.contents.epoch);
			o.fd = -1;
		} else {
			clog_remove(log->queue_dir, names[i], false, &o.why);
		}
		orphan_over(&o);
	}
	mem_free(names);
}

/* ---- beginning ---- */

struct creation {
	struct commit_log *log;
	int fd;
	uint64_t name;
	struct str *why;
};

static void
create(void *arg)
{
	struct creation *c = arg;

	c->fd = clog_create(c->log->queue_dir, &c->log->size, &c->name, c->why);
}

bool
commit_log_take(struct commit_log *log, struct str *why)
{
	struct creation c = { .log = log, .why = why };
	struct clog_header header;

	if (!tend_begin(log))
		return false;
	settle_orphans(log);
	if (log->fd < 0) {
		offload_call(create, &c);
		if (c.fd >= 0 && clog_header_read(c.fd, &header))
			begin_use(log, c.fd, c.name, &header, 0);
		else if (c.fd >= 0)
			close(c.fd);
	}
	tend_end(log);
	return log->fd >= 0;
}

/* ---- in time ---- */

struct keeper {
	struct commit_log *log;
	int64_t rest_at, retry_at;	/* when orphans, a log are looked for */
	int64_t checkpoint_at;		/* 0: nothing to do */
	uint64_t checked, synced;	/* counts of messages then */
	bool quiet;			/* and since then, nothing */
	bool told;			/* that there is no log */
};

static void
take_log(struct keeper *k, int64_t now)
{
	struct str why = STR_EMPTY;

	if (now < k->retry_at)
		return;
	k->retry_at = now + RETRY_MS * (int64_t)1000000;
	if (commit_log_take(k->log, &why)) {
		log_info("queue files are made durable by a commit log");
		k->told = false;
	} else if (!fiber_cancelled() && !k->told) {
		log_warn("no commit log, each queue file is synced by itself: "
		    "%s", str_cstr(&why));
		k->told = true;
	}
	str_fini(&why);
}

/* Tombstones that no later message takes along are synced after a while. */
static void
sync_tombstones(struct keeper *k)
{
	struct clog_job job = { .kind = JOB_SYNC };
	struct commit_log *log = k->log;

	if (log->appended != k->synced) {
		k->synced = log->appended;	/* wait for one more tick */
		k->quiet = false;
	} else if (!k->quiet) {
		clog_job_run(log, &job);
		k->quiet = true;
	}
}

static void
checkpoint_when_due(struct keeper *k, int64_t now, struct str *why)
{
	uint64_t appended = k->log->appended;

	if (appended == k->checked) {
		k->checkpoint_at = 0;
	} else if (k->checkpoint_at == 0) {
		k->checkpoint_at = now + CHECKPOINT_MS * (int64_t)1000000;
	} else if (now >= k->checkpoint_at) {
		k->checkpoint_at = 0;
		if (checkpoint(k->log, why))
			k->checked = appended;
	}
}

static void
tick(struct keeper *k, int64_t now)
{
	struct commit_log *log = k->log;
	struct str why = STR_EMPTY;

	if (!log->failed && settle_closed(log, &why)) {
		sync_tombstones(k);
		checkpoint_when_due(k, now, &why);
	}
	if (log->failed && !log->given_up)
		give_up(log);
	else if (str_len(&why) > 0)
		log_warn("commit log: %s", str_cstr(&why));
	str_fini(&why);
}

static void
look_around(struct keeper *k, int64_t now)
{
	struct commit_log *log = k->log;

	if (log->fd < 0 && !log->failed && !log->put_off)
		take_log(k, now);
	if (!tend_begin(log))
		return;
	if (now >= k->rest_at) {
		k->rest_at = now + REST_MS * (int64_t)1000000;
		settle_orphans(log);
	}
	if (log->busy)
		tick(k, now);
	log->busy = (log->failed && !log->given_up) || log->to_settle != 0
	    || log->appended != k->checked || !k->quiet;
	tend_end(log);
}

void
commit_log_keep(struct commit_log *log)
{
	struct keeper k = { .log = log, .quiet = true };

	do
		look_around(&k, clock_now_ns());
	while (!log->closed && fiber_queue_wait(&log->wake, deadline_in_ms(
	    log->busy ? TICK_MS : REST_MS)) != IO_CANCELLED);
}

/* ---- from outside ---- */

bool
commit_log_checkpoint(struct commit_log *log, struct str *why)
{
	bool ok;

	if (!tend_begin(log))
		return false;
	ok = checkpoint(log, why);
	if (log->failed && !log->given_up) {
		give_up(log);
		ok = false;
	}
	tend_end(log);
	return ok;
}

void
commit_log_close(struct commit_log *log)
{
	struct str why = STR_EMPTY;

	log->closed = true;
	clog_tell_change(log);
	if (!commit_log_checkpoint(log, &why) && str_len(&why) > 0)
		log_warn("commit log: %s: left to the next process",
		    str_cstr(&why));
	fiber_queue_wake_all(&log->wake);
	str_fini(&why);
}
