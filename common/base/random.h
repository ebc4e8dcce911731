/*
 * random - fast seeded numbers for jitter and ids; not for secrets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_RANDOM_H
#define COMMON_BASE_RANDOM_H

#include <stdint.h>

uint64_t random_u64(void);			/* seeded by getrandom at first use */
uint32_t random_below(uint32_t bound);		/* 0 .. bound - 1, unbiased */
void random_seed(uint64_t seed);		/* tests: repeatable from here */

#endif
