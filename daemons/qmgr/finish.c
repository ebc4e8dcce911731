/*
 * finish - a message whose recipients in memory are all decided: more are
 * read, or notices are sent and the file is removed, deferred, held.
 *
 * Evidence first: agents and bounce made every outcome durable before it was
 * reported, so the file may go, or its marks be written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fs.h"
#include "common/io/record.h"
#include "common/mail/address.h"
#include "common/service/service.h"
#include "daemons/qmgr/qmgr_priv.h"
#include "daemons/shared/bounce_client.h"
#include "queue/outcome_latest.h"

#define EXPIRED_AT_ONCE 200

static enum fs_presence
look_for_log(enum queue_name which, struct span id)
{
	struct str path = STR_EMPTY;
	enum fs_presence found;

	queue_path(which, id, &path);
	found = fs_look_at(queue_dir, str_cstr(&path), NULL);
	str_fini(&path);
	return found;
}

static void
drop_log(const struct message *m, enum queue_name which)
{
	if (look_for_log(which, SPAN(m->q.id)) != FS_ABSENT)
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
		.fd = m->q.fd,
		/* Who was put off before, but not this time, has it. */
		.since_us = what == BOUNCE_DELAYED ? m->active_us : 0 };

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

	if (m->gone || queue_find(queue_dir, id, 1u << m->q.where, &now)
	    != QUEUE_GONE)
		return;
	switch (queue_find(queue_dir, id, elsewhere, &now)) {
	case QUEUE_OK:
		m->q.where = now;
		m->moved = true;
		break;
	case QUEUE_GONE:
		m->gone = true;
		break;
	default:			/* it could not be asked */
		break;
	}
}

/* Once for each message: what fails for one often fails for all. */
static void
complain(struct message *m, const char *what, const struct str *why)
{
	if (!m->complained)
		log_warn("%s: %s: %s", m->q.id, what, str_cstr(why));
	m->complained = true;
}

/*
 * Before the file goes. What the commit log has would come back whole, so the
 * tombstone of a message with marks is durable first: nobody who was marked
 * gets it again. Suspends for those.
 */
static void
bury(struct message *m)
{
	struct str why = STR_EMPTY;
	bool marked = m->marked || m->q.rcpts_done > 0;

	if (m->spot.log == 0)
		return;
	if (!commit_log_tombstone(queue_dir, &m->spot, marked, &why))
		complain(m, "no tombstone in the commit log", &why);
	else if (marked)
		RECORD_THAT("buried", SPAN(m->q.id), "%s", "");
	m->spot.log = 0;
	str_fini(&why);
}

/* A file that cannot be removed stays in memory, or it would be found and
 * delivered again; its marks are written for those that come after us. */
static void
remove_message(struct message *m)
{
	struct str why = STR_EMPTY;
	struct span id = SPAN(m->q.id);

	bury(m);

	bool removed = queue_remove(queue_dir, m->q.where, id, &why);

	m->fate = FATE_REMOVE;
	if (!removed) {
		look_where_it_is(m);
		removed = m->moved
		    && queue_remove(queue_dir, m->q.where, id, &why);
	}
	fiber_log_context(m->q.id);
	if (removed)
		log_info("removed");
	fiber_log_context(NULL);
	if (removed || m->gone) {
		intake_forget(m);
	} else {
		complain(m, "cannot remove", &why);
		finish_write_marks(m);
	}
	str_fini(&why);
}

void
finish_mark(struct message *m, uint64_t mark_at)
{
	if (mark_at == 0)
		return;
	if ((m->nmarks & (m->nmarks - 1)) == 0)
		m->marks = mem_regrow(m->marks,
		    m->nmarks == 0 ? 1 : 2 * m->nmarks, sizeof(*m->marks));
	m->marks[m->nmarks++] = mark_at;
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
		complain(m, "cannot mark recipients", &why);
	str_fini(&why);
	m->marked |= m->nmarks > 0;
	/* What fails now may work later, but for a file that is damaged. */
	if (result == QUEUE_OK || result == QUEUE_DAMAGED || m->gone)
		m->nmarks = 0;
	return result == QUEUE_OK;
}

static bool
move_away(const struct message *m, struct str *why)
{
	struct span id = SPAN(m->q.id);

	if (m->strikes >= 2)
		return queue_move(queue_dir, id, m->q.where, QUEUE_HOLD, why);
	return queue_defer(queue_dir, id, m->q.where, next_try(m), why);
}

/* Not before its marks are written: those would be delivered again. Until the
 * disk lets it go it stays in memory: nobody looks for it in active. */
static void
put_away(struct message *m)
{
	struct str why = STR_EMPTY;
	bool over;

	m->fate = FATE_PUT_AWAY;
	look_where_it_is(m);
	over = finish_write_marks(m) || m->nmarks == 0;
	if (over && !m->gone && !m->moved && !move_away(m, &why)) {
		complain(m, "cannot put away", &why);
		over = false;
	}
	str_fini(&why);
	if (over)
		intake_forget(m);
}

void
finish_again(struct message *m)
{
	switch (m->fate) {
	case FATE_OPEN:
		break;
	case FATE_REMOVE:
		remove_message(m);
		break;
	case FATE_PUT_AWAY:
		put_away(m);
		break;
	}
}

/* ---- expiry ---- */

struct expiry {
	struct message *m;
	struct arena *arena;
	struct outcome_latest *known;
	struct outcome *batch;
	size_t nbatch;
	bool ok;
};

/* Whose end is kept is done, even if the notice has to wait: tried once more,
 * it might arrive and be reported as lost. */
static void
flush_expired(struct expiry *e)
{
	bool kept = e->nbatch == 0 || bounce_append(QUEUE_BOUNCE,
	    SPAN(e->m->q.id), e->batch, e->nbatch, service_ipc_deadline());

	for (size_t i = 0; kept && i < e->nbatch; i++)
		finish_mark(e->m, e->batch[i].mark_at);
	e->ok &= kept;
	e->nbatch = 0;
}

static void
expire_rcpt(struct expiry *e, const struct envelope_rcpt *rcpt)
{
	const struct outcome *last = outcome_latest_of(e->known,
	    rcpt->address);
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
	e.known = outcome_latest_read(queue_dir, QUEUE_DEFER, SPAN(m->q.id));
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
	outcome_latest_free(&e.known);
	arena_free(&e.arena);
	return e.ok;
}

/* ---- with notices ---- */

/* Of what went well. Mail that is done with waits for nobody longer than its
 * lifetime. */
static bool
send_trace(struct message *m)
{
	enum fs_presence found = look_for_log(QUEUE_TRACE, SPAN(m->q.id));

	if (found == FS_ABSENT
	    || (found == FS_PRESENT && send_notice(m, BOUNCE_TRACE)))
		return true;
	if (!has_expired(m))
		return false;
	log_warn("no notice could be sent of what was delivered");
	return true;
}

static bool
send_due_notices(struct message *m)
{
	struct span id = SPAN(m->q.id);
	bool ok = true;

	switch (look_for_log(QUEUE_BOUNCE, id)) {
	case FS_PRESENT:
		ok = send_notice(m, BOUNCE_FAILED);
		break;
	case FS_UNKNOWN:
		ok = false;
		break;
	case FS_ABSENT:
		break;
	}
	return send_trace(m) && ok;
}

/* Once, when it has waited for long enough; the file says that it was done. */
static void
warn_of_delay(struct message *m)
{
	struct str why = STR_EMPTY;

	if (qmgr_conf.delay_warning_time == 0
	    || (m->q.envelope.flags & ENVELOPE_WARNED)
	    || clock_wall() - m->q.envelope.arrival_us / 1000000
	    < qmgr_conf.delay_warning_time
	    || look_for_log(QUEUE_DEFER, SPAN(m->q.id)) != FS_PRESENT
	    || !send_notice(m, BOUNCE_DELAYED))
		return;
	m->q.envelope.flags |= ENVELOPE_WARNED;
	if (queue_late_flags_write(queue_dir, m->q.where, SPAN(m->q.id),
	    ENVELOPE_WARNED, &why) != QUEUE_OK)
		complain(m, "cannot note that its sender was warned", &why);
	str_fini(&why);
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
	/* A probe is for an answer now, or for none. */
	bool over = m->kept_total == 0
	    || (m->q.envelope.flags & ENVELOPE_VERIFY);
	bool held = m->strikes >= 2;

	fiber_log_context(m->q.id);
	look_where_it_is(m);
	held |= m->moved || m->gone;
	/* Nobody is given up who was not tried. */
	if (!over && !held && !m->untried && has_expired(m)) {
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
		if (!held)
			warn_of_delay(m);
		put_away(m);
	}
	fiber_log_context(NULL);
	busy--;
}

static bool
is_plain(const struct message *m)
{
	if (m->kept_total > 0 || m->bounced_some || m->had_logs
	    || m->q.rcpts_done > 0)
		return false;
	if (m->q.envelope.flags & (ENVELOPE_TRACE | ENVELOPE_VERIFY)
	    && !(m->q.envelope.flags & ENVELOPE_PROBE))
		return false;
	if (m->spot.log != 0 && m->marked)
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
