/*
 * proxy_cache - see the header.
 *
 * Calls are tried again on another connection: each may be said twice, the steps
 * of a walk but for, where an entry would be left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/proxy_cache_priv.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fiber.h"
#include "common/mail/conf_core.h"
#include "common/service/peer.h"
#include "maps/proxy_proto.h"

enum { SAY_SECONDS = 60 };

struct proxy_cache {
	char *table;
	uint64_t walk;
	int64_t said;			/* when trouble was logged last */
};

struct proxy_cache *
proxy_cache_new(struct span table)
{
	struct proxy_cache *c = MEM_NEW(struct proxy_cache);

	c->table = mem_strndup(table.p, table.len);
	return c;
}

void
proxy_cache_free(struct proxy_cache *c)
{
	if (c == NULL)
		return;
	mem_free(c->table);
	mem_free(c);
}

static void
say(struct proxy_cache *c, struct span why)
{
	if (c->said != 0 && clock_wall() - c->said < SAY_SECONDS)
		return;
	c->said = clock_wall();
	log_warn("cache proxy:%s: %s service: %.*s", c->table,
	    conf_core.proxywrite_service_name, SPAN_ARG(why));
}

static bool
call(struct proxy_cache *c, bool idempotent, const struct attr_form *form,
    const void *request, const struct attr_form *reply_form, void *reply,
    struct arena *arena)
{
	struct peer *peer;

	if (fiber_self() == NULL)
		return false;		/* the loop has ended */
	peer = peer_named("private", conf_core.proxywrite_service_name,
	    PROXY_PROTOCOL, PROXY_VERSION);
	if (peer_call(peer, idempotent, form, request, reply_form, reply,
	    arena, deadline_in(conf_core.ipc_timeout)) == IO_OK)
		return true;
	say(c, SPAN(peer_why(peer)));
	return false;
}

/* Is it there, or done? */
static bool
conclude(struct proxy_cache *c, uint64_t status, struct span why)
{
	switch ((enum proxy_status)status) {
	case PROXY_FOUND:
		return true;
	case PROXY_ABSENT:
		return false;
	case PROXY_DENIED:
		say(c, SPAN("the table is not in proxy_write_maps"));
		return false;
	case PROXY_FAILED:
	case PROXY_BAD:
		break;
	}
	say(c, why);
	return false;
}

bool
proxy_cache_get(struct proxy_cache *c, struct span key, struct str *value_out)
{
	struct proxy_lookup request = { .table = SPAN(c->table), .key = key };
	struct proxy_answer answer;
	struct arena *arena = arena_new();
	bool found = call(c, true, &proxy_lookup_form, &request,
	    &proxy_answer_form, &answer, arena)
	    && conclude(c, answer.status, answer.why);

	if (found)
		str_set(value_out, answer.value);
	arena_free(&arena);
	return found;
}

bool
proxy_cache_change(struct proxy_cache *c, struct span key, struct span value,
    bool erase)
{
	struct proxy_change request = { .table = SPAN(c->table), .key = key,
		.value = value, .erase = erase };
	struct proxy_answer answer;
	struct arena *arena = arena_new();
	bool done = call(c, true, &proxy_change_form, &request,
	    &proxy_answer_form, &answer, arena)
	    && conclude(c, answer.status, answer.why);

	arena_free(&arena);
	return done;
}

bool
proxy_cache_next(struct proxy_cache *c, bool first, struct str *key_out,
    struct str *value_out)
{
	struct proxy_walk request = { .table = SPAN(c->table), .first = first };
	struct proxy_entry entry;
	struct arena *arena = arena_new();
	bool found;

	if (first)
		c->walk = (uint64_t)clock_wall_us();
	request.walk = c->walk;
	found = call(c, false, &proxy_walk_form, &request, &proxy_entry_form,
	    &entry, arena) && conclude(c, entry.status, entry.why);
	if (found) {
		str_set(key_out, entry.key);
		str_set(value_out, entry.value);
	}
	arena_free(&arena);
	return found;
}
