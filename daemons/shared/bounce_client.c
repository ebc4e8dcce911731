/*
 * bounce_client - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/bounce_client.h"

#include "common/base/log.h"
#include "common/base/panic.h"
#include "common/io/fs.h"
#include "common/mail/conf_core.h"
#include "common/service/peer.h"

static struct peer *
log_peer(enum queue_name which)
{
	CHECK(which == QUEUE_BOUNCE || which == QUEUE_DEFER
	    || which == QUEUE_TRACE);
	return peer_named("private",
	    which == QUEUE_BOUNCE ? conf_core.bounce_service_name
	    : which == QUEUE_DEFER ? conf_core.defer_service_name
	    : conf_core.trace_service_name, BOUNCE_PROTOCOL, BOUNCE_VERSION);
}

/* Sends one request; says in the log why it came to nothing. */
static bool
ask(struct peer *peer, const struct attr_form *form, const void *request,
    const char *doing, struct deadline deadline)
{
	struct arena *arena = arena_new();
	struct bounce_reply reply;
	bool ok = false;

	if (peer_call(peer, false, form, request, &bounce_reply_form, &reply,
	    arena, deadline) != IO_OK)
		log_warn("%s: %s", doing, peer_why(peer));
	else if (!reply.ok)
		log_warn("%s: %.*s", doing, SPAN_ARG(reply.why));
	else
		ok = true;
	arena_free(&arena);
	return ok;
}

bool
bounce_append(enum queue_name which, struct span queue_id,
    const struct outcome *outcomes, size_t count, struct deadline deadline)
{
	struct bounce_append request = { .queue_id = queue_id,
		.outcomes = { (void *)(uintptr_t)outcomes, count } };

	return ask(log_peer(which), &bounce_append_form, &request,
	    which == QUEUE_DEFER ? "cannot keep deferral record"
	    : "cannot keep delivery status record", deadline);
}

bool
bounce_send(const struct bounce_send *request, struct deadline deadline)
{
	struct bounce_send copy = *request;

	if (copy.fd >= 0)
		fs_hold(copy.fd);
	return ask(log_peer(request->what == BOUNCE_DELAYED ? QUEUE_DEFER
	    : request->what == BOUNCE_TRACE ? QUEUE_TRACE : QUEUE_BOUNCE),
	    &bounce_send_form, &copy, "cannot send delivery status notice",
	    deadline);
}

bool
bounce_drop(enum queue_name which, struct span queue_id,
    struct deadline deadline)
{
	struct bounce_drop request = { .queue_id = queue_id };

	return ask(log_peer(which), &bounce_drop_form, &request,
	    "cannot remove delivery status record", deadline);
}
