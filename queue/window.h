/*
 * window - a part of a file in memory, for reading it forwards record by
 * record.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QUEUE_WINDOW_H
#define QUEUE_WINDOW_H

#include "common/base/span.h"
#include "common/base/str.h"

struct window {
	int fd;				/* the caller's */
	uint64_t end;			/* nothing is read from here on */
	uint64_t from;			/* of the file, where buf begins */
	struct str buf;
	bool failed;			/* the disk did, not the file */
};

/* It has `want` bytes from `at` on afterwards, which lie before end; less only
 * if the file is shorter. False when the disk failed. */
bool window_fill(struct window *w, uint64_t at, size_t want);
/* What it has from `at` on, until it is filled again. */
struct span window_at(const struct window *w, uint64_t at);
void window_fini(struct window *w);

#endif
