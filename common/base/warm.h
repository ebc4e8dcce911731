/*
 * warm - free pieces of memory, all of one size: the warm ones may be resident,
 * the cold ones are not.
 *
 * To give a page back costs as much as to send a message, so a warm piece goes
 * cold only when nobody needed it from one settling to the next. The lists
 * are arrays, because a link inside a piece would keep a page of it resident.
 * Not for several threads at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_WARM_H
#define COMMON_BASE_WARM_H

#include <stdbool.h>
#include <stddef.h>

/* Set bytes and keep; the rest is zero at first. */
struct warm {
	size_t bytes;			/* of each piece, whole pages */
	size_t keep;			/* that many stay warm for good */
	void **hot, **cold;
	size_t hot_count, cold_count, total;
	size_t spare;			/* warm ever since the last settling */
};

/* `count` new pieces that hold no memory yet, `stride` bytes from one to the
 * next; they are never given back. The first is taken first. */
void warm_add(struct warm *w, void *first, size_t stride, size_t count);
/* Gives back the memory of the warm ones that lay there longest. */
void warm_cool(struct warm *w, size_t count);
/* Of all that nobody needed since the last call, if there are too many. */
void warm_settle(struct warm *w);

static inline bool
warm_too_many(const struct warm *w)
{
	return w->hot_count > w->keep;
}

/* The one that was put last, or a cold one, or NULL if none is free. */
static inline void *
warm_take(struct warm *w)
{
	if (w->hot_count == 0)
		return w->cold_count > 0 ? w->cold[--w->cold_count] : NULL;
	w->hot_count--;
	if (w->spare > w->hot_count)
		w->spare = w->hot_count;
	return w->hot[w->hot_count];
}

/* One that was taken. */
static inline void
warm_put(struct warm *w, void *piece)
{
	w->hot[w->hot_count++] = piece;
}

#endif
