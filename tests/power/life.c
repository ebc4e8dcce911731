/*
 * life - see the header. All in one process, so that thousands of states pass in
 * a minute: what is real are recovery, the queue's readers and qmgr.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/power/life.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/fs.h"
#include "daemons/launcher/worker.h"
#include "daemons/shared/mbox_lock.h"
#include "queue/commit_log.h"
#include "queue/outcome_log.h"
#include "queue/scan.h"
#include "tests/daemons/qmgr/world.h"

#define PROBE "probe@power.test"

static struct promises *promises;
static const char *roots[DISK_SYSTEMS];
static promise_broken_fn *tell;
static void *tell_arg;
static size_t broken;
static bool has_base;

__attribute__((format(printf, 1, 2))) static void
complain(const char *format, ...)
{
	struct str text = STR_EMPTY;
	va_list args;

	va_start(args, format);
	str_vaddf(&text, format, args);
	va_end(args);
	broken++;
	tell(str_cstr(&text), tell_arg);
	str_fini(&text);
}

/* ---- what the doubles of agents see ---- */

static struct span
read_content(int fd, uint64_t offset, uint64_t length, struct arena *arena)
{
	char *buf = arena_alloc(arena, (size_t)length + 1);
	struct str why = STR_EMPTY;
	bool ok = fs_pread_all(fd, buf, (size_t)length, (off_t)offset, &why);

	str_fini(&why);
	return span_of(buf, ok ? (size_t)length : 0);
}

static void
handed(const struct delivery_request *rq)
{
	struct arena *arena = arena_new();
	struct span content = read_content(rq->fd, rq->content_offset,
	    rq->content_length, arena);

	for (size_t i = 0; i < rq->rcpts.count; i++)
		promises_handed(promises, rq->queue_id, ATTR_AT(rq->rcpts,
		    struct envelope_rcpt, i)->address, content);
	arena_free(&arena);
}

static void
named_in_log(struct span id)
{
	struct arena *arena = arena_new();
	struct outcome *outcomes;
	struct str why = STR_EMPTY;
	size_t count = 0;

	if (outcome_log_read(queue_dir, QUEUE_BOUNCE, id, arena, &outcomes,
	    &count, &why) == QUEUE_OK)
		for (size_t i = 0; i < count; i++)
			promises_noticed(promises, id, outcomes[i].rcpt);
	str_fini(&why);
	arena_free(&arena);
}

static void
told(const struct bounce_send *rq)
{
	if (rq->what == BOUNCE_FAILED)
		named_in_log(rq->queue_id);
}

/* ---- what lies still ---- */

/* Until somebody releases it. */
static void
look_at_hold(const char *id)
{
	struct arena *arena = arena_new();
	struct queue_message m;
	struct envelope_rcpt rcpts[64];
	struct str why = STR_EMPTY;
	uint64_t cursor = 0;
	size_t n = 0;

	if (queue_message_open(queue_dir, QUEUE_HOLD, SPAN(id), true, true,
	    arena, &m, &why) == QUEUE_OK) {
		do {
			if (queue_message_rcpts(&m, &cursor, 64, arena, rcpts,
			    &n, &why) != QUEUE_OK)
				break;
			for (size_t i = 0; i < n; i++)
				promises_held(promises, SPAN(id),
				    rcpts[i].address);
		} while (cursor != 0);
		named_in_log(SPAN(id));
		queue_message_close(&m);
	}
	str_fini(&why);
	arena_free(&arena);
}

/* As pickup does. */
static void
look_at_maildrop(const char *id)
{
	struct arena *arena = arena_new();
	struct queue_message m;
	struct str why = STR_EMPTY;
	struct stat st;

	if (queue_message_open(queue_dir, QUEUE_MAILDROP, SPAN(id), true,
	    true, arena, &m, &why) == QUEUE_OK) {
		if (fstat(m.fd, &st) == 0 && (st.st_mode & S_IXUSR))
			promises_dropped(promises, SPAN(id), read_content(m.fd,
			    m.layout.content_offset, m.layout.content_length,
			    arena));
		queue_message_close(&m);
	}
	str_fini(&why);
	arena_free(&arena);
}

static void
each_of(enum queue_name where, void (*fn)(const char *id))
{
	struct queue_scan scan;
	char id[QUEUE_ID_MAX];

	queue_scan_start(&scan, queue_dir, where);
	while (queue_scan_next(&scan, id))
		fn(id);
	queue_scan_stop(&scan);
}

/* ---- what is written next must be found behind what was torn ---- */

static enum queue_name log_kind;

static void
append_to_log(const char *id)
{
	struct outcome o = { .rcpt = SPAN(PROBE), .dsn = SPAN("2.0.0"),
		.reason = SPAN("probe") };
	struct arena *arena = arena_new();
	struct outcome *all;
	struct str why = STR_EMPTY;
	size_t count = 0;

	if (!outcome_log_append(queue_dir, log_kind, SPAN(id), &o, 1, &why)
	    || outcome_log_read(queue_dir, log_kind, SPAN(id), arena, &all,
	    &count, &why) != QUEUE_OK || count == 0
	    || !span_is(all[count - 1].rcpt, PROBE))
		complain("hidden: %s/%s: what is appended is not found",
		    queue_name_text(log_kind), id);
	str_fini(&why);
	arena_free(&arena);
}

static void
append_to_mbox(const struct disk_entry *e)
{
	static const char text[] = "Subject: probe\n\nprobe\n";
	struct arena *arena = arena_new();
	struct mailbox_result result = { .verdict = MAILBOX_DEFER };
	struct mailbox_job job = { .style = MAILBOX_FILE,
		.path = SPAN(arena_printf(arena, "%s/%.*s", roots[1],
		    SPAN_ARG(e->path))), .sender = SPAN(PROBE),
		.content_length = sizeof(text) - 1,
		.lock = { .locks = MBOX_LOCK_FCNTL, .attempts = 1 },
		.host = SPAN("power.test") };
	const char *path = arena_printf(arena, "%s/probe", t_tmpdir());
	struct str all = STR_EMPTY, why = STR_EMPTY;
	struct span probe = SPAN("\n\nFrom " PROBE), first = SPAN("From " PROBE);

	job.fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	T_NEED(job.fd >= 0 && write(job.fd, text, sizeof(text) - 1) > 0);
	mbox_deliver(&job, &result, arena);
	if (result.verdict != MAILBOX_DELIVERED
	    || !fs_read_file_at(AT_FDCWD, arena_cstr(arena, job.path),
	    1 << 26, &all, &why)
	    || (span_search(str_span(&all), probe) < 0
	    && !span_starts(str_span(&all), first)))
		complain("hidden: %.*s: a message behind what was torn is no "
		    "message of its own", SPAN_ARG(e->path));
	close(job.fd);
	str_fini(&all);
	str_fini(&why);
	arena_free(&arena);
}

static bool
is_mbox(const struct disk_entry *e)
{
	return e->fs == 1 && !e->is_dir && span_search(e->path, SPAN("/new/"))
	    < 0 && span_search(e->path, SPAN("/tmp/")) < 0
	    && !span_ends(e->path, SPAN(".lock"));
}

static void
append_to_all(const struct disk_state *s)
{
	static const enum queue_name kinds[] = { QUEUE_BOUNCE, QUEUE_DEFER,
		QUEUE_TRACE };

	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
		log_kind = kinds[i];
		each_of(log_kind, append_to_log);
	}
	for (size_t i = 0; i < s->count; i++)
		if (is_mbox(&s->entries[i]))
			append_to_mbox(&s->entries[i]);
}

/* ---- one state ---- */

static const struct disk_state *before;
static enum queue_name written_to;

static bool
was_there(struct span path)
{
	for (size_t i = 0; i < before->count; i++)
		if (before->entries[i].fs == 0
		    && span_eq(before->entries[i].path, path))
			return true;
	return false;
}

/* What recovery writes is whole. */
static void
look_at_written(const char *id)
{
	struct arena *arena = arena_new();
	struct queue_message m;
	struct str path = STR_EMPTY, why = STR_EMPTY;

	queue_path(written_to, SPAN(id), &path);
	if (!was_there(str_span(&path))) {
		if (queue_message_open(queue_dir, written_to, SPAN(id), true, true,
		    arena, &m, &why) != QUEUE_OK)
			complain("half: recovery wrote %s: %s",
			    str_cstr(&path), str_cstr(&why));
		else
			queue_message_close(&m);
	}
	str_fini(&path);
	str_fini(&why);
	arena_free(&arena);
}

/* As at a start of the system. */
static void
recover(const struct disk_state *s)
{
	static const enum queue_name written[] = { QUEUE_INCOMING,
		QUEUE_HOLD };
	struct commit_log_recovery done;
	struct str why = STR_EMPTY;
	size_t moved;

	/* One process lives many lives here; no real one outlives its power. */
	outcome_log_forget_ends();
	commit_log_recover(queue_dir, &done);
	if (done.troubles > 0 || commit_log_any(queue_dir))
		complain("recovery: %zu troubles with commit logs",
		    done.troubles);
	before = s;
	for (size_t i = 0; i < ARRAY_COUNT(written); i++) {
		written_to = written[i];
		each_of(written_to, look_at_written);
	}
	if (!queue_restructure(queue_dir, &moved, &why))
		complain("recovery: %s", str_cstr(&why));
	str_fini(&why);
}

size_t
life_of(struct promises *p, const struct disk_state *s, size_t position,
    bool nothing_lost, promise_broken_fn *fn, void *arg)
{
	promises = p;
	tell = fn;
	tell_arg = arg;
	broken = 0;
	if (!has_base)
		T_NEED(disk_write_base(s, roots));
	has_base = true;
	T_NEED(disk_write_out(s, roots));
	promises_begin(p, s, position, nothing_lost);
	recover(s);
	append_to_all(s);
	each_of(QUEUE_MAILDROP, look_at_maildrop);
	intake_scan(true, true, true);
	intake_active_at_start();
	world_settle(1000);
	each_of(QUEUE_HOLD, look_at_hold);
	if (intake_count() > 0)
		complain("stuck: %zu messages are not decided",
		    intake_count());
	broken += promises_end(p, fn, arg);
	disk_clean(s, roots);
	world_deliveries();
	world_bounces();
	return broken;
}

void
life_run(void (*fn)(void *arg), void *arg)
{
	static char queue[300], mail[300];
	struct str conf = STR_EMPTY;
	const char *dir;

	t_tmpdir_in_memory();
	dir = t_tmpdir();
	snprintf(queue, sizeof(queue), "%s/queue", dir);
	snprintf(mail, sizeof(mail), "%s/mail", dir);
	T_NEED(mkdir(queue, 0700) == 0 && mkdir(mail, 0700) == 0);
	roots[0] = queue;
	roots[1] = mail;
	world_handed = handed;
	world_told = told;
	str_printf(&conf, "queue_directory = %s\n"
	    "hash_queue_names = %s\n", queue,
	    getenv("POWER_HASHED") != NULL ? getenv("POWER_HASHED") : "");
	world_run(str_cstr(&conf), 20, fn, arg);
	str_fini(&conf);
}
