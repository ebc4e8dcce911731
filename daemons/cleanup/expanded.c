/*
 * expanded - virtual aliases whose success is told of by us, since it is not
 * asked of their members (RFC 3461 5.2.7.4).
 *
 * The record goes straight into the message's trace log, not through the trace
 * service: that one waits for cleanup when it sends a notice, and two that wait
 * for one another would stall where a master.cf lets each have one process. Until
 * the commit nobody else knows the message, so nobody else writes to its log.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/service/service.h"
#include "daemons/cleanup/cleanup_priv.h"
#include "daemons/shared/expanded.h"
#include "queue/outcome_log.h"

void
expanded_note(struct transaction *t, struct envelope_rcpt *rcpt,
    struct span address)
{
	if (!(rcpt->notify & DSN_NOTIFY_SUCCESS))
		return;
	if (t->nexpanded == t->expanded_room) {
		struct outcome *wider;

		t->expanded_room = t->expanded_room == 0 ? 4
		    : 2 * t->expanded_room;
		wider = arena_array(t->arena, t->expanded_room,
		    sizeof(*wider));
		if (t->nexpanded > 0)
			memcpy(wider, t->expanded,
			    t->nexpanded * sizeof(*wider));
		t->expanded = wider;
	}
	t->expanded[t->nexpanded++] = (struct outcome){
		.rcpt = arena_span(t->arena, address),
		.original = rcpt->original, .orcpt = rcpt->orcpt,
		.notify = rcpt->notify, .action = DSN_EXPANDED,
		.dsn = SPAN("2.0.0"), .reason = SPAN("alias expanded"),
		.when_us = clock_wall_us() };
	rcpt->notify = expanded_notify(rcpt->notify);
}

bool
expanded_keep(struct transaction *t)
{
	struct str why = STR_EMPTY;
	bool kept = t->nexpanded == 0
	    || outcome_log_append(service_queue_dir(), QUEUE_TRACE,
		SPAN(t->id), t->expanded, t->nexpanded, &why);

	if (!kept) {
		log_warn("cannot keep delivery status record: %s",
		    str_cstr(&why));
		expanded_forget(t);
	}
	str_fini(&why);
	return kept;
}

void
expanded_forget(struct transaction *t)
{
	struct str why = STR_EMPTY;

	if (t->nexpanded > 0 && !outcome_log_remove(service_queue_dir(),
	    QUEUE_TRACE, SPAN(t->id), &why))
		log_warn("cannot remove delivery status record: %s",
		    str_cstr(&why));
	str_fini(&why);
}
