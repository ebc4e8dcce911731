/*
 * transcript - see the header.
 *
 * A password is what follows the mechanism of an AUTH command, and each line
 * behind it that is no command: an answer to a challenge.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/transcript.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/utf8.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/date822.h"
#include "common/mail/smtp_cmd.h"
#include "common/service/service.h"
#include "daemons/shared/cleanup_client.h"
#include "daemons/shared/postmaster.h"
#include "queue/queue_id.h"

#define HIDDEN "(not shown)"
#define SASL_NAME_MOST 20		/* of a mechanism, RFC 4422 3.1 */

static const char theirs[] = " In:  ", ours[] = " Out: ";

/* ---- keeping ---- */

void
transcript_free(struct transcript **t)
{
	if (*t == NULL)
		return;
	str_fini(&(*t)->text);
	mem_free((*t)->followed);
	mem_free(*t);
	*t = NULL;
}

void
transcript_forget(struct transcript *t)
{
	if (t == NULL)
		return;
	str_fini(&t->text);
	*t = (struct transcript){ .text = STR_EMPTY, .followed = t->followed };
}

void
transcript_follow(struct transcript *t, const char *peer)
{
	char *former = t->followed;

	t->followed = peer != NULL ? mem_strdup(peer) : NULL;
	mem_free(former);
}

/* The older half goes, at the end of a line. */
static void
forget_older(struct transcript *t)
{
	struct span all = str_span(&t->text), line, rest = all;
	struct str kept = STR_EMPTY;

	while (rest.len > all.len / 2 && span_split(&rest, '\n', &line))
		t->left_out++;
	str_set(&kept, rest);
	str_fini(&t->text);
	t->text = kept;
}

/* What a peer sent may hold anything; it stays on its line. */
static void
add_printable(struct str *out, struct span line)
{
	char *to = str_reserve_tight(out, line.len);
	bool ascii = true, text;

	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.p[i];

		to[i] = c < ' ' || c == 127 ? '?' : (char)c;
		ascii = ascii && c < 128;
	}
	text = ascii || utf8_valid(line);
	for (size_t i = 0; !text && i < line.len; i++)
		if ((unsigned char)to[i] > 127)
			to[i] = '?';
	str_advance(out, line.len);
}

/* head: what the line begins with, if it does not stand in front of the rest. */
static void
add_line(struct transcript *t, const char *who, struct span head,
    struct span line)
{
	struct span shown = span_sub(line, 0, TRANSCRIPT_LINE_MOST);

	if (t->followed != NULL)
		log_info("%c %s: %.*s%.*s%s", who == theirs ? '<' : '>',
		    t->followed, SPAN_ARG(head), SPAN_ARG(shown),
		    shown.len < line.len ? " ..." : "");
	t->lines++;
	if (t->trouble == 0 && str_len(&t->text) > TRANSCRIPT_QUIET_MOST)
		forget_older(t);
	if (str_len(&t->text) > TRANSCRIPT_MOST) {
		t->left_out++;
		return;
	}
	(void)str_reserve_tight(&t->text, strlen(who) + head.len + shown.len +
	    sizeof(" ...\n"));
	str_adds(&t->text, who);
	str_add(&t->text, head);
	add_printable(&t->text, shown);
	str_adds(&t->text, shown.len < line.len ? " ...\n" : "\n");
}

/* "AUTH PLAIN (not shown)" */
static bool
hide(struct transcript *t, const char *who, struct span line)
{
	struct smtp_line split;
	struct str shown = STR_EMPTY;
	struct span mechanism;

	line = span_ltrim(line);
	if (!span_is_nocase(span_sub(line, 0, 4), "AUTH")) {
		smtp_line_split(line, &split);
		t->hiding = t->hiding && split.verb == SMTP_UNKNOWN;
		if (t->hiding)
			add_line(t, who, SPAN_NONE, SPAN(HIDDEN));
		return t->hiding;
	}
	t->hiding = true;
	str_adds(&shown, "AUTH");
	line = span_skip(line, 4);
	mechanism = line;
	if (!span_empty(line) && (line.p[0] == ' ' || line.p[0] == '\t')
	    && span_token(&line, " \t", &mechanism)
	    && mechanism.len <= SASL_NAME_MOST)
		str_addf(&shown, " %.*s", SPAN_ARG(mechanism));
	else
		line = mechanism;
	if (!span_empty(span_trim(line)))
		str_adds(&shown, " " HIDDEN);
	add_line(t, who, SPAN_NONE, str_span(&shown));
	str_fini(&shown);
	return true;
}

static void
command_line(struct transcript *t, const char *who, struct span line)
{
	line = span_rtrim(line);
	if (!hide(t, who, line))
		add_line(t, who, SPAN_NONE, line);
}

void
transcript_in(struct transcript *t, struct span line)
{
	if (t != NULL)
		command_line(t, theirs, line);
}

void
transcript_out(struct transcript *t, struct span head, struct span line)
{
	line = span_rtrim(line);
	if (t != NULL)
		add_line(t, ours, span_empty(line) ? span_rtrim(head) :
		    head, line);
}

void
transcript_settle(struct transcript *t)
{
	if (t == NULL)
		return;
	if (t->trouble == 0) {
		t->left_out = t->lines;
		str_fini(&t->text);
	}
	t->trouble = 0;
}

void
transcript_in_lines(struct transcript *t, struct span lines)
{
	struct span line;

	while (t != NULL && !span_empty(lines)
	    && span_split(&lines, '\n', &line))
		add_line(t, theirs, SPAN_NONE, span_rtrim(line));
}

void
transcript_out_lines(struct transcript *t, struct span lines)
{
	struct span line;

	while (t != NULL && !span_empty(lines)
	    && span_split(&lines, '\n', &line))
		command_line(t, ours, line);
}

void
transcript_trouble(struct transcript *t, unsigned trouble)
{
	if (t != NULL)
		t->trouble |= trouble;
}

/* ---- telling ---- */

static void
add_head(const struct transcript_notice *n, struct span rcpt, const char *id,
    struct str *out)
{
	str_addf(out, "Received: by %s (%s)\n\tid %s; ", conf_core.myhostname,
	    conf_core.mail_name, id);
	date822_print(out, clock_wall());
	str_adds(out, "\nDate: ");
	date822_print(out, clock_wall());
	str_addf(out, "\nFrom: Mail Delivery System <MAILER-DAEMON@%s>\n"
	    "To: Postmaster <", conf_core.myhostname);
	address_quote(out, rcpt);
	str_addf(out, ">\nSubject: %s %s: errors from ", conf_core.mail_name,
	    n->role);
	add_printable(out, SPAN(n->peer));
	str_adds(out, "\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: 8bit\n\n");
}

static void
add_body(const struct transcript *t, const struct transcript_notice *n,
    struct str *out)
{
	str_addf(out, "There was trouble in a session of the %s with %s.\n"
	    "What was said (In: to this system, Out: by it):\n\n", n->role,
	    n->peer);
	if (t->left_out > 0)
		str_addf(out, " (%u lines left out)\n", t->left_out);
	str_add(out, str_span(&t->text));
	if (n->end != NULL)
		str_addf(out, "\nThe session ended by: %s\n", n->end);
	str_adds(out, "\nThe log of this time tells more.\n");
}

void
transcript_send(const struct transcript *t, const struct transcript_notice *n)
{
	struct arena *arena = arena_new();
	struct span to = postmaster_address(arena, n->recipient);
	struct envelope envelope = { .sender = postmaster_sender(arena),
		.arrival_us = clock_wall_us(), .flags = ENVELOPE_INTERNAL,
		.rewrite_context = SPAN("local"), .origin = SPAN("local") };
	struct envelope_rcpt rcpt = { .address = to,
		.notify = DSN_NOTIFY_NEVER };
	struct cleanup_begin begin = {
		.flags = postmaster_cleanup_flags(CLEANUP_OF_NOTIFY),
		.envelope = { &envelope, 1 }, .rcpts = { &rcpt, 1 } };
	struct cleanup_result result = { .status = CLEANUP_BAD };
	struct str *text = str_in_arena(arena);
	struct cleanup_client *c;
	char id[QUEUE_ID_MAX];

	queue_id_make(id, service_slot(), conf_core.enable_long_queue_ids);
	begin.queue_id = SPAN(id);
	add_head(n, to, id, text);
	add_body(t, n, text);
	c = cleanup_client_begin(arena, &begin, service_ipc_deadline());
	if (c != NULL) {
		(void)cleanup_client_data(c, str_span(text),
		    service_ipc_deadline());
		cleanup_client_finish(c, &result, service_ipc_deadline());
	}
	if (result.status == CLEANUP_OK)
		log_info("postmaster notification about %s: %s", n->peer, id);
	else
		log_warn("postmaster notification about %s: not queued: %.*s",
		    n->peer, SPAN_ARG(span_empty(result.text)
		    ? SPAN("no answer from cleanup") : result.text));
	arena_free(&arena);
}
