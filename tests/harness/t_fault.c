/*
 * t_fault - the loop behind T_EACH_FAULT. In a file of its own so that tests
 * of the floor beneath common/io link without fault points.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/io/fault.h"
#include "tests/harness/t.h"

enum { MAX_PASSES = 2000 };

bool
t_fault_next(const char *point, int *nth, int error)
{
	if (*nth > 0) {
		bool more = fault_was_hit() && !t_failed();

		fault_disarm();
		if (!more) {
			t_case("%s", "");
			return false;
		}
	}
	if (++*nth > MAX_PASSES) {
		t_fail(T_HERE, "%s still fails after %d runs", point != NULL ?
		    point : "some fault point", MAX_PASSES);
		return false;
	}
	t_case("fault %s, pass %d", point != NULL ? point : "anywhere", *nth);
	fault_arm(point, *nth, error);
	return true;
}

bool
t_fault_hit(void)
{
	return fault_was_hit();
}
