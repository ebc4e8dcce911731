/*
 * pages - sizes apart, kept for the next one, given back when cooled.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <sys/mman.h>

#include "common/base/arena.h"
#include "common/base/pages.h"
#include "common/base/str.h"
#include "tests/harness/t.h"

T_TEST(pieces_do_not_overlap)
{
	enum { PIECES = 300 };
	char *piece[PIECES];
	size_t before = pages_in_use(), bytes = 0;

	for (int i = 0; i < PIECES; i++) {
		size_t units = (size_t)1 << i % 5;

		piece[i] = pages_get(units);
		memset(piece[i], i, units * PAGES_UNIT);
		bytes += units * PAGES_UNIT;
	}
	T_EQ_INT(pages_in_use(), before + bytes);
	for (int i = 0; i < PIECES; i++) {
		size_t size = ((size_t)1 << i % 5) * PAGES_UNIT;

		for (size_t k = 0; k < size; k++)
			if (piece[i][k] != (char)i) {
				T_FAIL("piece %d is overwritten", i);
				break;
			}
		pages_put(piece[i], (size_t)1 << i % 5);
	}
	T_EQ_INT(pages_in_use(), before);
}

T_TEST(what_is_cooled_is_not_resident)
{
	char *piece = pages_get(2);
	unsigned char resident[2] = { 1, 1 };

	memset(piece, 'x', 2 * PAGES_UNIT);
	pages_put(piece, 2);
	pages_cool();
	T_EQ_INT(pages_warm(), 0);
	if (pages_are_mallocs())
		return;
	T_EQ_INT(mincore(piece, sizeof(resident) * PAGES_UNIT, resident), 0);
	T_EQ_INT((resident[0] | resident[1]) & 1, 0);
	char *again = pages_get(2);

	T_EQ_INT(again[0], 0);
	pages_put(again, 2);
}

T_TEST(few_free_pieces_stay_warm)
{
	enum { MANY = 1000 };
	static void *piece[MANY];

	for (int i = 0; i < MANY; i++)
		piece[i] = pages_get(1);
	for (int i = 0; i < MANY; i++)
		pages_put(piece[i], 1);
	T_CHECK(pages_warm() <= 5 << 20);
}

T_TEST(what_is_needed_again_stays_warm_and_the_rest_goes)
{
	enum { MANY = 1000, AGAIN = 600 };
	static void *piece[MANY];

	if (pages_are_mallocs())
		return;
	pages_cool();
	(void)pages_settle();
	for (int i = 0; i < MANY; i++)
		piece[i] = pages_get(1);
	for (int i = 0; i < MANY; i++)
		pages_put(piece[i], 1);
	T_EQ_INT(pages_warm(), MANY * PAGES_UNIT);
	T_CHECK(pages_many());
	T_CHECK(pages_settle());
	/* Nothing of it lay there the whole time. */
	T_EQ_INT(pages_warm(), MANY * PAGES_UNIT);
	for (int i = 0; i < AGAIN; i++)
		piece[i] = pages_get(1);
	for (int i = 0; i < AGAIN; i++)
		pages_put(piece[i], 1);
	T_CHECK(pages_settle());
	T_EQ_INT(pages_warm(), AGAIN * PAGES_UNIT);
	T_CHECK(!pages_settle());
	T_EQ_INT(pages_warm(), 0);
	T_CHECK(!pages_many());
}

T_TEST(strings_and_arenas_give_back_what_they_took)
{
	size_t before = pages_in_use();
	struct arena *arena = arena_new();
	struct str text = STR_EMPTY;
	char *copy;

	arena_alloc(arena, 13000);
	arena_alloc(arena, 100000);
	for (int i = 0; i < 100000; i++) {
		str_putc(&text, (char)('a' + i % 26));
		if (i % 1000 == 0)
			for (int k = 0; k <= i; k++)
				if (text.buf[k] != 'a' + k % 26) {
					T_FAIL("byte %d is lost", k);
					break;
				}
	}
	str_truncate(&text, 30000);
	copy = str_release(&text);
	T_EQ_INT(strlen(copy), 30000);
	free(copy);
	str_add(&text, span_of("0123456789", 10));
	str_reserve(&text, 5000);
	T_EQ_STR(str_cstr(&text), "0123456789");
	copy = str_release(&text);
	T_EQ_STR(copy, "0123456789");
	free(copy);
	arena_free(&arena);
	T_EQ_INT(pages_in_use(), before);
}
