/*
 * arena - bump allocation for one unit of work: a fiber, a transaction, a scan.
 *
 * Nothing in an arena is freed by itself. Chunks of 4 KiB double up to 64 KiB;
 * a large request gets a chunk of its own. Alignment is 16.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_ARENA_H
#define COMMON_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "common/base/span.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena **arena);	/* runs clean-ups, newest first */
/* Runs clean-ups and forgets all contents; keeps the first chunk. */
void arena_reset(struct arena *arena);

__attribute__((returns_nonnull)) void *
arena_alloc(struct arena *arena, size_t size);	/* not zeroed */
__attribute__((returns_nonnull)) void *
arena_zalloc(struct arena *arena, size_t size);
__attribute__((returns_nonnull)) void *
arena_array(struct arena *arena, size_t count, size_t size); /* zeroed */
char *arena_strdup(struct arena *arena, const char *s);
/* A copy of the bytes, followed by a NUL that the span does not count. */
struct span arena_span(struct arena *arena, struct span bytes);
char *arena_cstr(struct arena *arena, struct span bytes);
__attribute__((format(printf, 2, 3))) char *
arena_printf(struct arena *arena, const char *format, ...);
char *arena_vprintf(struct arena *arena, const char *format, va_list args);

/* fn(arg) runs when the arena is reset or freed, newest first. */
void arena_on_free(struct arena *arena, void (*fn)(void *), void *arg);
size_t arena_bytes(const struct arena *arena);	/* held from the system */

#endif
