/*
 * mem - memory that never comes back NULL.
 *
 * Running out ends the process (fatal), so input sizes are checked where they
 * enter. Array sizes are checked for overflow here, once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_MEM_H
#define COMMON_BASE_MEM_H

#include <stddef.h>

__attribute__((malloc, returns_nonnull)) void *mem_alloc(size_t size);
__attribute__((malloc, returns_nonnull)) void *mem_zalloc(size_t size);
__attribute__((returns_nonnull)) void *mem_array(size_t count, size_t size);
/* Grows or shrinks; the old pointer is gone. count * size is checked. */
__attribute__((returns_nonnull)) void *
mem_regrow(void *old, size_t count, size_t size);
__attribute__((malloc, returns_nonnull)) char *mem_strdup(const char *s);
__attribute__((malloc, returns_nonnull)) char *
mem_strndup(const char *s, size_t len);	/* copies len bytes, adds NUL */
void mem_free(void *p);				/* NULL is fine */

#define MEM_NEW(type) ((type *)mem_zalloc(sizeof(type)))

#ifndef container_of
#define container_of(ptr, type, member)                                      \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#endif

#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
