/*
 * proxy: tables - asked through the proxymap service.
 *
 * The service folds keys and knows the file; here only the type's way of
 * being asked (whole keys or parts) is known, from the name behind "proxy:".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/proxy_proto.h"

#include "common/io/fiber.h"
#include "common/mail/conf_core.h"
#include "common/service/peer.h"
#include "maps/map.h"
#include "maps/types.h"

enum { WAIT_SECONDS = 100 };

static const struct attr_field lookup_fields[] = {
	ATTR_FIELD(struct proxy_lookup, table, 1, ATTR_SPAN, .required = true,
	    .limit = PROXY_NAME_MAX),
	ATTR_FIELD(struct proxy_lookup, flags, 2, ATTR_U64),
	ATTR_FIELD(struct proxy_lookup, key, 3, ATTR_SPAN,
	    .limit = PROXY_KEY_MAX),
};
const struct attr_form proxy_lookup_form = ATTR_FORM("proxy_lookup", 1,
    struct proxy_lookup, lookup_fields);

static const struct attr_field answer_fields[] = {
	ATTR_FIELD(struct proxy_answer, status, 1, ATTR_U64),
	ATTR_FIELD(struct proxy_answer, value, 2, ATTR_SPAN,
	    .limit = PROXY_VALUE_MAX),
	ATTR_FIELD(struct proxy_answer, why, 3, ATTR_SPAN),
};
const struct attr_form proxy_answer_form = ATTR_FORM("proxy_answer", 2,
    struct proxy_answer, answer_fields);

static const struct attr_field change_fields[] = {
	ATTR_FIELD(struct proxy_change, table, 1, ATTR_SPAN, .required = true,
	    .limit = PROXY_NAME_MAX),
	ATTR_FIELD(struct proxy_change, key, 2, ATTR_SPAN, .required = true,
	    .limit = PROXY_KEY_MAX),
	ATTR_FIELD(struct proxy_change, value, 3, ATTR_SPAN,
	    .limit = PROXY_VALUE_MAX),
	ATTR_FIELD(struct proxy_change, erase, 4, ATTR_BOOL, .critical = true),
};
const struct attr_form proxy_change_form = ATTR_FORM("proxy_change", 3,
    struct proxy_change, change_fields);

static const struct attr_field walk_fields[] = {
	ATTR_FIELD(struct proxy_walk, table, 1, ATTR_SPAN, .required = true,
	    .limit = PROXY_NAME_MAX),
	ATTR_FIELD(struct proxy_walk, walk, 2, ATTR_U64),
	ATTR_FIELD(struct proxy_walk, first, 3, ATTR_BOOL),
};
const struct attr_form proxy_walk_form = ATTR_FORM("proxy_walk", 4,
    struct proxy_walk, walk_fields);

static const struct attr_field entry_fields[] = {
	ATTR_FIELD(struct proxy_entry, status, 1, ATTR_U64),
	ATTR_FIELD(struct proxy_entry, key, 2, ATTR_SPAN,
	    .limit = PROXY_KEY_MAX),
	ATTR_FIELD(struct proxy_entry, value, 3, ATTR_SPAN,
	    .limit = PROXY_VALUE_MAX),
	ATTR_FIELD(struct proxy_entry, why, 4, ATTR_SPAN),
};
const struct attr_form proxy_entry_form = ATTR_FORM("proxy_entry", 5,
    struct proxy_entry, entry_fields);

struct proxy_map {
	struct map map;
	const char *table;		/* behind the last "proxy:" */
	unsigned asked_flags;
};

static enum map_status
conclude(struct proxy_map *m, const struct proxy_answer *answer,
    struct str *value_out)
{
	const char *service = conf_core.proxymap_service_name;

	switch ((enum proxy_status)answer->status) {
	case PROXY_FOUND:
		str_set(value_out, answer->value);
		return MAP_FOUND;
	case PROXY_ABSENT:
		return MAP_ABSENT;
	case PROXY_FAILED:
		return map_fail(&m->map, "%s: %.*s", m->map.label,
		    SPAN_ARG(answer->why));
	case PROXY_DENIED:
		return map_fail(&m->map, "%s service is not configured for "
		    "table \"%s\"", service, m->table);
	case PROXY_BAD:
		return map_fail(&m->map, "%s lookup failed for table \"%s\": "
		    "%.*s", service, m->table, SPAN_ARG(answer->why));
	}
	return map_fail(&m->map, "%s lookup failed for table \"%s\": "
	    "unexpected reply status %llu", service, m->table,
	    (unsigned long long)answer->status);
}

static enum map_status
proxy_lookup(struct map *map, struct span key, struct str *value_out)
{
	struct proxy_map *m = (struct proxy_map *)map;
	struct proxy_lookup request = { .table = span_cstr(m->table),
		.flags = m->asked_flags, .key = key };
	struct proxy_answer answer;

	if (fiber_self() == NULL)
		return map_fail(map, "%s cannot be asked before the process "
		    "serves", map->label);
	if (key.len > PROXY_KEY_MAX)
		return MAP_ABSENT;
	struct peer *peer = peer_named("private",
	    conf_core.proxymap_service_name, PROXY_PROTOCOL, PROXY_VERSION);
	struct arena *arena = arena_new();
	struct deadline deadline = deadline_earlier(
	    deadline_in(conf_core.ipc_timeout), deadline_in(WAIT_SECONDS));
	enum map_status status;

	if (peer_call(peer, true, &proxy_lookup_form, &request,
	    &proxy_answer_form, &answer, arena, deadline) == IO_OK)
		status = conclude(m, &answer, value_out);
	else
		status = map_fail(map, "%s: %s service: %s", map->label,
		    conf_core.proxymap_service_name, peer_why(peer));
	arena_free(&arena);
	return status;
}

static struct map *
proxy_open(const struct map_spec *spec, struct str *why)
{
	const char *table = spec->name;

	while (strncmp(table, "proxy:", 6) == 0)
		table += 6;
	ssize_t colon = span_find(span_cstr(table), ':');
	const struct map_type *type = map_type_find(span_sub(span_cstr(table),
	    0, colon < 0 ? 0 : (size_t)colon));

	if (colon <= 0 || table[colon + 1] == '\0' || type == NULL) {
		str_printf(why, "proxy:%s: expecting \"proxy:type:name\"",
		    spec->name);
		return NULL;
	}
	/* Where the answers of another process are not to be trusted, the
	 * table itself is opened. */
	if (spec->flags & MAP_NO_PROXY) {
		struct map_spec direct = *spec;

		direct.type = type->name;
		direct.name = table + colon + 1;
		return type->missing != NULL ?
		    map_unavailable(&direct, type->missing) :
		    type->open(&direct, why);
	}
	struct proxy_map *m = map_new(spec, struct proxy_map, map);

	m->table = m->map.name + (table - spec->name);
	m->asked_flags = spec->flags & (MAP_FOLD | MAP_NO_REGSUB | MAP_UTF8);
	m->map.flags |= type->flags & (MAP_PATTERN | MAP_FIXED);
	return &m->map;
}

const struct map_type proxy_type = {
	.name = "proxy", .flags = MAP_SUSPENDS | MAP_RAW_KEYS,
	.open = proxy_open, .lookup = proxy_lookup,
};
