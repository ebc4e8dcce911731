/*
 * clock - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/clock.h"

#include <stdbool.h>

static int64_t mono_ns, wall_us;
static bool is_virtual, is_kept;

void
clock_refresh(void)
{
	struct timespec ts;

	if (is_virtual)
		return;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	mono_ns = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
	is_kept = true;
}

int64_t
clock_now_ns(void)
{
	if (!is_kept)
		clock_refresh();
	return mono_ns;
}

int64_t
clock_wall_us(void)
{
	struct timespec ts;

	if (is_virtual)
		return wall_us;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

time_t
clock_wall(void)
{
	return (time_t)(clock_wall_us() / 1000000);
}

void
clock_set_virtual(int64_t mono, int64_t wall)
{
	is_virtual = is_kept = true;
	mono_ns = mono;
	wall_us = wall;
}

void
clock_advance_ns(int64_t ns)
{
	mono_ns += ns;
	wall_us += ns / 1000;
}

void
clock_set_real(void)
{
	is_virtual = is_kept = false;
}
