/*
 * finish - a message whose recipients in memory are all decided: more are
 * read, or notices are sent and the file is removed, deferred, held.
 *
 * Evidence first: agents and bounce made every outcome durable before it was
 * reported, so the file may go, or its marks be written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/mail/address.h"
#include "common/service/service.h"
#include "daemons/qmgr/qmgr_priv.h"
#include "daemons/shared/bounce_client.h"
#include "queue/outcome_log.h"

#define EXPIRED_AT_ONCE 200

static bool
has_log(enum queue_name which, struct span id)
{
	struct str path = STR_EMPTY;
	bool has;

	queue_path(which, id, &path);
	has = faccessat(queue_dir, str_cstr(&path), F_OK, 0) == 0;
	str_fini(&path);
	return has;
}

static void
drop_log(const struct message *m, enum queue_name which)
{
	if (has_log(which, SPAN(m->q.id)))
		bounce_drop(which, SPAN(m->q.id), service_ipc_deadline());
}

static bool
send_notice(struct message *m, enum bounce_what what)
{
	struct bounce_send request = { .what = what,
		.queue_name = SPAN(queue_name_text(m->q.where)),
		.queue_id = SPAN(m->q.id),
		.envelope = { &m->q.envelope, 1 },
		.content_offset = m->q.layout.content_offset,
		.content_length = m->q.layout.content_length,
		.fd = m->q.fd };

	return bounce_send(&request, service_ipc_deadline());
}

static int64_t
lifetime_of(const struct message *m)
{
	return span_empty(m->q.envelope.sender) ? qmgr_conf.bounce_lifetime
	    : qmgr_conf.maximal_lifetime;
}

static bool
has_expired(const struct message *m)
{
	return (m->q.envelope.flags & ENVELOPE_EXPIRE_NOW)
	    || clock_wall() - m->q.envelope.arrival_us / 1000000
	    >= lifetime_of(m);
}

/* Back-off grows with the message's age, between the two limits. */
static time_t
next_try(const struct message *m)
{
	int64_t now = clock_wall();
	int64_t delay = now - m->q.envelope.arrival_us / 1000000;

	if (delay < qmgr_conf.minimal_backoff)
		delay = qmgr_conf.minimal_backoff;
	if (delay > qmgr_conf.maximal_backoff)
		delay = qmgr_conf.maximal_backoff;
	return (time_t)(now + delay);
}

/* An administrator may have taken the file away, or elsewhere: then it is left
 * where it is now, but for its marks and its removal. */
static void
look_where_it_is(struct message *m)
{
	static const unsigned elsewhere = 1u << QUEUE_HOLD
	    | 1u << QUEUE_DEFERRED | 1u << QUEUE_INCOMING;
	struct span id = SPAN(m->q.id);
	enum queue_name now;

	if (m->gone || queue_find(queue_dir, id, 1u << m->q.where, &now))
		return;
	if (queue_find(queue_dir, id, elsewhere, &now)) {
		m->q.where = now;
		m->moved = true;
	} else {
		m->gone = true;
	}
}

static void
remove_message(struct message *m)
{
	struct str why = STR_EMPTY;
	struct span id = SPAN(m->q.id);
	bool removed = queue_remove(queue_dir, m->q.where, id, &why);

	fiber_log_context(m->q.id);
	if (!removed) {
		look_where_it_is(m);
		removed = m->moved
		    && queue_remove(queue_dir, m->q.where, id, &why);
	}
	if (removed)
		log_info("removed");
	else if (!m->gone)
		log_warn("cannot remove: %s", str_cstr(&why));
	fiber_log_context(NULL);
	str_fini(&why);
	intake_forget(m);
}

bool
finish_write_marks(struct message *m)
{
	struct str why = STR_EMPTY;
	enum queue_result result = m->nmarks == 0 ? QUEUE_OK
	    : queue_marks_write(queue_dir, m->q.where, SPAN(m->q.id),
		m->marks, m->nmarks, &why);

	if (result == QUEUE_GONE) {
		look_where_it_is(m);
		if (!m->gone)
			result = queue_marks_write(queue_dir, m->q.where,
			    SPAN(m->q.id), m->marks, m->nmarks, &why);
	}
	if (result != QUEUE_OK && !m->gone)
		log_warn("%s: cannot mark recipients: %s", m->q.id,
		    str_cstr(&why));
	str_fini(&why);
	m->nmarks = 0;
	return result == QUEUE_OK;
}

static void
put_away(struct message *m)
{
	struct str why = STR_EMPTY;
	bool hold = m->strikes >= 2;

	finish_write_marks(m);
	look_where_it_is(m);
	if (!m->gone && !m->moved && !(hold ? queue_move(queue_dir, SPAN(m->q.id),
	    m->q.where, QUEUE_HOLD, &why)
	    : queue_defer(queue_dir, SPAN(m->q.id), m->q.where, next_try(m),
	    &why)))
		log_warn("%s: %s", m->q.id, str_cstr(&why));
	str_fini(&why);
	intake_forget(m);
}

/* ---- expiry ---- */

struct expiry {
	struct message *m;
	struct arena *arena;
	struct outcome *known, *batch;
	size_t nknown, nbatch;
	bool ok;
};

static const struct outcome *
last_reason(const struct expiry *e, struct span address)
{
	for (size_t i = e->nknown; i > 0; i--)
		if (span_eq(e->known[i - 1].rcpt, address))
			return &e->known[i - 1];
	return NULL;
}

static void
flush_expired(struct expiry *e)
{
	if (e->nbatch > 0 && !bounce_append(QUEUE_BOUNCE, SPAN(e->m->q.id),
	    e->batch, e->nbatch, service_ipc_deadline()))
		e->ok = false;
	e->nbatch = 0;
}

static void
expire_rcpt(struct expiry *e, const struct envelope_rcpt *rcpt)
{
	const struct outcome *last = last_reason(e, rcpt->address);
	struct outcome *o = &e->batch[e->nbatch++];

	*o = last != NULL ? *last : (struct outcome){
		.dsn = SPAN("4.4.7"), .reason = SPAN("delivery time expired") };
	o->rcpt = arena_span(e->arena, rcpt->address);
	o->original = arena_span(e->arena, rcpt->original);
	o->orcpt = arena_span(e->arena, rcpt->orcpt);
	o->notify = rcpt->notify;
	o->mark_at = rcpt->mark_at;
	o->action = DSN_FAILED;
	o->when_us = clock_wall_us();
	if (e->nbatch == EXPIRED_AT_ONCE)
		flush_expired(e);
}

static bool
expire_remaining(struct message *m)
{
	struct expiry e = { .m = m, .arena = arena_new(), .ok = true };
	struct str why = STR_EMPTY, sender = STR_EMPTY;
	struct envelope_rcpt *rcpts =
	    arena_array(e.arena, EXPIRED_AT_ONCE, sizeof(*rcpts));
	uint64_t cursor = 0;

	e.batch = arena_array(e.arena, EXPIRED_AT_ONCE, sizeof(*e.batch));
	outcome_log_read(queue_dir, QUEUE_DEFER, SPAN(m->q.id), e.arena,
	    &e.known, &e.nknown, &why);
	do {
		size_t n = 0;

		if (queue_message_rcpts(&m->q, &cursor, EXPIRED_AT_ONCE,
		    e.arena, rcpts, &n, &why) != QUEUE_OK) {
			e.ok = false;
			break;
		}
		for (size_t i = 0; i < n; i++)
			expire_rcpt(&e, &rcpts[i]);
	} while (cursor != 0);
	flush_expired(&e);
	if (e.ok) {
		address_print(&sender, m->q.envelope.sender);
		log_info("from=<%s>, status=%s, returned to sender",
		    str_cstr(&sender),
		    (m->q.envelope.flags & ENVELOPE_EXPIRE_NOW)
		    ? "force-expired" : "expired");
	}
	str_fini(&sender);
	str_fini(&why);
	arena_free(&e.arena);
	return e.ok;
}

/* ---- with notices ---- */

static bool
send_due_notices(struct message *m)
{
	struct span id = SPAN(m->q.id);
	bool ok = true;

	if (has_log(QUEUE_BOUNCE, id))
		ok = send_notice(m, BOUNCE_FAILED);
	if (has_log(QUEUE_TRACE, id))
		send_notice(m, BOUNCE_TRACE);
	return ok;
}

static size_t busy;

size_t
finish_busy(void)
{
	return busy;
}

static void
finish_slowly(void *arg)
{
	struct message *m = arg;
	bool over = m->kept_total == 0;
	bool held = m->strikes >= 2;

	fiber_log_context(m->q.id);
	look_where_it_is(m);
	held |= m->moved || m->gone;
	if (!over && !held && has_expired(m)) {
		/* Marks first: what was delivered must not be bounced. */
		if (finish_write_marks(m) && expire_remaining(m))
			over = true;
	}
	if (!m->gone && !send_due_notices(m))
		over = false;
	if (m->gone) {			/* what was written since is no use */
		drop_log(m, QUEUE_BOUNCE);
		drop_log(m, QUEUE_DEFER);
		drop_log(m, QUEUE_TRACE);
		put_away(m);
	} else if (over) {
		drop_log(m, QUEUE_DEFER);
		remove_message(m);
	} else {
		put_away(m);
	}
	fiber_log_context(NULL);
	busy--;
}

static bool
is_plain(const struct message *m)
{
	if (m->kept_total > 0 || m->bounced_some || m->had_logs)
		return false;
	if (m->q.envelope.flags & ENVELOPE_TRACE)
		return false;
	return !m->wants_success;
}

void
finish_queue(struct message *m)
{
	if (m->reading)
		return;
	if (!m->all_read) {
		intake_refill(m);
		return;
	}
	if (is_plain(m)) {
		remove_message(m);
		return;
	}
	busy++;
	if (fiber_spawn(service_fibers(), "finish", finish_slowly, m)
	    == NULL) {
		busy--;
		put_away(m);
	}
}
