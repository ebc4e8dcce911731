/*
 * mime_quote - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/mime_quote.h"

#define LINE_MOST 76			/* RFC 2045 6.7, "=" included */

static void
put_unit(struct mime_quote *q, struct span unit, struct str *out)
{
	if (q->column + unit.len >= LINE_MOST) {
		str_adds(out, "=\n");
		q->column = 0;
	}
	str_add(out, unit);
	q->column += unit.len;
}

static void
put_coded(struct mime_quote *q, char byte, struct str *out)
{
	static const char digits[] = "0123456789ABCDEF";
	const char unit[3] = { '=', digits[(unsigned char)byte >> 4],
		digits[byte & 15] };

	put_unit(q, span_of(unit, sizeof(unit)), out);
}

/* White space at the end of a line has to be coded. */
static void
put_held(struct mime_quote *q, bool at_end, struct str *out)
{
	if (q->held != '\0' && at_end)
		put_coded(q, q->held, out);
	else if (q->held != '\0')
		put_unit(q, span_of(&q->held, 1), out);
	q->held = '\0';
}

static void
put_quoted(struct mime_quote *q, struct span bytes, struct str *out)
{
	for (size_t i = 0; i < bytes.len; i++) {
		char byte = bytes.p[i];

		put_held(q, byte == '\n', out);
		if (byte == '\n') {
			str_putc(out, '\n');
			q->column = 0;
		} else if (byte == ' ' || byte == '\t') {
			q->held = byte;
		} else if (byte > ' ' && byte <= '~' && byte != '=') {
			put_unit(q, span_of(&byte, 1), out);
		} else {
			put_coded(q, byte, out);
		}
	}
}

bool
mime_quote_holds(struct mime_quote *q, enum header_id id, struct span line)
{
	struct span rest = header_value(line, header_name_length(line));
	struct span word = SPAN_NONE;	/* a comment may stand behind it */

	if (id != HEADER_CONTENT_TRANSFER_ENCODING
	    || !span_token(&rest, " \t\r\n(;", &word)
	    || (!span_is_nocase(word, "8bit")
	    && !span_is_nocase(word, "binary")))
		return false;
	q->held_header = true;
	return true;
}

void
mime_quote_settle(struct mime_quote *q, const struct mime *m, struct str *out)
{
	if (!q->held_header)
		return;
	q->held_header = false;
	q->quoted = !mime_is_container(m);
	str_addf(out, "Content-Transfer-Encoding: %s\n",
	    q->quoted ? "quoted-printable" : "7bit");
}

void
mime_quote_put(struct mime_quote *q, struct span bytes, struct str *out)
{
	if (q->quoted)
		put_quoted(q, bytes, out);
	else
		str_add(out, bytes);
}

/* What stood before ended without a line end, if at all. */
void
mime_quote_end_part(struct mime_quote *q, struct str *out)
{
	if (q->quoted)
		put_held(q, true, out);
	q->held_header = q->quoted = false;
	q->column = 0;
}
