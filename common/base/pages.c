/*
 * pages - see the header.
 *
 * For each size its free pieces (warm.h). Under a sanitizer malloc does it
 * all, so that it sees leaks and stale pointers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/pages.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/base/warm.h"

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

#define POOL(units) { .free = { .bytes = (units) * PAGES_UNIT, \
	.keep = WARM_BYTES / ((units) * PAGES_UNIT) } }
static struct pool {
	struct warm free;
	size_t in_use;
} pools[SIZES] = { POOL(1), POOL(2), POOL(4), POOL(8), POOL(16) };
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
add_slab(struct warm *pool)
{
	char *slab = mmap(NULL, SLAB_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (slab == MAP_FAILED)
		fatal("out of memory (%zu bytes wanted)", pool->bytes);
	/* A huge page would be resident as a whole. */
	(void)madvise(slab, SLAB_BYTES, MADV_NOHUGEPAGE);
	warm_add(pool, slab, pool->bytes, SLAB_BYTES / pool->bytes);
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
	} else {
		while ((piece = warm_take(&pool->free)) == NULL)
			add_slab(&pool->free);
	}
	pthread_mutex_unlock(&lock);
	return piece;
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
		warm_put(&pool->free, piece);
		if (warm_too_many(&pool->free)) {
			if (settles)
				many = true;
			else
				warm_cool(&pool->free, 1);
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
		warm_settle(&pool->free);
		if (warm_too_many(&pool->free))
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
		warm_cool(&pool->free, pool->free.hot_count);
	many = false;
	pthread_mutex_unlock(&lock);
}

size_t
pages_in_use(void)
{
	size_t bytes = 0;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < SIZES; i++)
		bytes += pools[i].in_use * pools[i].free.bytes;
	pthread_mutex_unlock(&lock);
	return bytes;
}

size_t
pages_warm(void)
{
	size_t bytes = 0;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < SIZES; i++)
		bytes += pools[i].free.hot_count * pools[i].free.bytes;
	pthread_mutex_unlock(&lock);
	return bytes;
}

bool
pages_are_mallocs(void)
{
	return BY_MALLOC;
}
