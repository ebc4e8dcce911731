/*
 * stream_priv - the inside of a stream, for its own files.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_STREAM_PRIV_H
#define COMMON_IO_STREAM_PRIV_H

#include "common/base/list.h"
#include "common/io/fiber_priv.h"
#include "common/io/loop.h"
#include "common/io/stream.h"

/* A piece of output: a block of the pool, or the caller's own bytes while the
 * caller waits. Blocks serve as input buffers too. */
struct stream_chunk {
	struct list link;
	const char *p;
	size_t from, to;
	char *bytes;			/* NULL: borrowed from the caller */
};

struct stream_fds {
	int *fds;
	size_t count, room;
};

struct stream {
	struct loop_fd lfd;
	const struct stream_ops *ops;
	void *impl;

	struct stream_chunk *in;
	struct str line;		/* what of a line the buffer was too */
	bool line_given;		/* small for; forget it at next read */
	struct fiber *reader;

	struct list out;
	uint64_t out_added, out_sent;
	uint64_t out_wanted;		/* to be sent without further asking */
	struct fiber_queue writers;
	bool pushing;			/* a fiber is inside ops->write */
	struct list link;		/* to flush at the end of the turn */

	bool not_socket, accept_fds, fds_high;
	struct stream_fds *fds_in, *fds_out;

	uint64_t bytes_in;
	enum io_status status, in_failed, out_failed;
	int error;
	char *why;
};

/* Tries to send again in a moment. */
void stream_push_later(struct stream *s);
/* Nothing goes in or out any more. */
void stream_break(struct stream *s, int error);

extern const struct stream_ops stream_fd_ops;

#endif
