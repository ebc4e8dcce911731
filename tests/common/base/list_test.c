/*
 * list - the order of items through all that is done to them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/list.h"
#include "tests/harness/t.h"

struct item {
	char name;
	struct list link;
};

static struct item items[] = { { 'a', { 0 } }, { 'b', { 0 } },
	{ 'c', { 0 } }, { 'd', { 0 } } };

static const char *
names(const struct list *head)
{
	static char text[16];
	size_t n = 0;

	for (const struct list *at = head->next; at != head; at = at->next)
		text[n++] = LIST_ITEM(at, const struct item, link)->name;
	text[n] = '\0';
	for (const struct list *at = head->prev; at != head; at = at->prev)
		if (LIST_ITEM(at, const struct item, link)->name != text[--n])
			return "the way back differs";
	return text;
}

T_TEST(items_come_where_they_are_put)
{
	struct list head = LIST_HEAD(head);

	for (size_t i = 0; i < T_COUNT(items); i++)
		list_init(&items[i].link);
	T_CHECK(list_empty(&head));
	T_CHECK(LIST_FIRST(&head, struct item, link) == NULL);
	list_append(&head, &items[1].link);
	list_append(&head, &items[2].link);
	list_prepend(&head, &items[0].link);
	T_EQ_STR(names(&head), "abc");
	T_CHECK(LIST_FIRST(&head, struct item, link) == &items[0]);
	T_CHECK(list_linked(&items[1].link) && !list_linked(&items[3].link));
	list_remove(&items[1].link);
	list_remove(&items[1].link);
	T_EQ_STR(names(&head), "ac");
	list_remove(&items[0].link);
	list_remove(&items[2].link);
	T_CHECK(list_empty(&head));
}

T_TEST(walking_allows_removal)
{
	struct list head = LIST_HEAD(head);

	for (size_t i = 0; i < T_COUNT(items); i++)
		list_append(&head, &items[i].link);
	LIST_EACH(link, &head)
		if (LIST_ITEM(link, struct item, link)->name % 2 == 1)
			list_remove(link);
	T_EQ_STR(names(&head), "bd");
}

T_TEST(one_list_goes_behind_another)
{
	struct list to = LIST_HEAD(to), from = LIST_HEAD(from);

	list_append(&from, &items[1].link);
	list_append(&from, &items[2].link);
	list_splice(&to, &from);
	T_EQ_STR(names(&to), "bc");
	T_CHECK(list_empty(&from));
	list_splice(&to, &from);
	T_EQ_STR(names(&to), "bc");
	list_append(&from, &items[3].link);
	list_splice(&to, &from);
	T_EQ_STR(names(&to), "bcd");
}
