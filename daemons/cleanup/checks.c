/*
 * checks - header_checks, mime_header_checks, nested_header_checks and
 * body_checks, each line against its tables, and the actions they ask for.
 *
 * Mail of our own and mail received with no_header_body_checks comes without
 * CLEANUP_FILTER and is not looked at; REJECT, DISCARD, REDIRECT and PASS take that
 * flag.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/mail/dsn.h"
#include "daemons/cleanup/cleanup_priv.h"
#include "daemons/shared/header_checks.h"
#include "daemons/shared/tables.h"

#define LOG_LINE_MOST 200		/* bytes of the line in a log record */

static struct maps *header_maps, *mime_maps, *nested_maps, *body_maps;

void
checks_setup(void)
{
	header_maps = tables_open("header_checks", cleanup_conf.header_checks,
	    0);
	mime_maps = tables_open("mime_header_checks",
	    cleanup_conf.mime_header_checks, 0);
	nested_maps = tables_open("nested_header_checks",
	    cleanup_conf.nested_header_checks, 0);
	body_maps = tables_open("body_checks", cleanup_conf.body_checks, 0);
}

void
checks_close_all(void)
{
	maps_close(header_maps);
	maps_close(mime_maps);
	maps_close(nested_maps);
	maps_close(body_maps);
}

bool
checks_want_any(void)
{
	return !maps_empty(header_maps) || !maps_empty(mime_maps)
	    || !maps_empty(nested_maps) || !maps_empty(body_maps);
}

bool
checks_want_body(const struct transaction *t)
{
	return (t->flags & CLEANUP_FILTER) != 0 && !maps_empty(body_maps);
}

/* ---- telling ---- */

void
checks_log(const struct transaction *t, const char *word, const char *context,
    struct span line, struct span text)
{
	const struct envelope *e = &t->envelope;
	struct str out = STR_EMPTY;

	str_printf(&out, "%s %.*s from %.*s;", context,
	    SPAN_ARG(span_sub(line, 0, LOG_LINE_MOST)), SPAN_ARG(
	    span_empty(e->origin) ? SPAN("unknown") : e->origin));
	str_addf(&out, " from=<%.*s>", SPAN_ARG(e->sender));
	if (t->nasked > 0)
		str_addf(&out, " to=<%.*s>",
		    SPAN_ARG(t->rcpts[t->nasked - 1].address));
	if (!span_empty(e->protocol))
		str_addf(&out, " proto=%.*s", SPAN_ARG(e->protocol));
	if (!span_empty(e->helo))
		str_addf(&out, " helo=<%.*s>", SPAN_ARG(e->helo));
	if (!span_empty(text))
		str_addf(&out, ": %.*s", SPAN_ARG(text));
	log_info("%s: %s", word, str_cstr(&out));
	str_fini(&out);
}

static void
reject(struct transaction *t, const char *context, struct span line,
    struct span given)
{
	char dsn[12];
	struct span text;
	struct str reason = STR_EMPTY;

	dsn_split(given, "5.7.1", 0, dsn, &text);
	str_printf(&reason, "%s %.*s", dsn, SPAN_ARG(span_empty(text)
	    ? SPAN("message content rejected") : text));
	checks_log(t, "reject", context, line, str_span(&reason));
	transaction_fail(t, dsn[0] == '4' ? CLEANUP_DEFER : CLEANUP_CONTENT,
	    str_cstr(&reason));
	str_fini(&reason);
}

/* ---- doing ---- */

static void
leave_alone(struct transaction *t)
{
	t->flags &= ~(uint64_t)CLEANUP_FILTER;
}

static enum line_fate
act(struct transaction *t, const struct line_check *check,
    const char *context, struct span line, struct str *changed_out)
{
	if (check->action == LINE_REJECT) {
		reject(t, context, line, check->text);
		leave_alone(t);
		return LINE_DROPPED;
	}
	if (check->action != LINE_DUNNO && check->action != LINE_IGNORE)
		checks_log(t, header_checks_word(check->action), context,
		    line, check->text);
	switch (check->action) {
	case LINE_DUNNO:
	case LINE_INFO:
	case LINE_WARN:
	case LINE_REJECT:
		return LINE_KEPT;
	case LINE_BCC:
		transaction_bcc(t, check->text);
		return LINE_KEPT;
	case LINE_DISCARD:
		t->flags |= CLEANUP_DISCARD;
		leave_alone(t);
		return LINE_KEPT;
	case LINE_FILTER:
		t->filter = arena_span(t->arena, check->text);
		return LINE_KEPT;
	case LINE_HOLD:
		t->flags |= CLEANUP_HOLD;
		return LINE_KEPT;
	case LINE_IGNORE:
	case LINE_STRIP:
		return LINE_DROPPED;
	case LINE_PASS:
		leave_alone(t);
		return LINE_KEPT;
	case LINE_PREPEND:
		content_put_line(t, check->text);
		return LINE_KEPT;
	case LINE_REDIRECT:
		t->redirect = arena_span(t->arena, check->text);
		leave_alone(t);
		return LINE_KEPT;
	case LINE_REPLACE:
		str_set(changed_out, check->text);
		return LINE_CHANGED;
	}
	return LINE_KEPT;
}

/* An empty line never matches: some tables cannot be asked for nothing. */
static enum line_fate
check_line(struct transaction *t, struct maps *maps, const char *context,
    struct span line, struct str *changed_out)
{
	struct str value = STR_EMPTY, why = STR_EMPTY;
	struct line_check check;
	enum line_fate fate = LINE_KEPT;

	if (!(t->flags & CLEANUP_FILTER) || line.len == 0 || maps_empty(maps))
		return LINE_KEPT;
	switch (maps_lookup(maps, line, 0, &value, NULL)) {
	case MAP_FOUND:
		if (header_checks_parse(str_span(&value), context[0] == 'h',
		    &check, &why))
			fate = act(t, &check, context, line, changed_out);
		else
			log_warn("%s: %s", maps_title(maps), str_cstr(&why));
		break;
	case MAP_ABSENT:
		break;
	case MAP_FAILED:
		log_warn("%s map lookup problem -- message not accepted, "
		    "try again later", maps_title(maps));
		transaction_fail(t, CLEANUP_DEFER,
		    "4.3.0 content lookup problem");
		break;
	}
	str_fini(&value);
	str_fini(&why);
	return fate;
}

enum line_fate
checks_header(struct transaction *t, enum header_place place,
    enum header_id id, struct span line, struct str *changed_out)
{
	bool mime = place == HEADER_OF_PART
	    || (header_flags(id) & HEADER_IS_MIME) != 0;
	struct maps *maps = mime ? mime_maps
	    : place == HEADER_NESTED ? nested_maps : header_maps;

	return check_line(t, maps, "header", line, changed_out);
}

enum line_fate
checks_body(struct transaction *t, struct span line, struct str *changed_out)
{
	return check_line(t, body_maps, "body", line, changed_out);
}
