/*
 * smtp_data - see the header.
 *
 * Between calls the parser stands at one of five places; inside a call whole
 * lines are found with memchr and copied at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/smtp_data.h"

#define CRS_HELD_MOST 1000	/* more are content, whatever follows */

enum place {
	AT_START,			/* of a line */
	AT_DOT,				/* "." was the line so far */
	AT_DOT_CR,			/* "." CR */
	AT_TEXT,			/* in a line */
	AT_TEXT_CR,			/* in a line, CRs held back */
};

void
smtp_data_init(struct smtp_data *d, unsigned flags)
{
	*d = (struct smtp_data){ .flags = flags, .at = AT_START,
		.after_crlf = true };
}

/* A line is complete: LF came, behind a CR or bare. */
static void
end_line(struct smtp_data *d, bool crlf, struct str *out)
{
	str_putc(out, '\n');
	d->held = 0;
	d->at = AT_START;
	d->after_crlf = crlf;
	if (!crlf)
		d->bare_lf = true;
}

static void
give_held(struct smtp_data *d, struct str *out)
{
	for (; d->held > 0; d->held--)
		str_putc(out, '\r');
}

/* "." alone, and LF came: the end, or a line with a dot in it. */
static void
end_dot_line(struct smtp_data *d, bool crlf, struct str *out)
{
	if ((crlf && d->after_crlf) || (d->flags & SMTP_DATA_BARE_LF_ENDS)) {
		d->ended = true;
		if (!crlf || !d->after_crlf)
			d->bare_lf = true;
		return;
	}
	str_putc(out, '.');
	end_line(d, crlf, out);
}

/* One byte at the places where one byte decides. */
static void
take_byte(struct smtp_data *d, char c, struct str *out)
{
	switch ((enum place)d->at) {
	case AT_START:
		d->at = AT_DOT;
		return;
	case AT_DOT:
		if (c == '\r') {
			d->at = AT_DOT_CR;
		} else if (c == '\n') {
			end_dot_line(d, false, out);
		} else {
			str_putc(out, c);
			d->at = AT_TEXT;
		}
		return;
	case AT_DOT_CR:
		if (c == '\n') {
			end_dot_line(d, true, out);
			return;
		}
		d->at = AT_TEXT_CR;
		d->held = 1;
		/* FALLTHROUGH */
	case AT_TEXT_CR:
		if (c == '\n') {
			end_line(d, true, out);
			return;
		}
		if (c == '\r' && d->held < CRS_HELD_MOST) {
			d->held++;
			return;
		}
		if (c == '\r') {
			str_putc(out, '\r');	/* the first of them */
			return;
		}
		give_held(d, out);
		str_putc(out, c);
		d->at = AT_TEXT;
		return;
	case AT_TEXT:
		str_putc(out, c);
		return;
	}
}

/* From inside a line to its end, or to the end of the bytes. */
static size_t
take_text(struct smtp_data *d, struct span bytes, struct str *out)
{
	const char *lf = memchr(bytes.p, '\n', bytes.len);
	size_t len = lf != NULL ? (size_t)(lf - bytes.p) : bytes.len;
	size_t text = len;

	while (text > 0 && bytes.p[text - 1] == '\r'
	    && len - text < CRS_HELD_MOST)
		text--;
	str_add(out, span_of(bytes.p, text));
	if (lf != NULL) {
		end_line(d, text < len, out);
		return len + 1;
	}
	d->held = len - text;
	d->at = d->held > 0 ? AT_TEXT_CR : AT_TEXT;
	return len;
}

size_t
smtp_data_take(struct smtp_data *d, struct span bytes, struct str *out)
{
	size_t used = 0;

	while (used < bytes.len && !d->ended) {
		struct span rest = span_skip(bytes, used);
		bool counted = (d->flags & SMTP_DATA_COUNTED) != 0;

		if (d->at == AT_TEXT || (d->at == AT_START
		    && (counted || rest.p[0] != '.'))) {
			used += take_text(d, rest, out);
		} else {
			take_byte(d, rest.p[0], out);
			used++;
		}
	}
	return used;
}

void
smtp_data_finish(struct smtp_data *d, struct str *out)
{
	if (d->at == AT_START)
		return;
	give_held(d, out);
	str_putc(out, '\n');
	d->at = AT_START;
}
