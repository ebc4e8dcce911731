/*
 * t_cmocka - one test as a cmocka group of one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/harness/t_priv.h"

static const struct t_test *running;

static void
run_body(void **state)
{
	(void)state;
	running->run();
	fflush(NULL);
	if (t_failed())
		fail();
}

bool
t_run_one(const struct t_test *test)
{
	const struct CMUnitTest one = { test->name, run_body, NULL, NULL,
		NULL };

	running = test;
	return _cmocka_run_group_tests(test->file, &one, 1, NULL, NULL) == 0;
}
