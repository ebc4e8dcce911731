/*
 * span - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/span.h"

bool
span_eq_nocase(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

int
span_cmp(struct span a, struct span b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len > 0 ? memcmp(a.p, b.p, len) : 0;

	return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

bool
span_starts(struct span s, struct span prefix)
{
	return s.len >= prefix.len
	    && span_eq(span_of(s.p, prefix.len), prefix);
}

bool
span_starts_nocase(struct span s, struct span prefix)
{
	return s.len >= prefix.len
	    && span_eq_nocase(span_of(s.p, prefix.len), prefix);
}

bool
span_ends(struct span s, struct span suffix)
{
	return s.len >= suffix.len
	    && span_eq(span_skip(s, s.len - suffix.len), suffix);
}

bool
span_ends_nocase(struct span s, struct span suffix)
{
	return s.len >= suffix.len
	    && span_eq_nocase(span_skip(s, s.len - suffix.len), suffix);
}

ssize_t
span_find(struct span s, char c)
{
	const char *at = s.len > 0 ? memchr(s.p, c, s.len) : NULL;

	return at != NULL ? at - s.p : -1;
}

bool
span_has(struct span s, char c)
{
	return span_find(s, c) >= 0;
}

ssize_t
span_rfind(struct span s, char c)
{
	const char *at = s.len > 0 ? memrchr(s.p, c, s.len) : NULL;

	return at != NULL ? at - s.p : -1;
}

ssize_t
span_search(struct span s, struct span needle)
{
	const char *at;

	if (needle.len == 0)
		return 0;
	if (s.len < needle.len)
		return -1;
	at = memmem(s.p, s.len, needle.p, needle.len);
	return at != NULL ? at - s.p : -1;
}

struct span
span_sub(struct span s, size_t from, size_t len)
{
	if (from > s.len)
		from = s.len;
	if (len > s.len - from)
		len = s.len - from;
	return span_of(s.p != NULL ? s.p + from : NULL, len);
}

struct span
span_skip(struct span s, size_t n)
{
	return span_sub(s, n, s.len);
}

struct span
span_ltrim(struct span s)
{
	size_t n = 0;

	while (n < s.len && ascii_is_space(s.p[n]))
		n++;
	return span_skip(s, n);
}

struct span
span_rtrim(struct span s)
{
	while (s.len > 0 && ascii_is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

struct span
span_trim(struct span s)
{
	return span_ltrim(span_rtrim(s));
}

bool
span_split(struct span *rest, char c, struct span *part_out)
{
	ssize_t at;

	/* A pointer of NULL says that the last part has been handed out. */
	if (rest->p == NULL)
		return false;
	at = span_find(*rest, c);
	if (at < 0) {
		*part_out = *rest;
		*rest = SPAN_NONE;
		return part_out->len > 0;
	}
	*part_out = span_sub(*rest, 0, (size_t)at);
	*rest = span_skip(*rest, (size_t)at + 1);
	if (rest->len == 0)
		rest->p = "";
	return true;
}

/* One bit per byte value; NUL ends the set, so it is never in it. */
struct byte_set {
	uint64_t bits[4];
};

static struct byte_set
byte_set_of(const char *bytes)
{
	struct byte_set set = { { 0 } };

	for (; *bytes != '\0'; bytes++) {
		unsigned char c = (unsigned char)*bytes;

		set.bits[c >> 6] |= (uint64_t)1 << (c & 63);
	}
	return set;
}

static inline bool
byte_set_has(const struct byte_set *set, char byte)
{
	unsigned char c = (unsigned char)byte;

	return (set->bits[c >> 6] >> (c & 63)) & 1;
}

bool
span_token(struct span *rest, const char *set, struct span *token_out)
{
	struct byte_set separators = byte_set_of(set);
	size_t n = 0, start;

	while (n < rest->len && byte_set_has(&separators, rest->p[n]))
		n++;
	start = n;
	while (n < rest->len && !byte_set_has(&separators, rest->p[n]))
		n++;
	*token_out = span_sub(*rest, start, n - start);
	*rest = span_skip(*rest, n);
	return token_out->len > 0;
}

bool
span_is_ascii(struct span s)
{
	size_t i = 0;

	for (; i + 8 <= s.len; i += 8) {
		uint64_t word;

		memcpy(&word, s.p + i, 8);
		if ((word & 0x8080808080808080u) != 0)
			return false;
	}
	for (; i < s.len; i++)
		if ((unsigned char)s.p[i] > 127)
			return false;
	return true;
}
