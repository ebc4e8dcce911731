/*
 * fiber_stack - pooled, guarded stacks cut from slabs.
 *
 * Guards by MADV_GUARD_INSTALL where the kernel has it (6.13), else mprotect;
 * MADV_NOHUGEPAGE on the slab. Under sanitizers stacks are larger, zeroed when
 * they die and registered as root regions; under valgrind registered too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_FIBER_STACK_H
#define COMMON_IO_FIBER_STACK_H

#include <stdbool.h>
#include <stddef.h>

struct fiber_stack {
	char *base;			/* lowest usable byte, above the guard */
	size_t size;
};

/* False with errno when memory or maps have run out. */
bool fiber_stack_get(struct fiber_stack *out);
void fiber_stack_put(struct fiber_stack *stack);
/* A stack of this size outside the pool, never given back. */
bool fiber_stack_map(size_t size, struct fiber_stack *out);
/* Deepest use since the stack was last trimmed, found by its zero bytes.
 * Pages that are not resident are not touched. */
size_t fiber_stack_used(const struct fiber_stack *stack);
/* Gives back whole pages between the guard and `live`. */
void fiber_stack_trim(const struct fiber_stack *stack, const void *live);
size_t fiber_stack_cached(void);
/* Gives the memory of cached stacks back; their addresses stay reserved. */
void fiber_stack_cool(void);
/* The same for those that nobody needed since the last call. */
void fiber_stack_settle(void);

#endif
