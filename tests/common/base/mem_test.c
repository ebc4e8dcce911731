/*
 * mem - memory that is never NULL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>

#include "common/base/mem.h"
#include "tests/harness/t.h"

T_TEST(no_bytes_are_a_pointer_too)
{
	void *none = mem_alloc(0), *zero = mem_zalloc(0);
	void *array = mem_array(0, 8);

	T_CHECK(none != NULL && zero != NULL && array != NULL);
	array = mem_regrow(array, 0, 8);
	T_CHECK(array != NULL);
	mem_free(none);
	mem_free(zero);
	mem_free(array);
	mem_free(NULL);
}

T_TEST(arrays_are_zeroed_and_keep_their_contents)
{
	int *array = mem_array(100, sizeof(int));

	for (int i = 0; i < 100; i++) {
		T_NEED(array[i] == 0);
		array[i] = i;
	}
	array = mem_regrow(array, 10000, sizeof(int));
	for (int i = 0; i < 100; i++)
		T_NEED(array[i] == i);
	mem_free(array);
}

T_TEST(strings_are_copied_by_length)
{
	char *copy = mem_strdup("word"), *part = mem_strndup("a\0bc", 3);

	T_EQ_STR(copy, "word");
	T_CHECK(memcmp(part, "a\0b", 4) == 0);
	mem_free(copy);
	mem_free(part);
	part = mem_strndup(NULL, 0);
	T_EQ_STR(part, "");
	mem_free(part);
}

T_TEST(sizes_that_overflow_end_the_process)
{
	volatile size_t half = SIZE_MAX / 2;

	T_DIES(-SIGABRT, "panic: ", mem_array(half, 3));
	T_DIES(-SIGABRT, "panic: ", mem_regrow(NULL, half, 3));
}

/* The allocators of sanitizers end the process themselves. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
T_TEST(no_memory_is_fatal_and_says_so)
{
	volatile size_t more_than_there_is = (size_t)1 << 62;

	T_DIES(1, "fatal: out of memory", mem_alloc(more_than_there_is));
	T_DIES(1, "fatal: out of memory", mem_zalloc(more_than_there_is));
	T_DIES(1, "fatal: out of memory",
	    mem_regrow(NULL, more_than_there_is, 1));
}
#endif
