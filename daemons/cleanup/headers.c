/*
 * headers - the header section of a message: logical lines are put together,
 * inspected, rewritten where addresses stand, dropped or kept; what is missing
 * from local mail is added at the end.
 *
 * The body passes through untouched but for stray carriage returns.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/names.h"
#include "common/base/strlist.h"
#include "common/base/utf8.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/date822.h"
#include "common/mail/from822.h"
#include "common/mail/token822.h"
#include "daemons/cleanup/cleanup_priv.h"

/* An unfinished line longer than this is passed on in pieces, or cut. */
#define LINE_MOST (64 * 1024)

static uint32_t dropped[2];
static struct strlist dropped_others;
static enum from822_form from_format;

/* What is done about a body that no empty line parts from the headers. */
static enum { END_QUIETLY, END_TOLD, END_REFUSED } end_action;

static const struct name_value end_words[] = {
	{ "fix_quietly", END_QUIETLY }, { "add_header", END_TOLD },
	{ "reject", END_REFUSED }, { NULL, 0 },
};

static void
read_words(void)
{
	const char *action = cleanup_conf.non_empty_end_of_header_action;
	int value = names_value(end_words, SPAN(action));

	if (value < 0)
		fatal("non_empty_end_of_header_action = %s: expected "
		    "fix_quietly, add_header or reject", action);
	end_action = (unsigned)value;
	if (!from822_form(SPAN(cleanup_conf.header_from_format),
	    &from_format))
		fatal("header_from_format = %s: expected standard or "
		    "obsolete", cleanup_conf.header_from_format);
}

void
headers_setup(void)
{
	struct span list = SPAN(cleanup_conf.message_drop_headers), word;

	read_words();
	memset(dropped, 0, sizeof(dropped));
	strlist_fini(&dropped_others);
	while (span_token(&list, STRLIST_CONF, &word)) {
		enum header_id id = header_find(word);

		if (id == HEADER_OTHER)
			strlist_add(&dropped_others, word);
		else
			dropped[id / 32] |= 1u << id % 32;
	}
}

static bool
was_seen(const struct transaction *t, enum header_id id)
{
	return t->header_seen[id / 32] >> id % 32 & 1;
}

/* ---- one header ---- */

struct rewriting {
	struct transaction *t;
	unsigned kind;
};

static void
rewrite_one(struct span internal, struct str *out, void *arg)
{
	struct rewriting *r = arg;

	map_header_address(r->t, internal, r->kind, out);
}

static void
extract_one(const struct token822_address *found, void *arg)
{
	strlist_add(arg, found->internal);
}

static void
rewrite_header(struct transaction *t, unsigned kind, struct span line,
    struct span value)
{
	struct rewriting r = { t, kind };
	struct str changed = STR_EMPTY;

	if (token822_replace(value, rewrite_one, &r, &changed)) {
		content_put(t, span_sub(line, 0,
		    (size_t)(value.p - line.p)));
		content_put_line(t, str_span(&changed));
	} else {
		content_put_line(t, line);
	}
	str_fini(&changed);
}

static void
log_message_id(struct span value, const char *name)
{
	log_info("%s=%.*s", name, SPAN_ARG(span_trim(value)));
}

static bool
is_dropped(enum header_id id, struct span name)
{
	return id == HEADER_OTHER ? strlist_has_nocase(&dropped_others, name)
	    : dropped[id / 32] >> id % 32 & 1;
}

static void
take_header(struct transaction *t, enum header_id id, struct span line,
    size_t name_length)
{
	struct span value = header_value(line, name_length);
	unsigned kind = header_flags(id);

	t->header_seen[id / 32] |= 1u << id % 32;
	if (id == HEADER_RECEIVED
	    && ++t->hops > conf_core.hopcount_limit) {
		log_warn("message rejected: hopcount exceeded");
		transaction_fail(t, CLEANUP_HOPS, NULL);
		return;
	}
	if (id == HEADER_MESSAGE_ID && !(t->flags & CLEANUP_DISCARD))
		log_message_id(value, "message-id");
	if (id == HEADER_RESENT_MESSAGE_ID && !(t->flags & CLEANUP_DISCARD))
		log_message_id(value, "resent-message-id");
	if ((kind & (HEADER_IS_SENDER | HEADER_IS_RCPT))
	    && map_wants_headers(t)) {
		value = token822_first_tokens(value,
		    (size_t)cleanup_conf.header_address_token_limit);
		line.len = (size_t)(value.p + value.len - line.p);
	}
	if ((kind & HEADER_IS_EXTRACTED) && (t->flags & CLEANUP_EXTRACT_RCPT))
		token822_each_address(value, extract_one,
		    kind & HEADER_IS_RESENT ? t->extracted_resent
		    : t->extracted);
	if (is_dropped(id, span_sub(line, 0, name_length)))
		return;
	if (!t->has_utf8_header && !span_is_ascii(line) && utf8_valid(line))
		t->has_utf8_header = true;
	if (kind & (HEADER_IS_SENDER | HEADER_IS_RCPT)) {
		rewrite_header(t, kind, line, value);
	} else {
		content_put_line(t, line);
	}
}

/* Checks see a header before anything is done about it. */
static void
check_and_take(struct transaction *t, struct span line)
{
	size_t n = header_name_length(line);
	enum header_id id = header_find(span_sub(line, 0, n));
	struct str changed = STR_EMPTY;

	t->any_header = true;
	body_note_header(t, id, line, n);
	switch (checks_header(t, HEADER_PRIMARY, id, line, &changed)) {
	case LINE_KEPT:
		take_header(t, id, line, n);
		break;
	case LINE_CHANGED:
		line = str_span(&changed);
		n = header_name_length(line);
		take_header(t, header_find(span_sub(line, 0, n)), line, n);
		break;
	case LINE_DROPPED:
		break;
	}
	str_fini(&changed);
}

/* "Name :" of old is "Name:". */
static void
close_name(struct str *header)
{
	size_t n = header_name_length(str_span(header));
	ssize_t colon = span_find(str_span(header), ':');

	if (n > 0 && colon > (ssize_t)n)
		str_remove(header, n, (size_t)colon - n);
}

static void
flush_header(struct transaction *t)
{
	if (str_len(t->header) == 0)
		return;
	close_name(t->header);
	check_and_take(t, str_span(t->header));
	str_clear(t->header);
}

/* ---- missing headers ---- */

static bool
adds_missing(const struct transaction *t)
{
	return cleanup_conf.always_add_missing_headers
	    || map_wants_headers(t);
}

static void
put_line(struct transaction *t, struct str *line)
{
	content_put(t, str_span(line));
	str_fini(line);
}

static void
add_message_id(struct transaction *t, enum header_id id)
{
	time_t now = (time_t)(t->envelope.arrival_us / 1000000);
	struct str line = STR_EMPTY, value = STR_EMPTY;
	struct tm tm;

	gmtime_r(&now, &tm);
	str_putc(&value, '<');
	if (!conf_core.enable_long_queue_ids) /* short ones come again */
		str_addf(&value, "%04d%02d%02d%02d%02d%02d.",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		    tm.tm_min, tm.tm_sec);
	str_addf(&value, "%s@%s>", t->id, conf_core.myhostname);
	str_printf(&line, "%s: %s\n", header_name(id), str_cstr(&value));
	put_line(t, &line);
	log_message_id(str_span(&value), id == HEADER_MESSAGE_ID
	    ? "message-id" : "resent-message-id");
	str_fini(&value);
}

static void
add_date(struct transaction *t, enum header_id id)
{
	struct str line = STR_EMPTY;

	str_printf(&line, "%s: ", header_name(id));
	date822_print(&line, (time_t)(t->envelope.arrival_us / 1000000));
	str_putc(&line, '\n');
	put_line(t, &line);
}

static void
add_from(struct transaction *t, enum header_id id)
{
	struct str line = STR_EMPTY, daemon = STR_EMPTY;
	const struct envelope *e = &t->envelope;

	str_printf(&daemon, "MAILER-DAEMON@%s", conf_core.myorigin);
	str_printf(&line, "%s: ", header_name(id));
	if (span_empty(e->sender))
		from822_print(&line, from_format,
		    SPAN("Mail Delivery System"), str_span(&daemon), "");
	else
		from822_print(&line, from_format, e->full_name, e->sender,
		    cleanup_conf.full_name_encoding_charset);
	str_putc(&line, '\n');
	str_fini(&daemon);
	put_line(t, &line);
}

/* Any header of a resent message makes it one (RFC 5322 3.6.6). */
static bool
was_resent(const struct transaction *t)
{
	for (int id = 1; id < HEADER_COUNT; id++)
		if ((header_flags((enum header_id)id) & HEADER_IS_RESENT)
		    && was_seen(t, (enum header_id)id))
			return true;
	return false;
}

static void
add_missing(struct transaction *t)
{
	bool resent = was_resent(t);

	if (!was_seen(t, HEADER_MESSAGE_ID) && (resent || !adds_missing(t)))
		log_info("message-id=<>");
	if (!adds_missing(t))
		return;
	if (resent ? !was_seen(t, HEADER_RESENT_MESSAGE_ID)
	    : !was_seen(t, HEADER_MESSAGE_ID))
		add_message_id(t, resent ? HEADER_RESENT_MESSAGE_ID
		    : HEADER_MESSAGE_ID);
	if (resent ? !was_seen(t, HEADER_RESENT_DATE)
	    : !was_seen(t, HEADER_DATE))
		add_date(t, resent ? HEADER_RESENT_DATE : HEADER_DATE);
	if (resent ? !was_seen(t, HEADER_RESENT_FROM)
	    : !was_seen(t, HEADER_FROM))
		add_from(t, resent ? HEADER_RESENT_FROM : HEADER_FROM);
	if (cleanup_conf.undisclosed_recipients_header[0] != '\0'
	    && !was_seen(t, HEADER_TO) && !was_seen(t, HEADER_CC)
	    && !was_seen(t, HEADER_RESENT_TO)
	    && !was_seen(t, HEADER_RESENT_CC)) {
		struct str line = STR_EMPTY;

		str_printf(&line, "%s\n",
		    cleanup_conf.undisclosed_recipients_header);
		put_line(t, &line);
	}
}

static void
end_headers(struct transaction *t)
{
	flush_header(t);
	if (!(t->flags & CLEANUP_DISCARD))
		add_missing(t);
	t->in_headers = false;
}

/* A body without an empty line before it gets one. */
static void
begin_body(struct transaction *t)
{
	end_headers(t);
	content_put(t, SPAN("\n"));
	body_begin(t);
}

/* ---- input ---- */

/* A line that is no header, and not empty, stands where headers end. */
static void
end_is_missing(struct transaction *t, struct span line)
{
	if (!(t->flags & CLEANUP_FILTER))
		return;
	switch (end_action) {
	case END_QUIETLY:
		break;
	case END_TOLD:
		flush_header(t);
		content_put(t, SPAN("MIME-Error: message header was not "
		    "terminated by empty line\n"));
		break;
	case END_REFUSED:
		checks_log(t, "reject", "mime-error no empty line behind the "
		    "message header:", line, SPAN_NONE);
		transaction_fail(t, CLEANUP_CONTENT,
		    "5.6.0 no empty line behind the message header");
		break;
	}
}

static void
append_header(struct transaction *t, struct span text)
{
	size_t room = (size_t)conf_core.header_size_limit;

	/* What exceeds the limit of one header is dropped. */
	if (str_len(t->header) < room)
		str_add(t->header, span_sub(text, 0,
		    room - str_len(t->header)));
}

/* White space of RFC 5322, and a stray CR, which may become a space. */
static bool
continues_header(char first)
{
	return first == ' ' || first == '\t' || first == '\r';
}

static bool
is_header_line(const struct transaction *t, struct span line)
{
	return header_name_length(line) > 0 || (line.len > 0
	    && continues_header(line.p[0]) && str_len(t->header) > 0);
}

static void
take_line(struct transaction *t, struct span line)
{
	if (is_header_line(t, line) && continues_header(line.p[0])) {
		append_header(t, SPAN("\n"));
		append_header(t, line);
		return;
	}
	if (header_name_length(line) > 0) {
		flush_header(t);
		append_header(t, line);
		return;
	}
	/* "From " and ">From " of mailboxes in front of the headers */
	if (!t->any_header && str_len(t->header) == 0
	    && (span_starts(line, SPAN("From "))
	    || span_starts(line, SPAN(">From "))))
		return;
	if (line.len > 0)
		end_is_missing(t, line);
	begin_body(t);
	if (line.len > 0) {
		body_take(t, line);
		body_take(t, SPAN("\n"));
	}
}

/* More of a line whose end has not come. What no header keeps is dropped. */
static void
add_to_line(struct transaction *t, struct span bytes)
{
	size_t most = (size_t)conf_core.header_size_limit > LINE_MOST
	    ? (size_t)conf_core.header_size_limit : LINE_MOST;
	size_t len = str_len(t->line);

	if (is_header_line(t, str_span(t->line)))
		bytes = span_sub(bytes, 0, len < most ? most - len : 0);
	str_add(t->line, bytes);
}

/* A header this long is cut anyway; of a body nothing may be. */
static void
take_unfinished(struct transaction *t, struct span bytes)
{
	add_to_line(t, bytes);
	if (str_len(t->line) < LINE_MOST
	    || is_header_line(t, str_span(t->line)))
		return;
	end_is_missing(t, str_span(t->line));
	begin_body(t);
	body_take(t, str_span(t->line));
	str_clear(t->line);
}

void
headers_take(struct transaction *t, struct span bytes)
{
	while (t->in_headers && bytes.len > 0 && t->status == CLEANUP_OK) {
		ssize_t lf = span_find(bytes, '\n');

		if (lf < 0) {
			take_unfinished(t, bytes);
			return;
		}
		if (str_len(t->line) > 0) {
			add_to_line(t, span_sub(bytes, 0, (size_t)lf));
			take_line(t, str_span(t->line));
			str_clear(t->line);
		} else {
			take_line(t, span_sub(bytes, 0, (size_t)lf));
		}
		bytes = span_skip(bytes, (size_t)lf + 1);
	}
	if (t->status == CLEANUP_OK && bytes.len > 0)
		body_take(t, bytes);
}

void
headers_end(struct transaction *t)
{
	if (t->in_headers && str_len(t->line) > 0)
		take_line(t, str_span(t->line));
	if (t->in_headers)
		end_headers(t);
	body_end(t);
}
