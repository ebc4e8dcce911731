/*
 * What is remembered is so for a second, and not longer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/local/recent.h"

#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "tests/harness/t.h"

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

static void
live(void *arg)
{
	(void)arg;
	T_EQ_STR(recall("a"), "nothing");
	remember("a");
	T_EQ_STR(recall("a"), "a");
	(void)fiber_sleep(deadline_in_ms(600));
	T_EQ_STR(recall("a"), "a");
	T_EQ_STR(recall("b"), "nothing");
	remember("b");
	T_EQ_STR(recall("b"), "b");
	(void)fiber_sleep(deadline_in_ms(500));
	T_EQ_STR(recall("a"), "nothing");
	remember("a");
	T_EQ_STR(recall("a"), "a");
	hash_free(&known.known);
	arena_free(&known.arena);
}

T_TEST(what_was_found_out_counts_for_a_second)
{
	loop_start();
	fiber_run_main(live, NULL);
}
