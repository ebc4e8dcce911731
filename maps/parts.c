/*
 * parts - tables whose name is a list in braces: of other tables, or of words.
 *
 * Members fold their keys themselves; the whole hands them on as they came.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/parts_priv.h"

#include "common/base/mem.h"

enum map_status
parts_failed(struct map *map, const struct map *part)
{
	return map_fail(map, "%s: %s", map->label, map_why(part));
}

void
parts_close(struct map *map)
{
	struct parts_map *m = (struct parts_map *)map;

	for (size_t i = 0; m->tables != NULL && i < m->items.count; i++)
		map_close(m->tables[i]);
	mem_free(m->tables);
	strlist_fini(&m->items);
}

static bool
split_name(struct parts_map *m)
{
	struct span text = span_trim(span_cstr(m->map.name));

	return text.len >= 2 && text.p[0] == '{' &&
	    text.p[text.len - 1] == '}' &&
	    strlist_split_braced(&m->items, span_sub(text, 1, text.len - 2),
	    STRLIST_CONF, NULL) && m->items.count > 0;
}

static struct map *
open_words(const struct map_spec *spec, const char *need, struct str *why)
{
	struct parts_map *m = map_new(spec, struct parts_map, map);

	if (split_name(m))
		return &m->map;
	str_printf(why, "bad syntax: \"%s:%s\"; need \"%s:%s\"", spec->type,
	    spec->name, spec->type, need);
	parts_close(&m->map);
	return map_discard(&m->map);
}

struct map *
parts_open_words(const struct map_spec *spec, struct str *why)
{
	return open_words(spec, "{value...}", why);
}

struct map *
parts_open_tables(const struct map_spec *spec, struct str *why)
{
	struct map *map = open_words(spec, "{type:name...}", why);
	struct parts_map *m = (struct parts_map *)map;

	if (map == NULL)
		return NULL;
	m->tables = mem_array(m->items.count, sizeof(struct map *));
	memset(m->tables, 0, m->items.count * sizeof(struct map *));
	for (size_t i = 0; i < m->items.count; i++) {
		m->tables[i] = map_open(m->items.items[i],
		    spec->flags & MAP_HANDED_ON, why);
		if (m->tables[i] == NULL) {
			parts_close(map);
			return map_discard(map);
		}
	}
	map->flags |= m->tables[0]->flags & (MAP_PATTERN | MAP_FIXED);
	return map;
}
