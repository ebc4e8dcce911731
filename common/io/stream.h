/*
 * stream - buffered bytes in and out over a descriptor, TLS or memory.
 *
 * Buffers (8 KiB) are borrowed only while they hold bytes,
 * so an idle stream costs its struct alone. Output waits in the buffer until
 * stream_flush, until the buffer is full, or, when queued by stream_queue,
 * until the end of the loop turn.
 *
 * The cause of the first failure stays in the stream. After end of input
 * reading fails for good and writing goes on; an error of reading ends both,
 * one of writing ends writing (what the peer said before it left can still be
 * read). A time-out or cancellation ends the call; a later one may try again,
 * except when it came in the middle of a piece too large for the buffer.
 *
 * One fiber may read while others write; bytes keep the order of the calls.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_STREAM_H
#define COMMON_IO_STREAM_H

#include <stdarg.h>

#include "common/base/span.h"
#include "common/base/str.h"
#include "common/io/deadline.h"
#include "common/io/io_status.h"

struct stream;

#define STREAM_BUFFER 8192

/* What a transport provides; fd, TLS and memory each have one. read and write
 * return bytes moved, 0 at end (read), or -1 with *status_out (they suspend
 * until the deadline themselves). */
struct stream_ops {
	const char *name;
	ssize_t (*read)(struct stream *s, char *buf, size_t len,
	    struct deadline deadline, enum io_status *status_out);
	ssize_t (*write)(struct stream *s, const char *buf, size_t len,
	    struct deadline deadline, enum io_status *status_out);
	/* Bytes that could be read without waiting are pending. */
	bool (*pending)(struct stream *s);
	void (*close)(struct stream *s);
};

/* Over a connected socket, a pipe or a file, which it owns. */
struct stream *stream_open(int fd);
/* Reads `input`, collects output; for tests and replays. The input is
 * borrowed and may contain everything the peer will ever say. */
struct stream *stream_open_mem(struct span input);
struct span stream_mem_output(struct stream *s);
/* A transport of one's own (TLS): impl is handed to ops through
 * stream_impl. */
struct stream *stream_open_ops(const struct stream_ops *ops, void *impl);
/* Puts another transport under the same stream (STARTTLS): what was read and
 * not consumed is dropped; returns false if anything was (RFC 3207, plaintext
 * injection). */
bool stream_change_ops(struct stream *s, const struct stream_ops *ops,
    void *impl);
void *stream_impl(struct stream *s);
/* Flushes nothing. NULL is fine. */
void stream_close(struct stream *s);
int stream_fd(const struct stream *s);		/* -1 for memory */
int stream_release_fd(struct stream *s);	/* and frees the stream */

enum io_status stream_status(const struct stream *s);	/* first failure */
int stream_errno(const struct stream *s);	/* with IO_ERROR */
const char *stream_why(const struct stream *s);	/* "Connection reset by peer" */

/* Reading. All suspend. */

/*
 * One line without its end. LF ends a line, CR LF too; *crlf_out tells which
 * (may be NULL). The span is good until the next read on this stream. A line
 * longer than limit gives IO_LIMIT: its first `limit` bytes are in *line_out,
 * the rest of it is read and dropped, up to a hard cap of 1 MiB, after which
 * the stream fails. IO_EOF with a non-empty line_out: input ended without LF.
 */
enum io_status stream_read_line(struct stream *s, size_t limit,
    struct deadline deadline, struct span *line_out, bool *crlf_out);
/* At least one byte, as many as are there; the span is good until the next
 * read. stream_consume says how many of them were used. */
enum io_status stream_peek(struct stream *s, struct deadline deadline,
    struct span *bytes_out);
/* As stream_peek, but waits until more than `have` bytes are buffered (up to
 * the buffer's size: IO_LIMIT then). */
enum io_status stream_peek_more(struct stream *s, size_t have,
    struct deadline deadline, struct span *bytes_out);
void stream_consume(struct stream *s, size_t n);
enum io_status stream_read_exact(struct stream *s, void *buf, size_t len,
    struct deadline deadline);
/* Bytes that are buffered already, without any wait or system call. */
size_t stream_buffered(const struct stream *s);
/* True when input is buffered or the kernel has some: one poll at most. */
bool stream_input_waits(struct stream *s);
/* The same as far as the loop has heard: input that came since this turn began
 * may be missed, and there is no system call when there is none. */
bool stream_input_seen(struct stream *s);
/* Waits for input without borrowing a buffer; trims the stack first. */
enum io_status stream_wait_input(struct stream *s, struct deadline deadline);

/* Writing. Suspends only when the buffer is full, or to flush. */

enum io_status stream_write(struct stream *s, struct span bytes,
    struct deadline deadline);
__attribute__((format(printf, 3, 4))) enum io_status
stream_print(struct stream *s, struct deadline deadline,
    const char *format, ...);
enum io_status stream_flush(struct stream *s, struct deadline deadline);
size_t stream_unflushed(const struct stream *s);
/* Writes head (may be empty), what is buffered before it, and body in as few
 * sends as can be. */
enum io_status stream_write_flush(struct stream *s, struct span bytes,
    struct deadline deadline);

/* Descriptors over unix sockets (fdpass.h does the work). Attached ones leave
 * with the next bytes written; the stream owns them until then. */
void stream_attach_fd(struct stream *s, int fd);
/* The oldest descriptor received with the bytes read so far, or -1. */
int stream_take_fd(struct stream *s);
/* The last that came had high numbers (fs.h): read no more for a while. */
bool stream_fds_are_high(const struct stream *s);
/* Opt in to receiving descriptors (otherwise they are closed on arrival). */
void stream_accept_fds(struct stream *s, bool yes);

/*
 * Output without a fiber: never suspends, grows without bound. Sent at the end
 * of the loop turn, after the log lines, as far as the socket takes it; the
 * rest when it can. Callers look at stream_queued to hold back. After a
 * failure the bytes are dropped. Not over TLS.
 */
void stream_queue(struct stream *s, struct span bytes);
size_t stream_queued(const struct stream *s);
/* The descriptor goes with the next bytes queued (or earlier ones that have
 * not left: the order of descriptors is kept). Owned as by stream_attach_fd. */
void stream_queue_fd(struct stream *s, int fd);

/* Bytes moved since open, for logs and limits. */
uint64_t stream_bytes_in(const struct stream *s);
uint64_t stream_bytes_out(const struct stream *s);

/*
 * For transports put over the descriptor of a stream (TLS): the bare calls
 * return -1 with errno, EAGAIN when the caller should stream_wait_fd. Only one
 * fiber waits for LOOP_IN at a time. Suspends.
 */
ssize_t stream_raw_read(struct stream *s, char *buf, size_t len);
ssize_t stream_raw_write(struct stream *s, const char *buf, size_t len);
bool stream_raw_ready(const struct stream *s);	/* input may be there */
enum io_status stream_wait_fd(struct stream *s, unsigned events,
    struct deadline deadline);
/* Before returning IO_ERROR: errno and, or NULL, words of one's own. */
void stream_set_error(struct stream *s, int error, const char *why);

#endif
