/*
 * debug:type:name - the table behind it, with a line in the log for each
 * question and its answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "maps/map.h"

struct debug_map {
	struct map map;
	struct map *real;
};

static const char *
shown(enum map_status status, const struct str *value)
{
	switch (status) {
	case MAP_FOUND:
		return str_cstr(value);
	case MAP_ABSENT:
		return "not_found";
	case MAP_FAILED:
		return "error";
	}
	return "";
}

static enum map_status
keep_why(struct map *map, enum map_status status)
{
	if (status == MAP_FAILED)
		return map_fail(map, "%s", map_why(((struct debug_map *)
		    map)->real));
	return status;
}

static enum map_status
debug_lookup(struct map *map, struct span key, struct str *value_out)
{
	struct map *real = ((struct debug_map *)map)->real;
	enum map_status status = map_lookup(real, key, value_out);

	log_info("%s lookup: \"%.*s\" = \"%s\"", map->name, SPAN_ARG(key),
	    shown(status, value_out));
	return keep_why(map, status);
}

static enum map_status
debug_sequence(struct map *map, bool first, struct str *key_out,
    struct str *value_out)
{
	struct map *real = ((struct debug_map *)map)->real;
	enum map_status status = map_sequence(real, first, key_out,
	    value_out);

	if (status == MAP_FOUND)
		log_info("%s sequence: \"%s\" = \"%s\"", map->name,
		    str_cstr(key_out), str_cstr(value_out));
	else
		log_info("%s sequence: found EOF", map->name);
	return keep_why(map, status);
}

static void
debug_close(struct map *map)
{
	map_close(((struct debug_map *)map)->real);
}

static struct map *
debug_open(const struct map_spec *spec, struct str *why)
{
	struct map *real = map_open(spec->name, spec->flags & MAP_HANDED_ON,
	    why);

	if (real == NULL)
		return NULL;
	struct debug_map *m = map_new(spec, struct debug_map, map);

	m->real = real;
	m->map.flags |= real->flags & (MAP_PATTERN | MAP_FIXED);
	return &m->map;
}

/* The key is shown as it came; the table behind folds it. */
const struct map_type debug_type = {
	.name = "debug", .flags = MAP_SUSPENDS | MAP_RAW_KEYS,
	.open = debug_open, .lookup = debug_lookup,
	.sequence = debug_sequence, .close = debug_close,
};
