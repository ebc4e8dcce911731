/*
 * arena - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/arena.h"

#include <stdio.h>

#include "common/base/mem.h"
#include "common/base/panic.h"

#define CHUNK_FIRST 4096
#define CHUNK_MOST 65536
#define ALIGN 16

struct chunk {
	struct chunk *next;
	size_t size;			/* of the whole allocation */
} __attribute__((aligned(ALIGN)));

struct cleanup {
	struct cleanup *next;
	void (*fn)(void *);
	void *arg;
};

/* The arena's own struct sits at the start of its first chunk. */
struct arena {
	char *at, *end;			/* room in the current chunk */
	struct chunk *chunks;		/* newest first; the last is the first */
	struct cleanup *cleanups;
	size_t next_size, held;
} __attribute__((aligned(ALIGN)));

struct arena *
arena_new(void)
{
	struct chunk *first = mem_alloc(CHUNK_FIRST);
	struct arena *arena = (struct arena *)(first + 1);

	first->next = NULL;
	first->size = CHUNK_FIRST;
	*arena = (struct arena){ .at = (char *)(arena + 1),
		.end = (char *)first + CHUNK_FIRST, .chunks = first,
		.next_size = 2 * CHUNK_FIRST, .held = CHUNK_FIRST };
	return arena;
}

static void
run_cleanups(struct arena *arena)
{
	while (arena->cleanups != NULL) {
		struct cleanup *c = arena->cleanups;

		arena->cleanups = c->next;
		c->fn(c->arg);
	}
}

/* Frees all chunks but the first, which holds the arena itself. */
static struct chunk *
free_later_chunks(struct arena *arena)
{
	struct chunk *chunk = arena->chunks;

	while (chunk->next != NULL) {
		struct chunk *next = chunk->next;

		mem_free(chunk);
		chunk = next;
	}
	return chunk;
}

void
arena_free(struct arena **arena)
{
	if (*arena == NULL)
		return;
	run_cleanups(*arena);
	mem_free(free_later_chunks(*arena));
	*arena = NULL;
}

void
arena_reset(struct arena *arena)
{
	struct chunk *first;

	run_cleanups(arena);
	first = free_later_chunks(arena);
	arena->chunks = first;
	arena->at = (char *)(arena + 1);
	arena->end = (char *)first + first->size;
	arena->next_size = 2 * CHUNK_FIRST;
	arena->held = CHUNK_FIRST;
}

/* A chunk with room for size bytes. A large one goes behind the current chunk,
 * whose room stays in use. */
static void *
alloc_in_new_chunk(struct arena *arena, size_t size)
{
	bool large = size > CHUNK_MOST / 4;
	size_t bytes = large ? sizeof(struct chunk) + size : arena->next_size;
	struct chunk *chunk;
	char *data;

	if (!large && bytes < sizeof(struct chunk) + size)
		bytes = CHUNK_MOST;
	chunk = mem_alloc(bytes);
	chunk->size = bytes;
	arena->held += bytes;
	data = (char *)(chunk + 1);
	if (large && arena->chunks->next != NULL) {
		chunk->next = arena->chunks->next;
		arena->chunks->next = chunk;
		return data;
	}
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	arena->at = data + size;
	arena->end = (char *)chunk + bytes;
	if (arena->next_size < CHUNK_MOST)
		arena->next_size *= 2;
	return data;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	void *p;

	CHECK(size < (size_t)1 << 40);
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (size == 0)
		size = ALIGN;
	if ((size_t)(arena->end - arena->at) < size)
		return alloc_in_new_chunk(arena, size);
	p = arena->at;
	arena->at += size;
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

	if (__builtin_mul_overflow(count, size, &bytes))
		panic("array of %zu times %zu bytes", count, size);
	return arena_zalloc(arena, bytes);
}

char *
arena_cstr(struct arena *arena, struct span bytes)
{
	char *copy = arena_alloc(arena, bytes.len + 1);

	if (bytes.len > 0)
		memcpy(copy, bytes.p, bytes.len);
	copy[bytes.len] = '\0';
	return copy;
}

struct span
arena_span(struct arena *arena, struct span bytes)
{
	return span_of(arena_cstr(arena, bytes), bytes.len);
}

char *
arena_strdup(struct arena *arena, const char *s)
{
	return arena_cstr(arena, span_cstr(s));
}

char *
arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	va_list again;
	char *out;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	CHECK(n >= 0);
	out = arena_alloc(arena, (size_t)n + 1);
	vsnprintf(out, (size_t)n + 1, format, again);
	va_end(again);
	return out;
}

char *
arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *out;

	va_start(args, format);
	out = arena_vprintf(arena, format, args);
	va_end(args);
	return out;
}

void
arena_on_free(struct arena *arena, void (*fn)(void *), void *arg)
{
	struct cleanup *c = arena_alloc(arena, sizeof(*c));

	*c = (struct cleanup){ arena->cleanups, fn, arg };
	arena->cleanups = c;
}

size_t
arena_bytes(const struct arena *arena)
{
	return arena->held;
}
