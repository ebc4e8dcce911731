/*
 * heap - order, removal from the middle, moves.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>

#include "common/base/heap.h"
#include "common/base/random.h"
#include "tests/harness/t.h"

enum { MANY = 500 };
static struct heap_node nodes[MANY];

static void
check_order(const struct heap *heap)
{
	for (size_t i = 0; i < heap->count; i++) {
		T_NEED(heap->nodes[i]->index == i);
		T_NEED(i == 0 ||
		    heap->nodes[(i - 1) / 2]->key <= heap->nodes[i]->key);
	}
}

T_TEST(the_least_comes_first)
{
	static const int64_t keys[] = { 5, 3, 3, INT64_MAX, INT64_MIN, 0, -1 };
	static const int64_t want[] = { INT64_MIN, -1, 0, 3, 3, 5, INT64_MAX };
	struct heap heap = HEAP_EMPTY;

	T_CHECK(heap_first(&heap) == NULL);
	for (size_t i = 0; i < T_COUNT(keys); i++) {
		heap_node_init(&nodes[i]);
		T_CHECK(!heap_has(&nodes[i]));
		heap_insert(&heap, &nodes[i], keys[i]);
		T_CHECK(heap_has(&nodes[i]));
	}
	for (size_t i = 0; i < T_COUNT(want); i++) {
		struct heap_node *first = heap_first(&heap);

		T_EQ_INT(first->key, want[i]);
		heap_remove(&heap, first);
		T_CHECK(!heap_has(first));
		heap_remove(&heap, first);
	}
	T_CHECK(heap_first(&heap) == NULL);
	heap_fini(&heap);
}

T_TEST(any_node_may_leave_or_move)
{
	struct heap heap = HEAP_EMPTY;
	size_t in = 0;

	random_seed(t_seed());
	for (size_t i = 0; i < MANY; i++)
		heap_node_init(&nodes[i]);
	for (int step = 0; step < 20000; step++) {
		struct heap_node *node = &nodes[random_below(MANY)];
		int64_t key = random_below(100);

		switch (random_below(3)) {
		case 0:
			in -= heap_has(node);
			heap_remove(&heap, node);
			break;
		case 1:
			if (heap_has(node))
				break;
			heap_insert(&heap, node, key);
			in++;
			break;
		case 2:
			in += !heap_has(node);
			heap_move(&heap, node, key);
			T_NEED(node->key == key);
			break;
		}
		T_NEED(heap.count == in);
		if (step % 50 == 0)
			check_order(&heap);
	}
	heap_fini(&heap);
	for (size_t i = 0; i < MANY; i++)
		T_NEED(!heap_has(&nodes[i]));
}

T_TEST(a_node_is_in_one_heap)
{
	struct heap heap = HEAP_EMPTY, other = HEAP_EMPTY;

	heap_node_init(&nodes[0]);
	heap_insert(&heap, &nodes[0], 1);
	T_DIES(-SIGABRT, "CHECK", heap_insert(&heap, &nodes[0], 2));
	T_DIES(-SIGABRT, "CHECK", heap_remove(&other, &nodes[0]));
	heap_fini(&heap);
}
