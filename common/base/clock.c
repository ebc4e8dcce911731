/*
 * clock - monotonic and wall time behind one replaceable source.
 *
 * A program without a loop never refreshes; there every question goes to the
 * kernel, so that time does not stand still. Offload threads may ask too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdatomic.h>
#include <stdbool.h>

#include "common/base/clock.h"
#include "common/base/panic.h"

static const int64_t second_ns = 1000000000;

static _Atomic int64_t turn_ns;			/* 0: no turn began yet */
static _Atomic bool is_virtual;
static _Atomic int64_t virtual_mono_ns, virtual_wall_ns;
static const _Atomic int64_t *wall_is_off_us;

static int64_t
kernel_ns(clockid_t id)
{
	struct timespec now;

	CHECK(clock_gettime(id, &now) == 0);
	return (int64_t)now.tv_sec * second_ns + now.tv_nsec;
}

int64_t
clock_now_ns(void)
{
	if (atomic_load_explicit(&is_virtual, memory_order_relaxed))
		return atomic_load_explicit(&virtual_mono_ns,
		    memory_order_relaxed);

	int64_t now = atomic_load_explicit(&turn_ns, memory_order_relaxed);

	return now != 0 ? now : kernel_ns(CLOCK_MONOTONIC);
}

int64_t
clock_off_us(void)
{
	return wall_is_off_us == NULL ? 0 : atomic_load_explicit(
	    wall_is_off_us, memory_order_relaxed);
}

int64_t
clock_wall_us(void)
{
	if (atomic_load_explicit(&is_virtual, memory_order_relaxed))
		return atomic_load_explicit(&virtual_wall_ns,
		    memory_order_relaxed) / 1000;
	return kernel_ns(CLOCK_REALTIME) / 1000 + clock_off_us();
}

time_t
clock_wall(void)
{
	return (time_t)(clock_wall_us() / 1000000);
}

void
clock_refresh(void)
{
	atomic_store_explicit(&turn_ns, kernel_ns(CLOCK_MONOTONIC),
	    memory_order_relaxed);
}

void
clock_set_virtual(int64_t mono_ns, int64_t wall_us)
{
	virtual_mono_ns = mono_ns;
	virtual_wall_ns = wall_us * 1000;
	is_virtual = true;
}

void
clock_advance_ns(int64_t ns)
{
	CHECK(is_virtual && ns >= 0);
	virtual_mono_ns += ns;
	virtual_wall_ns += ns;
}

void
clock_follow(const _Atomic int64_t *off_us)
{
	wall_is_off_us = off_us;
}

void
clock_set_real(void)
{
	is_virtual = false;
	if (turn_ns != 0)
		clock_refresh();
}
