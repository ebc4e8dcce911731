/*
 * randmap: - one of the words in the name, whatever the key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/random.h"
#include "maps/parts_priv.h"

static enum map_status
randmap_lookup(struct map *map, struct span key, struct str *value_out)
{
	const struct parts_map *m = (const struct parts_map *)map;
	size_t pick = random_below((uint32_t)m->items.count);

	(void)key;
	str_sets(value_out, m->items.items[pick]);
	return MAP_FOUND;
}

const struct map_type randmap_type = {
	.name = "randmap", .flags = MAP_PATTERN | MAP_RAW_KEYS,
	.open = parts_open_words, .lookup = randmap_lookup,
	.close = parts_close,
};
