/*
 * span - a borrowed view of bytes: pointer and length, no NUL wanted.
 *
 * Parsers take spans. A span owns nothing; whoever returns one says until when
 * it is good. An empty span may have any pointer, also NULL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_SPAN_H
#define COMMON_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

struct span {
	const char *p;
	size_t len;
};

/* For printf: log_info("from=<%.*s>", SPAN_ARG(sender)) */
#define SPAN_ARG(s) (int)(s).len, (s).p != NULL ? (s).p : ""
#define SPAN_NONE ((struct span){ NULL, 0 })
/* A string literal, usable in static initialisers. */
#define SPAN_LIT(literal) { "" literal, sizeof(literal) - 1 }

static inline struct span
span_of(const char *p, size_t len)
{
	return (struct span){ p, len };
}

static inline struct span
span_cstr(const char *s)
{
	return (struct span){ s, s != NULL ? strlen(s) : 0 };
}

#define SPAN(cstring) span_cstr(cstring)

static inline bool
span_empty(struct span s)
{
	return s.len == 0;
}

static inline bool
span_eq(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* ASCII case only, whatever the locale. */
bool span_eq_nocase(struct span a, struct span b);
int span_cmp(struct span a, struct span b);	/* bytes, then length */

static inline bool
span_is(struct span a, const char *s)
{
	return span_eq(a, span_cstr(s));
}

static inline bool
span_is_nocase(struct span a, const char *s)
{
	return span_eq_nocase(a, span_cstr(s));
}

bool span_starts(struct span s, struct span prefix);
bool span_starts_nocase(struct span s, struct span prefix);
bool span_ends(struct span s, struct span suffix);
bool span_ends_nocase(struct span s, struct span suffix);
bool span_has(struct span s, char c);
ssize_t span_find(struct span s, char c);	/* index or -1 */
ssize_t span_rfind(struct span s, char c);
ssize_t span_search(struct span s, struct span needle);

/* From byte `from`, at most `len` bytes; clipped to s, never outside it. */
struct span span_sub(struct span s, size_t from, size_t len);
struct span span_skip(struct span s, size_t n);	/* without its first n */
struct span span_trim(struct span s);		/* space \t \r \n \f \v */
struct span span_ltrim(struct span s);
struct span span_rtrim(struct span s);

/*
 * Takes the part up to c from *rest; c itself is dropped. Without a c, all of
 * *rest. False when nothing is left; nothing behind the last c is no part.
 */
bool span_split(struct span *rest, char c, struct span *part_out);
/* The next run of bytes that are not in set, skipping bytes that are. */
bool span_token(struct span *rest, const char *set, struct span *token_out);

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline char
ascii_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

static inline bool
ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool
ascii_is_alnum(char c)
{
	return ascii_is_digit(c) || ascii_is_alpha(c);
}

static inline bool
ascii_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool
ascii_is_print(char c)
{
	return c >= ' ' && c <= '~';
}

bool span_is_ascii(struct span s);		/* no byte above 127 */

#endif
