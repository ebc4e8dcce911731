/*
 * maps - an ordered list of tables, "hash:/a, cidr:/b, pcre:{{...}}": the
 * first that finds the key answers; one that fails ends the search.
 *
 * Equal "type:name" with equal flags are opened once per process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_MAPS_H
#define MAPS_MAPS_H

#include "maps/map.h"

struct maps;

/* `title` is the parameter's name, for messages. Syntax errors are fatal at
 * start-up (why says file and line through conf); NULL with a reason. An empty
 * value gives a list that never finds. */
struct maps *maps_open(const char *title, const char *value, unsigned flags,
    struct str *why);
void maps_close(struct maps *maps);
bool maps_empty(const struct maps *maps);
const char *maps_title(const struct maps *maps);

/* Only tables whose type has none of skip_flags are asked (MAP_PATTERN for
 * partial keys). *found_in_out, if not NULL: the table. May suspend. */
__attribute__((warn_unused_result)) enum map_status
maps_lookup(struct maps *maps, struct span key, unsigned skip_flags,
    struct str *value_out, const struct map **found_in_out);
const char *maps_why(const struct maps *maps);

/* One table, shared in the same way; look up with map_lookup. */
struct map *maps_share(const char *spec, unsigned flags, struct str *why);
void maps_unshare(struct map *map);		/* NULL is fine */

#endif
