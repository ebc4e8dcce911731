/*
 * str - a growing byte string; always NUL-terminated behind its length.
 *
 * Bytes may include NUL. STR_EMPTY is a valid empty string that owns nothing;
 * every str that was written to is given back with str_fini.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_STR_H
#define COMMON_BASE_STR_H

#include <stdarg.h>

#include "common/base/arena.h"
#include "common/base/span.h"

struct str {
	char *buf;
	size_t len;
	size_t room;			/* bytes allocated, NUL included */
};

#define STR_EMPTY ((struct str){ NULL, 0, 0 })

void str_fini(struct str *s);			/* frees; s is STR_EMPTY after */
/* Freed with the arena. */
struct str *str_in_arena(struct arena *arena);

static inline const char *
str_cstr(const struct str *s)
{
	return s->buf != NULL ? s->buf : "";
}

static inline size_t
str_len(const struct str *s)
{
	return s->len;
}

static inline struct span
str_span(const struct str *s)
{
	return (struct span){ str_cstr(s), s->len };
}

/* Makes room for n more bytes and returns where they go. */
char *str_reserve(struct str *s, size_t n);
/* The same with hardly more than that: for a text of which there are many. */
char *str_reserve_tight(struct str *s, size_t n);
/* n bytes were written at what str_reserve returned. */
void str_advance(struct str *s, size_t n);
void str_clear(struct str *s);			/* keeps the memory */
void str_truncate(struct str *s, size_t len);
void str_putc(struct str *s, char c);
void str_add(struct str *s, struct span bytes);
void str_adds(struct str *s, const char *cstring);
void str_set(struct str *s, struct span bytes);
void str_sets(struct str *s, const char *cstring);
__attribute__((format(printf, 2, 3))) void
str_printf(struct str *s, const char *format, ...);	/* replaces; may print s */
__attribute__((format(printf, 2, 3))) void
str_addf(struct str *s, const char *format, ...);	/* appends */
void str_vaddf(struct str *s, const char *format, va_list args);
void str_lower(struct str *s);			/* ASCII only */
void str_remove(struct str *s, size_t from, size_t n);
void str_insert(struct str *s, size_t at, struct span bytes);
/* Gives the buffer to the caller (mem_free), leaves s empty. */
char *str_release(struct str *s);

#endif
