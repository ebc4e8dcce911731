/*
 * clock - real time, one turn, virtual time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/harness/t.h"

T_TEST(time_passes_without_a_loop)
{
	int64_t began = clock_now_ns();

	while (clock_now_ns() == began)
		continue;
	T_CHECK(clock_now_ns() > began);
}

T_TEST(time_stands_still_within_a_turn)
{
	clock_refresh();

	int64_t began = clock_now_ns();

	usleep(2000);
	T_EQ_INT(clock_now_ns(), began);
	clock_refresh();
	T_CHECK(clock_now_ns() >= began + 2000000);
}

T_TEST(wall_time_is_the_systems)
{
	time_t before = time(NULL);
	time_t said = clock_wall();
	int64_t us = clock_wall_us();

	/* time() may lag by a tick of the kernel's coarse clock. */
	T_CHECK(said >= before && said <= before + 2);
	T_CHECK(us / 1000000 >= said && us / 1000000 <= said + 1);
}

T_TEST(virtual_time_moves_as_it_is_told)
{
	clock_set_virtual(5, 1700000000123456);
	T_EQ_INT(clock_now_ns(), 5);
	T_EQ_INT(clock_wall_us(), 1700000000123456);
	T_EQ_INT(clock_wall(), 1700000000);
	clock_refresh();
	T_EQ_INT(clock_now_ns(), 5);
	for (int i = 0; i < 1000; i++)
		clock_advance_ns(999);
	T_EQ_INT(clock_now_ns(), 5 + 999000);
	T_EQ_INT(clock_wall_us(), 1700000000123456 + 999);
	clock_set_real();
	T_CHECK(clock_now_ns() > 1000000);
	T_CHECK(clock_wall() != 1700000000);
}
