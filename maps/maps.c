/*
 * maps - ordered lists of tables.
 *
 * Tables are shared by all lists of the process that name them with the same
 * flags: a file is read once however many parameters mention it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/maps.h"

#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/base/strlist.h"

struct shared_map {
	struct map *map;
	unsigned users;
	char *key;
};

struct maps {
	char *title;
	struct map **tables;
	size_t count;
	struct str why;
};

static struct hash *shared;		/* of struct shared_map */

struct map *
maps_share(const char *spec, unsigned flags, struct str *why)
{
	struct str key = STR_EMPTY;

	str_printf(&key, "%u %s", flags, spec);
	if (shared == NULL)
		shared = hash_new();
	struct shared_map *s = hash_get(shared, str_span(&key));

	if (s == NULL) {
		struct map *map = map_open(spec, flags, why);

		if (map != NULL) {
			s = MEM_NEW(struct shared_map);
			s->map = map;
			s->key = mem_strdup(str_cstr(&key));
			hash_put(shared, str_span(&key), s);
		}
	}
	str_fini(&key);
	if (s == NULL)
		return NULL;
	s->users++;
	return s->map;
}

static struct shared_map *
shared_of(const struct map *map)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	while (shared != NULL && hash_next(shared, &it, &key, &value))
		if (((struct shared_map *)value)->map == map)
			return value;
	panic("%s is not a shared table", map_label(map));
}

void
maps_unshare(struct map *map)
{
	if (map == NULL)
		return;
	struct shared_map *s = shared_of(map);

	if (--s->users > 0)
		return;
	hash_remove(shared, span_cstr(s->key));
	if (hash_count(shared) == 0)
		hash_free(&shared);
	map_close(s->map);
	mem_free(s->key);
	mem_free(s);
}

struct maps *
maps_open(const char *title, const char *value, unsigned flags,
    struct str *why)
{
	struct maps *maps = MEM_NEW(struct maps);
	struct strlist specs = STRLIST_EMPTY;
	struct str reason = STR_EMPTY;
	bool ok = strlist_split_braced(&specs, span_cstr(value), STRLIST_CONF,
	    &reason);

	maps->title = mem_strdup(title);
	maps->tables = mem_array(specs.count + 1, sizeof(struct map *));
	for (size_t i = 0; ok && i < specs.count; i++) {
		struct map *map = maps_share(specs.items[i], flags, &reason);

		ok = map != NULL;
		if (ok)
			maps->tables[maps->count++] = map;
	}
	strlist_fini(&specs);
	if (!ok) {
		if (why != NULL)
			str_printf(why, "%s: %s", title, str_cstr(&reason));
		maps_close(maps);
		maps = NULL;
	}
	str_fini(&reason);
	return maps;
}

void
maps_close(struct maps *maps)
{
	if (maps == NULL)
		return;
	for (size_t i = 0; i < maps->count; i++)
		maps_unshare(maps->tables[i]);
	str_fini(&maps->why);
	mem_free(maps->tables);
	mem_free(maps->title);
	mem_free(maps);
}

bool
maps_empty(const struct maps *maps)
{
	return maps == NULL || maps->count == 0;
}

const char *
maps_title(const struct maps *maps)
{
	return maps->title;
}

const char *
maps_why(const struct maps *maps)
{
	return str_cstr(&maps->why);
}

/* Of a failed look-up, without the label that stands before it. */
static const char *
reason_of(const struct map *map)
{
	const char *why = map_why(map);
	size_t len = strlen(map_label(map));

	if (map_is_unavailable(map))
		return "";
	return strncmp(why, map_label(map), len) == 0 &&
	    strncmp(why + len, ": ", 2) == 0 ? why + len + 2 : why;
}

static enum map_status
fail(struct maps *maps, struct map *map, struct span key)
{
	str_sets(&maps->why, map_why(map));
	if (map_is_unavailable(map))
		log_warn("%s is unavailable. %s", map_label(map),
		    map_why(map));
	log_warn("%s lookup error for \"%.*s\"%s%s", map_label(map),
	    key.len > 100 ? 100 : (int)key.len, key.p != NULL ? key.p : "",
	    map_is_unavailable(map) ? "" : ": ", reason_of(map));
	return MAP_FAILED;
}

/* A value that says nothing would read as "delete it" to some and as "no
 * such thing" to others. */
static enum map_status
refuse_empty(struct maps *maps, struct span key)
{
	log_warn("%s lookup of %.*s returns an empty string result",
	    maps->title, SPAN_ARG(key));
	log_warn("%s should return NO RESULT in case of NOT FOUND",
	    maps->title);
	str_printf(&maps->why, "%s: empty result for \"%.*s\"", maps->title,
	    SPAN_ARG(key));
	return MAP_FAILED;
}

enum map_status
maps_lookup(struct maps *maps, struct span key, unsigned skip_flags,
    struct str *value_out, const struct map **found_in_out)
{
	if (found_in_out != NULL)
		*found_in_out = NULL;
	str_clear(value_out);
	/* No table has an empty key; patterns would match it by accident. */
	if (maps == NULL || key.len == 0)
		return MAP_ABSENT;
	for (size_t i = 0; i < maps->count; i++) {
		struct map *map = maps->tables[i];

		if (map->flags & skip_flags)
			continue;
		switch (map_lookup(map, key, value_out)) {
		case MAP_FOUND:
			if (str_len(value_out) == 0)
				return refuse_empty(maps, key);
			if (found_in_out != NULL)
				*found_in_out = map;
			return MAP_FOUND;
		case MAP_ABSENT:
			break;
		case MAP_FAILED:
			return fail(maps, map, key);
		}
	}
	return MAP_ABSENT;
}
