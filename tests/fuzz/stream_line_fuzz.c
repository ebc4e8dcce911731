/*
 * stream_read_line on any bytes that come in pieces of any size, against a
 * plain search for the end of the line in the whole text.
 *
 * The first bytes choose the limit and the sizes of the pieces.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/io/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct pieces {
	struct span rest;
	uint32_t state;
	unsigned mode;
};

static ssize_t
read_piece(struct stream *s, char *buf, size_t len, struct deadline deadline,
    enum io_status *status_out)
{
	struct pieces *p = stream_impl(s);
	size_t n = len;

	(void)deadline;
	(void)status_out;
	p->state = p->state * 1664525 + 1013904223;
	if (p->mode == 1)
		n = 1;
	else if (p->mode == 2)
		n = 1 + (p->state >> 16) % 64;
	else if (p->mode == 3)
		n = 1 + (p->state >> 8) % 8192;
	if (n > len)
		n = len;
	if (n > p->rest.len)
		n = p->rest.len;
	if (n > 0)
		memcpy(buf, p->rest.p, n);
	p->rest = span_skip(p->rest, n);
	return (ssize_t)n;
}

static const struct stream_ops pieces_ops = { .name = "pieces",
	.read = read_piece };

/* What the next line should be; false at the end of the text. */
static bool
model(struct span *rest, size_t limit, enum io_status *status_out,
    struct span *line_out)
{
	ssize_t end = span_find(*rest, '\n');
	struct span line = *rest;

	if (rest->len == 0)
		return false;
	*status_out = IO_EOF;
	if (end >= 0) {
		line.len = (size_t)end;
		if (line.len > 0 && line.p[line.len - 1] == '\r')
			line.len--;
		*status_out = IO_OK;
	}
	*rest = end >= 0 ? span_skip(*rest, (size_t)end + 1) : SPAN_NONE;
	/* CR at the very end may have been the start of CR LF. */
	bool cr = end < 0 && line.len == limit + 1 &&
	    line.p[line.len - 1] == '\r';

	if (line.len > limit && !cr) {
		line.len = limit;
		*status_out = IO_LIMIT;
	}
	*line_out = line;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t limits[] = { 0, 1, 5, 100, 998, 8190, 8191, 8192,
		8193, 20000 };
	enum io_status want;
	struct span text, line, wanted;

	if (size < 2)
		return 0;
	size_t limit = limits[data[0] % (sizeof(limits) / sizeof(limits[0]))];
	/* Long lines without long inputs: the text, many times over. */
	struct str all = STR_EMPTY;

	for (size_t i = 0; i <= data[1] / 4 && all.len < 100000; i++)
		str_add(&all, span_of((const char *)data + 2, size - 2));
	text = str_span(&all);
	struct pieces pieces = { text, data[1], data[1] % 4 };
	struct stream *s = stream_open_ops(&pieces_ops, &pieces);

	while (model(&text, limit, &want, &wanted)) {
		CHECK(stream_read_line(s, limit, DEADLINE_NEVER, &line,
		    NULL) == want);
		CHECK(span_eq(line, wanted));
	}
	CHECK(stream_read_line(s, limit, DEADLINE_NEVER, &line, NULL) ==
	    IO_EOF);
	CHECK(line.len == 0);
	stream_close(s);
	str_fini(&all);
	return 0;
}
