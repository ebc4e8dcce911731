/*
 * stream - buffered bytes in and out over a descriptor, TLS or memory.
 *
 * Input: one borrowed block, given back before each wait that finds it empty.
 * Output: a chain of pieces. Ordinary writes keep it within one block and then
 * send; queued ones let it grow. A write too large to buffer hangs the
 * caller's own bytes into the chain and waits until they have left, so that
 * order is the same whoever writes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/pages.h"
#include "common/base/panic.h"
#include "common/io/stream_fd.h"

enum { LINE_CAP = 1 << 20, COMPACT_BELOW = 2048,
	PUSH_AGAIN_MS = 50 };

/* --- Blocks --------------------------------------------------------------*/

enum { BLOCK_UNITS = STREAM_BUFFER / PAGES_UNIT };

static struct stream_chunk *
block_get(void)
{
	struct stream_chunk *chunk = mem_alloc(sizeof(*chunk));
	char *bytes = pages_get(BLOCK_UNITS);

	*chunk = (struct stream_chunk){ .p = bytes, .bytes = bytes };
	list_init(&chunk->link);
	return chunk;
}

static void
block_put(struct stream_chunk *chunk)
{
	list_remove(&chunk->link);
	if (chunk->bytes == NULL)
		return;			/* the caller's */
	pages_put(chunk->bytes, BLOCK_UNITS);
	mem_free(chunk);
}

/* --- Opening and closing -------------------------------------------------*/

struct stream *
stream_open_ops(const struct stream_ops *ops, void *impl)
{
	struct stream *s = MEM_NEW(struct stream);

	s->lfd.fd = -1;
	s->ops = ops;
	s->impl = impl;
	list_init(&s->out);
	list_init(&s->link);
	fiber_queue_init(&s->writers);
	return s;
}

void *
stream_impl(struct stream *s)
{
	return s->impl;
}

int
stream_fd(const struct stream *s)
{
	return s->lfd.fd;
}

static void
forget_input(struct stream *s)
{
	if (s->in != NULL)
		block_put(s->in);
	s->in = NULL;
	str_fini(&s->line);
	s->line_given = false;
}

static void
forget_output(struct stream *s)
{
	LIST_EACH(item, &s->out)
		block_put(LIST_ITEM(item, struct stream_chunk, link));
	s->out_added = s->out_wanted = s->out_sent;
	list_remove(&s->link);
}

bool
stream_change_ops(struct stream *s, const struct stream_ops *ops, void *impl)
{
	bool clean = stream_buffered(s) == 0;

	CHECK(stream_unflushed(s) == 0 && s->reader == NULL);
	forget_input(s);
	s->ops = ops;
	s->impl = impl;
	return clean;
}

static void
dispose(struct stream *s)
{
	/* A fiber that waits on it would wake up in freed memory. */
	CHECK(s->reader == NULL && !s->pushing &&
	    !fiber_queue_has_waiters(&s->writers));
	forget_input(s);
	forget_output(s);
	stream_fds_close(&s->fds_in);
	stream_fds_close(&s->fds_out);
	mem_free(s->why);
	mem_free(s);
}

void
stream_close(struct stream *s)
{
	if (s == NULL)
		return;
	if (s->ops->close != NULL)
		s->ops->close(s);
	if (s->lfd.fd >= 0)
		loop_close(&s->lfd);
	dispose(s);
}

int
stream_release_fd(struct stream *s)
{
	int fd = s->lfd.fd;

	CHECK(s->ops == &stream_fd_ops);
	loop_remove(&s->lfd);
	dispose(s);
	return fd;
}

/* --- Failures ------------------------------------------------------------*/

void
stream_set_error(struct stream *s, int error, const char *why)
{
	if (s->error != 0 || s->why != NULL)
		return;			/* the first one is the cause */
	s->error = error;
	if (why != NULL)
		s->why = mem_strdup(why);
}

static enum io_status
note(struct stream *s, enum io_status status)
{
	if (s->status == IO_OK)
		s->status = status;
	return status;
}

static enum io_status
fail_in(struct stream *s, enum io_status status)
{
	s->in_failed = note(s, status);
	if (status == IO_ERROR && s->out_failed == IO_OK)
		s->out_failed = status;
	return status;
}

void
stream_fail_out(struct stream *s, enum io_status status)
{
	s->out_failed = note(s, status);
	forget_output(s);
	fiber_queue_wake_all(&s->writers);
}

void
stream_break(struct stream *s, int error)
{
	stream_set_error(s, error, NULL);
	s->in_failed = IO_ERROR;
	stream_fail_out(s, IO_ERROR);
}

enum io_status
stream_status(const struct stream *s)
{
	return s->status;
}

int
stream_errno(const struct stream *s)
{
	return s->error;
}

const char *
stream_why(const struct stream *s)
{
	if (s->why != NULL)
		return s->why;
	return s->status == IO_ERROR && s->error != 0 ? strerror(s->error) :
	    io_status_name(s->status);
}

/* --- Reading -------------------------------------------------------------*/

size_t
stream_buffered(const struct stream *s)
{
	return s->in != NULL ? s->in->to - s->in->from : 0;
}

static void
give_back_empty(struct stream *s)
{
	if (s->in != NULL && s->in->from == s->in->to) {
		block_put(s->in);
		s->in = NULL;
	}
}

/* Waits, without a buffer if it is empty, until there may be input. */
static enum io_status
await_input(struct stream *s, struct deadline deadline)
{
	if (s->in_failed != IO_OK)
		return s->in_failed;
	if (fiber_cancelled())
		return IO_CANCELLED;
	if (s->ops->pending == NULL || s->ops->pending(s) || s->lfd.fd < 0) {
		fiber_take_turns();
		return IO_OK;
	}
	give_back_empty(s);
	return stream_wait_fd(s, LOOP_IN, deadline);
}

static enum io_status
read_some(struct stream *s, char *buf, size_t len, struct deadline deadline,
    size_t *n_out)
{
	enum io_status status = IO_OK;
	ssize_t n = s->ops->read(s, buf, len, deadline, &status);

	if (n > 0) {
		*n_out = (size_t)n;
		s->bytes_in += (size_t)n;
		return IO_OK;
	}
	if (n == 0)
		return fail_in(s, IO_EOF);
	if (status == IO_TIMEOUT || status == IO_CANCELLED)
		return note(s, status);
	return fail_in(s, status);
}

/* At least one more byte into the buffer, which must not be full. */
static enum io_status
fill(struct stream *s, struct deadline deadline)
{
	enum io_status status = await_input(s, deadline);
	size_t n;

	if (status != IO_OK)
		return note(s, status);
	if (s->in == NULL)
		s->in = block_get();
	struct stream_chunk *in = s->in;

	if (in->from == in->to)
		in->from = in->to = 0;
	if (in->from > 0 && STREAM_BUFFER - in->to < COMPACT_BELOW) {
		memmove(in->bytes, in->bytes + in->from, in->to - in->from);
		in->to -= in->from;
		in->from = 0;
	}
	CHECK(in->to < STREAM_BUFFER);
	status = read_some(s, in->bytes + in->to, STREAM_BUFFER - in->to,
	    deadline, &n);
	if (status == IO_OK)
		in->to += n;
	return status;
}

static struct span
buffered_span(const struct stream *s)
{
	if (s->in == NULL)
		return SPAN_NONE;
	return span_of(s->in->bytes + s->in->from, s->in->to - s->in->from);
}

static void
begin_read(struct stream *s)
{
	if (s->line_given) {
		str_fini(&s->line);
		s->line_given = false;
	}
}

void
stream_consume(struct stream *s, size_t n)
{
	if (n == 0)
		return;
	CHECK(n <= stream_buffered(s));
	s->in->from += n;
}

/* The line ends `len` bytes into the buffer, where LF is. */
static enum io_status
take_line(struct stream *s, size_t len, size_t limit, struct span *line_out,
    bool *crlf_out)
{
	struct span line = span_of(buffered_span(s).p, len);

	stream_consume(s, len + 1);
	if (s->line.len > 0) {
		str_add(&s->line, line);
		s->line_given = true;
		line = str_span(&s->line);
	}
	bool crlf = line.len > 0 && line.p[line.len - 1] == '\r';

	if (crlf)
		line.len--;
	if (crlf_out != NULL)
		*crlf_out = crlf;
	*line_out = span_sub(line, 0, limit);
	return line.len > limit ? IO_LIMIT : IO_OK;
}

/* Keeps the first `limit` bytes and drops the rest of the line. */
static enum io_status
drop_line(struct stream *s, size_t limit, struct deadline deadline,
    struct span *line_out, bool *crlf_out)
{
	size_t seen = s->line.len;
	char last = '\0';

	str_add(&s->line, buffered_span(s));
	str_truncate(&s->line, limit);
	s->line_given = true;
	for (;;) {
		struct span bytes = buffered_span(s);
		const char *end = bytes.len > 0 ?
		    memchr(bytes.p, '\n', bytes.len) : NULL;
		size_t n = end != NULL ? (size_t)(end - bytes.p) : bytes.len;

		if (n > 0)
			last = bytes.p[n - 1];
		seen += n;
		stream_consume(s, n + (end != NULL));
		if (end != NULL)
			break;
		if (seen > limit + LINE_CAP) {
			stream_set_error(s, EMSGSIZE, "line without end");
			fail_in(s, IO_ERROR);
			break;
		}
		enum io_status status = fill(s, deadline);

		if (status == IO_EOF)
			break;
		if (status != IO_OK)
			return fail_in(s, status);
	}
	*line_out = str_span(&s->line);
	if (crlf_out != NULL)
		*crlf_out = last == '\r';
	return IO_LIMIT;
}

enum io_status
stream_read_line(struct stream *s, size_t limit, struct deadline deadline,
    struct span *line_out, bool *crlf_out)
{
	size_t scanned = 0;

	begin_read(s);
	*line_out = SPAN_NONE;
	for (;;) {
		struct span bytes = buffered_span(s);
		const char *end = bytes.len > scanned ? memchr(bytes.p +
		    scanned, '\n', bytes.len - scanned) : NULL;

		if (end != NULL)
			return take_line(s, (size_t)(end - bytes.p), limit,
			    line_out, crlf_out);
		size_t len = s->line.len + bytes.len;

		/* One byte over may still be the CR of the line's end. */
		if (len > limit && (len > limit + 1 || bytes.len == 0 ||
		    bytes.p[bytes.len - 1] != '\r'))
			return drop_line(s, limit, deadline, line_out,
			    crlf_out);
		scanned = bytes.len;
		if (bytes.len == STREAM_BUFFER) {
			str_add(&s->line, bytes);
			stream_consume(s, bytes.len);
			scanned = 0;
		}
		enum io_status status = fill(s, deadline);

		if (status == IO_OK)
			continue;
		if (status != IO_EOF)
			return s->line.len > 0 ? fail_in(s, status) : status;
		str_add(&s->line, buffered_span(s));
		stream_consume(s, stream_buffered(s));
		s->line_given = true;
		*line_out = str_span(&s->line);
		if (crlf_out != NULL)
			*crlf_out = false;
		return IO_EOF;
	}
}

enum io_status
stream_peek(struct stream *s, struct deadline deadline, struct span *bytes_out)
{
	return stream_peek_more(s, 0, deadline, bytes_out);
}

enum io_status
stream_peek_more(struct stream *s, size_t have, struct deadline deadline,
    struct span *bytes_out)
{
	enum io_status status = IO_OK;

	begin_read(s);
	while (status == IO_OK && stream_buffered(s) <= have) {
		if (stream_buffered(s) == STREAM_BUFFER)
			status = IO_LIMIT;
		else
			status = fill(s, deadline);
	}
	*bytes_out = buffered_span(s);
	return status;
}

enum io_status
stream_read_exact(struct stream *s, void *buf, size_t len,
    struct deadline deadline)
{
	char *p = buf;

	begin_read(s);
	while (len > 0) {
		struct span bytes = buffered_span(s);
		size_t n = bytes.len < len ? bytes.len : len;
		enum io_status status;

		if (n > 0) {
			memcpy(p, bytes.p, n);
			stream_consume(s, n);
		} else if (len < STREAM_BUFFER) {
			status = fill(s, deadline);
			if (status != IO_OK)
				return status;
		} else {		/* large: past the buffer */
			status = await_input(s, deadline);
			if (status == IO_OK)
				status = read_some(s, p, len, deadline, &n);
			if (status != IO_OK)
				return note(s, status);
		}
		p += n;
		len -= n;
	}
	return IO_OK;
}

bool
stream_input_waits(struct stream *s)
{
	struct pollfd p = { .fd = s->lfd.fd, .events = POLLIN | POLLRDHUP };

	if (stream_buffered(s) > 0)
		return true;
	if (s->in_failed != IO_OK)
		return false;
	if (s->ops != &stream_fd_ops && s->ops->pending != NULL &&
	    s->ops->pending(s))
		return true;
	return p.fd >= 0 && poll(&p, 1, 0) > 0;
}

bool
stream_input_seen(struct stream *s)
{
	if (stream_buffered(s) > 0)
		return true;
	if (s->lfd.added && (s->lfd.ready & LOOP_IN) == 0 &&
	    s->ops == &stream_fd_ops)
		return false;
	return stream_input_waits(s);
}

enum io_status
stream_wait_input(struct stream *s, struct deadline deadline)
{
	begin_read(s);
	if (stream_buffered(s) > 0)
		return IO_OK;
	give_back_empty(s);
	return await_input(s, deadline);
}

/* --- Writing -------------------------------------------------------------*/

size_t
stream_unflushed(const struct stream *s)
{
	return (size_t)(s->out_added - s->out_sent);
}

void
stream_sent(struct stream *s, size_t n)
{
	s->out_sent += n;
	while (n > 0) {
		struct stream_chunk *c =
		    LIST_FIRST(&s->out, struct stream_chunk, link);
		size_t part = c->to - c->from < n ? c->to - c->from : n;

		c->from += part;
		n -= part;
		if (c->from == c->to)
			block_put(c);
	}
}

/* Where more output can go, one byte at least. */
static struct stream_chunk *
tail(struct stream *s)
{
	if (!list_empty(&s->out)) {
		struct stream_chunk *c = LIST_ITEM(s->out.prev,
		    struct stream_chunk, link);

		if (c->bytes != NULL && c->to < STREAM_BUFFER)
			return c;
	}
	struct stream_chunk *c = block_get();

	list_append(&s->out, &c->link);
	return c;
}

static void
append(struct stream *s, struct span bytes)
{
	while (bytes.len > 0) {
		struct stream_chunk *c = tail(s);
		size_t room = STREAM_BUFFER - c->to;
		size_t n = bytes.len < room ? bytes.len : room;

		memcpy(c->bytes + c->to, bytes.p, n);
		c->to += n;
		s->out_added += n;
		bytes = span_skip(bytes, n);
	}
}

/* Over a descriptor: whoever comes sends all there is; the rest is sent from
 * the loop when the socket takes it, and who waits for it is woken. */
static enum io_status
flush_fd(struct stream *s, uint64_t target, struct deadline deadline)
{
	for (;;) {
		stream_fd_push(s);
		if (s->out_failed != IO_OK)
			return s->out_failed;
		if (s->out_sent >= target)
			return IO_OK;
		enum io_status status =
		    fiber_queue_wait(&s->writers, deadline);

		if (status != IO_OK)
			return note(s, status);
	}
}

/* Over a transport whose write suspends: one fiber at a time is inside. */
static enum io_status
flush_ops(struct stream *s, uint64_t target, struct deadline deadline)
{
	while (s->out_failed == IO_OK && s->out_sent < target) {
		enum io_status status = IO_OK;

		if (s->pushing) {
			status = fiber_queue_wait(&s->writers, deadline);
			if (status != IO_OK)
				return note(s, status);
			continue;
		}
		const struct stream_chunk *c =
		    LIST_FIRST(&s->out, struct stream_chunk, link);

		s->pushing = true;
		ssize_t n = s->ops->write(s, c->p + c->from, c->to - c->from,
		    deadline, &status);

		s->pushing = false;
		if (n > 0)
			stream_sent(s, (size_t)n);
		else
			stream_fail_out(s, status != IO_OK ? status : IO_ERROR);
		fiber_queue_wake_all(&s->writers);
	}
	return s->out_failed;
}

static enum io_status
flush_to(struct stream *s, uint64_t target, struct deadline deadline)
{
	if (s->out_failed != IO_OK)
		return s->out_failed;
	if (target > s->out_wanted)
		s->out_wanted = target;
	return s->ops == &stream_fd_ops ? flush_fd(s, target, deadline) :
	    flush_ops(s, target, deadline);
}

enum io_status
stream_flush(struct stream *s, struct deadline deadline)
{
	return flush_to(s, s->out_added, deadline);
}

/* The caller's bytes as a piece of the chain, until they have left. */
static enum io_status
write_borrowed(struct stream *s, struct span bytes, struct deadline deadline)
{
	struct stream_chunk piece = { .p = bytes.p, .to = bytes.len };

	list_append(&s->out, &piece.link);
	s->out_added += bytes.len;
	enum io_status status = flush_to(s, s->out_added, deadline);

	if (status != IO_OK && list_linked(&piece.link))
		stream_fail_out(s, status);
	return status;
}

static enum io_status
write_in_parts(struct stream *s, struct span bytes, struct deadline deadline)
{
	while (bytes.len > 0) {
		size_t room = STREAM_BUFFER > stream_unflushed(s) ?
		    STREAM_BUFFER - stream_unflushed(s) : 0;
		struct span part = span_sub(bytes, 0, room);
		enum io_status status;

		append(s, part);
		bytes = span_skip(bytes, part.len);
		if (bytes.len == 0)
			break;
		status = stream_flush(s, deadline);
		if (status != IO_OK)
			return status;
	}
	return IO_OK;
}

enum io_status
stream_write(struct stream *s, struct span bytes, struct deadline deadline)
{
	if (s->out_failed != IO_OK)
		return s->out_failed;
	if (stream_unflushed(s) + bytes.len <= STREAM_BUFFER)
		append(s, bytes);
	else if (s->ops == &stream_fd_ops && bytes.len > 0)
		return write_borrowed(s, bytes, deadline);
	else
		return write_in_parts(s, bytes, deadline);
	return IO_OK;
}

enum io_status
stream_write_flush(struct stream *s, struct span bytes,
    struct deadline deadline)
{
	enum io_status status = stream_write(s, bytes, deadline);

	return status == IO_OK ? stream_flush(s, deadline) : status;
}

enum io_status
stream_print(struct stream *s, struct deadline deadline,
    const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);

	va_end(args);
	CHECK(n >= 0);
	if ((size_t)n < sizeof(text))
		return stream_write(s, span_of(text, (size_t)n), deadline);

	struct str all = STR_EMPTY;

	va_start(args, format);
	str_vaddf(&all, format, args);
	va_end(args);
	enum io_status status = stream_write(s, str_span(&all), deadline);

	str_fini(&all);
	return status;
}

/* --- Output without a fiber ----------------------------------------------*/

static struct list to_flush = LIST_HEAD(to_flush);

static void
flush_queued(struct loop_hook *hook)
{
	struct list now = LIST_HEAD(now);

	(void)hook;
	list_splice(&now, &to_flush);
	while (!list_empty(&now)) {
		struct stream *s = LIST_FIRST(&now, struct stream, link);

		list_remove(&s->link);
		if (s->ops == &stream_fd_ops)
			stream_fd_push(s);
		else
			flush_ops(s, s->out_added, DEADLINE_NEVER);
	}
}

static struct loop_hook flush_hook = { LIST_HEAD(flush_hook.link),
	flush_queued };
static struct list later = LIST_HEAD(later);

static void
push_now(struct loop_timer *timer)
{
	(void)timer;
	while (!list_empty(&later)) {
		struct stream *s = LIST_FIRST(&later, struct stream, link);

		list_remove(&s->link);
		list_append(&to_flush, &s->link);
	}
	loop_hook_arm(&flush_hook, LOOP_RANK_PEERS);
}

void
stream_push_later(struct stream *s)
{
	static struct loop_timer timer;

	if (timer.fire == NULL)
		loop_timer_init(&timer, push_now);
	if (list_empty(&later))
		loop_timer_set(&timer, deadline_in_ms(PUSH_AGAIN_MS).at_ns);
	list_remove(&s->link);
	list_append(&later, &s->link);
}

void
stream_queue(struct stream *s, struct span bytes)
{
	/* Only memory's write is sure not to suspend. */
	CHECK(s->ops == &stream_fd_ops || s->lfd.fd < 0);
	if (s->out_failed != IO_OK)
		return;
	append(s, bytes);
	s->out_wanted = s->out_added;
	if (!list_linked(&s->link))
		list_append(&to_flush, &s->link);
	loop_hook_arm(&flush_hook, LOOP_RANK_PEERS);
}

size_t
stream_queued(const struct stream *s)
{
	return stream_unflushed(s);
}

/* --- Descriptors and figures ---------------------------------------------*/

void
stream_attach_fd(struct stream *s, int fd)
{
	stream_fds_add(&s->fds_out, fd);
}

void
stream_queue_fd(struct stream *s, int fd)
{
	stream_attach_fd(s, fd);
}

int
stream_take_fd(struct stream *s)
{
	if (s->fds_in == NULL || s->fds_in->count == 0)
		return -1;
	int fd = s->fds_in->fds[0];

	stream_fds_drop(s->fds_in, 1);
	return fd;
}

bool
stream_fds_are_high(const struct stream *s)
{
	return s->fds_high;
}

void
stream_accept_fds(struct stream *s, bool yes)
{
	s->accept_fds = yes;
}

uint64_t
stream_bytes_in(const struct stream *s)
{
	return s->bytes_in;
}

uint64_t
stream_bytes_out(const struct stream *s)
{
	return s->out_sent;
}
