/*
 * convert - force_mime_input_conversion: parts that are said to be 8bit are made
 * quoted-printable as they come in, so that checks, filters and signers see
 * what any server will get.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/mime_quote.h"
#include "daemons/cleanup/cleanup_priv.h"
#include "daemons/shared/mime_conf.h"

struct convert {
	struct mime *mime;
	struct mime_quote quote;
	struct str *out;
};

static void
on_header(enum mime_place place, struct span line, size_t name_length,
    void *arg)
{
	struct convert *c = arg;

	(void)place;
	if (mime_quote_holds(&c->quote, header_find(span_sub(line, 0,
	    name_length)), line))
		return;
	str_add(c->out, line);
	str_putc(c->out, '\n');
}

static void
on_content(struct span bytes, void *arg)
{
	struct convert *c = arg;

	mime_quote_settle(&c->quote, c->mime, c->out);
	mime_quote_put(&c->quote, bytes, c->out);
}

static void
on_boundary(struct span line, void *arg)
{
	struct convert *c = arg;

	mime_quote_end_part(&c->quote, c->out);
	str_add(c->out, line);
}

static bool
is_wanted(const struct transaction *t)
{
	return cleanup_conf.force_mime_input_conversion &&
	    !cleanup_conf.disable_mime_input_processing &&
	    (t->flags & CLEANUP_FILTER);
}

void
convert_begin(struct transaction *t)
{
	const struct mime_limits limits = mime_conf_limits();
	struct mime_events events = { .header = on_header,
		.boundary = on_boundary, .content = on_content };

	if (!is_wanted(t))
		return;
	t->convert = arena_zalloc(t->arena, sizeof(*t->convert));
	t->convert->out = str_in_arena(t->arena);
	events.arg = t->convert;
	t->convert->mime = mime_new(t->arena, &limits, &events);
	mime_begin_whole(t->convert->mime);
}

struct span
convert_take(struct transaction *t, struct span bytes)
{
	if (t->convert == NULL)
		return bytes;
	str_clear(t->convert->out);
	mime_take(t->convert->mime, bytes);
	return str_span(t->convert->out);
}

struct span
convert_end(struct transaction *t)
{
	struct convert *c = t->convert;

	if (c == NULL)
		return SPAN_NONE;
	str_clear(c->out);
	mime_end(c->mime);
	mime_quote_settle(&c->quote, c->mime, c->out);
	mime_quote_end_part(&c->quote, c->out);
	return str_span(c->out);
}
