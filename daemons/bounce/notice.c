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
#include "common/mail/header.h"
#include "common/service/service.h"
#include "daemons/bounce/bounce_conf.h"
#include "daemons/shared/cleanup_client.h"
#include "daemons/shared/postmaster.h"
#include "queue/queue_id.h"

#define RUN_BYTES (32 * 1024)

#define MESSAGE_ID_WITHIN (64 * 1024)	/* of the headers */

static struct arena *words_arena;
static struct bounce_templates templates;
static const char *words[BOUNCE_TEMPLATES];	/* their texts, expanded */

static const char *
word_for_returned(enum bounce_what what)
{
	switch (what) {
	case BOUNCE_FAILED:
		return "Undelivered Message";
	case BOUNCE_DELAYED:
		return "Delayed Message";
	case BOUNCE_TRACE:
		return "Message";
	}
	return "Message";
}

void
notice_setup(void)
{
	struct strlist complaints = STRLIST_EMPTY;

	postmaster_setup();
	arena_free(&words_arena);
	words_arena = arena_new();
	bounce_templates_built_in(&templates);
	bounce_templates_read(&templates, bounce_conf.template_file,
	    words_arena, &complaints);
	bounce_templates_check(&templates, &complaints);
	for (size_t i = 0; i < complaints.count; i++)
		log_warn("%s", complaints.items[i]);
	strlist_clear(&complaints);
	for (size_t i = 0; i < BOUNCE_TEMPLATES; i++) {
		struct str text = STR_EMPTY;

		bounce_template_expand(&templates.of[i], &text, &complaints);
		words[i] = arena_strdup(words_arena, str_cstr(&text));
		str_fini(&text);
	}
	strlist_fini(&complaints);
}

bool
notice_check(void)
{
	struct strlist complaints = STRLIST_EMPTY;
	struct bounce_templates read;
	struct arena *arena = arena_new();
	bool good;

	bounce_templates_built_in(&read);
	bounce_templates_read(&read, bounce_conf.template_file, arena,
	    &complaints);
	bounce_templates_check(&read, &complaints);
	good = complaints.count == 0;
	for (size_t i = 0; i < complaints.count; i++)
		log_error("%s", complaints.items[i]);
	strlist_fini(&complaints);
	arena_free(&arena);
	return good;
}

/* RFC 6533: what has UTF-8 in its envelope or headers is told of in UTF-8. */
static bool
is_utf8(const struct notice *n)
{
	return (n->envelope->flags & ENVELOPE_SMTPUTF8_NEEDED) != 0;
}

static bool
may_have_8bit(const struct notice *n)
{
	return is_utf8(n) || (n->envelope->flags & ENVELOPE_8BIT) != 0
	    || (!n->for_postmaster && !span_is_ascii(SPAN(words[n->template])));
}

/* Of a question, what would become of the recipient. */
static const char *
action_name(const struct notice *n, uint64_t action)
{
	static const char *const names[] = { [DSN_FAILED] = "failed",
		[DSN_DELAYED] = "delayed", [DSN_DELIVERED] = "delivered",
		[DSN_RELAYED] = "relayed", [DSN_EXPANDED] = "expanded" };

	if (n->envelope->flags & ENVELOPE_VERIFY)
		return action == DSN_DELIVERED || action == DSN_RELAYED
		    || action == DSN_EXPANDED ? "deliverable"
		    : "undeliverable";
	return action < ARRAY_COUNT(names) ? names[action] : "failed";
}

/* Text from a log or a peer stays on its line, and in its character set. */
static void
add_line_text(struct str *out, struct span text, bool ascii)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c == '\n' || c == '\r' || c == '\0')
			c = ' ';
		str_putc(out, ascii && (unsigned char)c > 127 ? '?' : c);
	}
}

/* "    word word": folded at spaces below 78 columns. */
static void
add_wrapped(struct str *out, struct span text, bool ascii)
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
		add_line_text(out, word, ascii);
		column += word.len + 1;
	}
	str_putc(out, '\n');
}

/* The value of the first Message-ID header, without its folds. */
static void
take_message_id(struct span head, struct str *out)
{
	struct span line;
	bool inside = false;

	while (span_split(&head, '\n', &line) && !span_empty(line)) {
		size_t name = header_name_length(line);

		if (line.p[0] != ' ' && line.p[0] != '\t') {
			if (inside)
				return;
			inside = name > 0 && header_find(span_sub(line, 0,
			    name)) == HEADER_MESSAGE_ID;
			if (inside)
				str_add(out, span_trim(header_value(line,
				    name)));
		} else if (inside) {
			if (str_len(out) > 0)
				str_putc(out, ' ');
			str_add(out, span_trim(line));
		}
	}
}

/* In the thread of the message that it is about. */
static void
add_thread(const struct notice *n, struct arena *arena, struct str *out)
{
	uint64_t length = n->about->content_length;
	size_t want = length < MESSAGE_ID_WITHIN ? (size_t)length
	    : MESSAGE_ID_WITHIN;
	struct str id = STR_EMPTY;
	char *head;
	ssize_t got;

	if (!bounce_conf.enable_threaded || n->about->fd < 0)
		return;
	head = arena_alloc(arena, want + 1);
	got = fs_pread(n->about->fd, head, want,
	    (off_t)n->about->content_offset);
	if (got > 0)
		take_message_id(span_of(head, (size_t)got), &id);
	if (str_len(&id) > 0 && str_len(&id) < 500) {
		str_adds(out, "References: ");
		add_line_text(out, str_span(&id), !is_utf8(n));
		str_adds(out, "\nIn-Reply-To: ");
		add_line_text(out, str_span(&id), !is_utf8(n));
		str_putc(out, '\n');
	}
	str_fini(&id);
}

static void
add_head(const struct notice *n, const char *boundary, struct arena *arena,
    struct str *out)
{
	const struct bounce_template *t = &templates.of[n->template];

	str_adds(out, "Date: ");
	date822_print(out, clock_wall());
	str_addf(out, "\nFrom: %s\nSubject: %s\nTo: ", t->from,
	    n->for_postmaster && t->postmaster_subject != NULL
	    ? t->postmaster_subject : t->subject);
	address_quote(out, n->rcpt);
	str_putc(out, '\n');
	add_thread(n, arena, out);
	str_addf(out, "Auto-Submitted: auto-%s\nMIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=%sdelivery-status;\n"
	    "\tboundary=\"%s\"\n", n->for_postmaster ? "generated"
	    : "replied", is_utf8(n) ? "global-" : "", boundary);
	if (may_have_8bit(n))
		str_adds(out, "Content-Transfer-Encoding: 8bit\n");
	str_adds(out, "\nThis is a MIME-encapsulated message.\n\n");
}

/* A notice on its way to cleanup, in pieces: it may be about very many. */
struct writing {
	const struct notice *n;
	struct cleanup_client *c;
	struct str *text;
	const char *id;			/* of the notice */
	bool ascii;			/* no other bytes may stand in it */
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
	bool read = w->n->only != NULL ? fn(w->n->only, w)
	    : verdicts_each(service_queue_dir(), &w->n->choice,
		w->n->about->queue_id, fn, w, &why) == QUEUE_OK;

	if (!read && str_len(&why) > 0)
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
	add_wrapped(out, o->reason, w->ascii);
	str_putc(out, '\n');
	return pass_on(w, RUN_BYTES);
}

/* US-ASCII is part of UTF-8, which what we add may be in. */
static const char *
charset_of(const struct notice *n)
{
	const char *charset = templates.of[n->template].charset;

	return n->for_postmaster || strcasecmp(charset, "us-ascii") == 0
	    ? "utf-8" : charset;
}

static bool
add_people_part(struct writing *w, const char *boundary)
{
	const struct notice *n = w->n;
	struct str *out = w->text;

	str_addf(out, "--%s\nContent-Description: Notification\n"
	    "Content-Type: text/plain; charset=%s\n", boundary,
	    charset_of(n));
	if (may_have_8bit(n))
		str_adds(out, "Content-Transfer-Encoding: 8bit\n");
	str_putc(out, '\n');
	if (!n->for_postmaster)
		str_addf(out, "%s\n", words[n->template]);
	w->ascii = !may_have_8bit(n)
	    || strcasecmp(charset_of(n), "utf-8") != 0;
	return each(w, add_person);
}

/* "rfc822; a@b", or "utf-8; a@b" where RFC 6533 says so. */
static void
add_typed_address(const struct notice *n, const char *space,
    struct span address, struct str *out)
{
	struct str quoted = STR_EMPTY;

	str_addf(out, "%s;%s", is_utf8(n) && !span_is_ascii(address)
	    ? "utf-8" : "rfc822", space);
	address_quote(&quoted, address);
	add_line_text(out, str_span(&quoted), !is_utf8(n));
	str_fini(&quoted);
}

static void
add_original(const struct notice *n, const struct outcome *o, struct str *out)
{
	ssize_t semicolon = span_find(o->orcpt, ';');

	if (semicolon > 0) {
		str_adds(out, "\nOriginal-Recipient: ");
		add_line_text(out, o->orcpt, !is_utf8(n));
	} else if (!span_empty(o->original)) {
		str_adds(out, "\nOriginal-Recipient: ");
		add_typed_address(n, "", o->original, out);
	}
}

static void
add_rcpt_fields(const struct notice *n, const struct outcome *o,
    struct str *out)
{
	bool ascii = !is_utf8(n);

	str_adds(out, "\nFinal-Recipient: ");
	add_typed_address(n, " ", o->rcpt, out);
	add_original(n, o, out);
	str_addf(out, "\nAction: %s\nStatus: %.*s\n", action_name(n, o->action),
	    SPAN_ARG(o->dsn));
	if (!span_empty(o->mta_name)) {
		str_addf(out, "Remote-MTA: %.*s; ", SPAN_ARG(o->mta_type));
		add_line_text(out, o->mta_name, ascii);
		str_putc(out, '\n');
	}
	if (!span_empty(o->diag_text)) {
		str_addf(out, "Diagnostic-Code: %.*s; ",
		    SPAN_ARG(o->diag_type));
		add_line_text(out, o->diag_text, ascii);
	} else {
		str_adds(out, "Diagnostic-Code: X-Postfix; ");
		add_line_text(out, o->reason, ascii);
	}
	str_putc(out, '\n');
	if (n->choice.what == BOUNCE_DELAYED) {
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

	if (w->n->choice.what == BOUNCE_FAILED)
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
	    "Content-Type: message/%sdelivery-status\n", boundary,
	    is_utf8(n) ? "global-" : "");
	if (is_utf8(n))
		str_adds(out, "Content-Transfer-Encoding: 8bit\n");
	str_addf(out, "\nReporting-MTA: dns; %s\n", conf_core.myhostname);
	if (!span_empty(n->envelope->dsn_envid)) {
		str_adds(out, "Original-Envelope-Id: ");
		add_line_text(out, n->envelope->dsn_envid, !is_utf8(n));
		str_putc(out, '\n');
	}
	str_addf(out, "X-Postfix-Queue-ID: %.*s\nX-Postfix-Sender: ",
	    SPAN_ARG(n->about->queue_id));
	add_typed_address(n, " ", n->envelope->sender, out);
	str_adds(out, "\nArrival-Date: ");
	date822_print(out, (time_t)(n->envelope->arrival_us / 1000000));
	str_putc(out, '\n');
	if (!each(w, add_status))
		return false;
	str_putc(out, '\n');
	return true;
}

static const char *
type_of_returned(const struct notice *n)
{
	if (is_utf8(n))
		return n->headers_only ? "message/global-headers"
		    : "message/global";
	return n->headers_only ? "text/rfc822-headers" : "message/rfc822";
}

static void
add_returned_head(const struct notice *n, const char *boundary,
    struct str *out)
{
	str_addf(out, "--%s\nContent-Description: %s%s\n"
	    "Content-Type: %s\n", boundary,
	    word_for_returned(n->choice.what),
	    n->headers_only ? " Headers" : "", type_of_returned(n));
	if (is_utf8(n) || (n->envelope->flags & ENVELOPE_8BIT))
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

	add_head(n, boundary, arena, w->text);
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
		.arrival_us = clock_wall_us(), .flags = ENVELOPE_INTERNAL
		    | (is_utf8(n) ? ENVELOPE_SMTPUTF8_ASKED : 0),
		.rewrite_context = SPAN("local"), .origin = SPAN("local") };
	struct envelope_rcpt rcpt = { .address = n->rcpt,
		.notify = DSN_NOTIFY_NEVER };
	struct cleanup_begin begin = {
		.flags = postmaster_cleanup_flags(CLEANUP_OF_BOUNCE),
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
	if (n->choice.what == BOUNCE_FAILED)
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
