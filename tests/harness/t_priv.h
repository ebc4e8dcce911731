/*
 * t_priv - how t.c runs one test in this process: under cmocka, which catches
 * faults and checks its mocks (t_cmocka.c), or plainly (t_plain.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_HARNESS_T_PRIV_H
#define TESTS_HARNESS_T_PRIV_H

#include "tests/harness/t.h"

bool t_run_one(const struct t_test *test);

#endif
