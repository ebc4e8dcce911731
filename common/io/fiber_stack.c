/*
 * fiber_stack - pooled, guarded stacks cut from slabs.
 *
 * A slab is one mapping: guard, stack, guard, stack, ... The first is small, for
 * commands that have a fiber or two; later ones double what there is, up to a
 * most.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/warm.h"
#include "common/io/fault.h"
#include "common/io/fiber_stack.h"
#include "common/io/fiber_tools.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { SLAB_FIRST = 4, SLAB_MOST = 64, STACK_SIZE = FIBER_STACK_KIB * 1024 };

static struct warm pool = { .bytes = STACK_SIZE };
static size_t one_page;
static bool soft_guards_fail;

static size_t
page_size(void)
{
	if (one_page == 0)
		one_page = (size_t)sysconf(_SC_PAGESIZE);
	return one_page;
}

/* A soft guard costs no map of its own; 65530 maps are all there are. */
static bool
guard(char *at)
{
	if (!soft_guards_fail) {
		if (madvise(at, page_size(), MADV_GUARD_INSTALL) == 0)
			return true;
		soft_guards_fail = true;
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
	for (size_t i = 0; i < made; i++)
		tools_stack_new(slab + i * stride + page_size(), STACK_SIZE);
	warm_add(&pool, slab + page_size(), stride, made);
	return true;
}

bool
fiber_stack_get(struct fiber_stack *out)
{
	out->size = STACK_SIZE;
	while ((out->base = warm_take(&pool)) == NULL)
		if (!add_slab())
			return false;
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
	warm_put(&pool, stack->base);
	/* Dead pointers on it would hide leaks. */
	if (tools_sanitized)
		warm_cool(&pool, 1);
	stack->base = NULL;
}

void
fiber_stack_cool(void)
{
	warm_cool(&pool, pool.hot_count);
}

void
fiber_stack_settle(void)
{
	warm_settle(&pool);
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
	return pool.hot_count + pool.cold_count;
}
