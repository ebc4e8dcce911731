/*
 * delivery_agent - see the header.
 *
 * Order for each recipient, never another: the status line, then the bounce,
 * defer or trace record durable, then the answer that lets qmgr mark it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/delivery_agent.h"

#include <stdio.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/io/fs.h"
#include "common/mail/address.h"
#include "common/service/peer.h"
#include "daemons/shared/bounce_client.h"
#include "daemons/shared/deliver_log.h"
#include "daemons/shared/status_filter.h"
#include "daemons/shared/verify_client.h"

enum { PASS_PATIENCE_MS = 5000, VERIFY_PATIENCE_S = 10 };

enum slot_state { SLOT_OPEN, SLOT_SET, SLOT_SETTLED };

struct slot {
	struct delivery_status status;	/* spans copied into the arena */
	char dsn[12];
	bool softened;			/* by soft_bounce */
	enum slot_state state;
	int64_t done_us;
	int64_t connected_us;
};

struct delivery_priv {
	struct slot *slots;
	struct delivery_result *results;
	struct delivery_reply *reply;
};

static deliver_fn *deliver_message;
static const char *relay_of_this_agent = "none";
static bool answers_probes;

void
delivery_agent_setup(deliver_fn *deliver, const char *relay_default)
{
	deliver_message = deliver;
	relay_of_this_agent = relay_default;
}

void
delivery_agent_answers_probes(void)
{
	answers_probes = true;
}

bool
delivery_is_probe(const struct delivery *d)
{
	return (d->envelope->flags & ENVELOPE_VERIFY) != 0;
}

bool
delivery_is_own_probe(const struct delivery *d)
{
	return delivery_is_probe(d)
	    && (d->envelope->flags & ENVELOPE_PROBE) != 0;
}

static struct span
copied(struct delivery *d, struct span bytes)
{
	return span_empty(bytes) ? SPAN_NONE : arena_span(d->arena, bytes);
}

/* The code as text with its class forced to what happened. */
static void
set_dsn(struct slot *slot)
{
	static const char cls[] = { [OUTCOME_SENT] = '2',
		[OUTCOME_DEFERRED] = '4', [OUTCOME_BOUNCED] = '5' };
	const char *given = slot->status.dsn;

	if (given == NULL || !dsn_valid(SPAN(given)))
		given = "x.0.0";
	snprintf(slot->dsn, sizeof(slot->dsn), "%s", given);
	slot->dsn[0] = cls[slot->status.kind];
	slot->status.dsn = slot->dsn;
}

void
delivery_set(struct delivery *d, size_t i, const struct delivery_status *status)
{
	struct slot *slot = &d->priv->slots[i];

	CHECK(i < d->count);
	CHECK(slot->state == SLOT_OPEN);
	slot->status = *status;
	slot->status.reason = copied(d, status->reason);
	slot->status.relay = copied(d, status->relay);
	slot->status.diag_type = copied(d, status->diag_type);
	slot->status.diag_text = copied(d, status->diag_text);
	slot->status.mta_type = copied(d, status->mta_type);
	slot->status.mta_name = copied(d, status->mta_name);
	set_dsn(slot);
	slot->done_us = clock_wall_us();
	slot->connected_us = d->connected_us;
	slot->state = SLOT_SET;
}

void
delivery_set_rest(struct delivery *d, const struct delivery_status *status)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->priv->slots[i].state == SLOT_OPEN)
			delivery_set(d, i, status);
}

/* Only calls with such a one end when nobody is there for a while. */
static void
nothing_more(void *arg)
{
	(void)arg;
}

enum delivery_passed
delivery_pass(struct delivery *d, struct envelope_rcpt *rcpt,
    struct span where, struct span *why_out)
{
	ssize_t colon = span_find(where, ':');
	struct delivery_request request = *d->request;
	struct delivery_reply reply = { .agent_unable = false };
	const struct delivery_result *result;
	struct peer *agent;

	request.transport = colon < 0 ? where
	    : span_sub(where, 0, (size_t)colon);
	request.nexthop = colon < 0 ? SPAN_NONE
	    : span_skip(where, (size_t)colon + 1);
	if (span_empty(request.nexthop))
		request.nexthop = address_split(rcpt->address).domain;
	if (span_is(request.transport, service_name())) {
		*why_out = SPAN("mail would be passed to where it is");
		return PASSED_UNKNOWN;
	}
	request.rcpts = (struct attr_list){ rcpt, 1 };
	request.suspect = false;
	request.handed_us = clock_wall_us();
	request.fd = fs_hold(d->request->fd);
	agent = peer_named("private", arena_cstr(d->arena, request.transport),
	    DELIVERY_PROTOCOL, DELIVERY_VERSION);
	peer_set_patience(agent, PASS_PATIENCE_MS);
	if (peer_finish(peer_begin(agent, false, &delivery_request_form,
	    &request, &delivery_reply_form, nothing_more, NULL), &reply,
	    d->arena, deadline_in(conf_core.daemon_timeout)) != IO_OK
	    || reply.results.count != 1) {
		*why_out = SPAN(arena_printf(d->arena,
		    "mail transport %.*s unavailable: %s",
		    SPAN_ARG(request.transport), peer_why(agent)));
		return PASSED_UNKNOWN;
	}
	result = reply.results.items;
	return result->done != DELIVERY_DONE ? PASSED_KEPT
	    : result->outcome == OUTCOME_BOUNCED ? PASSED_BOUNCED
	    : PASSED_SENT;
}

void
delivery_set_passed(struct delivery *d, size_t i, enum delivery_passed passed)
{
	static const struct delivery_result results[] = {
		[PASSED_SENT] = { DELIVERY_DONE, OUTCOME_SENT },
		[PASSED_BOUNCED] = { DELIVERY_DONE, OUTCOME_BOUNCED },
		[PASSED_KEPT] = { DELIVERY_KEEP, OUTCOME_DEFERRED },
		[PASSED_UNKNOWN] = { DELIVERY_KEEP, OUTCOME_DEFERRED },
	};
	struct slot *slot = &d->priv->slots[i];

	CHECK(i < d->count);
	CHECK(slot->state == SLOT_OPEN);
	slot->state = SLOT_SETTLED;
	d->priv->results[i] = results[passed];
}

void
delivery_dead(struct delivery *d, const char *dsn, struct span reason)
{
	d->priv->reply->dead_dsn = SPAN(arena_strdup(d->arena, dsn));
	d->priv->reply->dead_reason = arena_span(d->arena, reason);
}

ssize_t
delivery_read(struct delivery *d, uint64_t at, char *buf, size_t len)
{
	uint64_t length = d->request->content_length;

	if (at >= length)
		return 0;
	if (len > length - at)
		len = (size_t)(length - at);
	return fs_pread(d->request->fd, buf, len,
	    (off_t)(d->request->content_offset + at));
}

static void
log_slot(struct delivery *d, size_t i)
{
	static const char *const words[] = { [OUTCOME_SENT] = "sent",
		[OUTCOME_DEFERRED] = "deferred", [OUTCOME_BOUNCED] = "bounced" };
	struct slot *slot = &d->priv->slots[i];
	struct deliver_times times = { .arrival_us = d->envelope->arrival_us,
		.active_us = d->request->active_us,
		.handed_us = d->request->handed_us,
		.connected_us = slot->connected_us, .done_us = slot->done_us };

	if (span_empty(slot->status.relay))
		slot->status.relay = SPAN(relay_of_this_agent);
	deliver_log(&d->rcpts[i], &slot->status, slot->dsn,
	    !delivery_is_probe(d) ? slot->softened ? "SOFTBOUNCE"
	    : words[slot->status.kind]
	    : slot->status.kind == OUTCOME_SENT ? "deliverable"
	    : "undeliverable", &times);
}

static void
fill_outcome(struct delivery *d, size_t i, struct outcome *o)
{
	static const enum dsn_action actions[] = {
		[OUTCOME_SENT] = DSN_DELIVERED, [OUTCOME_DEFERRED] = DSN_DELAYED,
		[OUTCOME_BOUNCED] = DSN_FAILED };
	const struct slot *slot = &d->priv->slots[i];
	const struct envelope_rcpt *rcpt = &d->rcpts[i];

	*o = (struct outcome){ .rcpt = rcpt->address,
		.original = rcpt->original, .orcpt = rcpt->orcpt,
		.notify = rcpt->notify, .mark_at = rcpt->mark_at,
		.action = slot->status.kind == OUTCOME_SENT
		    ? slot->status.action_if_sent
		    : actions[slot->status.kind],
		.dsn = SPAN(slot->dsn), .reason = slot->status.reason,
		.diag_type = slot->status.diag_type,
		.diag_text = slot->status.diag_text,
		.mta_type = slot->status.mta_type,
		.mta_name = slot->status.mta_name, .when_us = slot->done_us };
}

/* A report on what was sent: who asked for all, was warned, or wants success and
 * hears of it from nobody else. */
static bool
wants_trace(const struct delivery *d, size_t i)
{
	const struct slot *slot = &d->priv->slots[i];
	uint64_t flags = d->envelope->flags, notify = d->rcpts[i].notify;

	if (flags & ENVELOPE_TRACE)
		return true;
	if (slot->status.kind != OUTCOME_SENT)
		return false;
	if ((flags & ENVELOPE_CONFIRM) && !(notify & DSN_NOTIFY_NEVER))
		return true;
	return (notify & DSN_NOTIFY_SUCCESS) != 0
	    && !slot->status.relay_does_dsn;
}

/* Does this outcome have to be kept in this log? */
static bool
wants_record(const struct delivery *d, size_t i, enum queue_name which)
{
	const struct slot *slot = &d->priv->slots[i];

	if (slot->state != SLOT_SET)
		return false;
	if (delivery_is_probe(d))
		return which == QUEUE_TRACE;
	if (which == QUEUE_TRACE)
		return wants_trace(d, i);
	switch (slot->status.kind) {
	case OUTCOME_BOUNCED:
		return which == QUEUE_BOUNCE;
	case OUTCOME_DEFERRED:
		return which == QUEUE_DEFER;
	case OUTCOME_SENT:
		return false;
	}
	return false;
}

static bool
keep_records(struct delivery *d, enum queue_name which)
{
	struct outcome *outcomes =
	    arena_array(d->arena, d->count, sizeof(*outcomes));
	size_t n = 0;

	for (size_t i = 0; i < d->count; i++)
		if (wants_record(d, i, which))
			fill_outcome(d, i, &outcomes[n++]);
	return n == 0 || bounce_append(which, d->request->queue_id, outcomes, n,
	    service_ipc_deadline());
}

/* What cannot be told to the sender has not bounced: it is tried again. */
static void
bounce_later(struct delivery *d)
{
	for (size_t i = 0; i < d->count; i++) {
		struct slot *slot = &d->priv->slots[i];

		if (slot->state != SLOT_SET
		    || slot->status.kind != OUTCOME_BOUNCED)
			continue;
		slot->status.kind = OUTCOME_DEFERRED;
		slot->status.dsn = "4.3.0";
		slot->status.reason = SPAN(arena_printf(d->arena,
		    "%s service failure; was to bounce: %.*s",
		    conf_core.bounce_service_name,
		    SPAN_ARG(slot->status.reason)));
		set_dsn(slot);
	}
}

/* What the administrator makes of it: a table's words, then soft_bounce. */
static void
finish_status(struct delivery *d, struct slot *slot)
{
	struct status_text text = { .kind = slot->status.kind,
		.reason = slot->status.reason };

	memcpy(text.dsn, slot->dsn, sizeof(text.dsn));
	status_filter(&text, d->arena);
	slot->softened = text.kind == OUTCOME_BOUNCED && conf_core.soft_bounce
	    && !delivery_is_probe(d);
	slot->status.kind = slot->softened ? OUTCOME_DEFERRED : text.kind;
	slot->status.reason = text.reason;
	slot->status.dsn = text.dsn;
	set_dsn(slot);
}

/* Of an address that a table replaced, the one that was asked about. */
static void
tell_verify(struct delivery *d)
{
	static const enum verify_status statuses[] = {
		[OUTCOME_SENT] = VERIFY_OK, [OUTCOME_DEFERRED] = VERIFY_DEFER,
		[OUTCOME_BOUNCED] = VERIFY_BOUNCE };

	for (size_t i = 0; i < d->count; i++) {
		const struct slot *slot = &d->priv->slots[i];
		const struct envelope_rcpt *rcpt = &d->rcpts[i];

		if (slot->state == SLOT_SET)
			verify_tell(span_empty(rcpt->original) ? rcpt->address
			    : rcpt->original, statuses[slot->status.kind],
			    slot->status.reason,
			    deadline_in(VERIFY_PATIENCE_S));
	}
}

static void
settle_slots(struct delivery *d)
{
	for (size_t i = 0; i < d->count; i++) {
		struct slot *slot = &d->priv->slots[i];

		if (slot->state != SLOT_SET)
			continue;
		slot->state = SLOT_SETTLED;
		d->priv->results[i] = (struct delivery_result){
			.outcome = slot->status.kind,
			.done = slot->status.kind == OUTCOME_DEFERRED
			    && !delivery_is_probe(d)
			    ? DELIVERY_KEEP : DELIVERY_DONE };
	}
}

/* Probes are over with the first answer, whatever it is. */
static void
settle_probe(struct delivery *d)
{
	if (!delivery_is_own_probe(d))
		keep_records(d, QUEUE_TRACE);
	for (size_t i = 0; i < d->count; i++)
		if (d->priv->slots[i].state == SLOT_SET)
			log_slot(d, i);
	if (delivery_is_own_probe(d))
		tell_verify(d);
	settle_slots(d);
}

/* The line comes after what it says is durable, and before the answer. */
void
delivery_settle(struct delivery *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->priv->slots[i].state == SLOT_SET)
			finish_status(d, &d->priv->slots[i]);
	if (delivery_is_probe(d)) {
		settle_probe(d);
		return;
	}
	if (!keep_records(d, QUEUE_BOUNCE))
		bounce_later(d);
	for (size_t i = 0; i < d->count; i++)
		if (d->priv->slots[i].state == SLOT_SET)
			log_slot(d, i);

	/* A deferral or success whose record is lost costs a notice, not mail. */
	keep_records(d, QUEUE_DEFER);
	keep_records(d, QUEUE_TRACE);
	settle_slots(d);
}

static void
refuse_all(struct delivery *d, const char *why)
{
	struct delivery_status status = { .kind = OUTCOME_DEFERRED,
		.dsn = "4.3.5", .relay = SPAN(relay_of_this_agent),
		.reason = SPAN(arena_printf(d->arena,
		    "mail system configuration error: %s", why)) };

	delivery_set_rest(d, &status);
	d->priv->reply->agent_unable = true;
}

static void
answer_probe(struct delivery *d)
{
	struct delivery_status status = { .kind = OUTCOME_SENT,
		.dsn = "2.0.0", .relay = SPAN(relay_of_this_agent),
		.reason = SPAN(arena_printf(d->arena, "delivers via %s service",
		    service_name())), .action_if_sent = DSN_DELIVERED };

	delivery_set_rest(d, &status);
}

static void
run_delivery(struct delivery *d)
{
	struct delivery_status forgotten = { .kind = OUTCOME_DEFERRED,
		.dsn = "4.3.0", .relay = SPAN(relay_of_this_agent),
		.reason = SPAN("delivery agent ended without a result") };

	if (service_refusal() != NULL)
		refuse_all(d, service_refusal());
	else if (delivery_is_probe(d) && !answers_probes)
		answer_probe(d);
	else
		deliver_message(d);
	for (size_t i = 0; i < d->count; i++)
		if (d->priv->slots[i].state == SLOT_OPEN) {
			log_warn("no result for recipient <%.*s>",
			    SPAN_ARG(d->rcpts[i].address));
			delivery_set(d, i, &forgotten);
		}
	delivery_settle(d);
}

/* ---- suspects ---- */

static size_t deliveries;
static const struct stream *alone_for;

static bool
delivers(void)
{
	return deliveries > 0;
}

static bool
handle_alone(struct rpc_call *call, void *request, void *reply_out)
{
	struct delivery_alone_reply *reply = reply_out;

	(void)request;
	if (service_be_alone(call->stream, delivers))
		alone_for = call->stream;
	reply->pid = (uint64_t)getpid();
	return true;
}

static bool
handle_delivery(struct rpc_call *call, void *request, void *reply_out)
{
	struct delivery_request *rq = request;
	struct delivery_reply *reply = reply_out;

	if (rq->envelope.count != 1 || rq->rcpts.count == 0 || rq->fd < 0)
		return false;
	if (rq->suspect && call->stream != alone_for) {
		reply->not_alone = true;
		return true;
	}

	struct delivery_priv priv = { .reply = reply };
	struct delivery d = { .arena = call->arena, .request = rq,
		.envelope = rq->envelope.items, .rcpts = rq->rcpts.items,
		.count = rq->rcpts.count, .started_us = clock_wall_us(),
		.priv = &priv };

	priv.slots = arena_array(call->arena, d.count, sizeof(*priv.slots));
	priv.results = arena_array(call->arena, d.count,
	    sizeof(*priv.results));
	fiber_log_context(arena_cstr(call->arena, rq->queue_id));
	fiber_note_work(arena_cstr(call->arena, rq->queue_id),
	    arena_cstr(call->arena, rq->nexthop));
	deliveries++;
	run_delivery(&d);
	deliveries--;
	reply->results = (struct attr_list){ priv.results, d.count };
	fiber_log_context(NULL);
	fiber_note_work("", "");
	return true;
}

static const struct rpc_method methods[] = {
	{ .request = &delivery_request_form, .reply = &delivery_reply_form,
	    .handle = handle_delivery, .suspends = true },
	{ .request = &delivery_alone_form, .reply = &delivery_alone_reply_form,
	    .handle = handle_alone, .suspends = true },
};

const struct rpc_protocol delivery_protocol = {
	.name = DELIVERY_PROTOCOL, .version = DELIVERY_VERSION,
	.methods = methods, .nmethods = ARRAY_COUNT(methods),
	.accepts_fds = true,
};
