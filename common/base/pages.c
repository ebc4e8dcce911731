/*
 * pages - see the header.
 *
 * For each size a list of free pieces that may be resident, and one of those
 * that are not. The lists are arrays, because a link inside a piece would keep
 * it resident. Under a sanitizer malloc does it all, so that it sees leaks and
 * stale pointers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/pages.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"

#if defined(__SANITIZE_ADDRESS__)
#define BY_MALLOC true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BY_MALLOC true
#endif
#endif
#ifndef BY_MALLOC
#define BY_MALLOC false
#endif

/* What is mapped at once, and what stays resident of each size for good. */
enum { SLAB_BYTES = 256 * 1024, WARM_BYTES = 1024 * 1024, SIZES = 5,
	BUSY = 100 };			/* wanted between two calls */

static struct pool {
	void **warm, **cold;
	size_t warm_count, cold_count, total, in_use;
	size_t spare;			/* warm all the time since the last call */
} pools[SIZES];
static size_t wanted;			/* since the last call */
static bool settles;			/* somebody gives back what is too much */
static atomic_bool many;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct pool *
pool_of(size_t units)
{
	CHECK(units > 0 && units <= PAGES_MOST && (units & (units - 1)) == 0);
	return &pools[__builtin_ctzl(units)];
}

static void
add_slab(struct pool *pool, size_t bytes)
{
	size_t count = SLAB_BYTES / bytes;
	char *slab = mmap(NULL, SLAB_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (slab == MAP_FAILED)
		fatal("out of memory (%zu bytes wanted)", bytes);
	/* A huge page would be resident as a whole. */
	(void)madvise(slab, SLAB_BYTES, MADV_NOHUGEPAGE);
	pool->total += count;
	pool->warm = mem_regrow(pool->warm, pool->total, sizeof(void *));
	pool->cold = mem_regrow(pool->cold, pool->total, sizeof(void *));
	while (count-- > 0)
		pool->cold[pool->cold_count++] = slab + count * bytes;
}

void *
pages_get(size_t units)
{
	struct pool *pool = pool_of(units);
	void *piece;

	pthread_mutex_lock(&lock);
	pool->in_use++;
	wanted++;
	if (BY_MALLOC) {
		piece = mem_alloc(units * PAGES_UNIT);
	} else if (pool->warm_count > 0) {
		piece = pool->warm[--pool->warm_count];
		if (pool->spare > pool->warm_count)
			pool->spare = pool->warm_count;
	} else {
		if (pool->cold_count == 0)
			add_slab(pool, units * PAGES_UNIT);
		piece = pool->cold[--pool->cold_count];
	}
	pthread_mutex_unlock(&lock);
	return piece;
}

/* Gives the memory of the first of the warm ones back: they lay there longest. */
static void
cool(struct pool *pool, size_t count)
{
	size_t bytes = (size_t)PAGES_UNIT << (pool - pools);

	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		(void)madvise(pool->warm[i], bytes, MADV_DONTNEED);
		pool->cold[pool->cold_count++] = pool->warm[i];
	}
	pool->warm_count -= count;
	memmove(pool->warm, pool->warm + count,
	    pool->warm_count * sizeof(void *));
	pool->spare = pool->warm_count;
}

static bool
too_many(const struct pool *pool)
{
	return pool->warm_count * ((size_t)PAGES_UNIT << (pool - pools)) >
	    WARM_BYTES;
}

void
pages_put(void *piece, size_t units)
{
	struct pool *pool = pool_of(units);

	if (piece == NULL)
		return;
	pthread_mutex_lock(&lock);
	CHECK(pool->in_use > 0);
	pool->in_use--;
	if (BY_MALLOC) {
		mem_free(piece);
	} else {
		pool->warm[pool->warm_count++] = piece;
		if (too_many(pool)) {
			if (settles)
				many = true;
			else
				cool(pool, 1);
		}
	}
	pthread_mutex_unlock(&lock);
}

bool
pages_settle(void)
{
	bool busy;

	pthread_mutex_lock(&lock);
	busy = wanted >= BUSY;
	wanted = 0;
	settles = true;
	many = false;
	for (struct pool *pool = pools; pool < pools + SIZES; pool++) {
		if (too_many(pool))
			cool(pool, pool->spare);
		pool->spare = pool->warm_count;
		if (too_many(pool))
			many = true;
	}
	pthread_mutex_unlock(&lock);
	return busy;
}

bool
pages_many(void)
{
	return atomic_load_explicit(&many, memory_order_relaxed);
}

void
pages_cool(void)
{
	pthread_mutex_lock(&lock);
	for (struct pool *pool = pools; pool < pools + SIZES; pool++)
		cool(pool, pool->warm_count);
	many = false;
	pthread_mutex_unlock(&lock);
}

size_t
pages_in_use(void)
{
	size_t bytes = 0;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < SIZES; i++)
		bytes += pools[i].in_use * ((size_t)PAGES_UNIT << i);
	pthread_mutex_unlock(&lock);
	return bytes;
}

size_t
pages_warm(void)
{
	size_t bytes = 0;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < SIZES; i++)
		bytes += pools[i].warm_count * ((size_t)PAGES_UNIT << i);
	pthread_mutex_unlock(&lock);
	return bytes;
}

bool
pages_are_mallocs(void)
{
	return BY_MALLOC;
}
