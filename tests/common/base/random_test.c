/*
 * random - range, repeatability, forks and threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/random.h"
#include "tests/harness/t.h"

T_TEST(a_seed_repeats)
{
	uint64_t first[100];

	random_seed(42);
	for (size_t i = 0; i < T_COUNT(first); i++)
		first[i] = random_u64();
	random_seed(42);
	for (size_t i = 0; i < T_COUNT(first); i++)
		T_NEED(random_u64() == first[i]);
	random_seed(43);
	T_CHECK(random_u64() != first[0]);
}

T_TEST(all_below_the_bound_and_evenly)
{
	static const uint32_t bounds[] = { 1, 2, 3, 7, 100, UINT32_MAX };
	unsigned count[7] = { 0 };

	random_seed(t_seed());
	for (size_t i = 0; i < T_COUNT(bounds); i++)
		for (int k = 0; k < 10000; k++)
			T_NEED(random_below(bounds[i]) < bounds[i]);
	for (int k = 0; k < 70000; k++)
		count[random_below(7)]++;
	for (size_t i = 0; i < T_COUNT(count); i++)
		T_CHECK(count[i] > 9400 && count[i] < 10600);
	T_EQ_INT(random_below(0), 0);
}

static uint64_t
drawn_by_child(void)
{
	uint64_t value = 0;
	int ends[2];

	T_NEED(pipe(ends) == 0);

	pid_t pid = fork();

	if (pid == 0) {
		value = random_u64();
		_exit(write(ends[1], &value, sizeof(value)) < 0);
	}
	T_NEED(read(ends[0], &value, sizeof(value)) == sizeof(value));
	waitpid(pid, NULL, 0);
	close(ends[0]);
	close(ends[1]);
	return value;
}

T_TEST(a_child_draws_other_numbers)
{
	random_u64();

	uint64_t theirs = drawn_by_child();

	T_CHECK(theirs != drawn_by_child());
	T_CHECK(theirs != random_u64());
}

T_TEST(a_seed_of_a_test_outlives_a_fork)
{
	random_seed(7);

	uint64_t theirs = drawn_by_child();

	T_CHECK(theirs == random_u64());
}

static void *
draw(void *arg)
{
	*(uint64_t *)arg = random_u64();
	return NULL;
}

T_TEST(a_thread_draws_other_numbers)
{
	uint64_t theirs[2];
	pthread_t thread;

	for (int i = 0; i < 2; i++) {
		T_NEED(pthread_create(&thread, NULL, draw, &theirs[i]) == 0);
		pthread_join(thread, NULL);
	}
	T_CHECK(theirs[0] != theirs[1]);
}
