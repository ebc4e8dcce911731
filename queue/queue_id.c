/*
 * queue_id - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/queue_id.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/random.h"

static const char digits52[] =
    "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

static void
put_base(char *out, uint64_t v, unsigned base, unsigned least)
{
	char reversed[32];
	unsigned n = 0;

	while (v > 0 || n < least) {
		reversed[n++] = digits52[v % base];
		v /= base;
	}
	while (n > 0)
		*out++ = reversed[--n];
	*out = '\0';
}

/* Tells files of one process apart within a microsecond: a counter that starts
 * at random, above the slot's 12 bits. */
static uint64_t
next_tail(unsigned slot)
{
	static uint64_t counter;

	if (counter == 0)
		counter = random_u64() & 0xfffff;
	counter = (counter + 1) & 0xffffff;
	if (counter == 0)
		counter = 1;
	return counter << 12 | (slot & 0xfff);
}

void
queue_id_make(char out[QUEUE_ID_MAX], unsigned slot, bool wants_long)
{
	int64_t now = clock_wall_us();
	uint64_t tail = next_tail(slot);

	if (!wants_long) {
		/* the counter's low bits last: they spread over incoming */
		snprintf(out, QUEUE_ID_MAX, "%05X%03X%06X",
		    (unsigned)(now % 1000000), slot & 0xfff,
		    (unsigned)(tail >> 12));
		return;
	}
	put_base(out, (uint64_t)(now / 1000000), 52, 6);
	put_base(out + strlen(out), (uint64_t)(now % 1000000), 52, 4);
	strcat(out, "z");
	/* without "z", which divides: base 51 */
	put_base(out + strlen(out), tail, 51, 1);
}

#define TIME_MOST 1000000000000		/* seconds: far beyond any clock */

bool
queue_id_is_long(struct span id)
{
	ssize_t z = span_rfind(id, 'z');

	return z >= 10 && (size_t)z + 1 < id.len;
}

bool
queue_id_valid(struct span id)
{
	if (id.len < 6 || id.len >= QUEUE_ID_MAX)
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (!ascii_is_alnum(id.p[i]))
			return false;
	return true;
}

bool
queue_id_time(struct span id, int64_t *wall_us_out)
{
	uint64_t v[2] = { 0, 0 };
	ssize_t z = span_rfind(id, 'z');

	if (!queue_id_is_long(id))
		return false;
	for (size_t i = 0; i < (size_t)z; i++) {
		const char *at = strchr(digits52, id.p[i]);
		size_t which = i >= (size_t)z - 4;

		if (at == NULL || id.p[i] == '\0' || v[which] > TIME_MOST)
			return false;
		v[which] = v[which] * 52 + (uint64_t)(at - digits52);
	}
	if (v[0] > TIME_MOST)
		return false;
	*wall_us_out = (int64_t)(v[0] * 1000000 + v[1]);
	return true;
}
