/*
 * intake - messages come into memory: from notices, from scans, from active at
 * start. Within qmgr_message_active_limit; the rest waits on disk.
 *
 * A message from a notice stays in incoming on disk while it is young: most
 * are gone within milliseconds. One that lasts is renamed to active by a sweep.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fds.h"
#include "common/io/fs.h"
#include "common/io/offload.h"
#include "common/mail/address.h"
#include "common/service/service.h"
#include "daemons/qmgr/qmgr_priv.h"
#include "queue/adopt.h"
#include "queue/scan.h"

#define SWEEP_MS 1000
#define CHECK_AT_ONCE_BYTES (64 * 1024)	/* more is for a thread */
#define BUSY_RETRY_SECONDS 5
#define INCOMPLETE_SECONDS 300
#define BUSY_FIRST_MS 20
#define BUSY_LOOKS 5
#define LOOK_AT 128			/* deferred files, in one go */

static struct hash *by_id;
static struct list messages = LIST_HEAD(messages);
static struct loop_timer sweep_timer;
static struct fiber_queue room_made = FIBER_QUEUE(room_made);
static bool incoming_wanted, deferred_wanted, ignore_times_wanted;
static unsigned busy_looks;
static bool incoming_scanned, deferred_scanned;	/* a fiber does */
static bool first_look;
/* So many messages at once, since descriptors ran short; 0: they have not.
 * That a low one is free says little: it may be the only one. */
static size_t fds_allow;

bool
intake_has(struct span id)
{
	return hash_has(by_id, id);
}

size_t
intake_count(void)
{
	return hash_count(by_id);
}

/* Each message holds a descriptor. */
bool
intake_full(void)
{
	size_t count = intake_count();

	if (count < fds_allow / 2)
		fds_allow = 0;		/* others may have held them */
	if (fds_allow != 0 && (count >= fds_allow || fds_are_short()))
		return true;
	return count >= (size_t)qmgr_conf.active_limit;
}

static void
note_fd(int fd)
{
	static bool said;

	if (!fds_near_limit(fd))
		return;
	if (!said)
		log_warn("too many open files: no more than %zu messages are "
		    "active", intake_count());
	said = true;
	if (fds_allow == 0 || fds_allow > intake_count())
		fds_allow = intake_count() > 0 ? intake_count() : 1;
}

void
intake_room_made(void)
{
	fiber_queue_wake_all(&room_made);
}

void
intake_forget(struct message *m)
{
	recipients_forget(m);
	hash_remove(by_id, SPAN(m->q.id));
	list_remove(&m->link);
	queue_message_close(&m->q);
	mem_free(m->marks);
	mem_free(m->texts);
	mem_free(m);
	intake_room_made();
}

/* The texts of its envelope are copied. */
static struct message *
message_new(const struct queue_message *q)
{
	struct message *m = MEM_NEW(struct message);

	m->q = *q;
	m->texts = attr_pack(&envelope_form, &m->q.envelope, 0);
	m->active_us = clock_wall_us();
	m->since_ns = clock_now_ns();
	note_fd(q->fd);
	m->renamed = q->where == QUEUE_ACTIVE;
	hash_put(by_id, SPAN(m->q.id), m);
	list_append(&messages, &m->link);
	return m;
}

static void
log_active(const struct message *m)
{
	struct str sender = STR_EMPTY;

	address_print(&sender, m->q.envelope.sender);
	fiber_log_context(m->q.id);
	log_info("from=<%s>, size=%llu, nrcpt=%llu (queue active)",
	    str_cstr(&sender), (unsigned long long)m->q.envelope.data_size,
	    (unsigned long long)m->q.rcpts_left);
	if (!span_empty(m->q.envelope.verp))
		log_info("enabling VERP for sender \"%s\"",
		    str_cstr(&sender));
	fiber_log_context(NULL);
	str_fini(&sender);
}

static void
reading_failed(struct message *m, const struct str *why)
{
	log_warn("%s: cannot read recipients: %s", m->q.id, str_cstr(why));
	m->all_read = m->untried = true;
	m->kept_total++;		/* nothing is removed on doubt */
}

/* The next recipients of the file come into memory. Suspends. */
static bool
read_some(struct message *m, size_t room)
{
	struct arena *arena = arena_new();
	struct str why = STR_EMPTY;
	struct envelope_rcpt *rcpts;
	size_t got = 0;
	bool ok;

	if (room > m->q.rcpts_left)
		room = m->q.rcpts_left > 0 ? (size_t)m->q.rcpts_left : 1;
	rcpts = arena_array(arena, room, sizeof(*rcpts));
	ok = queue_message_rcpts(&m->q, &m->cursor, room, arena, rcpts, &got,
	    &why) == QUEUE_OK;
	if (ok) {
		m->all_read = m->cursor == 0;
		recipients_expect(m, got);
		dispatch_add(m, rcpts, (uint32_t)got, arena);
	} else {
		reading_failed(m, &why);
	}
	recipients_tell_unread(m);
	arena_free(&arena);
	str_fini(&why);
	return ok;
}

/* Suspends, with m->reading set. */
static void
read_recipients(struct message *m)
{
	size_t room;

	while (dispatching && !m->all_read
	    && (room = recipients_room(m)) > 0)
		if (!read_some(m, room))
			break;
	m->filled = true;
	m->reading = false;
	if (m->undecided == 0 && m->all_read)
		finish_queue(m);
	dispatch_kick();
}

static void
refill_fiber(void *arg)
{
	read_recipients(arg);
}

/* In a fiber of its own: routing may take its time, and others have results
 * to bring. */
void
intake_refill(struct message *m)
{
	if (m->reading || m->all_read || !dispatching
	    || recipients_room(m) == 0)
		return;
	m->reading = true;
	if (fiber_spawn(service_fibers(), "refill", refill_fiber, m) == NULL)
		m->reading = false;
}

static void
start_from_file(struct message *m)
{
	log_active(m);
	m->reading = true;
	read_recipients(m);
}

/* ---- notices ---- */

/* With what it brought; none: they are in the file. */
struct noted {
	struct message *m;
	struct arena *arena;
	struct envelope_rcpt *rcpts;
	uint32_t count;
};

static void
start_noted(struct noted *noted)
{
	struct message *m = noted->m;

	log_active(m);
	m->all_read = true;
	dispatch_add(m, noted->rcpts, noted->count, noted->arena);
	if (m->undecided == 0)
		finish_queue(m);
	dispatch_kick();
}

static void
start_noted_fiber(void *arg)
{
	struct noted noted = *(struct noted *)arg;
	struct arena *arena = noted.arena;	/* where arg is */

	if (noted.count > 0)
		start_noted(&noted);
	else
		start_from_file(noted.m);
	arena_free(&arena);
}

static void
copy_rcpt(struct arena *arena, struct envelope_rcpt *to,
    const struct envelope_rcpt *from)
{
	*to = *from;
	to->address = arena_span(arena, from->address);
	to->original = arena_span(arena, from->original);
	to->orcpt = arena_span(arena, from->orcpt);
	to->transport = arena_span(arena, from->transport);
	to->nexthop = arena_span(arena, from->nexthop);
	to->resolved = arena_span(arena, from->resolved);
}

static struct noted *
copy_noted(const struct qmgr_note *note)
{
	struct arena *arena = arena_new();
	struct noted *noted = arena_zalloc(arena, sizeof(*noted));

	noted->arena = arena;
	noted->count = (uint32_t)note->rcpts.count;
	noted->rcpts = arena_array(arena, note->rcpts.count,
	    sizeof(*noted->rcpts));
	for (size_t i = 0; i < note->rcpts.count; i++)
		copy_rcpt(arena, &noted->rcpts[i],
		    ATTR_AT(note->rcpts, struct envelope_rcpt, i));
	return noted;
}

void
intake_note(const struct qmgr_note *note, int fd)
{
	struct queue_message q = { .fd = fd, .where = QUEUE_INCOMING };
	struct message *m;
	struct noted *noted;

	if (!dispatching || intake_full() || fd < 0
	    || !queue_id_valid(note->queue_id) || note->envelope.count != 1
	    || intake_has(note->queue_id)) {
		if (fd >= 0)
			close(fd);
		intake_scan(true, false, false);
		return;
	}
	memcpy(q.id, note->queue_id.p, note->queue_id.len);
	q.layout = (struct queue_layout){
		.content_offset = note->content_offset,
		.content_length = note->content_length,
		.file_length = note->file_length,
		.rcpt_count = note->rcpt_count };
	q.rcpts_left = note->rcpt_count;
	q.envelope = *(const struct envelope *)note->envelope.items;
	m = message_new(&q);
	m->had_logs = note->has_log;
	m->spot = (struct commit_log_spot){ .log = note->spot_log,
		.epoch = note->spot_epoch, .at = note->spot_at,
		.mark = note->spot_mark };
	noted = copy_noted(note);
	noted->m = m;
	recipients_expect(m, noted->count);
	if (fiber_spawn(service_fibers(), "message", start_noted_fiber, noted)
	    == NULL) {
		struct arena *arena = noted->arena;

		arena_free(&arena);
		intake_forget(m);
		intake_scan(true, false, false);
	}
}

/* ---- files ---- */

/* Nobody holds its lock: the writer is gone. Young ones are left alone, for
 * a file is locked a moment after it was made. */
static void
sort_out_incomplete(enum queue_name where, struct span id)
{
	struct queue_recovery done = { .requeued = 0 };

	queue_recover_one(queue_dir, where, id,
	    clock_wall() - INCOMPLETE_SECONDS, &done);
	if (done.removed > 0)
		log_info("%.*s: removed incomplete queue file: no client was "
		    "told that it was accepted", SPAN_ARG(id));
	if (done.corrupt > 0)
		log_warn("%.*s: queue file without an end -- moved to corrupt",
		    SPAN_ARG(id));
}

struct check {
	struct queue_message *q;
	struct str *why;
	enum queue_result result;
};

static void
check_now(void *arg)
{
	struct check *check = arg;

	check->result = queue_message_check(check->q, check->why);
}

/*
 * A power failure may leave the end of a file and not its middle. A message with
 * a notice was just written; all others are read as a whole first.
 */
static enum queue_result
open_checked(enum queue_name where, struct span id, struct arena *arena,
    struct queue_message *q, struct str *why)
{
	struct check check = { .q = q, .why = why };

	check.result = queue_message_open(queue_dir, where, id, true, false,
	    arena, q, why);
	if (check.result != QUEUE_OK)
		return check.result;
	if (q->layout.file_length <= CHECK_AT_ONCE_BYTES)
		check_now(&check);
	else
		offload_call(check_now, &check);
	if (check.result == QUEUE_OK && !dispatching)
		check.result = QUEUE_BUSY;	/* the younger qmgr's */
	if (check.result != QUEUE_OK)
		queue_message_close(q);
	return check.result;
}

struct adopting {
	enum queue_name where;
	struct span id;
	struct str *why;
	enum queue_result result;
	bool adopted;
};

static void
adopt_now(void *arg)
{
	struct adopting *a = arg;

	a->result = queue_adopt(queue_dir, a->where, a->id, &a->adopted,
	    a->why);
}

/* What Postfix left, opened as a message of ours. */
static enum queue_result
adopt(enum queue_name where, struct span id, struct arena *arena,
    struct queue_message *q, struct str *why)
{
	struct adopting a = { .where = where, .id = id, .why = why };

	offload_call(adopt_now, &a);
	if (a.result != QUEUE_OK)
		return a.result;
	if (a.adopted)
		log_info("%.*s: taken over from Postfix", SPAN_ARG(id));
	return open_checked(where, id, arena, q, why);
}

/* Bounces of an earlier life still have to be told. Maybe, when it could not be
 * asked. */
static bool
has_any_log(struct span id)
{
	enum queue_name where;

	return queue_find(queue_dir, id, 1u << QUEUE_BOUNCE
	    | 1u << QUEUE_DEFER | 1u << QUEUE_TRACE, &where) != QUEUE_GONE;
}

/* Of active only at start, where it is asked again and again. */
static void
say_skipped(enum queue_name where, struct span id)
{
	if (!dispatching || (where != QUEUE_DEFERRED
	    && !(where == QUEUE_ACTIVE && first_look)))
		return;
	log_info("%.*s: skipped, still being delivered", SPAN_ARG(id));
}

enum queue_result
intake_file(enum queue_name where, struct span id)
{
	struct arena *arena;
	struct queue_message q;
	struct str why = STR_EMPTY;
	enum queue_result result;
	struct message *m;

	if (intake_has(id))
		return QUEUE_OK;
	arena = arena_new();
	result = open_checked(where, id, arena, &q, &why);
	if (result == QUEUE_FOREIGN)
		result = adopt(where, id, arena, &q, &why);
	if (result == QUEUE_DAMAGED) {
		log_warn("%.*s: damaged queue file: %s -- moved to corrupt",
		    SPAN_ARG(id), str_cstr(&why));
		queue_move(queue_dir, id, where, QUEUE_CORRUPT, &why);
	}
	if (result == QUEUE_OK && where != QUEUE_ACTIVE) {
		if (queue_move(queue_dir, id, where, QUEUE_ACTIVE, &why)) {
			q.where = QUEUE_ACTIVE;
		} else {
			log_warn("%.*s: %s", SPAN_ARG(id), str_cstr(&why));
			queue_message_close(&q);
			result = QUEUE_IO_ERROR;
		}
	}
	if (result == QUEUE_INCOMPLETE)
		sort_out_incomplete(where, id);
	if (result == QUEUE_BUSY)
		say_skipped(where, id);
	str_fini(&why);
	if (result != QUEUE_OK) {
		arena_free(&arena);
		return result;
	}
	m = message_new(&q);
	arena_free(&arena);
	m->had_logs = where != QUEUE_INCOMING || has_any_log(id);
	commit_log_find(queue_dir, id, &m->spot);
	start_from_file(m);
	return QUEUE_OK;
}

bool
intake_wait_for_room(void)
{
	while (dispatching && intake_full())
		if (fiber_queue_wait(&room_made, DEADLINE_NEVER) != IO_OK)
			return false;
	return dispatching;
}

/* What a look at a queue left undone. */
struct left {
	bool busy;			/* a file in other hands */
	bool failed;			/* the disk did */
	bool crowded;			/* no descriptor for a directory */
};

/* False when it is time to leave. */
static bool
take_found(enum queue_name where, struct span id, struct left *left)
{
	if (intake_has(id))
		return true;
	if (!intake_wait_for_room())
		return false;
	switch (intake_file(where, id)) {
	case QUEUE_BUSY:
		left->busy = true;
		break;
	case QUEUE_NOSPACE:
	case QUEUE_IO_ERROR:
		left->failed = true;
		break;
	case QUEUE_OK:
	case QUEUE_EXISTS:
	case QUEUE_INCOMPLETE:
	case QUEUE_DAMAGED:
	case QUEUE_GONE:
	case QUEUE_FOREIGN:
		break;
	}
	return true;
}

static void
note_trouble(const struct queue_scan *scan, struct left *left)
{
	if (scan->trouble == 0)
		return;
	log_warn("read queue %s: %s", queue_name_text(scan->name),
	    strerror(scan->trouble));
	left->failed = true;
	left->crowded = scan->trouble == EMFILE || scan->trouble == ENFILE
	    || scan->trouble == ENOMEM;
}

static struct left
scan_all(enum queue_name where)
{
	struct queue_scan scan;
	char id[QUEUE_ID_MAX];
	struct left left = { false, false, false };
	unsigned looked = 0;

	queue_scan_start(&scan, queue_dir, where);
	while (queue_scan_next(&scan, id)) {
		if (++looked % 64 == 0)
			fiber_yield();
		if (!take_found(where, SPAN(id), &left))
			break;
	}
	queue_scan_stop(&scan);
	note_trouble(&scan, &left);
	return left;
}

/* A look at some of what is deferred. Of a million files most are not in the
 * kernel's cache: a thread waits for the disk, nobody else. */
struct look {
	struct queue_scan scan;
	time_t now, longest;
	bool all;			/* whatever their time */
	bool more;
	unsigned count;
	char due[LOOK_AT][QUEUE_ID_MAX];
};

/* No attempt is ever set so far ahead as the longest back-off: such a time is
 * of a clock that has been set back. */
static bool
is_due(const struct look *look, struct span id, struct str *path)
{
	struct stat st;

	queue_path(look->scan.name, id, path);
	return fs_stat_at(queue_dir, str_cstr(path), &st, NULL)
	    && (st.st_mtime <= look->now
	    || st.st_mtime - look->now > look->longest);
}

static void
look_on(void *arg)
{
	struct look *look = arg;
	struct str path = STR_EMPTY;

	look->count = 0;
	for (unsigned i = 0; i < LOOK_AT; i++) {
		char *id = look->due[look->count];

		look->more = queue_scan_next(&look->scan, id);
		if (!look->more)
			break;
		if (look->all || is_due(look, SPAN(id), &path))
			look->count++;
	}
	str_fini(&path);
}

static struct left
scan_deferred(bool all)
{
	struct look *look = MEM_NEW(struct look);
	struct left left = { false, false, false };
	bool go_on = true;

	*look = (struct look){ .all = all, .more = true,
		.longest = (time_t)qmgr_conf.maximal_backoff };
	queue_scan_start(&look->scan, queue_dir, QUEUE_DEFERRED);
	while (go_on && look->more && dispatching) {
		look->now = clock_wall();
		offload_call(look_on, look);
		for (unsigned i = 0; i < look->count && go_on; i++)
			go_on = take_found(QUEUE_DEFERRED, SPAN(look->due[i]),
			    &left);
	}
	queue_scan_stop(&look->scan);
	note_trouble(&look->scan, &left);
	mem_free(look);
	return left;
}

/* What made us look may still be in its writer's hands: look again soon, a few
 * times. A message that takes longer comes with a notice of its own. */
static void
scan_incoming(void)
{
	incoming_wanted = false;
	if (!scan_all(QUEUE_INCOMING).busy
	    || busy_looks == BUSY_LOOKS)
		return;
	if (fiber_sleep(deadline_in_ms(BUSY_FIRST_MS << (2 * busy_looks++)))
	    == IO_TIMEOUT)
		incoming_wanted = true;
}

static void
incoming_scanner(void *arg)
{
	(void)arg;
	while (dispatching && incoming_wanted)
		scan_incoming();
	incoming_scanned = false;
}

static void
deferred_scanner(void *arg)
{
	(void)arg;
	while (dispatching && deferred_wanted) {
		bool all = ignore_times_wanted;

		deferred_wanted = ignore_times_wanted = false;
		if (scan_deferred(all).crowded &&
		    fiber_sleep(deadline_in(BUSY_RETRY_SECONDS))
		    == IO_TIMEOUT) {
			/* Part of it was not looked at. */
			deferred_wanted = true;
			ignore_times_wanted |= all;
		}
	}
	deferred_scanned = false;
}

/* Two fibers: new mail does not wait for a look at what is deferred, which may
 * take minutes. */
void
intake_scan(bool incoming, bool deferred, bool ignore_times)
{
	incoming_wanted |= incoming;
	if (incoming)
		busy_looks = 0;
	deferred_wanted |= deferred;
	ignore_times_wanted |= ignore_times;
	if (!dispatching)
		return;
	if (incoming_wanted && !incoming_scanned)
		incoming_scanned = fiber_spawn(service_fibers(), "incoming",
		    incoming_scanner, NULL) != NULL;
	if (deferred_wanted && !deferred_scanned)
		deferred_scanned = fiber_spawn(service_fibers(), "deferred",
		    deferred_scanner, NULL) != NULL;
}

/* What an earlier qmgr left in active; what its agents still hold, or could not
 * be read, is looked at again: nobody will do that later. */
void
intake_active_at_start(void)
{
	first_look = true;
	while (dispatching) {
		struct left left = scan_all(QUEUE_ACTIVE);

		first_look = false;
		if ((!left.busy && !left.failed) || fiber_sleep(
		    deadline_in(BUSY_RETRY_SECONDS)) != IO_TIMEOUT)
			return;
	}
}

/* ---- young messages grow up ---- */

static void
sweep(struct loop_timer *timer)
{
	int64_t old = clock_now_ns() - SWEEP_MS * INT64_C(1000000);
	struct str why = STR_EMPTY;

	dispatch_tend();
	clog_look();
	LIST_EACH(link, &messages) {
		struct message *m = LIST_ITEM(link, struct message, link);

		if (m->since_ns > old)
			break;
		if (m->fate != FATE_OPEN) {
			finish_again(m);
			continue;
		}
		if (m->nmarks > 0)
			finish_write_marks(m);
		if (!m->all_read && !m->reading)
			intake_refill(m);
		if (m->renamed)
			continue;
		m->renamed = true;
		if (queue_move(queue_dir, SPAN(m->q.id), QUEUE_INCOMING,
		    QUEUE_ACTIVE, &why))
			m->q.where = QUEUE_ACTIVE;
	}
	str_fini(&why);
	loop_timer_set(timer, deadline_in_ms(SWEEP_MS).at_ns);
}

void
intake_leave(void)
{
	loop_timer_stop(&sweep_timer);
	LIST_EACH(link, &messages) {
		struct message *m = LIST_ITEM(link, struct message, link);

		finish_write_marks(m);
		queue_message_close(&m->q);
	}
}

void
intake_setup(void)
{
	by_id = hash_new();
	loop_timer_init(&sweep_timer, sweep);
	loop_timer_set(&sweep_timer, deadline_in_ms(SWEEP_MS).at_ns);
}
