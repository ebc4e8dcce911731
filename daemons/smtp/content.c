/*
 * content - the message as this server is to get it: lines that the client's
 * header and body checks change, addresses in headers by smtp_generic_maps,
 * and 8-bit parts as quoted-printable for a server without 8BITMIME
 * (RFC 6152 3). Where nothing of that is asked for, nobody looks at content.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/mail/mime_quote.h"
#include "common/mail/token822.h"
#include "daemons/shared/body_lines.h"
#include "daemons/shared/header_checks.h"
#include "daemons/shared/mime_conf.h"
#include "daemons/shared/tables.h"
#include "daemons/smtp/smtp_priv.h"

static struct maps *header_maps, *mime_maps, *nested_maps, *body_maps;

struct smtp_content {
	struct mime *mime;
	struct body_lines lines;
	struct str *out;		/* of the call at work */
	bool downgrade;
	struct mime_quote quote;
	bool failed;
};

static struct maps *
open_checks(const char *smtp_name, const char *lmtp_name, const char *value)
{
	return tables_open(smtp_own_name(smtp_name, lmtp_name), value, 0);
}

void
smtp_content_setup(void)
{
	header_maps = open_checks("smtp_header_checks", "lmtp_header_checks",
	    smtp_conf.header_checks);
	mime_maps = open_checks("smtp_mime_header_checks",
	    "lmtp_mime_header_checks", smtp_conf.mime_header_checks);
	nested_maps = open_checks("smtp_nested_header_checks",
	    "lmtp_nested_header_checks", smtp_conf.nested_header_checks);
	body_maps = open_checks("smtp_body_checks", "lmtp_body_checks",
	    smtp_conf.body_checks);
}

void
smtp_content_close_all(void)
{
	maps_close(header_maps);
	maps_close(mime_maps);
	maps_close(nested_maps);
	maps_close(body_maps);
}

bool
smtp_content_checked(void)
{
	return !maps_empty(header_maps) || !maps_empty(mime_maps)
	    || !maps_empty(nested_maps) || !maps_empty(body_maps);
}

bool
smtp_content_failed(const struct smtp_content *c)
{
	return c->failed;
}

/* --- Checks --------------------------------------------------------------*/

static void
log_check(const struct line_check *check, const char *context,
    struct span line)
{
	log_info("%s: %s %.*s%s%.*s", header_checks_word(check->action),
	    context, SPAN_ARG(span_sub(line, 0, 60)),
	    span_empty(check->text) ? "" : ": ", SPAN_ARG(check->text));
}

/* False: the line goes. *line may become another, which lives in *value. */
static bool
act(struct smtp_content *c, struct maps *maps, const char *context,
    struct span *line, struct str *value)
{
	struct line_check check;
	struct str why = STR_EMPTY;
	bool stays = true;

	if (!header_checks_parse(str_span(value), context[0] == 'h', &check,
	    &why)) {
		log_warn("%s: %s", maps_title(maps), str_cstr(&why));
		str_fini(&why);
		return true;
	}
	str_fini(&why);
	switch (check.action) {
	case LINE_DUNNO:
		break;
	case LINE_IGNORE:
		stays = false;
		break;
	case LINE_INFO:
	case LINE_WARN:
		log_check(&check, context, *line);
		break;
	case LINE_STRIP:
		log_check(&check, context, *line);
		stays = false;
		break;
	case LINE_PREPEND:
		log_check(&check, context, *line);
		str_add(c->out, check.text);
		str_putc(c->out, '\n');
		break;
	case LINE_REPLACE:
		log_check(&check, context, *line);
		*line = check.text;
		break;
	case LINE_BCC:
	case LINE_DISCARD:
	case LINE_FILTER:
	case LINE_HOLD:
	case LINE_PASS:
	case LINE_REDIRECT:
	case LINE_REJECT:
		log_warn("%s: \"%s\" is not possible while mail is delivered",
		    maps_title(maps), header_checks_word(check.action));
		break;
	}
	return stays;
}

static bool
stays(struct smtp_content *c, struct maps *maps, const char *context,
    struct span *line, struct str *value)
{
	if (line->len == 0 || maps_empty(maps))
		return true;
	switch (maps_lookup(maps, *line, 0, value, NULL)) {
	case MAP_FOUND:
		return act(c, maps, context, line, value);
	case MAP_ABSENT:
		return true;
	case MAP_FAILED:
		log_warn("%s map lookup problem", maps_title(maps));
		c->failed = true;
		return true;
	}
	return true;
}

/* --- The message as it comes ---------------------------------------------*/

static void
replace_address(struct span internal, struct str *out, void *arg)
{
	struct smtp_content *c = arg;

	if (!smtp_generic(internal, out))
		c->failed = true;
	if (span_eq(internal, str_span(out)))
		str_clear(out);		/* stays as it is written */
}

static void
put_header(struct smtp_content *c, enum mime_place place, enum header_id id,
    struct span line)
{
	struct span value = header_value(line, header_name_length(line));
	struct str changed = STR_EMPTY;

	if (place == MIME_PRIMARY && smtp_generic_wanted()
	    && (header_flags(id) & (HEADER_IS_SENDER | HEADER_IS_RCPT))
	    && token822_replace(value, replace_address, c, &changed)) {
		str_add(c->out, span_sub(line, 0,
		    (size_t)(value.p - line.p)));
		str_add(c->out, str_span(&changed));
	} else {
		str_add(c->out, line);
	}
	str_putc(c->out, '\n');
	str_fini(&changed);
}

static void
on_header(enum mime_place place, struct span line, size_t name_length,
    void *arg)
{
	struct smtp_content *c = arg;
	enum header_id id = header_find(span_sub(line, 0, name_length));
	bool mime = place == MIME_PART
	    || (header_flags(id) & HEADER_IS_MIME) != 0;
	struct str value = STR_EMPTY;

	if (stays(c, mime ? mime_maps : place == MIME_NESTED ? nested_maps
	    : header_maps, "header", &line, &value)) {
		id = header_find(span_sub(line, 0, header_name_length(line)));
		if (!c->downgrade || !mime_quote_holds(&c->quote, id, line))
			put_header(c, place, id, line);
	}
	str_fini(&value);
}

static void
on_content(struct span bytes, void *arg)
{
	struct smtp_content *c = arg;

	mime_quote_settle(&c->quote, c->mime, c->out);
	body_lines_add(&c->lines, bytes);
}

static void
on_part(void *arg)
{
	struct smtp_content *c = arg;

	body_lines_new_part(&c->lines);
}

static void
on_boundary(struct span line, void *arg)
{
	struct smtp_content *c = arg;

	mime_quote_end_part(&c->quote, c->out);
	body_lines_add(&c->lines, line);
}

static void
on_line(struct span line, bool ends, void *arg)
{
	struct smtp_content *c = arg;
	struct str value = STR_EMPTY;

	if (stays(c, body_maps, "body", &line, &value)) {
		mime_quote_put(&c->quote, line, c->out);
		if (ends)
			mime_quote_put(&c->quote, SPAN("\n"), c->out);
	}
	str_fini(&value);
}

static void
on_rest(struct span bytes, void *arg)
{
	struct smtp_content *c = arg;

	mime_quote_put(&c->quote, bytes, c->out);
}

static void
lines_over(void *arg)
{
	struct smtp_content *c = arg;

	str_fini(&c->lines.kept);
}

bool
smtp_content_grows(const struct smtp_session *s, const struct envelope *e)
{
	return (e->flags & ENVELOPE_8BIT) != 0
	    && !(s->offer.keywords & EHLO_8BITMIME)
	    && !smtp_conf.no_conversion;
}

struct smtp_content *
smtp_content_new(struct arena *arena, const struct smtp_session *s,
    const struct envelope *e)
{
	const struct mime_limits limits = mime_conf_limits();
	struct mime_events events = { .header = on_header, .part = on_part,
		.boundary = on_boundary, .content = on_content };
	bool downgrade = smtp_content_grows(s, e);
	struct smtp_content *c;

	if (!downgrade && !smtp_content_checked() && !smtp_generic_wanted())
		return NULL;
	c = arena_zalloc(arena, sizeof(*c));
	c->downgrade = downgrade;
	c->lines = (struct body_lines){
		.line_limit = (size_t)conf_core.line_length_limit,
		.part_limit = maps_empty(body_maps) ? 0
		    : (uint64_t)smtp_conf.body_checks_size,
		.line = on_line, .rest = on_rest, .arg = c };
	arena_on_free(arena, lines_over, c);
	events.arg = c;
	c->mime = mime_new(arena, &limits, &events);
	mime_begin_whole(c->mime);
	return c;
}

void
smtp_content_add(struct smtp_content *c, struct span bytes, struct str *out)
{
	c->out = out;
	mime_take(c->mime, bytes);
}

void
smtp_content_end(struct smtp_content *c, struct str *out)
{
	c->out = out;
	mime_end(c->mime);
	mime_quote_settle(&c->quote, c->mime, c->out);
	body_lines_end(&c->lines);
	mime_quote_end_part(&c->quote, c->out);
}
