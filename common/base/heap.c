/*
 * heap - binary min-heap of intrusive nodes by a 64-bit key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/heap.h"
#include "common/base/mem.h"
#include "common/base/panic.h"

void
heap_fini(struct heap *heap)
{
	for (size_t i = 0; i < heap->count; i++)
		heap->nodes[i]->index = HEAP_OUT;
	mem_free(heap->nodes);
	*heap = HEAP_EMPTY;
}

static void
place(struct heap *heap, struct heap_node *node, size_t at)
{
	heap->nodes[at] = node;
	node->index = at;
}

static void
rise(struct heap *heap, struct heap_node *node, size_t at)
{
	while (at > 0) {
		size_t up = (at - 1) / 2;

		if (heap->nodes[up]->key <= node->key)
			break;
		place(heap, heap->nodes[up], at);
		at = up;
	}
	place(heap, node, at);
}

static void
sink(struct heap *heap, struct heap_node *node, size_t at)
{
	for (;;) {
		size_t down = at * 2 + 1;

		if (down >= heap->count)
			break;
		if (down + 1 < heap->count &&
		    heap->nodes[down + 1]->key < heap->nodes[down]->key)
			down++;
		if (node->key <= heap->nodes[down]->key)
			break;
		place(heap, heap->nodes[down], at);
		at = down;
	}
	place(heap, node, at);
}

static void
settle(struct heap *heap, struct heap_node *node, size_t at)
{
	if (at > 0 && node->key < heap->nodes[(at - 1) / 2]->key)
		rise(heap, node, at);
	else
		sink(heap, node, at);
}

void
heap_insert(struct heap *heap, struct heap_node *node, int64_t key)
{
	CHECK(node->index == HEAP_OUT);
	if (heap->count == heap->room) {
		heap->room = heap->room > 0 ? heap->room * 2 : 16;
		heap->nodes = mem_regrow(heap->nodes, heap->room,
		    sizeof(heap->nodes[0]));
	}
	node->key = key;
	rise(heap, node, heap->count++);
}

void
heap_remove(struct heap *heap, struct heap_node *node)
{
	size_t at = node->index;

	if (at == HEAP_OUT)
		return;
	CHECK(at < heap->count && heap->nodes[at] == node);
	node->index = HEAP_OUT;

	struct heap_node *last = heap->nodes[--heap->count];

	if (last != node)
		settle(heap, last, at);
}

void
heap_move(struct heap *heap, struct heap_node *node, int64_t key)
{
	if (node->index == HEAP_OUT) {
		heap_insert(heap, node, key);
		return;
	}
	CHECK(node->index < heap->count && heap->nodes[node->index] == node);
	node->key = key;
	settle(heap, node, node->index);
}
