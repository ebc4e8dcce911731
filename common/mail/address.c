/*
 * address - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/address.h"

#include "common/base/utf8.h"

#define PATH_MOST 4096

struct address_parts
address_split(struct span internal)
{
	ssize_t at = span_rfind(internal, '@');

	if (at < 0)
		return (struct address_parts){ internal, SPAN_NONE, false };
	return (struct address_parts){ span_sub(internal, 0, (size_t)at),
		span_skip(internal, (size_t)at + 1), true };
}

void
address_join(struct str *out, struct span local, struct span domain)
{
	str_add(out, local);
	if (!span_empty(domain)) {
		str_putc(out, '@');
		str_add(out, domain);
	}
}

/* atext of RFC 5322, and everything above ASCII. */
static bool
is_atext(char c)
{
	return ascii_is_alnum(c) || (unsigned char)c >= 0x80
	    || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
is_dot_string(struct span local)
{
	bool dot = true;

	for (size_t i = 0; i < local.len; i++) {
		if (local.p[i] == '.') {
			if (dot)
				return false;
			dot = true;
		} else if (is_atext(local.p[i])) {
			dot = false;
		} else {
			return false;
		}
	}
	return !dot;
}

/* No line can carry these: an address that holds one reaches nobody, and must
 * not become another line. */
static char
harmless(char c)
{
	return c == '\n' || c == '\r' || c == '\0' ? '?' : c;
}

static void
add_domain(struct str *out, struct span domain)
{
	for (size_t i = 0; i < domain.len; i++)
		str_putc(out, harmless(domain.p[i]));
}

void
address_quote(struct str *out, struct span internal)
{
	struct address_parts parts = address_split(internal);

	if (is_dot_string(parts.local)) {
		str_add(out, parts.local);
	} else if (!span_empty(internal)) {
		str_putc(out, '"');
		for (size_t i = 0; i < parts.local.len; i++) {
			char c = harmless(parts.local.p[i]);

			if (c == '"' || c == '\\')
				str_putc(out, '\\');
			str_putc(out, c);
		}
		str_putc(out, '"');
	}
	if (parts.has_domain) {
		str_putc(out, '@');
		add_domain(out, parts.domain);
	}
}

void
address_print(struct str *out, struct span internal)
{
	address_quote(out, internal);
}

/* ---- paths ---- */

struct path_scan {
	struct span text;
	size_t at;
	unsigned flags;
	struct str *out, *why;
};

static bool
refuse(struct path_scan *s, const char *what)
{
	str_sets(s->why, what);
	return false;
}

static char
peek(const struct path_scan *s)
{
	return s->at < s->text.len ? s->text.p[s->at] : '\0';
}

static bool
byte_is_allowed(const struct path_scan *s, char c)
{
	return c == '\t' ? false : (unsigned char)c >= 0x80
	    ? (s->flags & ADDRESS_UTF8) != 0 : ascii_is_print(c);
}

static bool
scan_quoted(struct path_scan *s)
{
	s->at++;
	while (peek(s) != '"') {
		if (s->at >= s->text.len)
			return refuse(s, "missing closing quote");
		if (peek(s) == '\\')
			s->at++;
		if (s->at >= s->text.len || !byte_is_allowed(s, peek(s)))
			return refuse(s, "bad character in quoted string");
		str_putc(s->out, s->text.p[s->at++]);
	}
	s->at++;
	return true;
}

static bool
scan_local_part(struct path_scan *s)
{
	size_t start = str_len(s->out);

	for (;;) {
		char c = peek(s);

		if (c == '"') {
			if (!scan_quoted(s))
				return false;
		} else if (c == '\\' && s->at + 1 < s->text.len) {
			s->at++;
			if (!byte_is_allowed(s, peek(s)))
				return refuse(s, "bad quoted character");
			str_putc(s->out, s->text.p[s->at++]);
		} else if (s->at < s->text.len && (is_atext(c) || c == '.')
		    && byte_is_allowed(s, c)) {
			str_putc(s->out, c);
			s->at++;
		} else {
			break;
		}
	}
	if ((s->flags & ADDRESS_STRICT) && str_len(s->out) == start)
		return refuse(s, "missing local part");
	return true;
}

static bool
scan_domain(struct path_scan *s)
{
	size_t start = str_len(s->out);

	if (peek(s) == '[') {
		do {
			str_putc(s->out, s->text.p[s->at++]);
		} while (ascii_is_alnum(peek(s)) || peek(s) == ':'
		    || peek(s) == '.' || peek(s) == '-');
		if (peek(s) != ']')
			return refuse(s, "bad address literal");
		str_putc(s->out, ']');
		s->at++;
		return true;
	}
	while (s->at < s->text.len && byte_is_allowed(s, peek(s))
	    && (ascii_is_alnum(peek(s)) || (unsigned char)peek(s) >= 0x80
	    || strchr("-._", peek(s)) != NULL))
		str_putc(s->out, s->text.p[s->at++]);
	if (str_len(s->out) == start)
		return refuse(s, "missing domain");
	return true;
}

/* "@a,@b:" in front is obsolete routing: read and dropped. */
static bool
skip_source_route(struct path_scan *s)
{
	size_t colon = s->at;

	if (peek(s) != '@')
		return true;
	while (colon < s->text.len && s->text.p[colon] != ':'
	    && s->text.p[colon] != '>' && s->text.p[colon] != ' ')
		colon++;
	if (colon >= s->text.len || s->text.p[colon] != ':')
		return refuse(s, "bad source route");
	s->at = colon + 1;
	return true;
}

static bool
scan_mailbox(struct path_scan *s)
{
	if (!skip_source_route(s) || !scan_local_part(s))
		return false;
	/* <"user@example.org"> would be kept as another address than it is */
	if (peek(s) != '@' && span_has(str_span(s->out), '@'))
		return refuse(s, "quoted @ without a domain");
	/* user%a@b@c: the last @ divides, so further ones join the local part */
	while (peek(s) == '@') {
		str_putc(s->out, '@');
		s->at++;
		if (!scan_domain(s))
			return false;
	}
	return true;
}

bool
address_parse_path(struct span text, unsigned flags, struct str *internal_out,
    size_t *used_out, struct str *why)
{
	struct path_scan s = { .text = text, .flags = flags,
		.out = internal_out, .why = why };
	bool angle;

	str_clear(internal_out);
	s.text.len = text.len < PATH_MOST ? text.len : PATH_MOST;
	angle = peek(&s) == '<';
	if (angle)
		s.at++;
	else if (flags & ADDRESS_STRICT)
		return refuse(&s, "missing <");
	if (angle && peek(&s) == '>') {
		s.at++;
		*used_out = s.at;
		if (s.at < s.text.len && peek(&s) != ' ')
			return refuse(&s, "bad character after address");
		return (flags & ADDRESS_ALLOW_EMPTY)
		    || refuse(&s, "empty address");
	}
	while (angle && !(flags & ADDRESS_STRICT) && peek(&s) == ' ')
		s.at++;
	if (!scan_mailbox(&s))
		return false;
	while (angle && !(flags & ADDRESS_STRICT) && peek(&s) == ' ')
		s.at++;
	if (angle && peek(&s) != '>')
		return refuse(&s, "missing > or bad character");
	if (angle)
		s.at++;
	if (s.at < s.text.len && peek(&s) != ' ')
		return refuse(&s, "bad character after address");
	if (str_len(internal_out) == 0 && !(flags & ADDRESS_ALLOW_EMPTY))
		return refuse(&s, "empty address");
	if (str_len(internal_out) > 0 && internal_out->buf[0] == '@')
		return refuse(&s, "missing local part");
	if (s.at == PATH_MOST)
		return refuse(&s, "address is too long");
	if ((flags & ADDRESS_UTF8) && !utf8_valid(str_span(internal_out)))
		return refuse(&s, "invalid UTF-8");
	*used_out = s.at;
	return true;
}

/* ---- extensions ---- */

/* Names of lists are kept whole where "-" would take them apart. */
bool address_owner_request_special = true;

static bool
never_splits(struct span local, const char *delimiters)
{
	if (span_is_nocase(local, "mailer-daemon")
	    || span_is_nocase(local, "double-bounce"))
		return true;
	return address_owner_request_special && strchr(delimiters, '-') != NULL
	    && ((local.len > 6 && span_starts_nocase(local, SPAN("owner-")))
	    || (local.len > 8 && span_ends_nocase(local, SPAN("-request"))));
}

bool
address_split_extension(struct span local, const char *delimiters,
    struct span *base_out, struct span *extension_out)
{
	if (delimiters == NULL || never_splits(local, delimiters))
		return false;
	for (size_t i = 0; i < local.len; i++)
		if (local.p[i] != '\0'
		    && strchr(delimiters, local.p[i]) != NULL) {
			if (i == 0)
				return false;
			*base_out = span_sub(local, 0, i);
			*extension_out = span_skip(local, i + 1);
			return true;
		}
	return false;
}

void
address_add_extension(struct str *out, struct span internal, char delimiter,
    struct span extension)
{
	struct address_parts parts = address_split(internal);

	str_add(out, parts.local);
	str_putc(out, delimiter);
	str_add(out, extension);
	if (parts.has_domain) {
		str_putc(out, '@');
		str_add(out, parts.domain);
	}
}

bool
address_eq(struct span a, struct span b)
{
	return span_eq_nocase(a, b);
}

bool
address_is_literal(struct span domain)
{
	return domain.len > 2 && domain.p[0] == '['
	    && domain.p[domain.len - 1] == ']';
}
