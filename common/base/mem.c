/*
 * mem - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/mem.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/panic.h"

static void *
checked(void *p, size_t size)
{
	if (p == NULL)
		fatal("out of memory (%zu bytes wanted)", size);
	return p;
}

void *
mem_alloc(size_t size)
{
	return checked(malloc(size > 0 ? size : 1), size);
}

void *
mem_zalloc(size_t size)
{
	return checked(calloc(1, size > 0 ? size : 1), size);
}

static size_t
product(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		panic("array of %zu times %zu bytes", count, size);
	return bytes;
}

void *
mem_array(size_t count, size_t size)
{
	return mem_zalloc(product(count, size));
}

void *
mem_regrow(void *old, size_t count, size_t size)
{
	size_t bytes = product(count, size);

	return checked(realloc(old, bytes > 0 ? bytes : 1), bytes);
}

char *
mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

char *
mem_strndup(const char *s, size_t len)
{
	char *copy = mem_alloc(len + 1);

	if (len > 0)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

void
mem_free(void *p)
{
	free(p);
}
