/*
 * pipemap:, unionmap: and randmap: - tables made of tables, or of words;
 * environ: and internal:, which have no file at all.
 *
 * pipemap:{a:x,b:y} looks the result of each table up in the next;
 * unionmap:{...} joins all results with commas; randmap:{a,b} picks a word.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/random.h"
#include "common/base/strlist.h"
#include "maps/text_priv.h"

struct combined_map {
	struct map map;
	struct strlist items;
	struct map **parts;		/* none in randmap: */
};

static enum map_status
part_failed(struct map *map, struct map *part)
{
	return map_fail(map, "%s: %s", map->label, map_why(part));
}

static enum map_status
pipe_lookup(struct map *map, struct span key, struct str *value_out)
{
	struct combined_map *m = (struct combined_map *)map;
	struct str at = STR_EMPTY;
	enum map_status status = MAP_FOUND;

	str_set(&at, key);
	for (size_t i = 0; status == MAP_FOUND && i < m->items.count; i++) {
		status = map_lookup(m->parts[i], str_span(&at), value_out);
		if (status == MAP_FAILED)
			(void)part_failed(map, m->parts[i]);
		str_set(&at, str_span(value_out));
	}
	str_fini(&at);
	return status;
}

static enum map_status
union_lookup(struct map *map, struct span key, struct str *value_out)
{
	struct combined_map *m = (struct combined_map *)map;
	struct str one = STR_EMPTY;
	bool found = false;

	for (size_t i = 0; i < m->items.count; i++) {
		enum map_status status = map_lookup(m->parts[i], key, &one);

		if (status == MAP_FAILED) {
			str_fini(&one);
			return part_failed(map, m->parts[i]);
		}
		if (status == MAP_ABSENT)
			continue;
		if (found)
			str_putc(value_out, ',');
		found = true;
		str_add(value_out, str_span(&one));
	}
	str_fini(&one);
	return found ? MAP_FOUND : MAP_ABSENT;
}

static enum map_status
rand_lookup(struct map *map, struct span key, struct str *value_out)
{
	const struct combined_map *m = (const struct combined_map *)map;
	size_t pick = random_below((uint32_t)m->items.count);

	(void)key;
	str_sets(value_out, m->items.items[pick]);
	return MAP_FOUND;
}

static void
combined_close(struct map *map)
{
	struct combined_map *m = (struct combined_map *)map;

	for (size_t i = 0; m->parts != NULL && i < m->items.count; i++)
		map_close(m->parts[i]);
	mem_free(m->parts);
	strlist_fini(&m->items);
}

/* The words between the braces of the name. */
static bool
split_name(struct combined_map *m, struct str *why)
{
	struct span text = span_trim(span_cstr(m->map.name));

	return text.len >= 2 && text.p[0] == '{' &&
	    text.p[text.len - 1] == '}' &&
	    strlist_split_braced(&m->items, span_sub(text, 1, text.len - 2),
	    STRLIST_CONF, why) && m->items.count > 0;
}

static bool
open_parts(struct combined_map *m, unsigned flags, struct str *why)
{
	m->parts = mem_array(m->items.count, sizeof(struct map *));
	memset(m->parts, 0, m->items.count * sizeof(struct map *));
	for (size_t i = 0; i < m->items.count; i++) {
		m->parts[i] = map_open(m->items.items[i], flags, why);
		if (m->parts[i] == NULL)
			return false;
		m->map.flags |= m->parts[i]->flags & MAP_PATTERN;
	}
	return true;
}

static struct map *
open_combined(const struct map_spec *spec, bool of_tables, const char *need,
    struct str *why)
{
	struct combined_map *m = map_new(spec, struct combined_map, map);
	unsigned flags = spec->flags & (MAP_FOLD | MAP_NO_REGSUB |
	    MAP_NO_PROXY | MAP_UTF8 | MAP_QUIET);

	if (!split_name(m, why)) {
		str_printf(why, "bad syntax: \"%s:%s\"; need \"%s:%s\"",
		    spec->type, spec->name, spec->type, need);
	} else if (!of_tables || open_parts(m, flags, why)) {
		return &m->map;
	}
	combined_close(&m->map);
	return map_discard(&m->map);
}

static struct map *
tables_open(const struct map_spec *spec, struct str *why)
{
	return open_combined(spec, true, "{type:name...}", why);
}

static struct map *
rand_open(const struct map_spec *spec, struct str *why)
{
	return open_combined(spec, false, "{value...}", why);
}

/* --- No file at all ------------------------------------------------------*/

static enum map_status
environ_lookup(struct map *map, struct span key, struct str *value_out)
{
	char *name = mem_strndup(key.p, key.len);
	const char *value = getenv(name);

	(void)map;
	mem_free(name);
	if (value == NULL)
		return MAP_ABSENT;
	str_sets(value_out, value);
	return MAP_FOUND;
}

static struct map *
environ_open(const struct map_spec *spec, struct str *why)
{
	(void)why;
	return map_new_size(spec, sizeof(struct map));
}

/* Empty, and nobody can write to it from outside. */
static struct map *
internal_open(const struct map_spec *spec, struct str *why)
{
	(void)why;
	return &text_new(spec)->map;
}

const struct map_type pipemap_type = {
	.name = "pipemap", .flags = MAP_SUSPENDS | MAP_RAW_KEYS,
	.open = tables_open, .lookup = pipe_lookup, .close = combined_close,
};

const struct map_type unionmap_type = {
	.name = "unionmap", .flags = MAP_SUSPENDS | MAP_RAW_KEYS,
	.open = tables_open, .lookup = union_lookup, .close = combined_close,
};

const struct map_type randmap_type = {
	.name = "randmap", .flags = MAP_PATTERN | MAP_RAW_KEYS,
	.open = rand_open, .lookup = rand_lookup, .close = combined_close,
};

const struct map_type environ_type = {
	.name = "environ", .flags = MAP_RAW_KEYS, .open = environ_open,
	.lookup = environ_lookup,
};

const struct map_type internal_type = {
	.name = "internal", .open = internal_open, .lookup = text_lookup,
	.sequence = text_sequence, .close = text_close,
};
