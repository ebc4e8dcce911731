/*
 * stream_mem - a stream over memory: tests, replays, text built elsewhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/io/stream_priv.h"

struct memory {
	struct span input;
	struct str output;
};

static ssize_t
read_mem(struct stream *s, char *buf, size_t len, struct deadline deadline,
    enum io_status *status_out)
{
	struct memory *m = stream_impl(s);
	size_t n = m->input.len < len ? m->input.len : len;

	(void)deadline;
	(void)status_out;
	if (n > 0)
		memcpy(buf, m->input.p, n);
	m->input = span_skip(m->input, n);
	return (ssize_t)n;
}

static ssize_t
write_mem(struct stream *s, const char *buf, size_t len,
    struct deadline deadline, enum io_status *status_out)
{
	struct memory *m = stream_impl(s);

	(void)deadline;
	(void)status_out;
	str_add(&m->output, span_of(buf, len));
	return (ssize_t)len;
}

static bool
pending_mem(struct stream *s)
{
	(void)s;
	return true;
}

static void
close_mem(struct stream *s)
{
	struct memory *m = stream_impl(s);

	str_fini(&m->output);
	mem_free(m);
}

static const struct stream_ops mem_ops = { .name = "memory",
	.read = read_mem, .write = write_mem, .pending = pending_mem,
	.close = close_mem };

struct stream *
stream_open_mem(struct span input)
{
	struct memory *m = MEM_NEW(struct memory);

	m->input = input;
	return stream_open_ops(&mem_ops, m);
}

struct span
stream_mem_output(struct stream *s)
{
	CHECK(s->ops == &mem_ops);
	CHECK(stream_flush(s, DEADLINE_NEVER) == IO_OK);
	struct memory *m = stream_impl(s);

	return str_span(&m->output);
}
