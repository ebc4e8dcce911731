/*
 * smtp_send_data - see the header.
 *
 * A CR before LF is part of the line's end, any other one becomes a space. A
 * line is not broken inside a UTF-8 character when the output still holds its
 * first byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/smtp_send_data.h"

static const struct span crlf = SPAN_LIT("\r\n");
static const struct span break_line = SPAN_LIT("\r\n ");

void
smtp_send_data_init(struct smtp_send_data *e, size_t line_limit)
{
	/* Below this there would be no progress behind the space. */
	if (line_limit > 0 && line_limit < 8)
		line_limit = 8;
	*e = (struct smtp_send_data){ .line_limit = line_limit };
}

/* How many bytes at the end of out belong to the character of `next`. */
static size_t
unfinished_char(const struct smtp_send_data *e, const struct str *out,
    char next)
{
	size_t n = 0;

	if (((unsigned char)next & 0xc0) != 0x80)
		return 0;
	while (n < 3 && n + 1 < e->column && n < out->len) {
		unsigned char c = (unsigned char)out->buf[out->len - ++n];

		if (c >= 0xc0)
			return n;
		if (c < 0x80)
			return 0;
	}
	return 0;
}

static void
add_break(struct smtp_send_data *e, char next, struct str *out)
{
	size_t keep = unfinished_char(e, out, next);

	str_insert(out, str_len(out) - keep, break_line);
	e->column = 1 + keep;
	e->broke_line = true;
}

/* Bytes of one line, none of them CR or LF. */
static void
add_text(struct smtp_send_data *e, struct span text, struct str *out)
{
	if (e->column == 0 && text.len > 0 && text.p[0] == '.')
		str_putc(out, '.');
	while (e->line_limit > 0 && e->column + text.len > e->line_limit) {
		size_t fits = e->line_limit - e->column;

		str_add(out, span_sub(text, 0, fits));
		e->column += fits;
		text = span_skip(text, fits);
		add_break(e, text.p[0], out);
	}
	str_add(out, text);
	e->column += text.len;
}

static void
add_line_end(struct smtp_send_data *e, struct str *out)
{
	str_add(out, crlf);
	e->column = 0;
}

/* The part of a line that is in this piece; CRs in it become spaces. */
static void
add_with_cr(struct smtp_send_data *e, struct span text, struct str *out)
{
	for (;;) {
		ssize_t at = span_find(text, '\r');

		if (at < 0)
			break;
		add_text(e, span_sub(text, 0, (size_t)at), out);
		add_text(e, SPAN(" "), out);
		text = span_skip(text, (size_t)at + 1);
	}
	add_text(e, text, out);
}

void
smtp_send_data_add(struct smtp_send_data *e, struct span content,
    struct str *out)
{
	const char *p = content.p, *end = content.p + content.len;
	bool has_cr;

	if (content.len == 0)
		return;
	if (e->held_cr && *p != '\n')
		add_text(e, SPAN(" "), out);
	e->held_cr = false;
	has_cr = memchr(p, '\r', content.len) != NULL;
	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		const char *stop = lf != NULL ? lf : end;
		struct span text = span_of(p, (size_t)(stop - p));

		if (has_cr && text.len > 0 && stop[-1] == '\r') {
			text.len--;
			e->held_cr = lf == NULL;
		}
		if (has_cr)
			add_with_cr(e, text, out);
		else
			add_text(e, text, out);
		if (lf == NULL)
			return;
		add_line_end(e, out);
		p = lf + 1;
	}
}

void
smtp_send_data_end(struct smtp_send_data *e, struct str *out)
{
	e->held_cr = false;
	if (e->column > 0)
		add_line_end(e, out);
	str_adds(out, ".\r\n");
}
