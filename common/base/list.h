/*
 * list - intrusive doubly linked list with a head of the same shape.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_LIST_H
#define COMMON_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

static inline void
list_init(struct list *head)
{
	head->next = head->prev = head;
}

#define LIST_HEAD(name) { &(name), &(name) }

static inline bool
list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void
list_insert_between(struct list *item, struct list *prev, struct list *next)
{
	item->prev = prev;
	item->next = next;
	prev->next = item;
	next->prev = item;
}

static inline void
list_append(struct list *head, struct list *item)
{
	list_insert_between(item, head->prev, head);
}

static inline void
list_prepend(struct list *head, struct list *item)
{
	list_insert_between(item, head, head->next);
}

/* Leaves the item linked to itself, so removing twice is harmless. */
static inline void
list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

static inline bool
list_linked(const struct list *item)
{
	return item->next != item;
}

/* Everything from `from` goes to the end of `to`; `from` is empty after. */
static inline void
list_splice(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define LIST_ITEM(ptr, type, member)                                         \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define LIST_FIRST(head, type, member)                                       \
	(list_empty(head) ? NULL : LIST_ITEM((head)->next, type, member))
/* Safe against removal of the current item. */
#define LIST_EACH(item, head)                                                \
	for (struct list *item = (head)->next, *item##_next = item->next;    \
	     item != (head); item = item##_next, item##_next = item->next)

#endif
