/*
 * stream_fd - streams over sockets and pipes.
 *
 * Edge-triggered: a bit in lfd.ready stays until a call meets EAGAIN or moves
 * less than it was asked to, which says the same and saves a system call. Not
 * so for sockets that carry descriptors, where a read also ends behind those.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/io/fault.h"
#include "common/io/fdpass.h"
#include "common/io/fds.h"
#include "common/io/fs.h"
#include "common/io/sock.h"
#include "common/io/stream_fd.h"

/* At once fewer descriptors go than a receiver keeps room for. */
enum { IOV_MAX_USED = 16, FDS_WAITING_MAX = 1024,
	FDS_AT_ONCE = FDS_RESERVED / 2 };
#define TRIM_AFTER_MS 1000

/* --- Waiting -------------------------------------------------------------*/

/* Calls wait twice: a short time, and if nothing came, which is when the wait
 * may become long, with the stack given back. */
static enum io_status
wait_once(struct deadline deadline)
{
	struct deadline soon = deadline_in_ms(TRIM_AFTER_MS);

	if (deadline.at_ns <= soon.at_ns)
		return fiber_wait(deadline, true);
	enum io_status status = fiber_wait(soon, true);

	if (status != IO_TIMEOUT)
		return status;
	fiber_trim_stack();
	return fiber_wait(deadline, true);
}

static enum io_status
wait_readable(struct stream *s, struct deadline deadline)
{
	CHECK(s->reader == NULL);
	while ((s->lfd.ready & LOOP_IN) == 0) {
		s->reader = fiber_self();
		enum io_status status = wait_once(deadline);

		s->reader = NULL;
		if (status != IO_OK)
			return status;
	}
	return IO_OK;
}

enum io_status
stream_wait_fd(struct stream *s, unsigned events, struct deadline deadline)
{
	if (!s->lfd.added)
		return IO_OK;		/* files are always ready */
	if (events & LOOP_IN)
		return wait_readable(s, deadline);
	while ((s->lfd.ready & LOOP_OUT) == 0) {
		enum io_status status =
		    fiber_queue_wait(&s->writers, deadline);

		if (status != IO_OK)
			return status;
	}
	return IO_OK;
}

bool
stream_raw_ready(const struct stream *s)
{
	return !s->lfd.added || (s->lfd.ready & LOOP_IN) != 0;
}

static void
drained(struct stream *s, unsigned what)
{
	/* After a hang-up, reading goes on to the end without new edges. */
	if (what == LOOP_IN && (s->lfd.ready & LOOP_HUP) != 0)
		return;
	if (!s->lfd.added)
		return;
	s->lfd.ready &= ~what;
	if (what == LOOP_OUT)
		loop_want_out(&s->lfd);
}

static void
on_event(struct loop_fd *lfd, unsigned events)
{
	struct stream *s = container_of(lfd, struct stream, lfd);

	if ((events & LOOP_IN) && s->reader != NULL)
		fiber_ready(s->reader);
	if ((events & LOOP_OUT) == 0)
		return;
	/* Never the plain bytes that wait for a transport above. */
	if (s->ops == &stream_fd_ops && s->out_sent < s->out_wanted)
		stream_fd_push(s);
	fiber_queue_wake_all(&s->writers);
}

/* --- Reading -------------------------------------------------------------*/

void
stream_fds_add(struct stream_fds **fds, int fd)
{
	if (*fds == NULL)
		*fds = MEM_NEW(struct stream_fds);
	struct stream_fds *f = *fds;

	if (f->count == f->room) {
		f->room = f->room > 0 ? f->room * 2 : 8;
		f->fds = mem_regrow(f->fds, f->room, sizeof(int));
	}
	f->fds[f->count++] = fd;
}

void
stream_fds_drop(struct stream_fds *fds, size_t n)
{
	fds->count -= n;
	memmove(fds->fds, fds->fds + n, fds->count * sizeof(int));
}

void
stream_fds_close(struct stream_fds **fds)
{
	if (*fds == NULL)
		return;
	for (size_t i = 0; i < (*fds)->count; i++)
		fs_let_go((*fds)->fds[i]);
	mem_free((*fds)->fds);
	mem_free(*fds);
	*fds = NULL;
}

static ssize_t
read_with_fds(struct stream *s, char *buf, size_t len, bool *more_out)
{
	int fds[FDPASS_MAX];
	size_t nfds;
	ssize_t n = fdpass_recv(s->lfd.fd, buf, len, fds, FDPASS_MAX, &nfds);

	*more_out = n > 0 && nfds > 0;
	for (size_t i = 0; i < nfds; i++) {
		s->fds_high = fds_near_limit(fds[i]);
		stream_fds_add(&s->fds_in, fds[i]);
	}
	if (nfds > 0 && s->fds_in->count > FDS_WAITING_MAX) {
		errno = EMFILE;		/* the peer sends what nobody takes */
		return -1;
	}
	return n;
}

ssize_t
stream_raw_read(struct stream *s, char *buf, size_t len)
{
	for (;;) {
		bool more = false;
		ssize_t n;

		if (FAULT("stream.read"))
			n = -1;
		else if (s->not_socket)
			n = read(s->lfd.fd, buf, len);
		else if (s->accept_fds)
			n = read_with_fds(s, buf, len, &more);
		else
			n = recv(s->lfd.fd, buf, len, MSG_DONTWAIT);
		if (n >= 0) {
			if ((size_t)n < len && n > 0 && !more)
				drained(s, LOOP_IN);
			return n;
		}
		if (errno == ENOTSOCK) {
			s->not_socket = true;
			sock_set_nonblock(s->lfd.fd, true);
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN && s->lfd.added)
			s->lfd.ready &= ~(unsigned)LOOP_IN;
		return -1;
	}
}

static ssize_t
read_fd(struct stream *s, char *buf, size_t len, struct deadline deadline,
    enum io_status *status_out)
{
	for (;;) {
		*status_out = stream_wait_fd(s, LOOP_IN, deadline);
		if (*status_out != IO_OK)
			return -1;
		ssize_t n = stream_raw_read(s, buf, len);

		if (n >= 0)
			return n;
		if (errno != EAGAIN) {
			stream_set_error(s, errno, NULL);
			*status_out = IO_ERROR;
			return -1;
		}
	}
}

/* --- Writing -------------------------------------------------------------*/

/* One send; descriptors go with its first byte. */
static ssize_t
send_pieces(struct stream *s, struct iovec *iov, size_t count)
{
	const struct stream_fds *fds = s->fds_out;
	size_t nfds = fds != NULL ? fds->count : 0;

	if (FAULT("stream.write"))
		return -1;
	if (s->not_socket)
		return writev(s->lfd.fd, iov, (int)count);
	if (nfds > FDS_AT_ONCE) {
		/* The rest needs a byte to go with. */
		nfds = FDS_AT_ONCE;
		iov[0].iov_len = count = 1;
	}
	return fdpass_sendv(s->lfd.fd, iov, count,
	    nfds > 0 ? fds->fds : NULL, nfds);
}

static void
fds_left(struct stream *s)
{
	if (s->fds_out == NULL || s->fds_out->count == 0)
		return;
	size_t n = s->fds_out->count < FDS_AT_ONCE ? s->fds_out->count :
	    FDS_AT_ONCE;

	for (size_t i = 0; i < n; i++)
		fs_let_go(s->fds_out->fds[i]);
	stream_fds_drop(s->fds_out, n);
}

static size_t
gather(struct stream *s, struct iovec *iov, size_t *bytes_out)
{
	size_t count = 0;

	*bytes_out = 0;
	LIST_EACH(item, &s->out) {
		struct stream_chunk *c =
		    LIST_ITEM(item, struct stream_chunk, link);

		if (count == IOV_MAX_USED)
			break;
		iov[count++] = (struct iovec){
			(void *)(uintptr_t)(c->p + c->from), c->to - c->from };
		*bytes_out += c->to - c->from;
	}
	return count;
}

/* Whoever reads must hear of it, too. A peer that has gone says so itself, and
 * may have sent some last words before. */
static void
fail_push(struct stream *s)
{
	stream_set_error(s, errno, NULL);
	if (errno != EPIPE && errno != ECONNRESET)
		(void)shutdown(s->lfd.fd, SHUT_RDWR);
	stream_fail_out(s, IO_ERROR);
}

void
stream_fd_push(struct stream *s)
{
	while (!list_empty(&s->out) && s->out_failed == IO_OK &&
	    (!s->lfd.added || (s->lfd.ready & LOOP_OUT) != 0)) {
		struct iovec iov[IOV_MAX_USED];
		size_t bytes, count = gather(s, iov, &bytes);
		ssize_t n = send_pieces(s, iov, count);

		if (n > 0) {
			size_t asked = 0;

			for (size_t i = 0; i < count; i++)
				asked += iov[i].iov_len;
			if ((size_t)n < asked && asked == bytes)
				drained(s, LOOP_OUT);
			if (!s->not_socket)
				fds_left(s);
			stream_sent(s, (size_t)n);
			continue;
		}
		if (n < 0 && errno == ENOTSOCK) {
			s->not_socket = true;
			sock_set_nonblock(s->lfd.fd, true);
		} else if (n < 0 && errno == EAGAIN) {
			drained(s, LOOP_OUT);
		} else if (n < 0 && errno == ETOOMANYREFS) {
			/* So many descriptors are under way that the kernel
			 * takes no more now; no event says when it does. */
			stream_push_later(s);
			return;
		} else if (n < 0 && errno != EINTR) {
			fail_push(s);
		}
	}
}

ssize_t
stream_raw_write(struct stream *s, const char *buf, size_t len)
{
	for (;;) {
		struct iovec iov = { (void *)(uintptr_t)buf, len };
		ssize_t n = send_pieces(s, &iov, 1);

		if (n > 0) {
			if ((size_t)n < len)
				drained(s, LOOP_OUT);
			return n;
		}
		if (n < 0 && errno == ENOTSOCK)
			s->not_socket = true;
		else if (n < 0 && errno == EAGAIN)
			drained(s, LOOP_OUT);
		if (n == 0 || (errno != EINTR && errno != ENOTSOCK))
			return n;
	}
}

/* --- Opening -------------------------------------------------------------*/

static bool
pending_fd(struct stream *s)
{
	return stream_raw_ready(s);
}

const struct stream_ops stream_fd_ops = { .name = "fd", .read = read_fd,
	.pending = pending_fd };

struct stream *
stream_open(int fd)
{
	struct stream *s = stream_open_ops(&stream_fd_ops, NULL);

	/* A new socket takes output; whether it has input epoll will say. */
	s->lfd = (struct loop_fd){ .fd = fd, .ready = LOOP_OUT, .quiet = true,
		.notify = on_event };
	if (loop_add(&s->lfd))
		return s;
	if (errno == EPERM)
		s->not_socket = true;	/* a file: never waits */
	else
		stream_break(s, errno);
	return s;
}
