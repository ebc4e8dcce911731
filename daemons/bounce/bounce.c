/*
 * bounce - as bounce, defer and trace: keeps what became of recipients, and
 * tells senders.
 *
 * A notice about a notice is never sent to a sender: undeliverable ones go to
 * the postmaster when notify_classes asks for it, and those that cannot be
 * delivered either are dropped with a line in the log.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/strlist.h"
#include "common/mail/address.h"
#include "common/service/service.h"
#include "daemons/bounce/bounce_conf.h"
#include "daemons/bounce/notice.h"
#include "daemons/bounce/verdicts.h"

static enum queue_name
log_of_service(void)
{
	if (span_is(SPAN(service_name()), conf_core.defer_service_name))
		return QUEUE_DEFER;
	if (span_is(SPAN(service_name()), conf_core.trace_service_name))
		return QUEUE_TRACE;
	return QUEUE_BOUNCE;
}

static void
answer(struct rpc_call *call, struct bounce_reply *reply, bool ok,
    const struct str *why)
{
	reply->ok = ok;
	if (!ok)
		reply->why = arena_span(call->arena, str_span(why));
}

static bool
handle_append(struct rpc_call *call, void *request, void *reply_out)
{
	struct bounce_append *rq = request;
	struct str *why = str_in_arena(call->arena);

	if (!queue_id_valid(rq->queue_id))
		return false;
	fiber_note_work(arena_cstr(call->arena, rq->queue_id), "");
	answer(call, reply_out, outcome_log_append(service_queue_dir(),
	    log_of_service(), rq->queue_id, rq->outcomes.items,
	    rq->outcomes.count, why), why);
	return true;
}

static bool
handle_drop(struct rpc_call *call, void *request, void *reply_out)
{
	struct bounce_drop *rq = request;
	struct str *why = str_in_arena(call->arena);

	if (!queue_id_valid(rq->queue_id))
		return false;
	answer(call, reply_out, outcome_log_remove(service_queue_dir(),
	    log_of_service(), rq->queue_id, why), why);
	return true;
}

/* ---- notices ---- */

static bool
notifies(const char *class)
{
	struct strlist classes = STRLIST_EMPTY;
	bool has;

	strlist_split(&classes, SPAN(bounce_conf.notify_classes),
	    STRLIST_CONF);
	has = strlist_has_nocase(&classes, SPAN(class));
	strlist_fini(&classes);
	return has;
}

static struct span
double_bounce_address(struct arena *arena)
{
	return SPAN(arena_printf(arena, "%s@%s",
	    conf_core.double_bounce_sender, conf_core.myorigin));
}

/* Ours, not that of another site which has the same name for it. */
static bool
is_double_bounce(struct span sender, struct arena *arena)
{
	return span_eq_nocase(sender, double_bounce_address(arena));
}

static struct span
with_origin(struct arena *arena, const char *address)
{
	return strchr(address, '@') != NULL ? SPAN(address)
	    : SPAN(arena_printf(arena, "%s@%s", address,
		conf_core.myorigin));
}

static const char *
kind_for_sender(enum bounce_what what)
{
	switch (what) {
	case BOUNCE_FAILED:
		return "sender non-delivery";
	case BOUNCE_DELAYED:
		return "sender delay";
	case BOUNCE_TRACE:
		return "sender delivery status";
	}
	return "sender";
}

static bool
notify_postmaster(struct notice *n, const char *recipient,
    struct arena *arena)
{
	n->sender = double_bounce_address(arena);
	n->rcpt = with_origin(arena, recipient);
	n->headers_only = true;
	n->kind = "postmaster non-delivery";
	return notice_send(n, arena);
}

static bool
send_notices(struct notice *n, struct arena *arena)
{
	const struct envelope *e = n->envelope;
	bool ok;

	if (is_double_bounce(e->sender, arena)) {
		log_warn("undeliverable postmaster notification discarded");
		return true;
	}
	if (span_empty(e->sender)) {
		if (n->what != BOUNCE_FAILED) {
			log_info("not sending trace/success notification for "
			    "single-bounce message");
			return true;
		}
		return !notifies("2bounce") || notify_postmaster(n,
		    bounce_conf.double_bounce_notice_recipient, arena);
	}
	n->rcpt = e->sender;
	n->kind = kind_for_sender(n->what);
	n->headers_only = e->dsn_ret == DSN_RET_HDRS
	    || n->what != BOUNCE_FAILED
	    || n->about->content_length
	    > (uint64_t)bounce_conf.bounce_size_limit;
	ok = notice_send(n, arena);
	if (ok && n->what == BOUNCE_FAILED && notifies("bounce"))
		notify_postmaster(n, bounce_conf.bounce_notice_recipient,
		    arena);
	return ok;
}

static bool
is_one(const struct outcome *o, void *arg)
{
	(void)o;
	*(bool *)arg = true;
	return false;
}

/* True when the notice is in the queue, or none is due. */
static bool
send_about(const struct bounce_send *rq, struct arena *arena,
    struct str *why)
{
	struct notice n = { .what = (enum bounce_what)rq->what, .about = rq,
		.envelope = rq->envelope.items };
	bool any = false;
	enum queue_result result = verdicts_each(service_queue_dir(), n.what,
	    rq->queue_id, is_one, &any, why);

	if (result != QUEUE_OK)
		return result == QUEUE_GONE;
	if (any && !send_notices(&n, arena)) {
		str_sets(why, "notice was not queued");
		return false;
	}
	/* The notice is durable: the log has done its work. */
	return n.what == BOUNCE_DELAYED || outcome_log_remove(
	    service_queue_dir(), verdicts_log(n.what), rq->queue_id, why);
}

static bool
handle_send(struct rpc_call *call, void *request, void *reply_out)
{
	struct bounce_send *rq = request;
	struct str *why = str_in_arena(call->arena);

	if (!queue_id_valid(rq->queue_id) || rq->envelope.count != 1
	    || rq->what < BOUNCE_FAILED || rq->what > BOUNCE_TRACE)
		return false;
	fiber_log_context(arena_cstr(call->arena, rq->queue_id));
	fiber_note_work(arena_cstr(call->arena, rq->queue_id), "");
	answer(call, reply_out, send_about(rq, call->arena, why), why);
	fiber_log_context(NULL);
	return true;
}

static const struct rpc_method methods[] = {
	{ .request = &bounce_append_form, .reply = &bounce_reply_form,
	    .handle = handle_append, .suspends = true },
	{ .request = &bounce_send_form, .reply = &bounce_reply_form,
	    .handle = handle_send, .suspends = true },
	{ .request = &bounce_drop_form, .reply = &bounce_reply_form,
	    .handle = handle_drop },
};

static const struct rpc_protocol protocol = {
	.name = BOUNCE_PROTOCOL, .version = BOUNCE_VERSION,
	.methods = methods, .nmethods = ARRAY_COUNT(methods),
	.accepts_fds = true,
};

static void
prepare(void)
{
	queue_names_setup(conf_core.hash_queue_names,
	    conf_core.hash_queue_depth);
}

static const struct service bounce = {
	.name = "bounce",
	.params = &bounce_params,
	.needs = NEEDS_QUEUE_READ | NEEDS_QUEUE_WRITE,
	.internal = true,
	.before_jail = prepare,
	.protocol = &protocol,
};

int
main(int argc, char **argv)
{
	return service_main(&bounce, argc, argv);
}
