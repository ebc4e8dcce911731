/*
 * warm - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/warm.h"

#include <string.h>
#include <sys/mman.h>

#include "common/base/mem.h"

void
warm_add(struct warm *w, void *first, size_t stride, size_t count)
{
	w->total += count;
	w->hot = mem_regrow(w->hot, w->total, sizeof(void *));
	w->cold = mem_regrow(w->cold, w->total, sizeof(void *));
	while (count-- > 0)
		w->cold[w->cold_count++] = (char *)first + count * stride;
}

void
warm_cool(struct warm *w, size_t count)
{
	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		(void)madvise(w->hot[i], w->bytes, MADV_DONTNEED);
		w->cold[w->cold_count++] = w->hot[i];
	}
	w->hot_count -= count;
	memmove(w->hot, w->hot + count, w->hot_count * sizeof(void *));
	w->spare -= count < w->spare ? count : w->spare;
}

void
warm_settle(struct warm *w)
{
	if (warm_too_many(w))
		warm_cool(w, w->spare);
	w->spare = w->hot_count;
}
