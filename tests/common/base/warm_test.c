/*
 * warm - what was needed stays resident, the rest is given back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/mman.h>

#include "common/base/warm.h"
#include "tests/harness/t.h"

/* Its lists live as long as the process, as those of pages and stacks do. */
static struct warm w;

enum { BYTES = 8192, STRIDE = 3 * 4096, PIECES = 10 };

static char *
make(size_t keep)
{
	char *memory = mmap(NULL, PIECES * STRIDE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	T_NEED(memory != MAP_FAILED);
	(void)madvise(memory, PIECES * STRIDE, MADV_NOHUGEPAGE);
	w = (struct warm){ .bytes = BYTES, .keep = keep };
	T_CHECK(warm_take(&w) == NULL);
	warm_add(&w, memory, STRIDE, PIECES);
	return memory;
}

/* Takes that many and writes into each; gives them back, the last one first. */
static void
use(size_t count)
{
	char *taken[PIECES];

	for (size_t i = 0; i < count; i++) {
		taken[i] = warm_take(&w);
		T_NEED(taken[i] != NULL);
		memset(taken[i], 'x', BYTES);
	}
	while (count-- > 0)
		warm_put(&w, taken[count]);
}

/* How many pieces have memory, all of it; none has half. */
static size_t
resident(const char *memory)
{
	size_t count = 0;

	for (const char *p = memory; p < memory + PIECES * STRIDE; p += STRIDE) {
		unsigned char pages[2] = { 0, 0 };

		T_EQ_INT(mincore((void *)p, BYTES, pages), 0);
		T_EQ_INT(pages[0] & 1, pages[1] & 1);
		count += pages[0] & 1;
	}
	return count;
}

T_TEST(the_one_that_came_last_is_taken_first)
{
	char *memory = make(0), *one, *two;

	one = warm_take(&w);
	two = warm_take(&w);
	T_CHECK(one == memory);
	T_CHECK(two == memory + STRIDE);
	warm_put(&w, one);
	warm_put(&w, two);
	T_CHECK(warm_take(&w) == two);
	T_CHECK(warm_take(&w) == one);
	for (int i = 2; i < PIECES; i++)
		T_CHECK(warm_take(&w) == memory + i * STRIDE);
	T_CHECK(warm_take(&w) == NULL);
}

T_TEST(what_nobody_needed_since_the_last_settling_goes_cold)
{
	char *memory = make(0);

	use(10);
	warm_settle(&w);
	T_EQ_INT(resident(memory), 10);	/* they just came */
	use(4);
	use(6);
	use(2);
	warm_settle(&w);
	T_EQ_INT(resident(memory), 6);
	T_EQ_INT(w.hot_count, 6);
	use(6);
	warm_settle(&w);
	T_EQ_INT(resident(memory), 6);
	warm_settle(&w);
	T_EQ_INT(resident(memory), 0);
	T_EQ_INT(w.cold_count, PIECES);
	/* And once more. */
	use(3);
	warm_settle(&w);
	T_EQ_INT(resident(memory), 3);
	warm_settle(&w);
	T_EQ_INT(resident(memory), 0);
}

T_TEST(those_that_may_stay_stay)
{
	char *memory = make(3);

	use(3);
	T_CHECK(!warm_too_many(&w));
	warm_settle(&w);
	warm_settle(&w);
	T_EQ_INT(resident(memory), 3);
	use(4);
	T_CHECK(warm_too_many(&w));
	warm_settle(&w);
	T_EQ_INT(resident(memory), 4);
	warm_settle(&w);
	T_EQ_INT(resident(memory), 0);
}

T_TEST(what_lay_there_longest_is_cooled_first)
{
	char *memory = make(0);

	use(5);
	warm_settle(&w);
	use(1);			/* four are spare */
	warm_cool(&w, 2);
	T_EQ_INT(resident(memory), 3);
	T_EQ_INT(memory[0], 'x');	/* the last that was put */
	warm_settle(&w);		/* the other two of the four */
	T_EQ_INT(resident(memory), 1);
	T_EQ_INT(memory[0], 'x');
	warm_cool(&w, w.hot_count);
	T_EQ_INT(resident(memory), 0);
}

T_TEST(more_may_be_added_while_some_are_in_use)
{
	char *memory = make(0), more[2];
	char *taken[PIECES];

	for (int i = 0; i < PIECES; i++)
		taken[i] = warm_take(&w);
	T_CHECK(warm_take(&w) == NULL);
	warm_add(&w, more, 1, 2);
	T_CHECK(warm_take(&w) == more);
	for (int i = 0; i < PIECES; i++)
		warm_put(&w, taken[i]);
	warm_put(&w, more);
	T_EQ_INT(w.hot_count + w.cold_count, PIECES + 2);
	T_CHECK(taken[0] == memory);
}
