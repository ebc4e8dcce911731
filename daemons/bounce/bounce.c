/*
 * bounce - as bounce, defer and trace: keeps what became of recipients, and
 * tells senders. The name of the row in master.cf says which log is meant.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/service/service.h"
#include "daemons/bounce/bounce_conf.h"
#include "daemons/bounce/notice.h"
#include "daemons/bounce/tell.h"
#include "daemons/shared/postmaster.h"

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
	answer(call, reply_out, tell_about(rq, call->arena, why), why);
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
	notice_setup();
}

/* Once, not for defer and trace again. */
static bool
check(void)
{
	if (log_of_service() != QUEUE_BOUNCE)
		return true;
	postmaster_setup();
	return notice_check();
}

static const struct service bounce = {
	.name = "bounce",
	.params = &bounce_params,
	.needs = NEEDS_QUEUE_READ | NEEDS_QUEUE_WRITE,
	.internal = true,
	.before_jail = prepare,
	.check = check,
	.protocol = &protocol,
};

int
main(int argc, char **argv)
{
	return service_main(&bounce, argc, argv);
}
