/*
 * notice - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/bounce/notice.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fs.h"
#include "common/io/record.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/date822.h"
#include "common/service/service.h"
#include "daemons/bounce/bounce_conf.h"
#include "daemons/bounce/verdicts.h"
#include "daemons/shared/cleanup_client.h"
#include "queue/queue_id.h"

#define RUN_BYTES (32 * 1024)

static const struct {
	const char *subject, *lead, *explanation, *returned;
} texts[] = {
	[BOUNCE_FAILED] = { "Undelivered Mail Returned to Sender",
	    "Your message could not be delivered to one or more recipients.",
	    "It is attached below. Nothing more will be tried for the\n"
	    "recipients listed here.", "Undelivered Message" },
	[BOUNCE_DELAYED] = { "Delayed Mail (still being retried)",
	    "Your message has not been delivered yet to one or more "
	    "recipients.",
	    "This is a warning only. Delivery will be tried again; there is\n"
	    "no need to send the message once more.", "Delayed Message" },
	[BOUNCE_TRACE] = { "Mail Delivery Status Report",
	    "This is the delivery report that you asked for.",
	    "The results for each recipient follow.", "Message" },
};

static const char *
action_name(uint64_t action)
{
	static const char *const names[] = { [DSN_FAILED] = "failed",
		[DSN_DELAYED] = "delayed", [DSN_DELIVERED] = "delivered",
		[DSN_RELAYED] = "relayed", [DSN_EXPANDED] = "expanded" };

	return action < ARRAY_COUNT(names) ? names[action] : "failed";
}

/* Text from a log or a peer stays on its line. */
static void
add_line_text(struct str *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		str_putc(out, c == '\n' || c == '\r' || c == '\0' ? ' ' : c);
	}
}

/* "    word word": folded at spaces below 78 columns. */
static void
add_wrapped(struct str *out, struct span text)
{
	size_t column = 4;
	struct span word;

	str_adds(out, "   ");
	while (span_token(&text, " \t\r\n", &word)) {
		if (column + word.len > 77 && column > 4) {
			str_adds(out, "\n   ");
			column = 4;
		}
		str_putc(out, ' ');
		add_line_text(out, word);
		column += word.len + 1;
	}
	str_putc(out, '\n');
}

static void
add_head(const struct notice *n, const char *boundary, struct str *out)
{
	str_adds(out, "Date: ");
	date822_print(out, clock_wall());
	str_addf(out, "\nFrom: MAILER-DAEMON@%s (Mail Delivery System)\n",
	    conf_core.myorigin);
	str_addf(out, "Subject: %s\nTo: ", texts[n->what].subject);
	address_quote(out, n->rcpt);
	str_addf(out, "\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\n"
	    "\tboundary=\"%s\"\n", boundary);
	if (n->envelope->flags & ENVELOPE_8BIT)
		str_adds(out, "Content-Transfer-Encoding: 8bit\n");
	str_adds(out, "\nThis is a MIME-encapsulated message.\n\n");
}

/* A notice on its way to cleanup, in pieces: it may be about very many. */
struct writing {
	const struct notice *n;
	struct cleanup_client *c;
	struct str *text;
	const char *id;			/* of the notice */
	bool ok;
};

static bool
pass_on(struct writing *w, size_t most)
{
	if (str_len(w->text) <= most)
		return w->ok;
	w->ok = w->ok && cleanup_client_data(w->c, str_span(w->text),
	    service_ipc_deadline()) == IO_OK;
	str_clear(w->text);
	return w->ok;
}

static bool
each(struct writing *w, verdict_fn *fn)
{
	struct str why = STR_EMPTY;
	bool read = verdicts_each(service_queue_dir(), w->n->what,
	    w->n->about->queue_id, fn, w, &why) == QUEUE_OK;

	if (!read)
		log_warn("%s notification: %s", w->n->kind, str_cstr(&why));
	str_fini(&why);
	return read && w->ok;
}

static bool
add_person(const struct outcome *o, void *arg)
{
	struct writing *w = arg;
	struct str *out = w->text;

	str_putc(out, '<');
	address_quote(out, o->rcpt);
	str_putc(out, '>');
	if (!span_empty(o->original)
	    && !span_eq_nocase(o->original, o->rcpt)) {
		str_adds(out, " (expanded from <");
		address_quote(out, o->original);
		str_adds(out, ">)");
	}
	str_adds(out, ":\n");
	add_wrapped(out, o->reason);
	str_putc(out, '\n');
	return pass_on(w, RUN_BYTES);
}

static bool
add_people_part(struct writing *w, const char *boundary)
{
	const struct notice *n = w->n;
	struct str *out = w->text;

	str_addf(out, "--%s\nContent-Description: Notification\n"
	    "Content-Type: text/plain; charset=utf-8\n\n"
	    "This is the mail system at host %s.\n\n%s\n%s\n\n"
	    "For help, please write to postmaster.\n\n", boundary,
	    conf_core.myhostname, texts[n->what].lead,
	    texts[n->what].explanation);
	return each(w, add_person);
}

static void
add_rcpt_fields(const struct notice *n, const struct outcome *o,
    struct str *out)
{
	str_adds(out, "\nFinal-Recipient: rfc822; ");
	address_quote(out, o->rcpt);
	if (!span_empty(o->orcpt)) {
		ssize_t semicolon = span_find(o->orcpt, ';');

		str_adds(out, "\nOriginal-Recipient: ");
		add_line_text(out, span_sub(o->orcpt, 0,
		    (size_t)(semicolon + 1)));
		add_line_text(out, span_skip(o->orcpt,
		    (size_t)(semicolon + 1)));
	} else if (!span_empty(o->original)) {
		str_adds(out, "\nOriginal-Recipient: rfc822;");
		address_quote(out, o->original);
	}
	str_addf(out, "\nAction: %s\nStatus: %.*s\n", action_name(o->action),
	    SPAN_ARG(o->dsn));
	if (!span_empty(o->mta_name)) {
		str_addf(out, "Remote-MTA: %.*s; ", SPAN_ARG(o->mta_type));
		add_line_text(out, o->mta_name);
		str_putc(out, '\n');
	}
	if (!span_empty(o->diag_text)) {
		str_addf(out, "Diagnostic-Code: %.*s; ",
		    SPAN_ARG(o->diag_type));
		add_line_text(out, o->diag_text);
	} else {
		str_adds(out, "Diagnostic-Code: X-Postfix; ");
		add_line_text(out, o->reason);
	}
	str_putc(out, '\n');
	if (n->what == BOUNCE_DELAYED) {
		str_adds(out, "Will-Retry-Until: ");
		date822_print(out, (time_t)(n->envelope->arrival_us / 1000000
		    + bounce_conf.maximal_queue_lifetime));
		str_putc(out, '\n');
	}
}

static bool
add_status(const struct outcome *o, void *arg)
{
	struct writing *w = arg;

	if (w->n->what == BOUNCE_FAILED)
		RECORD_THAT("derived", w->n->about->queue_id, "%s %.*s", w->id,
		    SPAN_ARG(o->rcpt));
	add_rcpt_fields(w->n, o, w->text);
	return pass_on(w, RUN_BYTES);
}

static bool
add_status_part(struct writing *w, const char *boundary)
{
	const struct notice *n = w->n;
	struct str *out = w->text;

	str_addf(out, "--%s\nContent-Description: Delivery report\n"
	    "Content-Type: message/delivery-status\n\n"
	    "Reporting-MTA: dns; %s\n", boundary, conf_core.myhostname);
	if (!span_empty(n->envelope->dsn_envid)) {
		str_adds(out, "Original-Envelope-Id: ");
		add_line_text(out, n->envelope->dsn_envid);
		str_putc(out, '\n');
	}
	str_addf(out, "X-Postfix-Queue-ID: %.*s\nX-Postfix-Sender: rfc822; ",
	    SPAN_ARG(n->about->queue_id));
	address_quote(out, n->envelope->sender);
	str_adds(out, "\nArrival-Date: ");
	date822_print(out, (time_t)(n->envelope->arrival_us / 1000000));
	str_putc(out, '\n');
	if (!each(w, add_status))
		return false;
	str_putc(out, '\n');
	return true;
}

static void
add_returned_head(const struct notice *n, const char *boundary,
    struct str *out)
{
	str_addf(out, "--%s\nContent-Description: %s%s\n"
	    "Content-Type: %s\n", boundary, texts[n->what].returned,
	    n->headers_only ? " Headers" : "",
	    n->headers_only ? "text/rfc822-headers" : "message/rfc822");
	if (n->envelope->flags & ENVELOPE_8BIT)
		str_adds(out, "Content-Transfer-Encoding: 8bit\n");
	str_putc(out, '\n');
}

/* The message itself, or its headers up to the first empty line. */
static bool
copy_message(const struct notice *n, struct cleanup_client *c,
    struct arena *arena)
{
	char *buf = arena_alloc(arena, RUN_BYTES);
	uint64_t at = 0, length = n->about->content_length;
	bool line_start = true, over = false;

	while (at < length && !over) {
		size_t want = length - at < RUN_BYTES ? (size_t)(length - at)
		    : RUN_BYTES;
		ssize_t got = fs_pread(n->about->fd, buf, want,
		    (off_t)(n->about->content_offset + at));
		size_t use;

		if (got <= 0)
			return false;
		use = (size_t)got;
		for (size_t i = 0; n->headers_only && i < use; i++) {
			if (buf[i] == '\n' && line_start) {
				use = i;
				over = true;
			}
			line_start = buf[i] == '\n';
		}
		if (cleanup_client_data(c, span_of(buf, use),
		    service_ipc_deadline()) != IO_OK)
			return false;
		at += (uint64_t)got;
	}
	return true;
}

/* All of it but for its end. */
static bool
write_notice(struct writing *w, const char *boundary, struct arena *arena)
{
	const struct notice *n = w->n;

	add_head(n, boundary, w->text);
	if (!add_people_part(w, boundary) || !add_status_part(w, boundary))
		return false;
	if (n->about->fd < 0)
		return true;
	add_returned_head(n, boundary, w->text);
	return pass_on(w, 0) && copy_message(n, w->c, arena);
}

bool
notice_send(const struct notice *n, struct arena *arena)
{
	struct envelope envelope = { .sender = n->sender,
		.arrival_us = clock_wall_us(), .flags = ENVELOPE_INTERNAL,
		.rewrite_context = SPAN("local"), .origin = SPAN("local") };
	struct envelope_rcpt rcpt = { .address = n->rcpt,
		.notify = DSN_NOTIFY_NEVER };
	struct cleanup_begin begin = { .flags = CLEANUP_INTERNAL,
		.envelope = { &envelope, 1 }, .rcpts = { &rcpt, 1 } };
	struct str *text = str_in_arena(arena);
	struct cleanup_result result;
	struct writing w = { .n = n, .text = text, .ok = true };
	char id[QUEUE_ID_MAX], *boundary;

	queue_id_make(id, service_slot(), conf_core.enable_long_queue_ids);
	begin.queue_id = SPAN(id);
	boundary = arena_printf(arena, "%.*s.%lld/%s",
	    SPAN_ARG(n->about->queue_id), (long long)clock_wall(),
	    conf_core.myhostname);
	if (n->what == BOUNCE_FAILED)
		rcpt.notify = 0;
	w.c = cleanup_client_begin(arena, &begin, service_ipc_deadline());
	w.id = id;
	if (w.c == NULL)
		return false;
	log_info("%s notification: %s", n->kind, id);
	str_addf(text, "Received: by %s (%s)\n\tid %s; ",
	    conf_core.myhostname, conf_core.mail_name, id);
	date822_print(text, clock_wall());
	str_putc(text, '\n');
	if (!write_notice(&w, boundary, arena)) {
		cleanup_client_abort(w.c);
		return false;
	}
	str_addf(text, "\n--%s--\n", boundary);
	pass_on(&w, 0);
	cleanup_client_finish(w.c, &result, service_ipc_deadline());
	if (result.status != CLEANUP_OK)
		log_warn("%s notification failed: %.*s", n->kind,
		    SPAN_ARG(result.text));
	return result.status == CLEANUP_OK;
}
