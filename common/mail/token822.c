/*
 * token822 - see the header.
 *
 * A mailbox is either phrase <route-addr> or a bare addr-spec. Words are
 * collected since the last separator; at a comma, semicolon or the end, words
 * without angle brackets are the address, and a phrase before "<" is dropped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/token822.h"

struct scan {
	struct span value;
	size_t at;
	struct str internal;		/* of the words so far */
	size_t first, last;		/* where they stand */
	bool has_words, spaced;		/* spaced: two words side by side */
	token822_fn *fn;
	void *arg;
};

static void
reset(struct scan *s)
{
	str_clear(&s->internal);
	s->has_words = s->spaced = false;
}

static void
give(struct scan *s)
{
	/* "two words" is a phrase without an address */
	if (s->has_words && !s->spaced && str_len(&s->internal) > 0) {
		struct token822_address address = { s->first,
			s->last - s->first, str_span(&s->internal) };

		s->fn(&address, s->arg);
	}
	reset(s);
}

static void
skip_comment(struct scan *s)
{
	size_t depth = 0;

	while (s->at < s->value.len) {
		char c = s->value.p[s->at++];

		if (c == '\\' && s->at < s->value.len)
			s->at++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			return;
	}
}

static void
word_begins(struct scan *s, size_t at)
{
	if (!s->has_words)
		s->first = at;
	s->has_words = true;
}

static void
take_quoted(struct scan *s)
{
	s->at++;
	while (s->at < s->value.len && s->value.p[s->at] != '"') {
		if (s->value.p[s->at] == '\\' && s->at + 1 < s->value.len)
			s->at++;
		if (s->value.p[s->at] != '\n' && s->value.p[s->at] != '\r')
			str_putc(&s->internal, s->value.p[s->at]);
		s->at++;
	}
	if (s->at < s->value.len)
		s->at++;
}

static void
take_literal(struct scan *s)
{
	while (s->at < s->value.len) {
		char c = s->value.p[s->at++];

		str_putc(&s->internal, c);
		if (c == ']')
			return;
	}
}

static bool
is_special(char c)
{
	return c != '\0' && strchr("()<>,;:@.\"[", c) != NULL;
}

/* Words next to each other without "." or "@" between them are a phrase. */
static void
note_gap(struct scan *s, char next)
{
	size_t len = str_len(&s->internal);
	char before = len > 0 ? s->internal.buf[len - 1] : '\0';

	if (s->has_words && before != '.' && before != '@' && next != '.'
	    && next != '@')
		s->spaced = true;
}

/* A route "@a,@b:" in front is dropped. */
static void
take_angle(struct scan *s)
{
	s->at++;

	reset(s);
	while (s->at < s->value.len && s->value.p[s->at] != '>') {
		char c = s->value.p[s->at];

		if (c == '(') {
			skip_comment(s);
		} else if (c == '"') {
			word_begins(s, s->at);
			take_quoted(s);
			s->last = s->at;
		} else if (c == ':' && s->has_words
		    && s->internal.buf[0] == '@') {
			reset(s);
			s->at++;
		} else if (ascii_is_space(c)) {
			s->at++;
		} else {
			word_begins(s, s->at);
			str_putc(&s->internal, c);
			s->last = ++s->at;
		}
	}
	if (s->at < s->value.len)
		s->at++;
	give(s);
}

static void
skip_to_separator(struct scan *s)
{
	while (s->at < s->value.len && s->value.p[s->at] != ','
	    && s->value.p[s->at] != ';') {
		if (s->value.p[s->at] == '(')
			skip_comment(s);
		else
			s->at++;
	}
}

void
token822_each_address(struct span value, token822_fn *fn, void *arg)
{
	struct scan s = { .value = value, .fn = fn, .arg = arg };
	bool gap = false;

	while (s.at < value.len) {
		char c = value.p[s.at];

		if (ascii_is_space(c)) {
			gap = true;
			s.at++;
			continue;
		}
		if (c == '(') {
			skip_comment(&s);
			gap = true;
			continue;
		}
		if (gap && c != ',' && c != ';' && c != '<' && c != ':')
			note_gap(&s, c);
		gap = false;
		if (c == '<') {
			take_angle(&s);
			skip_to_separator(&s);
		} else if (c == ',' || c == ';') {
			give(&s);
			s.at++;
		} else if (c == ':') {		/* "group:" */
			reset(&s);
			s.at++;
		} else if (c == '"') {
			word_begins(&s, s.at);
			take_quoted(&s);
			s.last = s.at;
		} else if (c == '[') {
			word_begins(&s, s.at);
			take_literal(&s);
			s.last = s.at;
		} else {
			word_begins(&s, s.at);
			do {
				str_putc(&s.internal, value.p[s.at++]);
			} while (s.at < value.len
			    && !is_special(value.p[s.at])
			    && !ascii_is_space(value.p[s.at]));
			s.last = s.at;
		}
	}
	give(&s);
	str_fini(&s.internal);
}
