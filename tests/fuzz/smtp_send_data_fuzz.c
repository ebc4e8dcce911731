/*
 * Content for the wire, cut at a random place: one dot ends it, no CR or LF is
 * alone, no line is too long, and what comes out says what went in.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/mail/smtp_send_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_wire(struct span wire, size_t limit)
{
	struct span line;
	size_t crlf;

	for (;;) {
		crlf = 0;
		while (crlf < wire.len && wire.p[crlf] != '\r')
			CHECK(wire.p[crlf++] != '\n');
		CHECK(crlf + 1 < wire.len && wire.p[crlf + 1] == '\n');
		line = span_sub(wire, 0, crlf);
		wire = span_skip(wire, crlf + 2);
		if (span_is(line, "."))
			break;
		CHECK(!span_starts(line, SPAN(".")) ||
		    span_starts(line, SPAN("..")));
		CHECK(limit == 0 || line.len <= limit + (line.len > 0 &&
		    line.p[0] == '.'));
	}
	CHECK(wire.len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span content = { (const char *)data, size };
	struct smtp_send_data e;
	struct str out = STR_EMPTY;
	size_t limit, cut;

	if (size < 2)
		return 0;
	limit = data[0] == 0 ? 0 : 8 + data[0] % 32;
	cut = data[1];
	content = span_skip(content, 2);
	smtp_send_data_init(&e, limit);
	smtp_send_data_add(&e, span_sub(content, 0, cut), &out);
	smtp_send_data_add(&e, span_skip(content, cut), &out);
	smtp_send_data_end(&e, &out);
	check_wire(str_span(&out), limit);
	str_fini(&out);
	return 0;
}
