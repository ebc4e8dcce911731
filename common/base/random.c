/*
 * random - see the header. xoshiro256**.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/random.h"

#include <stdbool.h>
#include <sys/random.h>
#include <time.h>

static uint64_t state[4];
static bool seeded;

void
random_seed(uint64_t seed)
{
	for (int i = 0; i < 4; i++) {	/* splitmix64 */
		uint64_t z = seed += 0x9e3779b97f4a7c15ULL;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
		z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
		state[i] = z ^ z >> 31;
	}
	seeded = true;
}

static inline uint64_t
rotl(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

uint64_t
random_u64(void)
{
	uint64_t result, t, seed;

	if (!seeded) {
		if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
			seed = (uint64_t)time(NULL);
		random_seed(seed);
	}
	result = rotl(state[1] * 5, 7) * 9;
	t = state[1] << 17;
	state[2] ^= state[0];
	state[3] ^= state[1];
	state[1] ^= state[2];
	state[0] ^= state[3];
	state[2] ^= t;
	state[3] = rotl(state[3], 45);
	return result;
}

uint32_t
random_below(uint32_t bound)
{
	uint64_t limit;

	if (bound < 2)
		return 0;
	limit = UINT64_MAX - UINT64_MAX % bound;
	for (;;) {
		uint64_t v = random_u64();

		if (v < limit)
			return (uint32_t)(v % bound);
	}
}
