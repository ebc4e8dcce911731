/*
 * fiber_stack - pooled, guarded stacks cut from slabs.
 *
 * A slab is one mapping: guard, stack, guard, stack, ... The first is small, for
 * commands that have a fiber or two; later ones double what there is, up to a
 * most. The lists of free stacks are arrays of their own, because a link inside
 * a stack would keep a page of it resident. Warm stacks keep their pages, cold
 * ones have none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/fault.h"
#include "common/io/fiber_stack.h"
#include "common/io/fiber_tools.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { SLAB_FIRST = 4, SLAB_MOST = 64, STACK_SIZE = FIBER_STACK_KIB * 1024 };

static struct {
	char **warm, **cold;
	size_t warm_count, cold_count, total;
	size_t spare;			/* warm ever since the last settling */
	size_t page;
	bool soft_guards_fail;
} pool;

static size_t
page_size(void)
{
	if (pool.page == 0)
		pool.page = (size_t)sysconf(_SC_PAGESIZE);
	return pool.page;
}

/* A soft guard costs no map of its own; 65530 maps are all there are. */
static bool
guard(char *at)
{
	if (!pool.soft_guards_fail) {
		if (madvise(at, page_size(), MADV_GUARD_INSTALL) == 0)
			return true;
		pool.soft_guards_fail = true;
	}
	return mprotect(at, page_size(), PROT_NONE) == 0;
}

static char *
map(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, size, MADV_NOHUGEPAGE);
	return p;
}

static bool
add_slab(void)
{
	size_t stride = STACK_SIZE + page_size(), made = 0;
	size_t count = pool.total == 0 ? SLAB_FIRST
	    : pool.total < SLAB_MOST ? pool.total : SLAB_MOST;
	size_t size = stride * count;
	char *slab = FAULT("fiber.stack") ? NULL : map(size);

	if (slab == NULL)
		return false;
	while (made < count && guard(slab + made * stride))
		made++;
	if (made < count) {
		int saved = errno;

		munmap(slab + made * stride, size - made * stride);
		errno = saved;
	}
	if (made == 0)
		return false;
	pool.total += made;
	pool.warm = mem_regrow(pool.warm, pool.total, sizeof(char *));
	pool.cold = mem_regrow(pool.cold, pool.total, sizeof(char *));
	while (made-- > 0) {
		char *base = slab + made * stride + page_size();

		tools_stack_new(base, STACK_SIZE);
		pool.cold[pool.cold_count++] = base;
	}
	return true;
}

bool
fiber_stack_get(struct fiber_stack *out)
{
	out->size = STACK_SIZE;
	if (pool.warm_count > 0) {
		out->base = pool.warm[--pool.warm_count];
		if (pool.spare > pool.warm_count)
			pool.spare = pool.warm_count;
	} else {
		if (pool.cold_count == 0 && !add_slab())
			return false;
		out->base = pool.cold[--pool.cold_count];
	}
	tools_stack_reuse(out->base, out->size);
	return true;
}

static void
drop_pages(char *base, size_t size)
{
	(void)madvise(base, size, MADV_DONTNEED);
}

void
fiber_stack_put(struct fiber_stack *stack)
{
	/* Dead pointers on it would hide leaks: a sanitized stack goes cold. */
	if (tools_sanitized) {
		drop_pages(stack->base, stack->size);
		pool.cold[pool.cold_count++] = stack->base;
	} else {
		pool.warm[pool.warm_count++] = stack->base;
	}
	stack->base = NULL;
}

/* The first of the warm ones lay there longest. */
static void
cool(size_t count)
{
	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		drop_pages(pool.warm[i], STACK_SIZE);
		pool.cold[pool.cold_count++] = pool.warm[i];
	}
	pool.warm_count -= count;
	memmove(pool.warm, pool.warm + count, pool.warm_count * sizeof(char *));
	pool.spare = pool.warm_count;
}

void
fiber_stack_cool(void)
{
	cool(pool.warm_count);
}

void
fiber_stack_settle(void)
{
	cool(pool.spare);
}

bool
fiber_stack_map(size_t size, struct fiber_stack *out)
{
	char *p = map(size + page_size());

	if (p == NULL || !guard(p))
		return false;
	*out = (struct fiber_stack){ p + page_size(), size };
	tools_stack_new(out->base, out->size);
	return true;
}

/* Looks at bytes that no live frame owns. */
FIBER_NO_ASAN size_t
fiber_stack_used(const struct fiber_stack *stack)
{
	unsigned char resident[STACK_SIZE / 4096];
	size_t pages = stack->size / page_size(), page = 0;
	const char *end = stack->base + stack->size, *p;

	if (pages > sizeof(resident) ||
	    mincore(stack->base, stack->size, resident) != 0)
		return 0;
	while (page < pages && (resident[page] & 1) == 0)
		page++;
	VALGRIND_DISABLE_ERROR_REPORTING;
	for (p = stack->base + page * page_size(); p < end && *p == 0; p++)
		continue;
	VALGRIND_ENABLE_ERROR_REPORTING;
	return (size_t)(end - p);
}

void
fiber_stack_trim(const struct fiber_stack *stack, const void *live)
{
	enum { RED_ZONE = 128, OWN_CALLS = 256 };
	uintptr_t low = (uintptr_t)stack->base;
	uintptr_t end = ((uintptr_t)live - RED_ZONE - OWN_CALLS) &
	    ~(uintptr_t)(page_size() - 1);

	if (end > low && end < low + stack->size)
		drop_pages(stack->base, end - low);
}

size_t
fiber_stack_cached(void)
{
	return pool.warm_count + pool.cold_count;
}
