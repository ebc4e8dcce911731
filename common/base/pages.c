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

/* What is mapped at once, and what stays resident of each size. */
enum { SLAB_BYTES = 256 * 1024, WARM_BYTES = 1024 * 1024, SIZES = 5 };

static struct pool {
	void **warm, **cold;
	size_t warm_count, cold_count, total, in_use;
} pools[SIZES];
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
	if (BY_MALLOC) {
		piece = mem_alloc(units * PAGES_UNIT);
	} else if (pool->warm_count > 0) {
		piece = pool->warm[--pool->warm_count];
	} else {
		if (pool->cold_count == 0)
			add_slab(pool, units * PAGES_UNIT);
		piece = pool->cold[--pool->cold_count];
	}
	pthread_mutex_unlock(&lock);
	return piece;
}

static void
cool(struct pool *pool, void *piece, size_t bytes)
{
	(void)madvise(piece, bytes, MADV_DONTNEED);
	pool->cold[pool->cold_count++] = piece;
}

void
pages_put(void *piece, size_t units)
{
	struct pool *pool = pool_of(units);
	size_t bytes = units * PAGES_UNIT;

	if (piece == NULL)
		return;
	pthread_mutex_lock(&lock);
	CHECK(pool->in_use > 0);
	pool->in_use--;
	if (BY_MALLOC)
		mem_free(piece);
	else if ((pool->warm_count + 1) * bytes <= WARM_BYTES)
		pool->warm[pool->warm_count++] = piece;
	else
		cool(pool, piece, bytes);
	pthread_mutex_unlock(&lock);
}

void
pages_cool(void)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < SIZES; i++)
		while (pools[i].warm_count > 0)
			cool(&pools[i], pools[i].warm[--pools[i].warm_count],
			    (size_t)PAGES_UNIT << i);
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
