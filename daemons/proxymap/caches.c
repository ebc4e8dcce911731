/*
 * caches - see the header.
 *
 * A table that could not be opened is asked for once a minute by way of a
 * successor: here no file can be opened any more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/proxymap/caches.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/service/service.h"
#include "maps/cache.h"

enum { TRY_AGAIN_SECONDS = 60 };

struct table {
	struct cache *cache;		/* NULL: see why */
	char *why;
	bool changed;
	uint64_t walk;			/* whose entries come next */
};

static struct hash *caches;		/* "type:name" -> struct table */
static int64_t opened;

static void
open_one(struct span name)
{
	struct table *t = MEM_NEW(struct table);
	struct str why = STR_EMPTY;
	char *spec = mem_strndup(name.p, name.len);

	t->cache = cache_open(spec, &why);
	if (t->cache == NULL) {
		log_error("proxy_write_maps: %s", str_cstr(&why));
		t->why = mem_strdup(str_cstr(&why));
	}
	hash_put(caches, name, t);
	mem_free(spec);
	str_fini(&why);
}

void
caches_open(struct hash *approved)
{
	struct hash_iter it = HASH_ITER_START;
	struct str why = STR_EMPTY;
	struct span name;
	void *value;

	caches = hash_new();
	opened = clock_wall();
	while (hash_next(approved, &it, &name, &value)) {
		char *spec = mem_strndup(name.p, name.len);

		if (!span_starts(name, SPAN("proxy:"))
		    && cache_check(spec, &why))
			open_one(name);
		mem_free(spec);
	}
	str_fini(&why);
}

void
caches_close(void)
{
	struct hash_iter it = HASH_ITER_START;
	struct span name;
	void *value;

	while (hash_next(caches, &it, &name, &value)) {
		struct table *t = value;

		cache_close(t->cache);
		mem_free(t->why);
		mem_free(t);
	}
	hash_free(&caches);
}

void
caches_sync(void)
{
	struct hash_iter it = HASH_ITER_START;
	struct span name;
	void *value;

	while (hash_next(caches, &it, &name, &value)) {
		struct table *t = value;

		if (t->changed && t->cache != NULL)
			cache_sync(t->cache);
		t->changed = false;
	}
}

/* *status_out is PROXY_FAILED for a table that could not be opened. */
static struct table *
find(struct span name, uint64_t *status_out, struct span *why_out)
{
	struct table *t = hash_get(caches, name);

	if (t == NULL || t->cache != NULL)
		return t;
	*status_out = PROXY_FAILED;
	*why_out = SPAN(t->why);
	if (clock_wall() - opened >= TRY_AGAIN_SECONDS)
		service_restart(t->why);
	return t;
}

bool
caches_lookup(const struct proxy_lookup *request, struct proxy_answer *answer,
    struct arena *arena)
{
	struct table *t = find(request->table, &answer->status, &answer->why);
	struct str *value = str_in_arena(arena);

	if (t == NULL || t->cache == NULL)
		return t != NULL;
	answer->status = PROXY_ABSENT;
	if (!cache_get(t->cache, request->key, value))
		return true;
	answer->status = PROXY_FOUND;
	answer->value = str_span(value);
	return true;
}

bool
caches_change(const struct proxy_change *request, struct proxy_answer *answer)
{
	struct table *t = find(request->table, &answer->status, &answer->why);

	if (t == NULL || t->cache == NULL)
		return t != NULL;
	if (request->erase)
		cache_erase(t->cache, request->key);
	else
		cache_put(t->cache, request->key, request->value);
	t->changed = true;
	/* Nobody else does it any more. */
	if (service_draining())
		caches_sync();
	answer->status = PROXY_FOUND;
	return true;
}

bool
caches_walk(const struct proxy_walk *request, struct proxy_entry *entry,
    struct arena *arena)
{
	struct table *t = find(request->table, &entry->status, &entry->why);
	struct str *key = str_in_arena(arena), *value = str_in_arena(arena);

	if (t == NULL || t->cache == NULL)
		return t != NULL;
	entry->status = PROXY_FAILED;
	entry->why = SPAN("another process has begun to list the table");
	if (request->first)
		t->walk = request->walk;
	else if (t->walk != request->walk)
		return true;
	entry->why = SPAN_NONE;
	entry->status = PROXY_ABSENT;
	if (!cache_next(t->cache, request->first, key, value))
		return true;
	entry->status = PROXY_FOUND;
	entry->key = str_span(key);
	entry->value = str_span(value);
	return true;
}
