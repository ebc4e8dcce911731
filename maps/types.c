/*
 * types - one row per table type. A new type is a file and a row here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/types.h"

#include "common/base/mem.h"

extern const struct map_type btree_type, cdb_type, cidr_type, debug_type,
    environ_type, fail_type, hash_type, inline_type, internal_type, lmdb_type,
    pcre_type, pipemap_type, proxy_type, randmap_type, regexp_type,
    socketmap_type, static_type, tcp_type, texthash_type, unionmap_type,
    unix_type;

/* Names of the Postfix world that are understood but not part of this version:
 * such a table opens, and its look-ups fail. */
#define LATER(type) { .name = (type),					\
	.missing = "its client library comes with a later version" }
#define GONE(type) { .name = (type),					\
	.missing = "no longer supported by anybody" }
static const struct map_type absent[] = {
	GONE("dbm"), LATER("ldap"), LATER("memcache"), LATER("mongodb"),
	LATER("mysql"), GONE("netinfo"), LATER("nis"), GONE("nisplus"),
	LATER("pgsql"), GONE("sdbm"), LATER("sqlite"),
};

const struct map_type *const map_types[] = {
	&btree_type,
	&cdb_type,
	&cidr_type,
	&debug_type,
	&environ_type,
	&fail_type,
	&hash_type,
	&inline_type,
	&internal_type,
	&lmdb_type,
	&pcre_type,
	&pipemap_type,
	&proxy_type,
	&randmap_type,
	&regexp_type,
	&socketmap_type,
	&static_type,
	&tcp_type,
	&texthash_type,
	&unionmap_type,
	&unix_type,
};
const size_t map_types_count = ARRAY_COUNT(map_types);

const struct map_type *
map_type_find(struct span name)
{
	for (size_t i = 0; i < map_types_count; i++)
		if (span_is(name, map_types[i]->name))
			return map_types[i];
	for (size_t i = 0; i < ARRAY_COUNT(absent); i++)
		if (span_is(name, absent[i].name))
			return &absent[i];
	return NULL;
}
