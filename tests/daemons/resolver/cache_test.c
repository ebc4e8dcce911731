/*
 * What is remembered, and for how long.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/resolver/cache.h"

#include <stdio.h>

#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "tests/harness/t.h"

static void
keep(const char *name, uint64_t type, uint64_t status)
{
	struct resolver_request request = { .name = SPAN(name), .type = type };
	struct arena *arena = arena_new();
	struct resolver_record *record = arena_zalloc(arena, sizeof(*record));
	struct resolver_reply reply = { .status = status,
		.records = { record, 1 } };

	record->address = arena_span(arena, SPAN(name));
	cache_keep(&request, &reply, &arena);
	T_CHECK(arena == NULL);
}

static bool
finds(const char *name, uint64_t type, unsigned flags)
{
	struct resolver_request request = { .name = SPAN(name), .type = type,
		.flags = flags };
	struct resolver_reply reply;

	return cache_find(&request, &reply);
}

static void
lifetimes(void *arg)
{
	(void)arg;
	keep("found.example", RESOLVER_A, RESOLVER_FOUND);
	keep("none.example", RESOLVER_A, RESOLVER_NO_NAME);
	keep("empty.example", RESOLVER_A, RESOLVER_NO_DATA);
	keep("later.example", RESOLVER_A, RESOLVER_TRY_AGAIN);
	keep("bogus.example", RESOLVER_A, RESOLVER_BOGUS);
	T_CHECK(finds("found.example", RESOLVER_A, 0));
	T_CHECK(finds("FOUND.Example", RESOLVER_A, 0));
	T_CHECK(!finds("found.example", RESOLVER_AAAA, 0));
	T_CHECK(!finds("found.example", RESOLVER_A, RESOLVER_NO_CACHE));
	T_CHECK(finds("none.example", RESOLVER_A, 0));
	T_CHECK(finds("empty.example", RESOLVER_A, 0));
	T_CHECK(!finds("later.example", RESOLVER_A, 0));
	T_CHECK(!finds("bogus.example", RESOLVER_A, 0));
	fiber_sleep(deadline_in(CACHE_ABSENT_SECONDS + 1));
	T_CHECK(finds("found.example", RESOLVER_A, 0));
	T_CHECK(!finds("none.example", RESOLVER_A, 0));
	/* A newer answer takes the place of the old one. */
	keep("found.example", RESOLVER_A, RESOLVER_FOUND);
	fiber_sleep(deadline_in(CACHE_FOUND_SECONDS - 1));
	T_CHECK(finds("found.example", RESOLVER_A, 0));
	fiber_sleep(deadline_in(2));
	T_CHECK(!finds("found.example", RESOLVER_A, 0));
	cache_drop_all();
}

T_TEST(answers_are_kept_for_their_time)
{
	loop_start();
	fiber_run_main(lifetimes, NULL);
}

static void
many(void *arg)
{
	char name[32];

	(void)arg;
	for (int i = 0; i <= CACHE_ENTRIES; i++) {
		snprintf(name, sizeof(name), "h%d.example", i);
		keep(name, RESOLVER_A, RESOLVER_FOUND);
	}
	T_CHECK(!finds("h0.example", RESOLVER_A, 0));
	T_CHECK(finds(name, RESOLVER_A, 0));
	cache_drop_all();
}

T_TEST(a_full_cache_starts_anew)
{
	loop_start();
	fiber_run_main(many, NULL);
}
