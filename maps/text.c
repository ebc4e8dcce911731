/*
 * text - texthash: and inline: tables, held in memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/text_priv.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/strlist.h"
#include "maps/record_priv.h"

/* --- Contents ------------------------------------------------------------*/

struct text_map *
text_new(const struct map_spec *spec)
{
	struct text_map *m = map_new(spec, struct text_map, map);

	m->arena = arena_new();
	m->entries = hash_new();
	m->watch = SOURCE_WATCH_NONE;
	return m;
}

bool
text_add(struct text_map *m, struct span key, struct span value)
{
	struct str folded = STR_EMPTY;

	if ((m->map.flags & MAP_FOLD) && !map_key_is_folded(key)) {
		map_fold_key(&folded, key);
		key = str_span(&folded);
	}
	bool fresh = !hash_has(m->entries, key);

	if (fresh) {
		struct text_entry *e = arena_alloc(m->arena, sizeof(*e));

		e->key = arena_span(m->arena, key);
		e->value = arena_span(m->arena, value);
		hash_put(m->entries, e->key, e);
		if (m->count == m->room) {
			m->room = m->room * 2 + 16;
			m->order = mem_regrow(m->order, m->room,
			    sizeof(struct text_entry *));
		}
		m->order[m->count++] = e;
	}
	str_fini(&folded);
	return fresh;
}

enum map_status
text_lookup(struct map *map, struct span key, struct str *value_out)
{
	const struct text_map *m = (const struct text_map *)map;
	const struct text_entry *e = hash_get(m->entries, key);

	if (e == NULL)
		return MAP_ABSENT;
	str_set(value_out, e->value);
	return MAP_FOUND;
}

enum map_status
text_sequence(struct map *map, bool first, struct str *key_out,
    struct str *value_out)
{
	struct text_map *m = (struct text_map *)map;

	if (first)
		m->next = 0;
	if (m->next >= m->count)
		return MAP_ABSENT;
	const struct text_entry *e = m->order[m->next++];

	str_set(key_out, e->key);
	str_set(value_out, e->value);
	return MAP_FOUND;
}

bool
text_changed(struct map *map)
{
	return source_watch_changed(&((struct text_map *)map)->watch);
}

void
text_close(struct map *map)
{
	struct text_map *m = (struct text_map *)map;

	source_watch_close(&m->watch);
	hash_free(&m->entries);
	mem_free(m->order);
	arena_free(&m->arena);
}

/* --- texthash: -----------------------------------------------------------*/

static void
add_line(struct text_map *m, const struct textfile *file, struct span line)
{
	struct str why = STR_EMPTY;
	struct span key, value;

	if (ascii_is_space(line.p[0])) {
		log_warn("%s, line %u: logical line must not start with "
		    "whitespace: \"%.30s\"", file->path, file->first_line,
		    line.p);
	} else if (!record_parse(line, &key, &value, &why)) {
		log_warn("%s, line %u: %s -- ignoring this line", file->path,
		    file->first_line, str_cstr(&why));
	} else {
		if (record_looks_like_alias(key, value))
			log_warn("%s, line %u: record is in \"key: value\" "
			    "format; is this an alias file?", file->path,
			    file->first_line);
		if (!text_add(m, key, value))
			log_warn("%s, line %u: duplicate entry: \"%.*s\"",
			    file->path, file->first_line, SPAN_ARG(key));
	}
	str_fini(&why);
}

static struct map *
texthash_open(const struct map_spec *spec, struct str *why)
{
	struct source_watch watch = SOURCE_WATCH_NONE;
	struct textfile file;
	struct span line;

	if (spec->text.p != NULL)
		textfile_open_mem(&file, spec->name, spec->text);
	else if (!textfile_open(&file, spec->name, why)) {
		if (span_starts(str_span(why), SPAN("open ")))
			str_insert(why, 5, SPAN("database "));
		return map_unavailable(spec, str_cstr(why));
	} else {
		source_watch_path(&watch, spec->name, &file.st);
	}
	struct text_map *m = text_new(spec);

	m->watch = watch;
	m->map.owner = source_watch_owner(&m->watch);
	while (textfile_next(&file, &line))
		add_line(m, &file, line);
	textfile_close(&file);
	return &m->map;
}

const struct map_type texthash_type = {
	.name = "texthash", .open = texthash_open, .lookup = text_lookup,
	.sequence = text_sequence, .changed = text_changed,
	.close = text_close,
};

/* --- inline: -------------------------------------------------------------*/

/* "name = value", with or without braces around it. */
static bool
add_assignment(struct text_map *m, struct span item, const char **reason_out)
{
	if (item.p[0] == '{') {
		if (item.p[item.len - 1] != '}') {
			*reason_out = "syntax error after '}'";
			return false;
		}
		item = span_trim(span_sub(item, 1, item.len - 2));
	}
	ssize_t equals = span_find(item, '=');

	if (equals < 0) {
		*reason_out = "missing '=' after attribute name";
		return false;
	}
	struct span name = span_trim(span_sub(item, 0, (size_t)equals));

	if (name.len == 0) {
		*reason_out = "missing attribute name";
		return false;
	}
	if (!text_add(m, name, span_trim(span_skip(item, (size_t)equals + 1))))
		log_warn("%s: duplicate entry: \"%.*s\"", m->map.label,
		    SPAN_ARG(name));
	return true;
}

static const char *
read_inline(struct text_map *m, struct span text)
{
	struct strlist items = STRLIST_EMPTY;
	struct str why = STR_EMPTY;
	const char *reason = NULL;

	text = span_rtrim(text);
	if (text.len < 2 || text.p[0] != '{' || text.p[text.len - 1] != '}')
		return "bad syntax";
	if (!strlist_split_braced(&items, span_sub(text, 1, text.len - 2),
	    STRLIST_CONF, &why))
		reason = "unbalanced braces";
	else if (items.count == 0)
		reason = "empty table";
	for (size_t i = 0; reason == NULL && i < items.count; i++)
		(void)add_assignment(m, span_cstr(items.items[i]), &reason);
	strlist_fini(&items);
	str_fini(&why);
	return reason;
}

static struct map *
inline_open(const struct map_spec *spec, struct str *why)
{
	struct text_map *m = text_new(spec);
	const char *reason = read_inline(m, spec->text.p != NULL ?
	    spec->text : span_cstr(m->map.name));

	if (reason == NULL)
		return &m->map;
	str_printf(why, "%s: \"inline:%s\"; need \"inline:{name=value...}\"",
	    reason, spec->name);
	text_close(&m->map);
	return map_discard(&m->map);
}

const struct map_type inline_type = {
	.name = "inline", .open = inline_open, .lookup = text_lookup,
	.sequence = text_sequence, .close = text_close,
};
