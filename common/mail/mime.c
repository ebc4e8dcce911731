/*
 * mime - see the header.
 *
 * Content is searched for "\n--" alone; a line is looked at closely when it may
 * be a boundary, or stands among headers. A line whose end has not come yet is
 * kept in `line` until it is known what it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/mime.h"


enum where { IN_CONTENT, IN_HEADERS };
enum encoding { ENCODING_7BIT, ENCODING_8BIT, ENCODING_CODED };
enum kind { KIND_OTHER, KIND_MULTIPART, KIND_DIGEST, KIND_MESSAGE };

/* Boundaries that are open; the innermost is the last. */
struct boundary {
	char *text;
	size_t len;
	bool is_digest;
};

struct mime {
	struct arena *arena;
	struct mime_limits limits;
	struct mime_events events;
	unsigned trouble;
	struct span trouble_text;
	enum where where;
	enum mime_place place;		/* of the headers we are in */
	/* Of the headers at hand. */
	enum kind kind;
	enum encoding encoding;
	struct str *boundary;
	/* Boundaries, innermost last. */
	struct boundary *open;
	size_t nopen, room;
	struct str *line;		/* its end has not come */
	struct str *header;		/* logical header so far */
	bool passing;			/* the rest of a line that is content */
};

struct mime *
mime_new(struct arena *arena, const struct mime_limits *limits,
    const struct mime_events *events)
{
	struct mime *m = arena_zalloc(arena, sizeof(*m));

	m->arena = arena;
	m->limits = *limits;
	m->events = *events;
	m->boundary = str_in_arena(arena);
	m->line = str_in_arena(arena);
	m->header = str_in_arena(arena);
	return m;
}

unsigned
mime_trouble(const struct mime *m, struct span *text_out)
{
	*text_out = m->trouble_text;
	return m->trouble;
}

static bool
is_news(const struct mime *m, enum mime_trouble trouble)
{
	return (m->limits.reported & ~m->trouble & trouble) != 0;
}

static void
report(struct mime *m, enum mime_trouble trouble, struct span text)
{
	if (!is_news(m, trouble))
		return;
	if (m->trouble == 0)
		m->trouble_text = arena_span(m->arena,
		    span_sub(text, 0, 100));
	m->trouble |= trouble;
}

/* ---- what a header says ---- */

/* Steps over white space and comments (RFC 5322 3.2.2). */
static void
skip_comments(struct span *rest)
{
	int depth = 0;

	while (rest->len > 0) {
		char c = rest->p[0];

		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (c == '\\' && depth > 0 && rest->len > 1)
			*rest = span_skip(*rest, 1);
		else if (depth == 0 && !ascii_is_space(c))
			return;
		*rest = span_skip(*rest, 1);
	}
}

static bool
is_token_byte(char c)
{
	return c > ' ' && c != 127 && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/* A token or a quoted string; what it means is appended. */
static void
take_word(struct span *rest, struct str *out)
{
	size_t n = 0;

	skip_comments(rest);
	if (rest->len == 0 || rest->p[0] != '"') {
		while (n < rest->len && is_token_byte(rest->p[n]))
			n++;
		str_add(out, span_sub(*rest, 0, n));
		*rest = span_skip(*rest, n);
		return;
	}
	for (n = 1; n < rest->len && rest->p[n] != '"'; n++) {
		if (rest->p[n] == '\\' && n + 1 < rest->len)
			n++;
		if (rest->p[n] != '\n' && rest->p[n] != '\r')
			str_putc(out, rest->p[n]);
	}
	*rest = span_skip(*rest, n + 1);
}

static bool
take_byte(struct span *rest, char c)
{
	skip_comments(rest);
	if (rest->len == 0 || rest->p[0] != c)
		return false;
	*rest = span_skip(*rest, 1);
	return true;
}

/* Many senders do not quote what has to be: up to the next ';' then. */
static void
take_value(struct span *rest, struct str *out)
{
	skip_comments(rest);
	if (rest->len > 0 && rest->p[0] == '"') {
		take_word(rest, out);
		return;
	}
	while (rest->len > 0 && rest->p[0] != ';'
	    && !ascii_is_space(rest->p[0])) {
		str_putc(out, rest->p[0]);
		*rest = span_skip(*rest, 1);
	}
}

static void
take_content_type(struct mime *m, struct span value)
{
	struct str word = STR_EMPTY, sub = STR_EMPTY;

	take_word(&value, &word);
	if (take_byte(&value, '/'))
		take_word(&value, &sub);
	m->kind = KIND_OTHER;
	if (span_is_nocase(str_span(&word), "multipart"))
		m->kind = span_is_nocase(str_span(&sub), "digest")
		    ? KIND_DIGEST : KIND_MULTIPART;
	else if (span_is_nocase(str_span(&word), "message")
	    && (span_is_nocase(str_span(&sub), "rfc822")
	    || span_is_nocase(str_span(&sub), "global")))
		m->kind = KIND_MESSAGE;
	str_clear(m->boundary);
	while (m->kind != KIND_OTHER && value.len > 0) {
		if (!take_byte(&value, ';')) {
			value = span_skip(value, 1);
			continue;
		}
		str_clear(&word);
		str_clear(&sub);
		take_word(&value, &word);
		if (!take_byte(&value, '='))
			continue;
		take_value(&value, &sub);
		if (str_len(m->boundary) == 0
		    && span_is_nocase(str_span(&word), "boundary"))
			str_set(m->boundary, span_sub(str_span(&sub), 0,
			    m->limits.boundary));
	}
	str_fini(&word);
	str_fini(&sub);
}

static void
take_encoding(struct mime *m, struct span value)
{
	struct str word = STR_EMPTY;

	take_word(&value, &word);
	m->encoding = span_is_nocase(str_span(&word), "8bit")
	    || span_is_nocase(str_span(&word), "binary") ? ENCODING_8BIT
	    : span_is_nocase(str_span(&word), "quoted-printable")
	    || span_is_nocase(str_span(&word), "base64") ? ENCODING_CODED
	    : ENCODING_7BIT;		/* or one that nobody knows */
	str_fini(&word);
}

static void
learn_header(struct mime *m, enum header_id id, struct span line,
    size_t name_length)
{
	struct span value = header_value(line, name_length);

	switch (id) {
	case HEADER_CONTENT_TYPE:
		take_content_type(m, value);
		break;
	case HEADER_CONTENT_TRANSFER_ENCODING:
		take_encoding(m, value);
		break;
	default:
		break;
	}
	if (is_news(m, MIME_8BIT_HEADER) && !span_is_ascii(line))
		report(m, MIME_8BIT_HEADER, line);
}

/* ---- sections ---- */

static void
begin_headers(struct mime *m, enum mime_place place, bool in_digest)
{
	m->where = IN_HEADERS;
	m->place = place;
	m->kind = in_digest ? KIND_MESSAGE : KIND_OTHER;
	m->encoding = ENCODING_7BIT;
	str_clear(m->boundary);
}

static void
open_boundary(struct mime *m)
{
	struct boundary *wider;

	if (m->nopen >= m->limits.nesting) {
		report(m, MIME_TOO_DEEP, str_span(m->boundary));
		return;
	}
	if (m->nopen == m->room) {
		m->room = m->room == 0 ? 8 : 2 * m->room;
		wider = arena_array(m->arena, m->room, sizeof(*wider));
		if (m->nopen > 0)
			memcpy(wider, m->open, m->nopen * sizeof(*wider));
		m->open = wider;
	}
	m->open[m->nopen++] = (struct boundary){
		.text = arena_cstr(m->arena, str_span(m->boundary)),
		.len = str_len(m->boundary),
		.is_digest = m->kind == KIND_DIGEST };
}

/* Behind the headers: what they spoke of. The empty line is passed before. */
static void
end_headers(struct mime *m)
{
	if (m->kind != KIND_OTHER && m->encoding == ENCODING_CODED)
		report(m, MIME_ENCODED_CONTAINER, SPAN(m->kind == KIND_MESSAGE
		    ? "message/*" : "multipart/*"));
	m->where = IN_CONTENT;
	switch (m->kind) {
	case KIND_MULTIPART:
	case KIND_DIGEST:
		if (str_len(m->boundary) > 0)
			open_boundary(m);
		break;
	case KIND_MESSAGE:
		begin_headers(m, MIME_NESTED, false);
		return;
	case KIND_OTHER:
		break;
	}
	if (m->events.part != NULL)
		m->events.part(m->events.arg);
}

void
mime_primary_header(struct mime *m, enum header_id id, struct span line,
    size_t name_length)
{
	learn_header(m, id, line, name_length);
}

void
mime_begin_whole(struct mime *m)
{
	begin_headers(m, MIME_PRIMARY, false);
}

bool
mime_is_container(const struct mime *m)
{
	return m->kind != KIND_OTHER;
}

void
mime_primary_end(struct mime *m)
{
	end_headers(m);
}

bool
mime_is_flat(const struct mime *m)
{
	return m->where == IN_CONTENT && m->nopen == 0;
}

/* ---- lines ---- */

static struct span
first_line(struct span bytes)
{
	ssize_t lf = span_find(bytes, '\n');

	return lf < 0 ? bytes : span_sub(bytes, 0, (size_t)lf);
}

static void
put_content(struct mime *m, struct span bytes)
{
	if (bytes.len == 0)
		return;
	if (m->encoding == ENCODING_7BIT && is_news(m, MIME_8BIT_BODY)
	    && !span_is_ascii(bytes))
		report(m, MIME_8BIT_BODY, first_line(bytes));
	m->events.content(bytes, m->events.arg);
}

static void
put_boundary(struct mime *m, struct span line)
{
	if (m->events.boundary != NULL)
		m->events.boundary(line, m->events.arg);
	else
		put_content(m, line);
}

static void
flush_header(struct mime *m)
{
	struct span line = str_span(m->header);
	size_t n;

	if (line.len == 0)
		return;
	n = header_name_length(line);
	learn_header(m, header_find(span_sub(line, 0, n)), line, n);
	m->events.header(m->place, line, n, m->events.arg);
	str_clear(m->header);
}

/* The innermost open boundary that this line is; those inside it are closed. */
static bool
take_boundary(struct mime *m, struct span line)
{
	if (line.len < 2 || line.p[0] != '-' || line.p[1] != '-')
		return false;
	for (size_t i = m->nopen; i > 0; i--) {
		const struct boundary *b = &m->open[i - 1];

		if (!span_starts(span_skip(line, 2), span_of(b->text, b->len)))
			continue;
		m->nopen = i;
		if (span_starts(span_skip(line, b->len + 2), SPAN("--"))) {
			m->nopen--;
			m->encoding = ENCODING_7BIT;	/* of an epilogue */
			m->where = IN_CONTENT;
		} else {
			begin_headers(m, MIME_PART, b->is_digest);
		}
		return true;
	}
	return false;
}

static void
add_header(struct mime *m, struct span bytes)
{
	size_t len = str_len(m->header);
	size_t room = len < m->limits.header ? m->limits.header - len : 0;

	str_add(m->header, span_sub(bytes, 0, room));
	if (bytes.len > room)
		report(m, MIME_LONG_HEADER, str_span(m->header));
}

static bool
continues_header(const struct mime *m, struct span line)
{
	return line.len > 0 && (line.p[0] == ' ' || line.p[0] == '\t')
	    && str_len(m->header) > 0;
}

static bool
is_header_line(const struct mime *m, struct span line)
{
	return continues_header(m, line) || header_name_length(line) > 0;
}

/* `whole` is the line with its LF, if it has one. */
static void
take_header_line(struct mime *m, struct span line, struct span whole)
{
	if (continues_header(m, line)) {
		add_header(m, SPAN("\n"));
		add_header(m, line);
		return;
	}
	flush_header(m);
	if (header_name_length(line) > 0) {
		add_header(m, line);
		return;
	}
	/* An empty line, a boundary, or content without a line before it. */
	if (line.len == 0) {
		put_content(m, whole);
		end_headers(m);
		return;
	}
	if (take_boundary(m, line)) {
		put_boundary(m, whole);
		return;
	}
	end_headers(m);
	put_content(m, whole);
}

static void
take_line(struct mime *m, struct span line, struct span whole)
{
	if (m->where == IN_HEADERS) {
		take_header_line(m, line, whole);
		return;
	}
	if (take_boundary(m, line))
		put_boundary(m, whole);
	else
		put_content(m, whole);
}

/* Content up to the next line that begins with "--"; its length. */
static size_t
plain_content(struct span bytes)
{
	ssize_t at;

	if (bytes.p[0] == '-' && (bytes.len == 1 || bytes.p[1] == '-'))
		return 0;
	at = span_search(bytes, SPAN("\n--"));
	if (at >= 0)
		return (size_t)at + 1;
	return span_ends(bytes, SPAN("\n-")) ? bytes.len - 1 : bytes.len;
}

/* Up to the end of a line that needs no further look. */
static void
pass_line(struct mime *m, struct span *bytes)
{
	ssize_t lf = span_find(*bytes, '\n');
	size_t n = lf < 0 ? bytes->len : (size_t)lf + 1;

	put_content(m, span_sub(*bytes, 0, n));
	*bytes = span_skip(*bytes, n);
	m->passing = lf < 0;
}

/* No header, and too long for more than a look at how it begins. */
static void
pass_beginning(struct mime *m)
{
	struct span line = str_span(m->line);

	if (m->where == IN_HEADERS)
		flush_header(m);
	if (take_boundary(m, line)) {
		put_boundary(m, line);
	} else {
		if (m->where == IN_HEADERS)
			end_headers(m);
		put_content(m, line);
	}
	str_clear(m->line);
	m->passing = true;
}

/* Of a header line that goes on without end only this much is kept. */
static bool
is_too_long(const struct mime *m)
{
	size_t most = m->limits.header > m->limits.boundary
	    ? m->limits.header : m->limits.boundary;

	return str_len(m->line) > most + 4;
}

static void
add_to_line(struct mime *m, struct span *bytes)
{
	ssize_t lf = span_find(*bytes, '\n');
	struct span part = span_sub(*bytes, 0, lf < 0 ? bytes->len
	    : (size_t)lf + 1);
	struct span line;

	*bytes = span_skip(*bytes, part.len);
	if (!is_too_long(m))
		str_add(m->line, part);
	else if (lf >= 0)
		str_putc(m->line, '\n');
	line = str_span(m->line);
	if (lf >= 0) {
		take_line(m, span_sub(line, 0, line.len - 1), line);
		str_clear(m->line);
	} else if (is_too_long(m) && (m->where == IN_CONTENT
	    || !is_header_line(m, line))) {
		pass_beginning(m);
	}
}

void
mime_take(struct mime *m, struct span bytes)
{
	while (bytes.len > 0) {
		size_t plain = 0;

		if (m->passing) {
			pass_line(m, &bytes);
			continue;
		}
		if (m->where == IN_CONTENT && str_len(m->line) == 0)
			plain = m->nopen == 0 ? bytes.len
			    : plain_content(bytes);
		if (plain == 0) {
			add_to_line(m, &bytes);
			continue;
		}
		put_content(m, span_sub(bytes, 0, plain));
		m->passing = bytes.p[plain - 1] != '\n';
		bytes = span_skip(bytes, plain);
	}
}

void
mime_end(struct mime *m)
{
	struct span line = str_span(m->line);

	if (line.len > 0)
		take_line(m, line, line);
	if (m->where == IN_HEADERS)
		flush_header(m);
}
