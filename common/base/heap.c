/*
 * heap - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/heap.h"

#include "common/base/mem.h"
#include "common/base/panic.h"

void
heap_fini(struct heap *heap)
{
	mem_free(heap->nodes);
	*heap = HEAP_EMPTY;
}

static void
place(struct heap *heap, size_t i, struct heap_node *node)
{
	heap->nodes[i] = node;
	node->index = i;
}

static void
sift_up(struct heap *heap, size_t i)
{
	struct heap_node *node = heap->nodes[i];

	while (i > 0 && heap->nodes[(i - 1) / 2]->key > node->key) {
		place(heap, i, heap->nodes[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(heap, i, node);
}

static void
sift_down(struct heap *heap, size_t i)
{
	struct heap_node *node = heap->nodes[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= heap->count)
			break;
		if (child + 1 < heap->count
		    && heap->nodes[child + 1]->key < heap->nodes[child]->key)
			child++;
		if (heap->nodes[child]->key >= node->key)
			break;
		place(heap, i, heap->nodes[child]);
		i = child;
	}
	place(heap, i, node);
}

void
heap_insert(struct heap *heap, struct heap_node *node, int64_t key)
{
	CHECK(node->index == HEAP_OUT);
	if (heap->count == heap->room) {
		heap->room = heap->room == 0 ? 16 : 2 * heap->room;
		heap->nodes = mem_regrow(heap->nodes, heap->room,
		    sizeof(*heap->nodes));
	}
	node->key = key;
	heap->count++;
	place(heap, heap->count - 1, node);
	sift_up(heap, heap->count - 1);
}

void
heap_remove(struct heap *heap, struct heap_node *node)
{
	size_t i = node->index;
	struct heap_node *last;

	if (i == HEAP_OUT)
		return;
	CHECK(i < heap->count && heap->nodes[i] == node);
	last = heap->nodes[--heap->count];
	node->index = HEAP_OUT;
	if (last == node)
		return;
	place(heap, i, last);
	sift_up(heap, i);
	sift_down(heap, last->index);
}

void
heap_move(struct heap *heap, struct heap_node *node, int64_t key)
{
	heap_remove(heap, node);
	heap_insert(heap, node, key);
}
