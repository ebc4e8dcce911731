/*
 * t_plain - one test without cmocka, where that library is not at hand.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/harness/t_priv.h"

bool
t_run_one(const struct t_test *test)
{
	test->run();
	fflush(NULL);
	return !t_failed();
}
