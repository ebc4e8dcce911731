/*
 * static: and fail: - tables that answer the same to every key.
 *
 * `static:word`, `static:{ some text }`; `fail:reason for the log`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/map.h"

struct static_map {
	struct map map;
	struct span value;		/* part of the label */
};

static enum map_status
static_lookup(struct map *map, struct span key, struct str *value_out)
{
	(void)key;
	str_set(value_out, ((struct static_map *)map)->value);
	return MAP_FOUND;
}

static struct map *
static_open(const struct map_spec *spec, struct str *why)
{
	struct static_map *m = map_new(spec, struct static_map, map);
	struct span text = span_cstr(m->map.name);

	if (text.p[0] == '{') {
		text = span_rtrim(text);
		if (text.len < 2 || text.p[text.len - 1] != '}') {
			str_printf(why, "static map: missing '}' in \"%s\"",
			    spec->name);
			return map_discard(&m->map);
		}
		text = span_trim(span_sub(text, 1, text.len - 2));
	}
	m->value = text;
	return &m->map;
}

static enum map_status
fail_lookup(struct map *map, struct span key, struct str *value_out)
{
	(void)key;
	(void)value_out;
	return map_fail(map, "table %s: query error", map->label);
}

static struct map *
fail_open(const struct map_spec *spec, struct str *why)
{
	(void)why;
	return map_new_size(spec, sizeof(struct map));
}

const struct map_type static_type = {
	.name = "static", .flags = MAP_FIXED | MAP_RAW_KEYS,
	.open = static_open, .lookup = static_lookup,
};

const struct map_type fail_type = {
	.name = "fail", .flags = MAP_FIXED | MAP_RAW_KEYS,
	.open = fail_open, .lookup = fail_lookup,
};
