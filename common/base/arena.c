/*
 * arena - bump allocation for one unit of work.
 *
 * The arena itself lives at the start of its first chunk, so an arena that
 * stays small is one page. A large request goes behind the current chunk in
 * the list, which goes on being filled.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdio.h>
#include <errno.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/mem.h"
#include "common/base/pages.h"
#include "common/base/panic.h"

enum { ALIGN = 16, CHUNK_FIRST = PAGES_UNIT,
	CHUNK_MAX = PAGES_MOST * PAGES_UNIT };

struct chunk {
	struct chunk *older;
	size_t size;			/* with this header */
	bool ordinary;
};

struct cleanup {
	struct cleanup *older;
	void (*fn)(void *);
	void *arg;
};

struct arena {
	char *next, *end;		/* free part of the current chunk */
	struct chunk *chunks;		/* newest first; the last holds us */
	struct cleanup *cleanups;	/* newest first */
	size_t bytes, chunk_size;
};

static size_t
aligned(size_t n)
{
	return (n + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
}

static char *
chunk_start(struct chunk *chunk)
{
	return (char *)chunk + aligned(sizeof(*chunk));
}

static void
take_first(struct arena *arena, struct chunk *first)
{
	arena->next = chunk_start(first) + aligned(sizeof(*arena));
	arena->end = (char *)first + first->size;
	arena->chunks = first;
	arena->cleanups = NULL;
	arena->bytes = first->size;
	arena->chunk_size = CHUNK_FIRST;
}

/* Chunks of ordinary sizes are pages, see there; others malloc's. */
static struct chunk *
chunk_new(size_t size)
{
	bool ordinary = size <= CHUNK_MAX && size > CHUNK_FIRST / 2;

	if (ordinary && (size & (size - 1)) != 0)
		size = (size_t)1 << (64 - __builtin_clzl(size));
	struct chunk *chunk = ordinary ? pages_get(size / PAGES_UNIT) :
	    mem_alloc(size);

	chunk->size = size;
	chunk->ordinary = ordinary;
	return chunk;
}

static void
chunk_free(struct chunk *chunk)
{
	if (chunk->ordinary)
		pages_put(chunk, chunk->size / PAGES_UNIT);
	else
		mem_free(chunk);
}

struct arena *
arena_new(void)
{
	struct chunk *first = chunk_new(CHUNK_FIRST);
	struct arena *arena = (struct arena *)(void *)chunk_start(first);

	first->older = NULL;
	take_first(arena, first);
	return arena;
}

/* A clean-up may still allocate here, and register another clean-up. */
static void
run_cleanups(struct arena *arena)
{
	while (arena->cleanups != NULL) {
		struct cleanup *cleanup = arena->cleanups;

		arena->cleanups = cleanup->older;
		cleanup->fn(cleanup->arg);
	}
}

/* Frees all chunks but the first, which it returns. */
static struct chunk *
free_later_chunks(struct arena *arena)
{
	struct chunk *chunk = arena->chunks;

	while (chunk->older != NULL) {
		struct chunk *older = chunk->older;

		chunk_free(chunk);
		chunk = older;
	}
	return chunk;
}

void
arena_free(struct arena **arena)
{
	if (*arena == NULL)
		return;
	run_cleanups(*arena);
	chunk_free(free_later_chunks(*arena));
	*arena = NULL;
}

void
arena_reset(struct arena *arena)
{
	run_cleanups(arena);
	take_first(arena, free_later_chunks(arena));
}

__attribute__((noinline)) static void *
alloc_from_new_chunk(struct arena *arena, size_t size)
{
	size_t header = aligned(sizeof(struct chunk));
	bool large = size > arena->chunk_size / 2;
	size_t chunk_size;

	CHECK(size <= SIZE_MAX / 2);
	if (large) {
		chunk_size = header + size;
	} else {
		if (arena->chunk_size < CHUNK_MAX)
			arena->chunk_size *= 2;
		chunk_size = arena->chunk_size;
	}

	struct chunk *chunk = chunk_new(chunk_size);
	char *p = chunk_start(chunk);

	arena->bytes += chunk->size;
	if (large && arena->chunks->older != NULL) {
		chunk->older = arena->chunks->older;
		arena->chunks->older = chunk;
		return p;
	}
	/* Only the first chunk so far: it has to stay the last in the list. */
	chunk->older = arena->chunks;
	arena->chunks = chunk;
	if (!large) {
		arena->next = p + size;
		arena->end = (char *)chunk + chunk->size;
	}
	return p;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	size_t want = aligned(size);

	CHECK(want >= size);
	if (want == 0)
		want = ALIGN;
	if (want > (size_t)(arena->end - arena->next))
		return alloc_from_new_chunk(arena, want);

	void *p = arena->next;

	arena->next += want;
	return p;
}

void *
arena_zalloc(struct arena *arena, size_t size)
{
	return memset(arena_alloc(arena, size), 0, size);
}

void *
arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;

	CHECK(!__builtin_mul_overflow(count, size, &bytes));
	return arena_zalloc(arena, bytes);
}

char *
arena_cstr(struct arena *arena, struct span bytes)
{
	CHECK(bytes.len < SIZE_MAX);

	char *copy = arena_alloc(arena, bytes.len + 1);

	if (bytes.len > 0)
		memcpy(copy, bytes.p, bytes.len);
	copy[bytes.len] = '\0';
	return copy;
}

char *
arena_strdup(struct arena *arena, const char *s)
{
	return arena_cstr(arena, span_cstr(s));
}

struct span
arena_span(struct arena *arena, struct span bytes)
{
	return span_of(arena_cstr(arena, bytes), bytes.len);
}

char *
arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;

	va_start(args, format);

	char *text = arena_vprintf(arena, format, args);

	va_end(args);
	return text;
}

/* Printed where the next allocation would go; mostly it fits. */
char *
arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	size_t room = (size_t)(arena->end - arena->next);
	int error = errno;
	va_list again;

	va_copy(again, args);

	int n = vsnprintf(arena->next, room, format, args);

	CHECK(n >= 0);

	char *text = arena_alloc(arena, (size_t)n + 1);

	if ((size_t)n >= room) {
		errno = error;		/* for %m */
		vsnprintf(text, (size_t)n + 1, format, again);
	}
	va_end(again);
	return text;
}

void
arena_on_free(struct arena *arena, void (*fn)(void *), void *arg)
{
	struct cleanup *cleanup = arena_alloc(arena, sizeof(*cleanup));

	cleanup->fn = fn;
	cleanup->arg = arg;
	cleanup->older = arena->cleanups;
	arena->cleanups = cleanup;
}

size_t
arena_bytes(const struct arena *arena)
{
	return arena->bytes;
}
