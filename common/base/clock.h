/*
 * clock - monotonic and wall time behind one replaceable source.
 *
 * Code asks here and never the kernel, so that tests own time. clock_now_ns is
 * the time the current loop turn began; clock_refresh reads the kernel again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_CLOCK_H
#define COMMON_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t clock_now_ns(void);			/* monotonic */
int64_t clock_wall_us(void);			/* microseconds since 1970 */
time_t clock_wall(void);			/* seconds since 1970 */
void clock_refresh(void);			/* the loop calls it each turn */

/* Tests: from now on time is what clock_set_virtual said, plus advances. */
void clock_set_virtual(int64_t mono_ns, int64_t wall_us);
void clock_advance_ns(int64_t ns);
void clock_set_real(void);
/* Tests: wall time is the kernel's and what stands there, which others may
 * change at any time; stays theirs. */
void clock_follow(const _Atomic int64_t *off_us);
int64_t clock_off_us(void);			/* 0 otherwise */

#endif
