/*
 * stream_fd - between the general part of streams and the one for sockets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_STREAM_FD_H
#define COMMON_IO_STREAM_FD_H

#include "common/io/stream_priv.h"

/* Sends what the kernel takes now, without waiting. */
void stream_fd_push(struct stream *s);

/* So many bytes at the front of the output have left. */
void stream_sent(struct stream *s, size_t n);
/* Writing has failed for good: drops the output, wakes who waits. */
void stream_fail_out(struct stream *s, enum io_status status);

void stream_fds_add(struct stream_fds **fds, int fd);
void stream_fds_drop(struct stream_fds *fds, size_t n);
void stream_fds_close(struct stream_fds **fds);

#endif
