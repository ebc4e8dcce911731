/*
 * recent - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/recent.h"

#include "common/base/clock.h"

#define KEPT_NS 1000000000

/* Forgetting all at once needs no order among them, and bounds the memory. */
static void
forget_old(struct recent *r)
{
	int64_t now = clock_now_ns();

	if (r->arena != NULL && now < r->until_ns)
		return;
	recent_free(r);
	r->known = hash_new();
	r->arena = arena_new();
	r->until_ns = now + KEPT_NS;
}

const void *
recent_get(struct recent *r, struct span key)
{
	forget_old(r);
	return hash_get(r->known, key);
}

struct arena *
recent_arena(struct recent *r)
{
	forget_old(r);
	return r->arena;
}

void
recent_put(struct recent *r, struct span key, const void *value)
{
	hash_put(r->known, key, (void *)(uintptr_t)value);
}

void
recent_free(struct recent *r)
{
	hash_free(&r->known);
	arena_free(&r->arena);
}
