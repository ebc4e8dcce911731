/*
 * random - xoshiro256++ (Blackman, Vigna), one state per thread.
 *
 * A forked child seeds anew, unless a test chose the seed: two processes that
 * draw the same ids would be found out late.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "common/base/random.h"
#include "common/base/random_priv.h"

enum seeded { SEEDED_NOT, SEEDED_KERNEL, SEEDED_TEST };

static _Thread_local struct {
	uint64_t s[4];
	enum seeded seeded;
} state;

/* SplitMix64: spreads one word over as many as wanted. */
static uint64_t
spread(uint64_t *x)
{
	uint64_t z = (*x += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t
weak_word(void)
{
	const void *given = (const void *)getauxval(AT_RANDOM);
	struct timespec now = { 0, 0 };
	uint64_t word = 0;

	if (given != NULL)
		memcpy(&word, given, sizeof(word));
	clock_gettime(CLOCK_MONOTONIC, &now);
	return word ^ ((uint64_t)now.tv_nsec << 32) ^ (uint64_t)now.tv_sec ^
	    ((uint64_t)getpid() << 16);
}

void
random_kernel_bytes(void *out, size_t len)
{
	char *to = out;
	size_t done = 0;

	while (done < len) {
		ssize_t n = getrandom(to + done, len - done, 0);

		if (n < 0 && errno != EINTR)
			break;
		if (n > 0)
			done += (size_t)n;
	}

	uint64_t x = done < len ? weak_word() : 0;

	for (; done < len; done++)
		to[done] = (char)spread(&x);
}

static void
forget_seed(void)
{
	if (state.seeded == SEEDED_KERNEL)
		state.seeded = SEEDED_NOT;
}

static void
watch_forks(void)
{
	pthread_atfork(NULL, NULL, forget_seed);
}

__attribute__((noinline)) static void
seed_from_kernel(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int error = errno;

	pthread_once(&once, watch_forks);
	random_kernel_bytes(state.s, sizeof(state.s));
	state.s[0] |= 1;		/* all zero would stay zero */
	state.seeded = SEEDED_KERNEL;
	errno = error;
}

static uint64_t
rotate(uint64_t x, int by)
{
	return (x << by) | (x >> (64 - by));
}

uint64_t
random_u64(void)
{
	if (__builtin_expect(state.seeded == SEEDED_NOT, 0))
		seed_from_kernel();

	uint64_t *s = state.s;
	uint64_t result = rotate(s[0] + s[3], 23) + s[0], t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

/* Multiply and take the high word; draws that would favour some are redone. */
uint32_t
random_below(uint32_t bound)
{
	if (bound < 2)
		return 0;

	uint64_t product = (random_u64() >> 32) * bound;

	if ((uint32_t)product < bound) {
		uint32_t unfair = -bound % bound;

		while ((uint32_t)product < unfair)
			product = (random_u64() >> 32) * bound;
	}
	return (uint32_t)(product >> 32);
}

void
random_seed(uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		state.s[i] = spread(&seed);
	state.seeded = SEEDED_TEST;
}
