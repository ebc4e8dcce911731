/*
 * matchlist - lists of names, networks, files and tables; first match wins.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/matchlist.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/strlist.h"
#include "common/mail/conf.h"
#include "maps/maps.h"

enum item_kind { ITEM_WORD, ITEM_BLOCK, ITEM_TABLE };

struct item {
	enum item_kind kind;
	bool negated;
	struct span word;		/* lower case, in the arena */
	struct ipblock block;
	struct map *table;		/* shared in the process */
};

struct matchlist {
	struct arena *arena;
	unsigned flags;
	struct item *items;
	size_t count;
};

/* --- Reading -------------------------------------------------------------*/

static bool
has_table_form(struct span text)
{
	ssize_t colon = span_find(text, ':');

	if (colon <= 0 || text.p[0] == '[')
		return false;
	for (ssize_t i = 0; i < colon; i++)
		if (!ascii_is_alnum(text.p[i]) && text.p[i] != '_')
			return false;
	return true;
}

/* Text that can only have been meant as an address. */
static bool
looks_like_address(struct span text)
{
	size_t i = 0;

	if (text.p[0] == '[')
		return true;
	while (i < text.len && (ascii_is_digit(text.p[i]) ||
	    text.p[i] == '.' || text.p[i] == '/'))
		i++;
	return i == text.len;
}

static bool
read_address(struct span text, struct item *item, struct str *why)
{
	item->kind = ITEM_BLOCK;
	if (ipblock_scan(text, &item->block, why))
		return true;
	/* 192.168 and the like are not blocks; nor are they host names. */
	if (str_len(why) == 0)
		str_printf(why, "bad net/mask pattern: \"%.*s\"",
		    SPAN_ARG(text));
	return false;
}

static bool
read_table(struct matchlist *list, struct span text, struct item *item,
    struct str *why)
{
	char *spec = arena_cstr(list->arena, text);

	item->kind = ITEM_TABLE;
	item->table = maps_share(spec, MAP_FOLD | MAP_UTF8, why);
	return item->table != NULL;
}

static bool
read_item(struct matchlist *list, const char *title, struct span text,
    struct item *item, struct str *why)
{
	struct str unheard = STR_EMPTY;
	struct ipblock block;

	while (text.len > 0 && text.p[0] == '!') {
		item->negated = !item->negated;
		text = span_ltrim(span_skip(text, 1));
	}
	if (text.len == 0) {
		str_sets(why, "no pattern after '!'");
		return false;
	}
	bool addresses = (list->flags & MATCHLIST_ADDRESSES) != 0;
	bool is_block = addresses && ipblock_scan(text, &block, &unheard);

	str_fini(&unheard);
	if (is_block || (addresses && looks_like_address(text)))
		return read_address(text, item, why);
	if (has_table_form(text))
		return read_table(list, text, item, why);
	if (!(list->flags & (MATCHLIST_DOMAINS | MATCHLIST_STRINGS))) {
		if (span_has(text, '/') || span_has(text, ':')) {
			str_printf(why, "bad net/mask pattern: \"%.*s\"",
			    SPAN_ARG(text));
			return false;
		}
		log_warn("%s: \"%.*s\" is not a network address: it never "
		    "matches", title, SPAN_ARG(text));
	}
	struct str lower = STR_EMPTY;

	map_fold_key(&lower, text);
	item->kind = ITEM_WORD;
	item->word = arena_span(list->arena, str_span(&lower));
	str_fini(&lower);
	return true;
}

struct matchlist *
matchlist_open(const char *title, const char *value, unsigned flags,
    struct str *why)
{
	struct matchlist *list = MEM_NEW(struct matchlist);
	struct strlist words = STRLIST_EMPTY;
	struct str reason = STR_EMPTY;

	list->arena = arena_new();
	list->flags = flags;
	bool ok = conf_list(value, &words, &reason);

	list->items = mem_array(words.count + 1, sizeof(struct item));
	for (size_t i = 0; ok && i < words.count; i++) {
		ok = read_item(list, title, span_cstr(words.items[i]),
		    &list->items[i], &reason);
		list->count += ok;
	}
	strlist_fini(&words);
	if (!ok) {
		if (why != NULL)
			str_printf(why, "%s: %s", title, str_cstr(&reason));
		matchlist_close(list);
		list = NULL;
	}
	str_fini(&reason);
	return list;
}

void
matchlist_close(struct matchlist *list)
{
	if (list == NULL)
		return;
	for (size_t i = 0; i < list->count; i++)
		maps_unshare(list->items[i].table);
	mem_free(list->items);
	arena_free(&list->arena);
	mem_free(list);
}

bool
matchlist_empty(const struct matchlist *list)
{
	return list == NULL || list->count == 0;
}

/* --- Matching ------------------------------------------------------------*/

static bool
word_matches(const struct matchlist *list, struct span word, struct span name)
{
	if (span_eq(word, name))
		return true;
	if (!(list->flags & MATCHLIST_DOMAINS))
		return false;
	if (list->flags & MATCHLIST_PARENTS) {
		return name.len > word.len && span_ends(name, word) &&
		    name.p[name.len - word.len - 1] == '.';
	}
	return word.p[0] == '.' && name.len > word.len &&
	    span_ends(name, word);
}

static enum map_status
ask(struct map *table, struct span key, unsigned skip)
{
	if (table->flags & skip)
		return MAP_ABSENT;
	struct str value = STR_EMPTY;
	enum map_status status = map_lookup(table, key, &value);

	if (status == MAP_FAILED)
		log_warn("%s: table lookup problem: %s", map_label(table),
		    map_why(table));
	str_fini(&value);			/* what it says does not matter */
	return status;
}

/* The name, then its parent domains as "x" or ".x". */
static enum map_status
table_has_name(const struct matchlist *list, struct map *table,
    struct span name)
{
	enum map_status status = ask(table, name, 0);
	ssize_t dot;

	if (!(list->flags & MATCHLIST_DOMAINS))
		return status;
	while (status == MAP_ABSENT &&
	    (dot = span_find(span_skip(name, 1), '.')) >= 0) {
		name = span_skip(name, (size_t)dot + 1);
		status = ask(table, (list->flags & MATCHLIST_PARENTS) ?
		    span_skip(name, 1) : name, MAP_PATTERN);
	}
	return status;
}

struct subject {
	struct span name;
	const struct ipaddr *ip;
	char ip_text[IPADDR_TEXT_MAX];
};

static enum map_status
item_matches(const struct matchlist *list, const struct item *item,
    const struct subject *s)
{
	enum map_status status = MAP_ABSENT;
	bool names = (list->flags & (MATCHLIST_DOMAINS | MATCHLIST_STRINGS)) &&
	    s->name.len > 0;

	switch (item->kind) {
	case ITEM_WORD:
		return names && word_matches(list, item->word, s->name) ?
		    MAP_FOUND : MAP_ABSENT;
	case ITEM_BLOCK:
		return s->ip != NULL && ipblock_covers(&item->block, s->ip) ?
		    MAP_FOUND : MAP_ABSENT;
	case ITEM_TABLE:
		if (names)
			status = table_has_name(list, item->table, s->name);
		if (status == MAP_ABSENT && s->ip != NULL &&
		    (list->flags & MATCHLIST_ADDRESSES))
			status = ask(item->table, span_cstr(s->ip_text), 0);
		return status;
	}
	return MAP_FAILED;
}

static enum map_status
match(struct matchlist *list, const struct subject *s)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct item *item = &list->items[i];

		switch (item_matches(list, item, s)) {
		case MAP_FOUND:
			return item->negated ? MAP_ABSENT : MAP_FOUND;
		case MAP_ABSENT:
			break;
		case MAP_FAILED:
			return MAP_FAILED;
		}
	}
	return MAP_ABSENT;
}

enum map_status
matchlist_client(struct matchlist *list, struct span name,
    const struct ipaddr *ip)
{
	struct subject s = { .ip = ip };
	struct str folded = STR_EMPTY;

	if (matchlist_empty(list))
		return MAP_ABSENT;
	if (ip != NULL)
		ipaddr_print(ip, s.ip_text);
	if (span_ends(name, SPAN(".")))
		name.len--;
	map_fold_key(&folded, name);
	s.name = str_span(&folded);
	enum map_status status = match(list, &s);

	str_fini(&folded);
	return status;
}

enum map_status
matchlist_name(struct matchlist *list, struct span name)
{
	return matchlist_client(list, name, NULL);
}
