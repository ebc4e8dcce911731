/*
 * str - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/pages.h"
#include "common/base/panic.h"

#define ROOM_FIRST 64

/* Rooms are powers of two; those from a page on are pages, see there. */
static size_t
units_of(size_t room)
{
	return room <= PAGES_MOST * PAGES_UNIT ? room / PAGES_UNIT : 0;
}

static void
free_buffer(char *buf, size_t room)
{
	if (units_of(room) > 0)
		pages_put(buf, units_of(room));
	else
		mem_free(buf);
}

void
str_fini(struct str *s)
{
	free_buffer(s->buf, s->room);
	*s = STR_EMPTY;
}

static void
fini_in_arena(void *s)
{
	str_fini(s);
}

struct str *
str_in_arena(struct arena *arena)
{
	struct str *s = arena_zalloc(arena, sizeof(*s));

	arena_on_free(arena, fini_in_arena, s);
	return s;
}

static void
regrow(struct str *s, size_t room)
{
	char *old = s->buf;

	if (units_of(room) == 0 && units_of(s->room) == 0) {
		s->buf = mem_regrow(old, room, 1);
	} else {
		s->buf = units_of(room) > 0 ? pages_get(units_of(room)) :
		    mem_alloc(room);
		if (s->len > 0)
			memcpy(s->buf, old, s->len);
		free_buffer(old, s->room);
	}
	s->room = room;
}

char *
str_reserve(struct str *s, size_t n)
{
	size_t wanted = s->len + n + 1, room = ROOM_FIRST;

	CHECK(wanted > n);
	if (wanted <= s->room)
		return s->buf + s->len;
	/* A power of two, as pages are had; what it had may be none. */
	while (room < wanted)
		room *= 2;
	regrow(s, room);
	s->buf[s->len] = '\0';
	return s->buf + s->len;
}

char *
str_reserve_tight(struct str *s, size_t n)
{
	size_t wanted = (s->len + n + ROOM_FIRST) / ROOM_FIRST * ROOM_FIRST;

	if (wanted >= PAGES_UNIT / 2)
		return str_reserve(s, n);
	if (wanted > s->room)
		regrow(s, wanted);
	s->buf[s->len] = '\0';
	return s->buf + s->len;
}

void
str_advance(struct str *s, size_t n)
{
	CHECK(s->len + n < s->room);
	s->len += n;
	s->buf[s->len] = '\0';
}

void
str_clear(struct str *s)
{
	str_truncate(s, 0);
}

void
str_truncate(struct str *s, size_t len)
{
	if (s->buf == NULL || len > s->len)
		return;
	s->len = len;
	s->buf[len] = '\0';
}

void
str_putc(struct str *s, char c)
{
	*str_reserve(s, 1) = c;
	str_advance(s, 1);
}

void
str_add(struct str *s, struct span bytes)
{
	if (bytes.len == 0)
		return;
	/* bytes may lie inside s itself, which may move */
	if (s->buf != NULL && bytes.p >= s->buf && bytes.p <= s->buf + s->len) {
		size_t at = (size_t)(bytes.p - s->buf);

		str_reserve(s, bytes.len);
		bytes.p = s->buf + at;
	}
	memmove(str_reserve(s, bytes.len), bytes.p, bytes.len);
	str_advance(s, bytes.len);
}

void
str_adds(struct str *s, const char *cstring)
{
	str_add(s, span_cstr(cstring));
}

void
str_set(struct str *s, struct span bytes)
{
	if (s->buf != NULL && bytes.len > 0 && bytes.p >= s->buf
	    && bytes.p <= s->buf + s->len) {
		memmove(s->buf, bytes.p, bytes.len);
		str_truncate(s, bytes.len);
		return;
	}
	str_clear(s);
	str_add(s, bytes);
}

void
str_sets(struct str *s, const char *cstring)
{
	str_set(s, span_cstr(cstring));
}

/*
 * Prints behind the NUL, which stays: the arguments may point into s, and would
 * else read what is being written. Returns the length.
 */
static size_t
print_behind(struct str *s, const char *format, va_list args)
{
	size_t at = s->len + 1, room = s->room > at ? s->room - at : 0;
	int error = errno;		/* for %m, once more */
	va_list again;

	va_copy(again, args);

	int n = vsnprintf(room > 0 ? s->buf + at : NULL, room, format, args);

	CHECK(n >= 0);
	if ((size_t)n >= room) {
		struct str larger = STR_EMPTY;

		str_reserve(&larger, 2 * s->len + (size_t)n + 1);
		str_add(&larger, str_span(s));
		errno = error;
		vsnprintf(larger.buf + at, (size_t)n + 1, format, again);
		free_buffer(s->buf, s->room);
		*s = larger;
	}
	va_end(again);
	return (size_t)n;
}

void
str_vaddf(struct str *s, const char *format, va_list args)
{
	size_t n = print_behind(s, format, args);

	memmove(s->buf + s->len, s->buf + s->len + 1, n + 1);
	s->len += n;
}

void
str_addf(struct str *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	str_vaddf(s, format, args);
	va_end(args);
}

void
str_printf(struct str *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);

	size_t n = print_behind(s, format, args);

	va_end(args);
	memmove(s->buf, s->buf + s->len + 1, n + 1);
	s->len = n;
}

void
str_lower(struct str *s)
{
	for (size_t i = 0; i < s->len; i++)
		s->buf[i] = ascii_lower(s->buf[i]);
}

void
str_remove(struct str *s, size_t from, size_t n)
{
	if (from >= s->len)
		return;
	if (n > s->len - from)
		n = s->len - from;
	memmove(s->buf + from, s->buf + from + n, s->len - from - n);
	str_truncate(s, s->len - n);
}

void
str_insert(struct str *s, size_t at, struct span bytes)
{
	size_t tail;

	if (at > s->len)
		at = s->len;
	if (bytes.len == 0)
		return;
	tail = s->len - at;
	str_reserve(s, bytes.len);
	memmove(s->buf + at + bytes.len, s->buf + at, tail);
	memcpy(s->buf + at, bytes.p, bytes.len);
	str_advance(s, bytes.len);
}

char *
str_release(struct str *s)
{
	char *buf;

	str_reserve(s, 0);
	if (units_of(s->room) > 0) {	/* the caller's are malloc's */
		buf = mem_strndup(s->buf, s->len);
		str_fini(s);
		return buf;
	}
	/* What is released is kept, often for long: without the spare room. */
	buf = mem_regrow(s->buf, s->len + 1, 1);
	*s = STR_EMPTY;
	return buf;
}
