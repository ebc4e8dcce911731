/*
 * pipemap: - the result of each table is looked up in the next.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/parts_priv.h"

static enum map_status
pipemap_lookup(struct map *map, struct span key, struct str *value_out)
{
	struct parts_map *m = (struct parts_map *)map;
	struct str at = STR_EMPTY;
	enum map_status status = MAP_FOUND;

	str_set(&at, key);
	for (size_t i = 0; status == MAP_FOUND && i < m->items.count; i++) {
		status = map_lookup(m->tables[i], str_span(&at), value_out);
		if (status == MAP_FAILED)
			(void)parts_failed(map, m->tables[i]);
		str_set(&at, str_span(value_out));
	}
	str_fini(&at);
	return status;
}

const struct map_type pipemap_type = {
	.name = "pipemap", .flags = MAP_SUSPENDS | MAP_RAW_KEYS,
	.open = parts_open_tables, .lookup = pipemap_lookup,
	.close = parts_close,
};
