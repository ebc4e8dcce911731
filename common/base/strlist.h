/*
 * strlist - an ordered list of strings that it owns.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_STRLIST_H
#define COMMON_BASE_STRLIST_H

#include "common/base/span.h"
#include "common/base/str.h"

struct strlist {
	char **items;			/* NULL behind the last, if any */
	size_t count;
	size_t room;
};

#define STRLIST_EMPTY ((struct strlist){ NULL, 0, 0 })

void strlist_fini(struct strlist *list);
void strlist_clear(struct strlist *list);
void strlist_add(struct strlist *list, struct span item);
void strlist_adds(struct strlist *list, const char *item);
/* Splits at any byte of separators; empty parts are dropped. */
void strlist_split(struct strlist *list, struct span text,
    const char *separators);
/*
 * As strlist_split, but { ... } groups, nested, stay one item with their
 * braces; false with a reason when braces do not balance.
 */
bool strlist_split_braced(struct strlist *list, struct span text,
    const char *separators, struct str *why);
void strlist_join(const struct strlist *list, const char *between,
    struct str *out);
bool strlist_has(const struct strlist *list, struct span item);
bool strlist_has_nocase(const struct strlist *list, struct span item);
void strlist_sort(struct strlist *list);

/* The separators of lists in main.cf. */
#define STRLIST_CONF ", \t\r\n"

#endif
