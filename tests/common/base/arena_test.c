/*
 * arena - alignment, growth, clean-ups, reset.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>

#include "common/base/arena.h"
#include "tests/harness/t.h"

static char order[16];

static void
note(void *letter)
{
	size_t n = strlen(order);

	order[n] = *(char *)letter;
	order[n + 1] = '\0';
}

T_TEST(everything_is_aligned_and_apart)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 100, 1000, 2032,
		4000, 4096, 5000, 20000, 70000, 3, 200000, 1 };
	struct arena *arena = arena_new();
	unsigned char *at[T_COUNT(sizes)];

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < T_COUNT(sizes); i++) {
			at[i] = arena_alloc(arena, sizes[i]);
			T_CHECK((uintptr_t)at[i] % 16 == 0);
			memset(at[i], (int)i + 1, sizes[i]);
		}
		for (size_t i = 0; i < T_COUNT(sizes); i++)
			for (size_t k = 0; k < sizes[i]; k++)
				if (at[i][k] != i + 1) {
					T_FAIL("%zu is overwritten", i);
					break;
				}
	}
	arena_free(&arena);
	T_CHECK(arena == NULL);
	arena_free(&arena);
}

T_TEST(reset_keeps_the_first_chunk_only)
{
	struct arena *arena = arena_new();
	size_t held = arena_bytes(arena);
	void *first = arena_alloc(arena, 10);

	for (int i = 0; i < 1000; i++)
		arena_alloc(arena, 500);
	T_CHECK(arena_bytes(arena) >= 500000);
	T_CHECK(arena_bytes(arena) < 700000);
	arena_reset(arena);
	T_EQ_INT(arena_bytes(arena), held);
	T_CHECK(arena_alloc(arena, 10) == first);
	arena_free(&arena);
}

T_TEST(a_large_piece_does_not_waste_the_current_chunk)
{
	struct arena *arena = arena_new();
	char *before = arena_alloc(arena, 16);

	arena_alloc(arena, 100000);
	T_CHECK((char *)arena_alloc(arena, 16) == before + 16);
	arena_alloc(arena, 100000);
	T_CHECK((char *)arena_alloc(arena, 16) == before + 32);
	arena_free(&arena);
}

T_TEST(cleanups_run_newest_first_at_reset_and_free)
{
	struct arena *arena = arena_new();

	arena_on_free(arena, note, "a");
	arena_on_free(arena, note, "b");
	arena_reset(arena);
	T_EQ_STR(order, "ba");
	arena_on_free(arena, note, "c");
	arena_on_free(arena, note, "d");
	arena_free(&arena);
	T_EQ_STR(order, "badc");
}

static void
register_another(void *arena)
{
	memset(arena_alloc(arena, 9000), 1, 9000);
	arena_on_free(arena, note, "z");
}

T_TEST(a_cleanup_may_use_the_arena)
{
	struct arena *arena = arena_new();

	arena_on_free(arena, register_another, arena);
	arena_free(&arena);
	T_EQ_STR(order, "z");
}

T_TEST(copies_end_with_a_nul_and_texts_are_whole)
{
	struct arena *arena = arena_new();
	struct span copy = arena_span(arena, span_of("a\0b", 3));
	static char big[10000];

	T_EQ_SPAN(copy, span_of("a\0b", 3));
	T_EQ_INT(copy.p[3], 0);
	T_EQ_STR(arena_cstr(arena, SPAN_NONE), "");
	T_EQ_STR(arena_strdup(arena, "word"), "word");
	T_EQ_STR(arena_printf(arena, "%d-%s", 5, "x"), "5-x");
	memset(big, 'x', sizeof(big) - 1);
	T_EQ_STR(arena_printf(arena, "%s", big), big);
	for (int i = 0; i < 500; i++) {
		char want[32];

		snprintf(want, sizeof(want), "text %d", i);
		T_EQ_STR(arena_printf(arena, "text %d", i), want);
	}
	arena_free(&arena);
}

T_TEST(printing_has_the_error_of_the_caller)
{
	struct arena *arena = arena_new();
	static char big[9000];

	memset(big, 'x', sizeof(big) - 1);
	errno = ENOENT;
	T_HAS_STR(arena_printf(arena, "%s%m", big), strerror(ENOENT));
	arena_free(&arena);
}

T_TEST(zeroed_memory_is_zero_after_reset_too)
{
	struct arena *arena = arena_new();

	for (int round = 0; round < 2; round++) {
		char *zeroed = arena_zalloc(arena, 1000);
		char *array = arena_array(arena, 100, 10);

		for (int i = 0; i < 1000; i++)
			T_NEED(zeroed[i] == 0 && array[i] == 0);
		memset(zeroed, 1, 1000);
		memset(array, 1, 1000);
		arena_reset(arena);
	}
	arena_free(&arena);
}

T_TEST(an_array_too_large_to_count_ends_the_process)
{
	struct arena *arena = arena_new();

	T_DIES(-SIGABRT, "panic: ", arena_array(arena, SIZE_MAX / 2, 3));
	T_DIES(-SIGABRT, "panic: ", arena_alloc(arena, SIZE_MAX - 3));
	arena_free(&arena);
}
