/*
 * unionmap: - what all tables know of a key, with commas between.
 *
 * An empty result adds nothing, not even a comma: it would become an empty
 * address.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/parts_priv.h"

static enum map_status
unionmap_lookup(struct map *map, struct span key, struct str *value_out)
{
	struct parts_map *m = (struct parts_map *)map;
	struct str one = STR_EMPTY;
	enum map_status status = MAP_ABSENT;

	for (size_t i = 0; status != MAP_FAILED && i < m->items.count; i++) {
		switch (map_lookup(m->tables[i], key, &one)) {
		case MAP_FOUND:
			if (str_len(value_out) > 0 && str_len(&one) > 0)
				str_putc(value_out, ',');
			str_add(value_out, str_span(&one));
			status = MAP_FOUND;
			break;
		case MAP_ABSENT:
			break;
		case MAP_FAILED:
			status = parts_failed(map, m->tables[i]);
			break;
		}
	}
	str_fini(&one);
	return status;
}

const struct map_type unionmap_type = {
	.name = "unionmap", .flags = MAP_SUSPENDS | MAP_RAW_KEYS,
	.open = parts_open_tables, .lookup = unionmap_lookup,
	.close = parts_close,
};
