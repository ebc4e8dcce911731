/*
 * token822 - see the header.
 *
 * A mailbox is a phrase and <address>, or an address alone. Whether the words
 * between two separators are a phrase is seen only behind them, so each such
 * run is looked at twice: what ends it, then its words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/token822.h"

#include "common/mail/address.h"

struct scan {
	struct span value;
	size_t at;
	size_t last_semicolon;		/* a colon behind it starts no group */
	struct str internal;		/* the address so far */
	size_t first, end;		/* where it stands */
	bool has_words;
	bool open;			/* it ends in "." "@" or ":" */
	bool has_route;			/* it began with one */
	bool after_at;			/* it began with "@" */
	size_t gap_at;			/* end of the mailbox before it, when
					   no comma came since; 0: one did */
	size_t missing_comma;		/* gap_at when this one began */
	token822_fn *fn;
	void *arg;
};

static char
peek(const struct scan *s)
{
	return s->value.p[s->at];
}

static bool
more(const struct scan *s)
{
	return s->at < s->value.len;
}

/* ---- pieces: each moves on by at least a byte ---- */

static void
skip_comment(struct scan *s)
{
	size_t depth = 0;

	while (more(s)) {
		char c = s->value.p[s->at++];

		if (c == '\\' && more(s))
			s->at++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			return;
	}
}

/* Line ends of folds are no part of an address. */
static void
put(struct str *out, char c)
{
	if (out != NULL && c != '\n' && c != '\r' && c != '\0')
		str_putc(out, c);
}

/* out may be NULL: the piece is skipped. */
static void
take_quoted(struct scan *s, struct str *out)
{
	s->at++;
	while (more(s) && peek(s) != '"') {
		if (peek(s) == '\\' && ++s->at == s->value.len)
			return;
		put(out, s->value.p[s->at++]);
	}
	if (more(s))
		s->at++;
}

static void
take_literal(struct scan *s, struct str *out)
{
	while (more(s)) {
		char c = s->value.p[s->at++];

		put(out, c);
		if (c == ']')
			return;
	}
}

static bool
ends_atom(char c)
{
	return ascii_is_space(c) || c == '\0'
	    || strchr("()<>,;:@.\"[", c) != NULL;
}

/* "." "@" and ":" join what stands around them, space or not. */
static bool
joins(char c)
{
	return c == '.' || c == '@' || c == ':';
}

static void
take_atom(struct scan *s, struct str *out)
{
	if (joins(peek(s))) {
		put(out, s->value.p[s->at++]);
		return;
	}
	do {
		if (peek(s) == '\\' && ++s->at == s->value.len)
			return;
		put(out, s->value.p[s->at++]);
	} while (more(s) && !ends_atom(peek(s)));
}

static void
take_piece(struct scan *s, struct str *out)
{
	if (peek(s) == '"')
		take_quoted(s, out);
	else if (peek(s) == '[')
		take_literal(s, out);
	else
		take_atom(s, out);
}

/* ---- addresses ---- */

static void
reset(struct scan *s)
{
	str_clear(&s->internal);
	s->has_words = s->open = s->has_route = s->after_at = false;
}

/* "@a:user@x" outside of <>; the colon of a literal is none. */
static void
drop_route(struct scan *s)
{
	struct span all = str_span(&s->internal);
	ssize_t literal = all.len > 1 && all.p[1] == '[' ? span_find(all, ']')
	    : 0;
	ssize_t colon = literal < 0 ? -1
	    : span_find(span_skip(all, (size_t)literal), ':');

	if (colon < 0 || (size_t)(literal + colon) + 1 == all.len)
		return;
	str_remove(&s->internal, 0, (size_t)(literal + colon) + 1);
	s->has_route = true;
}

static void
give(struct scan *s)
{
	if (s->after_at)
		drop_route(s);
	if (str_len(&s->internal) > 0) {
		struct token822_address address = { s->first,
			s->end - s->first, str_span(&s->internal),
			s->has_route, s->missing_comma };

		s->gap_at = s->end;
		s->fn(&address, s->arg);
	}
	reset(s);
}

static void
word_begins(struct scan *s)
{
	if (s->has_words)
		return;
	s->first = s->at;
	s->missing_comma = s->gap_at;
	s->has_words = true;
}

static void
separator(struct scan *s)
{
	give(s);
	s->gap_at = 0;
	s->at++;
}

/* Another piece of an address, or of the next one. */
static void
take_word(struct scan *s)
{
	bool joint = joins(peek(s));

	if (s->has_words && !joint && !s->open)
		give(s);
	if (!s->has_words)
		s->after_at = peek(s) == '@';
	word_begins(s);
	take_piece(s, &s->internal);
	s->end = s->at;
	s->open = joint;
}

/*
 * <address>, with the route "@a,@b:" of one dropped. A comma outside of a
 * route, or another "<", stands where ">" was forgotten.
 */
static void
take_angle(struct scan *s)
{
	bool route = false, may_be_route = true;

	reset(s);
	s->at++;
	while (more(s) && peek(s) != '>' && peek(s) != '<'
	    && (route || peek(s) != ',')) {
		char c = peek(s);

		if (c == '(') {
			skip_comment(s);
		} else if (ascii_is_space(c) || c == '\0') {
			s->at++;
		} else if (c == ':' && route) {
			str_clear(&s->internal);
			s->has_route = true;
			route = may_be_route = false;
			s->at++;
		} else {
			word_begins(s);
			if (c == '@' && may_be_route)
				route = true;
			may_be_route = false;
			if (strchr(",;)", c) != NULL)
				put(&s->internal, s->value.p[s->at++]);
			else
				take_piece(s, &s->internal);
			s->end = s->at;
		}
	}
	give(s);
	if (more(s) && peek(s) == '>') {
		s->at++;
		if (s->gap_at > 0)
			s->gap_at = s->at;
	}
}

/* ---- runs ---- */

static bool
starts_group(const struct scan *s)
{
	return peek(s) == ':' && s->at < s->last_semicolon;
}

/* Is what follows a display name or the name of a group? Looks ahead only. */
static bool
is_phrase(const struct scan *s)
{
	struct scan ahead = *s;

	while (more(&ahead)) {
		char c = peek(&ahead);

		if (c == ',' || c == ';')
			return false;
		if (c == '<' || starts_group(&ahead))
			return true;
		if (c == '(')
			skip_comment(&ahead);
		else if (c == '>' || c == ')')
			ahead.at++;
		else
			take_piece(&ahead, NULL);
	}
	return false;
}

/* Words up to a separator or "<" that is_phrase looked at. */
static void
skip_phrase(struct scan *s)
{
	while (more(s) && peek(s) != '<' && !starts_group(s)) {
		if (peek(s) == '(')
			skip_comment(s);
		else if (peek(s) == '>' || peek(s) == ')')
			s->at++;
		else
			take_piece(s, NULL);
	}
}

static size_t
find_last_semicolon(struct span value)
{
	struct scan s = { .value = value };
	size_t last = 0;

	while (more(&s)) {
		if (peek(&s) == '(')
			skip_comment(&s);
		else if (peek(&s) == '"' || peek(&s) == '[')
			take_piece(&s, NULL);
		else if (peek(&s) == '\\')
			s.at += 2;
		else if (s.value.p[s.at++] == ';')
			last = s.at - 1;
	}
	return last;
}

void
token822_each_address(struct span value, token822_fn *fn, void *arg)
{
	struct scan s = { .value = value, .fn = fn, .arg = arg,
		.last_semicolon = find_last_semicolon(value) };
	bool in_run = false;		/* these words are addresses */

	while (more(&s)) {
		char c = peek(&s);

		if (ascii_is_space(c) || c == '\0' || c == '>' || c == ')') {
			s.at++;
		} else if (c == '(') {
			skip_comment(&s);
		} else if (c == ',' || c == ';') {
			separator(&s);
			in_run = false;
		} else if (starts_group(&s)) {
			reset(&s);
			s.gap_at = 0;
			s.at++;
		} else if (c == '<') {
			take_angle(&s);
			in_run = false;
		} else if (!in_run && is_phrase(&s)) {
			skip_phrase(&s);
		} else {
			in_run = true;
			take_word(&s);
		}
	}
	give(&s);
	str_fini(&s.internal);
}

static void
skip_token(struct scan *s)
{
	if (peek(s) == '(')
		skip_comment(s);
	else if (memchr("<>,;)", peek(s), 5) != NULL)
		s->at++;
	else
		take_piece(s, NULL);
}

struct span
token822_first_tokens(struct span value, size_t most)
{
	struct scan s = { .value = value };

	if (value.len <= most)
		return value;
	for (size_t n = 0; n < most && more(&s); n++) {
		while (more(&s) && (ascii_is_space(peek(&s)) ||
		    peek(&s) == '\0'))
			s.at++;
		if (more(&s))
			skip_token(&s);
	}
	return span_empty(span_trim(span_skip(value, s.at))) ? value
	    : span_sub(value, 0, s.at);
}

static void
keep_first(const struct token822_address *found, void *arg)
{
	struct str *out = arg;

	if (str_len(out) == 0)
		str_add(out, found->internal);
}

void
token822_first(struct span value, struct str *out)
{
	str_clear(out);
	token822_each_address(value, keep_first, out);
}

/* ---- replacing ---- */

struct replacing {
	token822_replace_fn *fn;
	void *arg;
	struct span value;
	struct str *out;
	size_t copied;
	bool changed;
};

static void
copy_up_to(struct replacing *r, size_t at)
{
	str_add(r->out, span_sub(r->value, r->copied, at - r->copied));
	r->copied = at;
}

/* Words side by side were an address each before they got a domain; then they
 * need the comma. */
static void
replace_one(const struct token822_address *found, void *arg)
{
	struct replacing *r = arg;
	struct str made = STR_EMPTY, quoted = STR_EMPTY;

	r->fn(found->internal, &made, r->arg);
	if (str_len(&made) > 0 && (found->has_route
	    || !span_eq(str_span(&made), found->internal))) {
		address_quote(&quoted, str_span(&made));
		r->changed = true;
	}
	if (r->changed && found->missing_comma > 0) {
		copy_up_to(r, found->missing_comma);
		str_putc(r->out, ',');
	}
	if (str_len(&quoted) > 0) {
		copy_up_to(r, found->at);
		str_add(r->out, str_span(&quoted));
		r->copied += found->len;
	}
	str_fini(&made);
	str_fini(&quoted);
}

bool
token822_replace(struct span value, token822_replace_fn *fn, void *arg,
    struct str *out)
{
	struct replacing r = { .fn = fn, .arg = arg, .value = value,
		.out = out };

	token822_each_address(value, replace_one, &r);
	if (r.changed)
		copy_up_to(&r, value.len);
	return r.changed;
}
