/*
 * parts - tables whose name is a list in braces: of other tables, or of words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_PARTS_PRIV_H
#define MAPS_PARTS_PRIV_H

#include "common/base/strlist.h"
#include "maps/map.h"

struct parts_map {
	struct map map;
	struct strlist items;		/* as written */
	struct map **tables;		/* one for each item, or NULL */
};

/* "{type:name...}": opens each; how the first matches keys counts for all. */
struct map *parts_open_tables(const struct map_spec *spec, struct str *why);
/* "{value...}" */
struct map *parts_open_words(const struct map_spec *spec, struct str *why);
void parts_close(struct map *map);
/* The look-up failed because this part did. */
enum map_status parts_failed(struct map *map, const struct map *part);

#endif
