/*
 * lookup - opens tables for those who cannot, and looks up in them.
 *
 * Each call has a fiber: a name service that hangs delays only who asked it.
 * Tables stay open, once per name and flags, and reopen when they change. Tables
 * that are changed are in caches.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/proxymap/lookup.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/mail/conf.h"
#include "daemons/proxymap/approved.h"
#include "daemons/proxymap/caches.h"
#include "maps/maps.h"
#include "maps/proxy_proto.h"

#define CLIENT_FLAGS (MAP_FOLD | MAP_NO_REGSUB | MAP_UTF8)

static bool writes;
static struct hash *approved;
static struct hash *tables;		/* "flags type:name" -> struct map */
static const char *list_name;

void
lookup_setup(const char *parameter, const char *value, bool may_write)
{
	struct str why = STR_EMPTY;

	list_name = parameter;
	approved = hash_new();
	tables = hash_new();
	if (!approved_read(approved, span_cstr(value), &why))
		fatal("%s: %s", parameter, str_cstr(&why));
	str_fini(&why);
	writes = may_write;
	map_load_libraries();	/* each table is opened when it is asked for */
	if (writes)
		caches_open(approved);
	map_allow_reopen(true);
}

void
lookup_teardown(void)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *map;

	while (hash_next(tables, &it, &key, &map))
		map_close(map);
	hash_free(&tables);
	if (writes)
		caches_close();
	hash_free(&approved);
}

static struct map *
open_table(const struct proxy_lookup *request, struct arena *arena,
    struct span *why_out)
{
	unsigned flags = (unsigned)request->flags & CLIENT_FLAGS;
	char *key = arena_printf(arena, "%u %.*s", flags,
	    SPAN_ARG(request->table));
	struct map *map = hash_get(tables, span_cstr(key));
	struct str why = STR_EMPTY;

	if (map == NULL)
		map = map_open(arena_cstr(arena, request->table), flags,
		    &why);
	if (map != NULL && hash_get(tables, span_cstr(key)) == NULL)
		hash_put(tables, span_cstr(key), map);
	*why_out = arena_span(arena, str_span(&why));
	str_fini(&why);
	return map;
}

static bool
is_approved(struct span table)
{
	if (hash_has(approved, table))
		return true;
	log_warn("request for unapproved table: \"%.*s\"", SPAN_ARG(table));
	log_warn("to approve this table for %s access, list "
	    "proxy:%.*s in %s/main.cf:%s", writes ? "read-write" : "read-only",
	    SPAN_ARG(table),
	    conf_dir() != NULL ? conf_dir() : "", list_name);
	return false;
}

static bool
handle_lookup(struct rpc_call *call, void *request_arg, void *answer_arg)
{
	const struct proxy_lookup *request = request_arg;
	struct proxy_answer *answer = answer_arg;

	answer->status = PROXY_DENIED;
	if (!is_approved(request->table))
		return true;
	if (writes && caches_lookup(request, answer, call->arena))
		return true;
	struct map *map = open_table(request, call->arena, &answer->why);

	answer->status = PROXY_BAD;
	if (map == NULL) {
		log_warn("%.*s", SPAN_ARG(answer->why));
		return true;
	}
	struct str *value = str_in_arena(call->arena);

	switch (map_lookup(map, request->key, value)) {
	case MAP_FOUND:
		answer->status = PROXY_FOUND;
		answer->value = str_span(value);
		break;
	case MAP_ABSENT:
		answer->status = PROXY_ABSENT;
		break;
	case MAP_FAILED:
		answer->status = PROXY_FAILED;
		answer->why = arena_span(call->arena,
		    span_cstr(map_why(map)));
		break;
	}
	if (answer->value.len > PROXY_VALUE_MAX) {
		answer->status = PROXY_FAILED;
		answer->value = SPAN_NONE;
		answer->why = SPAN("the result is too long");
	}
	return true;
}

/* proxymap has no tables that are written: to it all are of a wrong kind. */
static bool
handle_change(struct rpc_call *call, void *request_arg, void *answer_arg)
{
	const struct proxy_change *request = request_arg;
	struct proxy_answer *answer = answer_arg;

	answer->status = PROXY_DENIED;
	if (!is_approved(request->table))
		return true;
	if (writes && caches_change(request, answer))
		return true;
	answer->status = PROXY_BAD;
	answer->why = arena_span(call->arena, SPAN("the table is not one "
	    "that this service changes"));
	return true;
}

static bool
handle_walk(struct rpc_call *call, void *request_arg, void *entry_arg)
{
	const struct proxy_walk *request = request_arg;
	struct proxy_entry *entry = entry_arg;

	entry->status = PROXY_DENIED;
	if (!is_approved(request->table))
		return true;
	if (writes && caches_walk(request, entry, call->arena))
		return true;
	entry->status = PROXY_BAD;
	entry->why = arena_span(call->arena, SPAN("the table is not one "
	    "that this service lists"));
	return true;
}

static const struct rpc_method methods[] = {
	{ .request = &proxy_lookup_form, .reply = &proxy_answer_form,
	    .handle = handle_lookup, .suspends = true },
	{ .request = &proxy_change_form, .reply = &proxy_answer_form,
	    .handle = handle_change },
	{ .request = &proxy_walk_form, .reply = &proxy_entry_form,
	    .handle = handle_walk },
};

const struct rpc_protocol lookup_protocol = {
	.name = PROXY_PROTOCOL, .version = PROXY_VERSION,
	.methods = methods, .nmethods = ARRAY_COUNT(methods),
};
