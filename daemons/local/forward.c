/*
 * forward - a message goes on to other addresses as a new message, which is
 * durable before the old recipient is done.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/io/record.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/date822.h"
#include "common/mail/header.h"
#include "common/service/service.h"
#include "daemons/local/local_priv.h"
#include "daemons/shared/cleanup_client.h"
#include "daemons/shared/expanded.h"
#include "queue/queue_id.h"

#define RUN_BYTES (32 * 1024)

static bool
copy_content(struct expansion *e, struct cleanup_client *c, const char *id,
    struct span delivered)
{
	char *buf = arena_alloc(e->d->arena, RUN_BYTES);
	struct str *head = str_in_arena(e->d->arena);
	uint64_t at = 0;
	ssize_t got;

	str_adds(head, "Received: by ");
	str_addf(head, "%s (%s)\n\tid %s; ", conf_core.myhostname,
	    conf_core.mail_name, id);
	date822_print(head, clock_wall());
	str_putc(head, '\n');
	if (delivered_where & DELIVERED_FORWARD) {
		str_adds(head, "Delivered-To: ");
		address_quote(head, delivered);
		str_putc(head, '\n');
	}
	if (cleanup_client_data(c, str_span(head), service_ipc_deadline())
	    != IO_OK)
		return false;
	while ((got = delivery_read(e->d, at, buf, RUN_BYTES)) > 0) {
		if (cleanup_client_data(c, span_of(buf, (size_t)got),
		    service_ipc_deadline()) != IO_OK)
			return false;
		at += (uint64_t)got;
	}
	return got == 0;
}

/* Too many hops, say, will be too many for ever. */
static bool
cannot_forward(struct expansion *e, const struct cleanup_result *result)
{
	const char *code, *dsn, *text;

	cleanup_status_reply(result->status, &code, &dsn, &text);
	return expansion_fail(e, code[0] == '5' ? OUTCOME_BOUNCED
	    : OUTCOME_DEFERRED, dsn, "cannot forward: %.*s",
	    SPAN_ARG(span_empty(result->text) ? SPAN(text) : result->text));
}

/* RFC 3461 5.2.7: success was told of by the expansion. What was asked of a list
 * is not asked of its members: they have mail from its owner. */
static void
ask_less(struct envelope_rcpt *rcpt, bool of_list)
{
	if (of_list) {
		rcpt->notify = 0;
		rcpt->orcpt = SPAN_NONE;
	} else {
		rcpt->notify = expanded_notify(rcpt->notify);
	}
}

static void
send_recipients(struct expansion *e, struct cleanup_client *c,
    const struct forward *like)
{
	LIST_EACH(item, &e->forwards) {
		struct forward *f = LIST_ITEM(item, struct forward, link);
		struct envelope_rcpt rcpt = { .address = f->address,
			.original = e->rcpt->original,
			.notify = e->rcpt->notify, .orcpt = e->rcpt->orcpt };

		if (f->sent || !span_eq(f->owner, like->owner)
		    || !span_eq(f->delivered, like->delivered))
			continue;
		if (e->expanded)
			ask_less(&rcpt, !span_empty(f->owner));
		cleanup_client_rcpt(c, &rcpt);
		f->sent = true;
	}
}

/* To all that have this owner and Delivered-To. */
static bool
send_one(struct expansion *e, const struct forward *like,
    struct str *reason_out)
{
	struct span owner = like->owner;
	struct envelope envelope = *e->d->envelope;
	struct cleanup_begin begin = {
		.flags = CLEANUP_INTERNAL | CLEANUP_OF_FORWARD,
		.envelope = { &envelope, 1 } };
	struct cleanup_result result = { .status = CLEANUP_WRITE_ERROR };
	struct cleanup_client *c;
	char id[QUEUE_ID_MAX];

	if (!span_empty(owner) && !span_empty(envelope.sender))
		envelope.sender = owner;
	if (!span_empty(owner)) {
		envelope.dsn_envid = SPAN_NONE;
		envelope.dsn_ret = 0;
	}
	envelope.data_size = 0;
	envelope.arrival_us = clock_wall_us();
	envelope.flags &= ENVELOPE_SMTPUTF8_ASKED | ENVELOPE_TRACE
	    | ENVELOPE_VERIFY;
	envelope.rewrite_context = SPAN("local");
	envelope.verp = SPAN_NONE;	/* its sender was made already */
	queue_id_make(id, service_slot(), conf_core.enable_long_queue_ids);
	begin.queue_id = SPAN(id);
	c = cleanup_client_begin(e->d->arena, &begin, service_ipc_deadline());
	if (c == NULL)
		return expansion_fail(e, OUTCOME_DEFERRED, "4.3.0",
		    "cleanup service is not available");
	send_recipients(e, c, like);
	RECORD_THAT("derived", SPAN(fiber_log_queue_id()), "%s %.*s", id,
	    SPAN_ARG(e->rcpt->address));
	if (copy_content(e, c, id, like->delivered))
		cleanup_client_finish(c, &result, service_ipc_deadline());
	else
		cleanup_client_abort(c);
	if (result.status != CLEANUP_OK)
		return cannot_forward(e, &result);
	str_addf(reason_out, "%s%s", str_len(reason_out) == 0
	    ? "forwarded as " : ", ", id);
	return true;
}

bool
forward_send(struct expansion *e, struct str *reason_out)
{
	LIST_EACH(item, &e->forwards) {
		const struct forward *f = LIST_ITEM(item, struct forward,
		    link);

		if (delivery_is_own_probe(e->d)) {
			str_printf(reason_out, "forwards to %.*s",
			    SPAN_ARG(f->address));
			break;
		}
		if (!f->sent && !send_one(e, f, reason_out))
			return false;
	}
	return true;
}
