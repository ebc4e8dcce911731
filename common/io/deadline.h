/*
 * deadline - an absolute point in monotonic time, so that many small waits
 * cannot add up to forever.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_DEADLINE_H
#define COMMON_IO_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/clock.h"

struct deadline {
	int64_t at_ns;
};

#define DEADLINE_NEVER ((struct deadline){ INT64_MAX })

static inline struct deadline
deadline_in_ms(int64_t ms)
{
	int64_t now = clock_now_ns();

	if (ms > (INT64_MAX - now) / 1000000)
		return DEADLINE_NEVER;
	return (struct deadline){ now + ms * 1000000 };
}

/* Seconds, as time parameters are stored. */
static inline struct deadline
deadline_in(int64_t seconds)
{
	if (seconds > INT64_MAX / 1000)
		return DEADLINE_NEVER;
	return deadline_in_ms(seconds * 1000);
}

static inline struct deadline
deadline_earlier(struct deadline a, struct deadline b)
{
	return a.at_ns < b.at_ns ? a : b;
}

static inline bool
deadline_passed(struct deadline d)
{
	return clock_now_ns() >= d.at_ns;
}

static inline int64_t
deadline_left_ms(struct deadline d)
{
	int64_t left = d.at_ns - clock_now_ns();

	return d.at_ns == INT64_MAX ? INT64_MAX / 1000000
	    : left > 0 ? (left + 999999) / 1000000 : 0;
}

#endif
