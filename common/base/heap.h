/*
 * heap - binary min-heap of intrusive nodes by a 64-bit key: timers, retries.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_HEAP_H
#define COMMON_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t key;
	size_t index;			/* HEAP_OUT when not in a heap */
};

#define HEAP_OUT ((size_t)-1)

struct heap {
	struct heap_node **nodes;
	size_t count, room;
};

#define HEAP_EMPTY ((struct heap){ NULL, 0, 0 })

void heap_fini(struct heap *heap);
void heap_insert(struct heap *heap, struct heap_node *node, int64_t key);
void heap_remove(struct heap *heap, struct heap_node *node); /* if in it */
void heap_move(struct heap *heap, struct heap_node *node, int64_t key);

static inline struct heap_node *
heap_first(const struct heap *heap)
{
	return heap->count > 0 ? heap->nodes[0] : NULL;
}

static inline bool
heap_has(const struct heap_node *node)
{
	return node->index != HEAP_OUT;
}

static inline void
heap_node_init(struct heap_node *node)
{
	node->index = HEAP_OUT;
}

#endif
