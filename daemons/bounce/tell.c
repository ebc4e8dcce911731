/*
 * tell - see the header.
 *
 * A notice about a notice is never sent to a sender: undeliverable ones go to
 * the postmaster when notify_classes asks for it, and those that cannot be
 * delivered either are dropped with a line in the log. What a postmaster gets
 * is a courtesy: that it cannot be queued stops nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/bounce/tell.h"

#include "common/base/log.h"
#include "common/mail/verp.h"
#include "common/service/service.h"
#include "daemons/bounce/bounce_conf.h"
#include "daemons/bounce/notice.h"
#include "daemons/shared/postmaster.h"

/* ---- whom to tell, and what ---- */

static bool
any_at_all(const struct outcome *o, void *arg)
{
	(void)o;
	*(bool *)arg = true;
	return false;
}

/* QUEUE_OK and *any_out says whether there is anybody to tell about. */
static enum queue_result
is_there_any(const struct notice *n, bool *any_out, struct str *why)
{
	*any_out = false;
	return verdicts_each(service_queue_dir(), &n->choice,
	    n->about->queue_id, any_at_all, any_out, why);
}

static bool
is_too_large(const struct notice *n)
{
	return n->about->content_length
	    > (uint64_t)bounce_conf.bounce_size_limit;
}

/* Everybody who was lost, whatever their sender wanted to hear. */
static bool
tell_postmaster(const struct notice *about, const char *recipient,
    const char *kind, bool headers_only, struct arena *arena)
{
	struct notice n = *about;

	n.sender = postmaster_sender(arena);
	n.rcpt = postmaster_address(arena, recipient);
	n.kind = kind;
	n.for_postmaster = true;
	n.choice.everyone = true;
	n.headers_only = headers_only;
	return notice_send(&n, arena);
}

static bool
tell_sender(struct notice *n, const char *kind, struct arena *arena,
    struct str *why)
{
	bool any;

	if (is_there_any(n, &any, why) != QUEUE_OK)
		return false;
	if (!any)
		return true;
	n->sender = SPAN_NONE;
	n->rcpt = n->envelope->sender;
	n->kind = kind;
	return notice_send(n, arena);
}

struct each {
	const struct notice *n;
	bool ok;
};

static bool
tell_of_one(const struct outcome *o, void *arg)
{
	struct each *each = arg;
	struct notice n = *each->n;
	struct arena *arena = arena_new();	/* there may be very many */
	struct str *rcpt = str_in_arena(arena);

	verp_sender(rcpt, n.envelope->sender, span_empty(o->original)
	    ? o->rcpt : o->original, n.envelope->verp);
	n.rcpt = str_span(rcpt);
	n.only = o;
	each->ok = notice_send(&n, arena);
	arena_free(&arena);
	return each->ok;
}

/* What the copy of each recipient was sent with is where its bounce goes. */
static bool
tell_sender_of_each(struct notice *n, const char *kind, struct str *why)
{
	struct each each = { .n = n, .ok = true };

	n->sender = SPAN_NONE;
	n->kind = kind;
	return verdicts_each(service_queue_dir(), &n->choice,
	    n->about->queue_id, tell_of_one, &each, why) == QUEUE_OK
	    && each.ok;
}

static bool
tell_of_failure(struct notice *n, struct arena *arena, struct str *why)
{
	if (postmaster_is_sender(n->envelope->sender)) {
		log_warn("undeliverable postmaster notification discarded");
		return true;
	}
	if (span_empty(n->envelope->sender))
		return !postmaster_wants(TROUBLE_2BOUNCE)
		    || tell_postmaster(n,
			bounce_conf.double_bounce_notice_recipient,
			"postmaster non-delivery", is_too_large(n), arena);
	n->headers_only = n->envelope->dsn_ret == DSN_RET_HDRS
	    || is_too_large(n);
	if (!span_empty(n->envelope->verp) && !bounce_conf.disable_verp) {
		if (!tell_sender_of_each(n, "sender non-delivery", why))
			return false;
	} else if (!tell_sender(n, "sender non-delivery", arena, why)) {
		return false;
	}
	if (postmaster_wants(TROUBLE_BOUNCE))
		tell_postmaster(n, postmaster_conf.bounce_recipient,
		    "postmaster non-delivery", true, arena);
	return true;
}

static bool
tell_of_delay(struct notice *n, struct arena *arena, struct str *why)
{
	if (postmaster_is_sender(n->envelope->sender))
		return true;
	n->headers_only = true;
	if (!span_empty(n->envelope->sender)
	    && !tell_sender(n, "sender delay", arena, why))
		return false;
	if (postmaster_wants(TROUBLE_DELAY))
		tell_postmaster(n, bounce_conf.delay_notice_recipient,
		    "postmaster delay", true, arena);
	return true;
}

static bool
tell_of_deliveries(struct notice *n, struct arena *arena, struct str *why)
{
	bool asked = (n->envelope->flags
	    & (ENVELOPE_TRACE | ENVELOPE_VERIFY)) != 0;

	if (span_empty(n->envelope->sender)
	    || postmaster_is_sender(n->envelope->sender)) {
		log_info("not sending trace/success notification for %s "
		    "message", span_empty(n->envelope->sender)
		    ? "single-bounce" : "double-bounce");
		return true;
	}
	n->template = asked ? BOUNCE_TEMPLATE_VERIFY : BOUNCE_TEMPLATE_SUCCESS;
	n->choice.everyone = asked;
	n->headers_only = true;
	return tell_sender(n, "sender delivery status", arena, why);
}

static bool
tell(struct notice *n, struct arena *arena, struct str *why)
{
	switch (n->choice.what) {
	case BOUNCE_FAILED:
		n->template = BOUNCE_TEMPLATE_FAILURE;
		return tell_of_failure(n, arena, why);
	case BOUNCE_DELAYED:
		n->template = BOUNCE_TEMPLATE_DELAY;
		return tell_of_delay(n, arena, why);
	case BOUNCE_TRACE:
		return tell_of_deliveries(n, arena, why);
	}
	return false;
}

bool
tell_about(const struct bounce_send *rq, struct arena *arena, struct str *why)
{
	struct notice n = { .about = rq, .envelope = rq->envelope.items,
		.choice = { .what = (enum bounce_what)rq->what,
		    .since_us = rq->since_us } };
	struct notice all = n;
	bool any;
	enum queue_result result;

	all.choice.everyone = true;
	result = is_there_any(&all, &any, why);
	if (result != QUEUE_OK)
		return result == QUEUE_GONE;
	if (any && !tell(&n, arena, why)) {
		if (str_len(why) == 0)
			str_sets(why, "notice was not queued");
		return false;
	}
	/* The notice is durable: the log has done its work. */
	return n.choice.what == BOUNCE_DELAYED || outcome_log_remove(
	    service_queue_dir(), verdicts_log(n.choice.what), rq->queue_id,
	    why);
}
