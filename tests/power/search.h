/*
 * search - all the states of a trace, or as many as there is time for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_POWER_SEARCH_H
#define TESTS_POWER_SEARCH_H

#include "tests/power/disk.h"

struct search {
	enum disk_kind kind;
	size_t most;			/* different states; 0: all */
	unsigned drawn;			/* random ones at each point */
	uint32_t seed;
	unsigned slice, slices;		/* points are shared out; 0: not */
	/* Results. */
	size_t points, states, repeated, checked, messages, broken;
	size_t groups;			/* syncs of a whole file system */
	double seconds;
};

/* Fails the test for each broken promise, up to some, and says where. Runs in
 * life_run. Suspends. */
void search_trace(const char *path, struct search *search);

#endif
