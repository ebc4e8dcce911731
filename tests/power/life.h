/*
 * life - a state of the disk is put into directories, and the system starts on
 * it: recovery, then qmgr with doubles of its agents until nothing is left.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_POWER_LIFE_H
#define TESTS_POWER_LIFE_H

#include "tests/power/promise.h"

/* Runs fn(arg) in a fiber, in a qmgr of tests/daemons/qmgr/world.h whose queue is
 * an empty directory in memory. */
void life_run(void (*fn)(void *arg), void *arg);

/* One state: written out, recovered, lived to its end, cleaned up. Returns how
 * many promises it broke. Suspends. */
size_t life_of(struct promises *p, const struct disk_state *s,
    size_t position, bool nothing_lost, promise_broken_fn *fn, void *arg);

#endif
