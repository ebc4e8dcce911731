/*
 * resolver - names and addresses for all other roles, so that none of them
 * calls the C library's resolver. Solitary: its cache serves everyone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <netdb.h>

#include "common/base/mem.h"
#include "common/io/offload.h"
#include "common/service/service.h"
#include "daemons/resolver/cache.h"
#include "daemons/resolver/nss_lookup.h"

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

/* The reply is encoded before the loop turn ends and before anything else can
 * touch the cache, so it may borrow from it. */
static bool
handle_lookup(struct rpc_call *call, void *request, void *reply_out)
{
	const struct resolver_request *rq = request;
	struct resolver_reply *reply = reply_out;
	struct question q;

	if (cache_find(rq, reply))
		return true;
	q = (struct question){ .request = *rq, .arena = arena_new() };
	q.request.name = arena_span(q.arena, rq->name);
	offload_call(ask_library, &q);
	*reply = q.reply;
	cache_keep(rq, &q.reply, &q.arena);
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
