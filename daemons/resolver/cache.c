/*
 * cache - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/resolver/cache.h"

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/io/deadline.h"

struct entry {
	struct arena *arena;
	struct resolver_reply reply;
	int64_t expires_ns;
};

static struct hash *entries;

static void
drop(struct entry *entry)
{
	arena_free(&entry->arena);
	mem_free(entry);
}

void
cache_drop_all(void)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	while (entries != NULL && hash_next(entries, &it, &key, &value))
		drop(value);
	hash_free(&entries);
}

static void
print_key(struct str *key, const struct resolver_request *request)
{
	str_addf(key, "%llu ", (unsigned long long)request->type);
	str_add(key, request->name);
	str_lower(key);
}

bool
cache_find(const struct resolver_request *request,
    struct resolver_reply *reply_out)
{
	struct str key = STR_EMPTY;
	const struct entry *entry = NULL;

	if (entries == NULL || (request->flags & RESOLVER_NO_CACHE))
		return false;
	print_key(&key, request);
	entry = hash_get(entries, str_span(&key));
	str_fini(&key);
	if (entry == NULL || entry->expires_ns < clock_now_ns())
		return false;
	*reply_out = entry->reply;
	return true;
}

static int64_t
lifetime(uint64_t status)
{
	switch ((enum resolver_status)status) {
	case RESOLVER_FOUND:
		return CACHE_FOUND_SECONDS;
	case RESOLVER_NO_NAME:
	case RESOLVER_NO_DATA:
		return CACHE_ABSENT_SECONDS;
	case RESOLVER_BAD_NAME:		/* costs nothing to find out */
	case RESOLVER_TRY_AGAIN:
	case RESOLVER_BOGUS:
	case RESOLVER_UNSUPPORTED:
		break;
	}
	return 0;
}

void
cache_keep(const struct resolver_request *request,
    const struct resolver_reply *reply, struct arena **arena)
{
	int64_t seconds = lifetime(reply->status);
	struct str key = STR_EMPTY;
	struct entry *entry;

	if (seconds == 0) {
		arena_free(arena);
		return;
	}
	if (entries != NULL && hash_count(entries) >= CACHE_ENTRIES)
		cache_drop_all();
	if (entries == NULL)
		entries = hash_new();
	entry = MEM_NEW(struct entry);
	entry->arena = *arena;
	*arena = NULL;
	entry->reply = *reply;
	entry->expires_ns = deadline_in(seconds).at_ns;
	print_key(&key, request);
	entry = hash_put(entries, str_span(&key), entry);
	if (entry != NULL)
		drop(entry);
	str_fini(&key);
}
