/*
 * dispatch - entries of the schedule go to delivery agents, results come back.
 *
 * A message whose agent died with it becomes a suspect. Suspects of a transport
 * are delivered one at a time, in a process that does nothing else: one that
 * dies again had nobody else's message, and the message is put on hold. When all
 * that was in flight of a message has gone well there, it is no suspect any more.
 *
 * An agent that never answers keeps its claim on the file, but not our memory:
 * after daemon_timeout the recipients go to the retry service.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fs.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/verp.h"
#include "common/service/control.h"
#include "common/service/service.h"
#include "daemons/qmgr/qmgr_priv.h"
#include "daemons/shared/rewrite_client.h"

#define STRIKES_UNTIL_HOLD 2

struct in_flight {
	struct schedule_entry *entry;	/* NULL: a suspect or diverted one */
	struct transport *transport;
	struct message *m;
	uint32_t *rcpts, count;
	struct span nexthop;		/* in the arena */
	struct peer_pending *call;
	struct peer *peer;		/* that was asked */
	struct arena *arena;
	struct list link;		/* completed, or waiting as a suspect */
	struct list unanswered;		/* in the order of hand-over */
	int64_t handed_ns;
	bool suspect, diverted, gave_up;
};

static struct list completed = LIST_HEAD(completed);
static struct list unanswered = LIST_HEAD(unanswered);
static struct fiber_queue completed_wake = FIBER_QUEUE(completed_wake);
static struct loop_timer again_timer;
static bool collector_runs, running;
static size_t in_flight;

/* ---- recipients into the schedule ---- */

static void
take_answer(struct envelope_rcpt *rcpt, const struct rewrite_answer *a,
    uint64_t generation)
{
	rcpt->generation = generation;
	rcpt->resolve_flags = a->flags;
	rcpt->transport = a->transport;
	rcpt->nexthop = a->nexthop;
	rcpt->resolved = a->recipient;
}

static void
resolve_rcpts(struct message *m, struct envelope_rcpt *rcpts, uint32_t count,
    struct arena *arena)
{
	uint64_t generation = control_table_generation();
	struct rewrite_want *wants = mem_array(count, sizeof(*wants));
	uint32_t *which = mem_array(count, sizeof(*which));
	size_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (rcpts[i].generation == generation && generation != 0
		    && !span_empty(rcpts[i].transport))
			continue;
		wants[n].address = rcpts[i].address;
		which[n++] = i;
	}
	if (n > 0)
		rewrite_addresses("local", m->q.envelope.flags & ENVELOPE_PROBE
		    ? REWRITE_RESOLVE | REWRITE_FOR_PROBE : REWRITE_RESOLVE,
		    m->q.envelope.sender, wants, n, arena,
		    service_ipc_deadline());
	for (size_t i = 0; i < n; i++)
		take_answer(&rcpts[which[i]], &wants[i].answer,
		    wants[i].generation);
	mem_free(wants);
	mem_free(which);
}

/*
 * What concurrency counts by: the next hop, or the mailbox (extension aside)
 * where a delivery is for one recipient anyhow.
 */
static struct span
destination_name(const struct envelope_rcpt *rcpt, struct arena *arena)
{
	struct span local = address_split(rcpt->address).local, extension;

	if (transport_find(rcpt->transport)->sched->limits.rcpts_per_entry
	    != 1)
		return rcpt->nexthop;
	address_split_extension(local, conf_core.recipient_delimiter, &local,
	    &extension);
	return SPAN(arena_printf(arena, "%.*s@%.*s", SPAN_ARG(local),
	    SPAN_ARG(rcpt->nexthop)));
}

/* FILTER or content_filter; without a next hop it is default_filter_nexthop, or
 * the recipient's domain. The address goes there as it is, whatever the resolver
 * thinks of it. False: there is no filter. */
static bool
send_to_filter(const struct message *m, struct envelope_rcpt *rcpt)
{
	struct span filter = m->q.envelope.filter;
	ssize_t colon = span_find(filter, ':');

	if (colon <= 0 || (m->q.envelope.flags & ENVELOPE_VERIFY))
		return false;
	rcpt->transport = span_sub(filter, 0, (size_t)colon);
	rcpt->nexthop = span_skip(filter, (size_t)colon + 1);
	if (span_empty(rcpt->nexthop))
		rcpt->nexthop = SPAN(qmgr_conf.default_filter_nexthop);
	if (span_empty(rcpt->nexthop))
		rcpt->nexthop = address_split(rcpt->address).domain;
	return true;
}

static void
route_rcpt(const struct message *m, struct envelope_rcpt *rcpt,
    struct arena *arena)
{
	if (send_to_filter(m, rcpt)) {
		;
	} else if (rcpt->resolve_flags & RESOLVE_FAIL) {
		rcpt->transport = SPAN("retry");
		rcpt->nexthop = SPAN("4.3.0 address resolver failure");
	} else if (!span_empty(rcpt->resolved)) {
		rcpt->address = rcpt->resolved;
	}
	struct transport *t = transport_find(rcpt->transport);

	if (t->deferred_by_conf) {
		rcpt->transport = SPAN("retry");
		rcpt->nexthop = SPAN("4.3.2 deferred transport");
	} else if (t->reason != NULL && !span_is(rcpt->transport, "retry")) {
		rcpt->nexthop = SPAN(arena_printf(arena, "%s %s",
		    t->dsn, t->reason));
		rcpt->transport = SPAN("retry");
	} else {
		struct schedule_destination *d =
		    schedule_destination(t->sched, destination_name(rcpt,
			arena));
		const struct destination_trouble *trouble =
		    d != NULL && d->dead ? destination_trouble(d) : NULL;

		if (trouble == NULL)
			return;
		rcpt->transport = SPAN("retry");
		rcpt->nexthop = SPAN(arena_printf(arena,
		    "%s delivery temporarily suspended: %s", trouble->dsn,
		    trouble->reason));
	}
}

static bool
is_verp(const struct message *m)
{
	return !span_empty(m->q.envelope.verp)
	    && !span_empty(m->q.envelope.sender);
}

/* Recipients on their way into the schedule. */
struct adding {
	struct envelope_rcpt *rcpts;
	uint32_t count;
	bool *added;
	struct span *nexthops;
	uint32_t *numbers;
	struct arena *arena;
};

/* All of one transport, from position i on. */
static void
add_same_transport(struct message *m, struct adding *a, uint32_t i)
{
	struct span name = a->rcpts[i].transport;
	struct transport *t = transport_find(name);
	size_t n = 0;

	for (uint32_t k = i; k < a->count; k++) {
		if (a->added[k] || !span_eq(a->rcpts[k].transport, name))
			continue;
		a->added[k] = true;
		a->nexthops[n] = destination_name(&a->rcpts[k], a->arena);
		a->numbers[n++] = recipients_hold(m, &a->rcpts[k], t);
	}
	if (is_verp(m))
		schedule_add_apart(t->sched, m, a->nexthops, a->numbers, n);
	else
		schedule_add(t->sched, m, a->nexthops, a->numbers, n);
}

void
dispatch_add(struct message *m, struct envelope_rcpt *rcpts, uint32_t count,
    struct arena *arena)
{
	struct adding a = { .rcpts = rcpts, .count = count, .arena = arena };

	if (count == 0)
		return;
	resolve_rcpts(m, rcpts, count, arena);
	for (uint32_t i = 0; i < count; i++) {
		route_rcpt(m, &rcpts[i], arena);
		if (rcpts[i].notify & DSN_NOTIFY_SUCCESS)
			m->wants_success = true;
	}
	a.added = arena_array(arena, count, sizeof(*a.added));
	a.nexthops = arena_array(arena, count, sizeof(*a.nexthops));
	a.numbers = arena_array(arena, count, sizeof(*a.numbers));
	for (uint32_t i = 0; i < count; i++)
		if (!a.added[i])
			add_same_transport(m, &a, i);
}

/* ---- to the agent ---- */

static void collect(void *arg);

static void
wake_collector(void)
{
	if (!collector_runs)
		collector_runs = fiber_spawn(service_fibers(), "collect",
		    collect, NULL) != NULL;
	fiber_queue_wake_one(&completed_wake);
}

static void
wake_for(void *transport)
{
	(void)transport;
	wake_collector();
}

static void
completed_now(void *arg)
{
	struct in_flight *f = arg;

	list_remove(&f->unanswered);
	list_append(&completed, &f->link);
	wake_collector();
}

/* What comes after this is for nobody: the claim of the agent on the file keeps
 * it from being delivered once more meanwhile. */
static void
give_up_waiting(struct in_flight *f)
{
	log_warn("%s: transport %s: no answer within %lld s -- trying again "
	    "later", f->m->q.id, f->transport->sched->name,
	    (long long)conf_core.daemon_timeout);
	peer_forget(f->call);
	f->call = NULL;
	f->gave_up = true;
	completed_now(f);
}

static void next_suspect(struct transport *t);
static void give_up_suspects(struct transport *t, bool silent);

static void
tend_suspects(struct transport *t, int64_t old)
{
	if (t->asking != NULL && !peer_is_done(t->asking)
	    && t->asked_ns <= old) {
		peer_forget(t->asking);
		t->asking = NULL;
		give_up_suspects(t, true);
	}
	next_suspect(t);
}

void
dispatch_tend(void)
{
	int64_t old = clock_now_ns()
	    - conf_core.daemon_timeout * INT64_C(1000000000);
	struct in_flight *f;

	while ((f = LIST_FIRST(&unanswered, struct in_flight, unanswered))
	    != NULL && f->handed_ns <= old)
		give_up_waiting(f);
	LIST_EACH(item, transport_all())
		tend_suspects(LIST_ITEM(item, struct transport, link), old);
	if (!list_empty(&completed) || collector_runs)
		wake_collector();
}

static void
name_recipient(struct in_flight *f, const struct envelope_rcpt *rcpt,
    struct envelope *e)
{
	struct str *sender = str_in_arena(f->arena);

	verp_sender(sender, e->sender, span_empty(rcpt->original)
	    ? rcpt->address : rcpt->original, e->verp);
	if (str_len(sender) <= ENVELOPE_ADDRESS_MOST)
		e->sender = str_span(sender);
}

static void
send_to_agent(struct in_flight *f, struct span transport, struct span nexthop,
    struct peer *agent)
{
	struct message *m = f->m;
	struct envelope envelope = m->q.envelope;
	struct envelope_rcpt *rcpts = arena_array(f->arena, f->count,
	    sizeof(*rcpts));
	struct delivery_request request = {
		.queue_name = SPAN(queue_name_text(m->q.where)),
		.queue_id = SPAN(m->q.id), .transport = transport,
		.nexthop = nexthop,
		.content_offset = m->q.layout.content_offset,
		.content_length = m->q.layout.content_length,
		.active_us = m->active_us, .handed_us = clock_wall_us(),
		.suspect = f->suspect,
		.envelope = { &envelope, 1 },
		.rcpts = { rcpts, f->count },
		.fd = fs_hold(m->q.fd) };

	if (qmgr_conf.confirm_delay_cleared
	    && (envelope.flags & ENVELOPE_WARNED))
		envelope.flags |= ENVELOPE_CONFIRM;
	in_flight++;
	f->peer = agent;
	for (uint32_t i = 0; i < f->count; i++)
		rcpts[i] = *recipients_at(m, f->rcpts[i]);
	if (is_verp(m))
		name_recipient(f, &rcpts[0], &envelope);
	envelope.verp = SPAN_NONE;
	f->handed_ns = clock_now_ns();
	list_append(&unanswered, &f->unanswered);
	f->call = peer_begin(agent, false, &delivery_request_form, &request,
	    &delivery_reply_form, completed_now, f);
}

size_t
dispatch_in_flight(void)
{
	return in_flight;
}

static struct in_flight *
in_flight_new(struct message *m, struct transport *t, const uint32_t *rcpts,
    uint32_t count, struct span nexthop)
{
	struct in_flight *f = MEM_NEW(struct in_flight);

	f->arena = arena_new();
	f->m = m;
	f->transport = t;
	f->count = count;
	f->rcpts = arena_array(f->arena, count, sizeof(*f->rcpts));
	memcpy(f->rcpts, rcpts, count * sizeof(*rcpts));
	f->nexthop = arena_span(f->arena, nexthop);
	list_init(&f->link);
	list_init(&f->unanswered);
	return f;
}

static void
in_flight_free(struct in_flight *f)
{
	list_remove(&f->link);
	arena_free(&f->arena);
	mem_free(f);
}

/* ---- suspects ---- */

static void
ask_to_be_alone(struct transport *t)
{
	struct delivery_alone request = { .please = true };

	t->asked_ns = clock_now_ns();
	t->asking = peer_begin(t->apart, false, &delivery_alone_form, &request,
	    &delivery_alone_reply_form, wake_for, t);
}

static void
add_suspect(struct in_flight *f)
{
	f->m->suspects++;
	list_append(&f->transport->suspects, &f->link);
}

/* Whatever became of it, but for another try. */
static void
leave_suspects(struct message *m)
{
	if (--m->suspects == 0 && m->strikes < STRIKES_UNTIL_HOLD)
		m->strikes = 0;
}

/* Of a message that will be on hold. */
static void
keep_undelivered(struct in_flight *f)
{
	in_flight++;
	completed_now(f);		/* without a call */
}

static struct in_flight *
take_suspect(struct transport *t)
{
	struct in_flight *f;

	while ((f = LIST_FIRST(&t->suspects, struct in_flight, link)) != NULL
	    && f->m->strikes >= STRIKES_UNTIL_HOLD) {
		list_remove(&f->link);
		leave_suspects(f->m);
		keep_undelivered(f);
	}
	return f;
}

static void
next_suspect(struct transport *t)
{
	struct in_flight *f;

	if (t->suspect_in_flight || t->asking != NULL
	    || (f = take_suspect(t)) == NULL)
		return;
	if (!t->alone) {
		ask_to_be_alone(t);
		return;
	}
	list_remove(&f->link);
	t->suspect_in_flight = true;
	f->suspect = true;
	send_to_agent(f, SPAN(t->sched->name), f->nexthop, t->apart);
}

/* ---- to the agent, again ---- */

static void
send_entry(struct schedule_entry *entry)
{
	struct transport *t = transport_of(entry->destination->transport);
	struct message *m = entry->message;
	struct in_flight *f = in_flight_new(m, t, entry->rcpts, entry->count,
	    recipients_at(m, entry->rcpts[0])->nexthop);

	if (entry->preempts && recipients_go_first(m, t))
		intake_refill(m);
	f->entry = entry;
	if (m->strikes >= STRIKES_UNTIL_HOLD) {
		keep_undelivered(f);
	} else if (m->strikes > 0) {
		add_suspect(f);
		next_suspect(t);
	} else {
		send_to_agent(f, SPAN(t->sched->name), f->nexthop, t->agent);
	}
}

static void
again(struct loop_timer *timer)
{
	(void)timer;
	dispatch_kick();
}

void
dispatch_kick(void)
{
	struct schedule_entry *entry;
	int64_t again_ms = -1;

	if (running || !dispatching)
		return;
	running = true;
	while ((entry = schedule_next(schedule, clock_now_ns() / 1000000,
	    &again_ms)) != NULL)
		send_entry(entry);
	running = false;
	if (again_ms >= 0) {
		if (again_timer.fire == NULL)
			loop_timer_init(&again_timer, again);
		loop_timer_set(&again_timer, again_ms * 1000000);
	}
}

/* ---- what cannot be delivered now goes to the retry service ---- */

static void
divert(struct in_flight *f)
{
	f->diverted = true;
	f->suspect = false;
	send_to_agent(f, SPAN("retry"), f->nexthop, f->transport->agent);
}

void
dispatch_divert(struct schedule_transport *t, struct schedule_destination *d,
    const char *dsn, const char *reason)
{
	struct transport *retry = transport_find(SPAN("retry"));
	struct schedule_entry *entry;

	while ((entry = schedule_take_waiting(t, d)) != NULL) {
		struct message *m = entry->message;

		if (transport_of(t) == retry) {
			m->kept_total += entry->count;
			recipients_decided(m, entry->rcpts, entry->count);
			if (m->undecided == 0)
				finish_queue(m);
		} else {
			struct str text = STR_EMPTY;

			str_printf(&text, "%s %s%s", dsn, d == NULL ? ""
			    : "delivery temporarily suspended: ", reason);
			divert(in_flight_new(m, retry, entry->rcpts,
			    entry->count, str_span(&text)));
			str_fini(&text);
		}
		schedule_entry_free(entry);
	}
}

/* ---- results ---- */

static void
keep_all(struct in_flight *f)
{
	f->m->kept_total += f->count;
	recipients_decided(f->m, f->rcpts, f->count);
}

static void
take_results(struct in_flight *f, const struct delivery_reply *reply)
{
	struct message *m = f->m;

	for (uint32_t i = 0; i < f->count; i++) {
		const struct delivery_result *r =
		    ATTR_AT(reply->results, struct delivery_result, i);

		if (r->done == DELIVERY_DONE) {
			finish_mark(m,
			    recipients_at(m, f->rcpts[i])->mark_at);
			m->done_total++;
		} else {
			m->kept_total++;
		}
		if (r->outcome == OUTCOME_BOUNCED)
			m->bounced_some = true;
	}
	recipients_decided(m, f->rcpts, f->count);
}

static void
put_on_hold(struct in_flight *f)
{
	log_warn("%s: delivery agent for transport %s died %u times with this "
	    "message -- placed on hold", f->m->q.id,
	    f->transport->sched->name, f->m->strikes);
	keep_all(f);
}

/* The agent died, or closed on us. True when f lives on as a suspect. */
static bool
agent_was_lost(struct in_flight *f)
{
	struct message *m = f->m;

	if (f->diverted) {
		keep_all(f);
		return false;
	}
	if (f->suspect) {
		f->transport->alone = false;
		m->strikes = STRIKES_UNTIL_HOLD;
		put_on_hold(f);
		return false;
	}
	/* However many of its deliveries were with that one. */
	if (m->strikes == 0)
		m->strikes = 1;
	log_warn("%s: lost the delivery agent for transport %s: %s", m->q.id,
	    f->transport->sched->name, peer_why(f->peer));
	add_suspect(f);
	return true;
}

/* Nobody listens where the agent should: its mail goes to the retry service,
 * and what waits for retry itself stays for later. */
static bool
agent_is_missing(struct in_flight *f)
{
	struct transport *t = f->transport, *retry =
	    transport_find(SPAN("retry"));

	if (f->diverted || t == retry) {
		log_warn("transport %s: %s", retry->sched->name,
		    peer_why(retry->agent));
		keep_all(f);
		return false;
	}
	if (t->reason == NULL)
		log_warn("%s", peer_why(f->peer != NULL ? f->peer
		    : t->apart));
	transport_throttle(t, "4.3.0", "mail transport unavailable");
	f->transport = retry;
	f->nexthop = SPAN("4.3.0 mail transport unavailable");
	divert(f);
	return true;
}

/* Its mail goes to the retry service, where it is said why; what retry itself
 * does not answer stays for later. */
static bool
agent_is_silent(struct in_flight *f)
{
	f->gave_up = false;
	if (f->diverted || f->transport == transport_find(SPAN("retry"))) {
		keep_all(f);
		return false;
	}
	f->transport = transport_find(SPAN("retry"));
	f->nexthop = SPAN(arena_printf(f->arena, "4.3.0 delivery agent did "
	    "not answer within %lld seconds",
	    (long long)conf_core.daemon_timeout));
	divert(f);
	return true;
}

static void
say_feedback(const struct schedule_destination *d, const char *heard)
{
	if (qmgr_conf.feedback_debug)
		log_info("feedback: transport %s destination %s: %s: "
		    "concurrency %g success %.3f failure %.3f failed cohorts "
		    "%.3f, in flight %zu waiting %zu%s", d->transport->name,
		    d->name, heard, d->window, d->success, d->failure,
		    d->cohorts, d->in_flight, d->waiting,
		    d->dead ? ", dead" : "");
}

/* True if the destination died. */
static bool
give_feedback(struct schedule_entry *entry, enum schedule_feedback feedback)
{
	static const char *const heard[] = {
		[SCHEDULE_GOOD] = "good", [SCHEDULE_HOP_FAILED] = "failed",
		[SCHEDULE_NEUTRAL] = "neutral" };
	const struct schedule_destination *d = entry->destination;
	bool died = schedule_done(entry, feedback, clock_now_ns() / 1000000);

	say_feedback(d, heard[feedback]);
	return died;
}

static enum schedule_feedback
feedback_of(const struct delivery_reply *reply)
{
	if (reply->agent_unable)
		return SCHEDULE_NEUTRAL;
	return span_empty(reply->dead_dsn) ? SCHEDULE_GOOD
	    : SCHEDULE_HOP_FAILED;
}

static void
settle(struct in_flight *f)
{
	struct delivery_reply reply;
	bool was_sent = f->call != NULL, silent = f->gave_up;
	enum io_status status = !was_sent ? IO_ERROR
	    : peer_finish(f->call, &reply, f->arena, DEADLINE_NEVER);
	struct schedule_entry *entry = f->entry;
	struct schedule_destination *d = entry != NULL ? entry->destination
	    : NULL;
	struct message *m = f->m;
	bool lives = false, was_suspect = f->suspect;
	struct transport *t = f->transport;

	f->call = NULL;
	in_flight--;
	m->undecided++;			/* m stays until we are through */
	if (status == IO_OK && was_suspect && reply.not_alone) {
		t->alone = false;
		list_prepend(&t->suspects, &f->link);
		lives = true;
	} else if (status == IO_OK && reply.results.count == f->count) {
		take_results(f, &reply);
		if (reply.agent_unable)
			transport_throttle(t, "4.3.5",
			    "mail system configuration error");
		if (d != NULL && give_feedback(entry, feedback_of(&reply)))
			destination_died(d, reply.dead_dsn,
			    reply.dead_reason);
	} else {
		f->entry = NULL;
		m->untried |= !was_sent && !silent;
		if (silent)
			lives = agent_is_silent(f);
		else if (!was_sent)
			keep_all(f);
		else
			lives = status == IO_TIMEOUT ? agent_is_missing(f)
			    : agent_was_lost(f);
		if (d != NULL)
			give_feedback(entry, SCHEDULE_NEUTRAL);
	}
	if (was_suspect) {
		t->suspect_in_flight = false;
		f->suspect = false;
		if (!list_linked(&f->link))	/* in suspects, once more */
			leave_suspects(m);
	}
	if (!lives)
		in_flight_free(f);
	next_suspect(t);
	m->undecided--;
	if (m->undecided == 0)
		finish_queue(m);
	else if (!m->all_read)
		intake_refill(m);
}

/* Nobody is there to be alone with, or never will be. */
static void
give_up_suspects(struct transport *t, bool silent)
{
	struct in_flight *f;

	while ((f = LIST_FIRST(&t->suspects, struct in_flight, link))
	    != NULL) {
		struct message *m = f->m;
		struct schedule_entry *entry = f->entry;

		list_remove(&f->link);
		f->entry = NULL;
		leave_suspects(m);
		m->undecided++;
		if (!(silent ? agent_is_silent(f) : agent_is_missing(f)))
			in_flight_free(f);
		if (entry != NULL)
			schedule_done(entry, SCHEDULE_NEUTRAL,
			    clock_now_ns() / 1000000);
		m->undecided--;
		if (m->undecided == 0)
			finish_queue(m);
	}
}

/* A process that was lost on the way is asked for again within a second. */
static void
settle_asking(struct transport *t)
{
	struct delivery_alone_reply reply;
	struct arena *arena;
	enum io_status status;

	if (t->asking == NULL || !peer_is_done(t->asking))
		return;
	arena = arena_new();
	status = peer_finish(t->asking, &reply, arena, DEADLINE_NEVER);
	t->asking = NULL;
	arena_free(&arena);
	if (status == IO_TIMEOUT) {
		give_up_suspects(t, false);
	} else if (status == IO_OK) {
		log_info("transport %s: process %llu is for suspects alone",
		    t->sched->name, (unsigned long long)reply.pid);
		t->alone = true;
		next_suspect(t);
	}
}

static void
collect(void *arg)
{
	(void)arg;
	for (;;) {
		LIST_EACH(item, transport_all())
			settle_asking(LIST_ITEM(item, struct transport, link));

		while (!list_empty(&completed)) {
			struct in_flight *f = LIST_FIRST(&completed,
			    struct in_flight, link);

			list_remove(&f->link);
			settle(f);
			/* One at a time: a window that is used may grow. */
			dispatch_kick();
		}
		dispatch_kick();
		if (fiber_queue_wait(&completed_wake, DEADLINE_NEVER)
		    == IO_CANCELLED)
			break;
	}
	collector_runs = false;
}
