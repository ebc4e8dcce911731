/*
 * resolver - names and addresses for all other roles, so that none of them
 * calls the C library's resolver. Solitary: its cache serves everyone.
 *
 * Answers of the C library carry no lifetime, so they are kept for a short
 * fixed time; "try again" is never kept.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <netdb.h>

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/io/offload.h"
#include "common/service/service.h"
#include "daemons/resolver/nss_lookup.h"

#define CACHE_ENTRIES 20000
#define KEEP_FOUND_SECONDS 60
#define KEEP_ABSENT_SECONDS 20

struct entry {
	struct arena *arena;
	struct resolver_reply reply;
	int64_t expires_ns;
};

static struct hash *cache;

struct question {
	struct resolver_request request;
	struct resolver_reply reply;
	struct arena *arena;
};

static void
ask_library(void *arg)
{
	struct question *q = arg;

	nss_lookup(&q->request, &q->reply, q->arena);
}

static void
drop_all(void)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	while (hash_next(cache, &it, &key, &value)) {
		struct entry *entry = value;

		arena_free(&entry->arena);
		mem_free(entry);
	}
	hash_free(&cache);
	cache = hash_new();
}

static struct span
cache_key(struct arena *arena, const struct resolver_request *request)
{
	struct str *key = str_in_arena(arena);

	str_addf(key, "%u ", (unsigned)request->type);
	str_add(key, request->name);
	str_lower(key);
	return str_span(key);
}

static bool
from_cache(struct span key, struct resolver_reply *reply_out)
{
	const struct entry *entry = hash_get(cache, key);

	if (entry == NULL || entry->expires_ns < clock_now_ns())
		return false;
	*reply_out = entry->reply;
	return true;
}

static void
keep(struct span key, struct question *q)
{
	int64_t seconds = q->reply.status == RESOLVER_FOUND
	    ? KEEP_FOUND_SECONDS : KEEP_ABSENT_SECONDS;

	if (hash_count(cache) >= CACHE_ENTRIES)
		drop_all();

	struct entry *entry = MEM_NEW(struct entry);

	entry->arena = q->arena;
	entry->reply = q->reply;
	entry->expires_ns = deadline_in(seconds).at_ns;
	entry = hash_put(cache, key, entry);
	if (entry != NULL) {
		arena_free(&entry->arena);
		mem_free(entry);
	}
}

/* The reply is encoded before the loop turn ends and before anything else can
 * touch the cache, so it may borrow from it. */
static bool
handle_lookup(struct rpc_call *call, void *request, void *reply_out)
{
	struct resolver_request *rq = request;
	struct resolver_reply *reply = reply_out;
	struct span key = cache_key(call->arena, rq);

	if (!(rq->flags & RESOLVER_NO_CACHE) && from_cache(key, reply))
		return true;

	struct question q = { .arena = arena_new() };

	q.request = *rq;
	q.request.name = arena_span(q.arena, rq->name);
	offload_call(ask_library, &q);
	*reply = q.reply;
	if (q.reply.status == RESOLVER_FOUND
	    || q.reply.status == RESOLVER_NO_NAME
	    || q.reply.status == RESOLVER_NO_DATA)
		keep(key, &q);
	else
		arena_free(&q.arena);
	return true;
}

static const struct rpc_method methods[] = {
	{ .request = &resolver_request_form, .reply = &resolver_reply_form,
	    .handle = handle_lookup, .suspends = true },
};

static const struct rpc_protocol protocol = {
	.name = RESOLVER_PROTOCOL, .version = RESOLVER_VERSION,
	.methods = methods, .nmethods = ARRAY_COUNT(methods),
};

/* The library opens its modules and configuration while it still may. */
static void
warm_up(void)
{
	struct addrinfo *list = NULL;

	cache = hash_new();
	if (getaddrinfo("localhost", NULL, NULL, &list) == 0)
		freeaddrinfo(list);
}

static const struct service resolver = {
	.name = "resolver",
	.solitary = true,
	.needs = NEEDS_NETWORK_OUT | NEEDS_NSS,
	.before_jail = warm_up,
	.protocol = &protocol,
};

int
main(int argc, char **argv)
{
	return service_main(&resolver, argc, argv);
}
