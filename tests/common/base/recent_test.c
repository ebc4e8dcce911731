/*
 * What is remembered is so for a second, and not longer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/recent.h"

#include "common/base/clock.h"
#include "tests/harness/t.h"

#define MS 1000000LL

static struct recent known;

static void
remember(const char *key)
{
	recent_put(&known, SPAN(key), arena_strdup(recent_arena(&known), key));
}

static const char *
recall(const char *key)
{
	const char *value = recent_get(&known, SPAN(key));

	return value != NULL ? value : "nothing";
}

T_TEST(what_was_found_out_counts_for_a_second)
{
	clock_set_virtual(1000 * MS, 0);
	T_EQ_STR(recall("a"), "nothing");
	remember("a");
	T_EQ_STR(recall("a"), "a");
	clock_advance_ns(600 * MS);
	T_EQ_STR(recall("a"), "a");
	T_EQ_STR(recall("b"), "nothing");
	remember("b");
	T_EQ_STR(recall("b"), "b");
	clock_advance_ns(500 * MS);
	T_EQ_STR(recall("a"), "nothing");
	remember("a");
	T_EQ_STR(recall("a"), "a");
	clock_set_real();
	recent_free(&known);
}
