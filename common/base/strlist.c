/*
 * strlist - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/strlist.h"

#include <stdlib.h>

#include "common/base/mem.h"

void
strlist_clear(struct strlist *list)
{
	for (size_t i = 0; i < list->count; i++)
		mem_free(list->items[i]);
	list->count = 0;
}

void
strlist_fini(struct strlist *list)
{
	strlist_clear(list);
	mem_free(list->items);
	*list = STRLIST_EMPTY;
}

void
strlist_add(struct strlist *list, struct span item)
{
	if (list->count + 1 >= list->room) {
		list->room = list->room == 0 ? 8 : 2 * list->room;
		list->items = mem_regrow(list->items, list->room,
		    sizeof(*list->items));
	}
	list->items[list->count++] = mem_strndup(item.p, item.len);
	list->items[list->count] = NULL;
}

void
strlist_adds(struct strlist *list, const char *item)
{
	strlist_add(list, span_cstr(item));
}

void
strlist_split(struct strlist *list, struct span text, const char *separators)
{
	struct span token;

	while (span_token(&text, separators, &token))
		strlist_add(list, token);
}

bool
strlist_split_braced(struct strlist *list, struct span text,
    const char *separators, struct str *why)
{
	size_t i = 0;

	while (i < text.len) {
		size_t start, depth = 0;

		while (i < text.len && text.p[i] != '\0'
		    && strchr(separators, text.p[i]) != NULL)
			i++;
		start = i;
		while (i < text.len && (depth > 0 || text.p[i] == '\0'
		    || strchr(separators, text.p[i]) == NULL)) {
			if (text.p[i] == '{')
				depth++;
			if (text.p[i] == '}' && depth-- == 0) {
				if (why != NULL)
					str_printf(why, "\"}\" without \"{\" "
					    "in \"%.*s\"", SPAN_ARG(text));
				return false;
			}
			i++;
		}
		if (depth > 0) {
			if (why != NULL)
				str_printf(why, "missing \"}\" in \"%.*s\"",
				    SPAN_ARG(text));
			return false;
		}
		if (i > start)
			strlist_add(list, span_sub(text, start, i - start));
	}
	return true;
}

void
strlist_join(const struct strlist *list, const char *between, struct str *out)
{
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0)
			str_adds(out, between);
		str_adds(out, list->items[i]);
	}
}

bool
strlist_has(const struct strlist *list, struct span item)
{
	for (size_t i = 0; i < list->count; i++)
		if (span_is(item, list->items[i]))
			return true;
	return false;
}

bool
strlist_has_nocase(const struct strlist *list, struct span item)
{
	for (size_t i = 0; i < list->count; i++)
		if (span_is_nocase(item, list->items[i]))
			return true;
	return false;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
strlist_sort(struct strlist *list)
{
	if (list->count > 1)
		qsort(list->items, list->count, sizeof(*list->items), compare);
}
