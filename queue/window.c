/*
 * window - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/window.h"

#include "common/io/fs.h"

#define READ_BYTES (32 * 1024)

bool
window_fill(struct window *w, uint64_t at, size_t want)
{
	ssize_t n;
	char *room;

	if (at >= w->from && at + want <= w->from + str_len(&w->buf))
		return true;
	str_clear(&w->buf);
	w->from = at;
	if (want < READ_BYTES)
		want = READ_BYTES;
	if (want > w->end - at)
		want = (size_t)(w->end - at);
	room = str_reserve(&w->buf, want);
	n = fs_pread(w->fd, room, want, (off_t)at);
	if (n < 0) {
		w->failed = true;
		return false;
	}
	str_advance(&w->buf, (size_t)n);
	return true;
}

struct span
window_at(const struct window *w, uint64_t at)
{
	return span_skip(str_span(&w->buf), (size_t)(at - w->from));
}

void
window_fini(struct window *w)
{
	str_fini(&w->buf);
}
