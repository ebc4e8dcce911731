/*
 * anvil - counts what clients do, over all processes that serve them.
 *
 * One process holds the numbers in memory. Who has sessions says so anew when
 * it connects, so a new anvil learns them by itself; what happened in the time
 * unit it is told by the one it replaces, which connects to it like anybody
 * else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/service/peer.h"
#include "common/service/service.h"
#include "daemons/anvil/anvil_conf.h"
#include "daemons/anvil/counts.h"

#define CLIENTS_MOST 500000		/* about 80 MB */
#define SUCCESSOR_MS 1000

struct holder {				/* a connection */
	struct list link;
	const struct stream *stream;
	struct counts_holder *counts;
};

static struct counts *counts;
static struct list holders = LIST_HEAD(holders);
static struct fiber_queue all_gone = FIBER_QUEUE(all_gone);

static struct counts_holder *
holder_of(const struct rpc_call *call)
{
	LIST_EACH(item, &holders) {
		struct holder *h = LIST_ITEM(item, struct holder, link);

		if (h->stream == call->stream)
			return h->counts;
	}
	return NULL;
}

static bool
handle_event(struct rpc_call *call, void *request, void *reply_out)
{
	const struct anvil_event *event = request;
	struct anvil_answer *answer = reply_out;
	struct counts_holder *holder = holder_of(call);

	if (event->rate >= ANVIL_RATES || holder == NULL)
		return false;
	answer->sessions = counts_hold(holder, event->key, event->held,
	    clock_now_ns(), clock_wall());
	answer->happened = counts_add(counts, event->key,
	    (enum anvil_rate)event->rate, 1, clock_now_ns(), clock_wall());
	return true;
}

static bool
handle_note(struct rpc_call *call, void *request, void *reply_out)
{
	const struct anvil_note *note = request;
	struct counts_holder *holder = holder_of(call);
	const uint64_t happened[] = { [ANVIL_CONNECTIONS] = note->connections,
		[ANVIL_MESSAGES] = note->messages,
		[ANVIL_RCPTS] = note->rcpts };

	if (holder == NULL)
		return false;
	counts_hold(holder, note->key, note->held, clock_now_ns(),
	    clock_wall());
	for (size_t i = 0; i < ARRAY_COUNT(happened); i++)
		if (happened[i] > 0)
			counts_add(counts, note->key, (enum anvil_rate)i,
			    happened[i], clock_now_ns(), clock_wall());
	return true;
}

static bool
handle_legacy(struct rpc_call *call, void *request, void *reply_out)
{
	counts_adopt(counts, request, clock_now_ns(), clock_wall());
	return true;
}

static const struct rpc_method methods[] = {
	{ &anvil_event_form, &anvil_answer_form, handle_event, false },
	{ &anvil_note_form, NULL, handle_note, false },
	{ &anvil_legacy_form, NULL, handle_legacy, false },
};

static const struct rpc_protocol protocol = {
	.name = ANVIL_PROTOCOL, .version = ANVIL_VERSION,
	.methods = methods, .nmethods = ARRAY_COUNT(methods),
};

static void
serve(struct stream *client, const struct sock_peer *peer)
{
	struct holder h = { .stream = client,
		.counts = counts_holder_new(counts) };

	list_append(&holders, &h.link);
	rpc_serve(&protocol, client, peer);
	list_remove(&h.link);
	counts_holder_free(&h.counts);
	if (list_empty(&holders))
		fiber_queue_wake_all(&all_gone);
}

/* ---- statistics ---- */

static void
say(const char *line)
{
	log_info("statistics: %s", line);
}

static void
start(void)
{
	struct deadline report = deadline_in(anvil_conf.status_update_time);
	struct deadline sweep = deadline_in(anvil_conf.rate_time_unit);

	while (fiber_sleep(deadline_earlier(report, sweep))
	    != IO_CANCELLED) {
		if (deadline_passed(sweep)) {
			counts_sweep(counts, clock_now_ns());
			sweep = deadline_in(anvil_conf.rate_time_unit);
		}
		if (deadline_passed(report)) {
			counts_report(counts, say);
			report = deadline_in(anvil_conf.status_update_time);
		}
	}
}

/* ---- being replaced ---- */

static void
give(const struct anvil_legacy *legacy, void *arg)
{
	attr_queue(arg, &anvil_legacy_form, 0, legacy);
}

/* When all stop nobody takes it, and nobody misses it. */
static void
hand_over(void)
{
	static struct peer *successor;
	struct stream *s;

	if (successor == NULL)
		successor = peer_apart("private", service_name(),
		    ANVIL_PROTOCOL, ANVIL_VERSION);
	s = peer_take_connection(successor, deadline_in_ms(SUCCESSOR_MS));
	if (s == NULL)
		return;
	counts_give(counts, clock_now_ns(), give, s);
	stream_flush(s, deadline_in_ms(SUCCESSOR_MS));
	stream_close(s);
}

/* What comes after the first time is what was on its way. */
static void
drain(void)
{
	hand_over();
	while (!list_empty(&holders)
	    && fiber_queue_wait(&all_gone, DEADLINE_NEVER) == IO_OK)
		continue;
	hand_over();
	counts_report(counts, say);
}

static void
after_jail(void)
{
	counts = counts_new(anvil_conf.rate_time_unit, CLIENTS_MOST);
}

static const struct service anvil = {
	.name = "anvil",
	.params = &anvil_params,
	.solitary = true,
	.internal = true,
	.forms = true,
	.after_jail = after_jail,
	.start = start,
	.serve = serve,
	.drain = drain,
};

int
main(int argc, char **argv)
{
	return service_main(&anvil, argc, argv);
}
