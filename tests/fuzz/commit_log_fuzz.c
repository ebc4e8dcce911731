/*
 * commit_log: any bytes give records that keep to the rules or none; what was
 * written is read again, and a bit that turned over gives no other message.
 *
 * The first byte chooses: bytes as they are, or records made of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/codec.h"
#include "common/base/panic.h"
#include "queue/commit_log_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NONCE 0x1122334455667788u
#define PIECE 60			/* bytes of a message */
#define RECORDS 64

static const struct clog_header header = {
	.size = { .records = RECORDS, .half_bytes = 32 * LOG_PAGE },
	.nonce = NONCE, .sequence = 1, .retired = 3,
};

struct seen {
	struct span written;		/* all pieces, one behind another */
	size_t count, damaged;
};

static void
note(const struct clog_record *r, void *arg)
{
	struct seen *seen = arg;

	CHECK(queue_id_valid(SPAN(r->id)));
	CHECK(r->where == QUEUE_INCOMING || r->where == QUEUE_HOLD);
	CHECK(r->nonce == NONCE && r->epoch > header.retired);
	CHECK(r->index < RECORDS);
	seen->count++;
	if (r->damaged) {
		seen->damaged++;
		return;
	}
	CHECK(crc32c(0, r->bytes.p, r->bytes.len) == r->crc);
	if (seen->written.p != NULL)
		CHECK(span_eq(r->bytes, span_sub(seen->written,
		    r->index * PIECE, PIECE)));
}

static void
parse(struct span half, struct seen *seen, size_t *missing_out)
{
	seen->count = seen->damaged = 0;
	clog_half_parse(half, &header, note, seen, missing_out);
}

static void
add_record(struct str *half, uint32_t index, struct span bytes)
{
	struct clog_record r = { .epoch = 4, .nonce = NONCE, .index = index,
		.where = QUEUE_INCOMING, .id = "4F0A1B2C3D", .bytes = bytes,
		.crc = crc32c(0, bytes.p, bytes.len) };
	char head[RECORD_HEAD_BYTES];
	size_t end = str_len(half) + clog_record_size(bytes.len);

	clog_record_head(&r, head);
	str_add(half, span_of(head, sizeof(head)));
	str_add(half, bytes);
	str_adds(half, RECORD_END);
	while (str_len(half) < end)
		str_putc(half, '\0');
}

static void
start_half(struct str *half)
{
	size_t table = (size_t)clog_table_bytes(&header.size);

	memset(str_reserve(half, table), 0, table);
	str_advance(half, table);
}

static void
check_written(struct span text, uint8_t where)
{
	struct str half = STR_EMPTY;
	struct seen seen = { .written = text };
	size_t missing, at, table = (size_t)clog_table_bytes(&header.size);
	uint32_t n = 0;

	start_half(&half);
	while ((n + 1) * PIECE <= text.len && n < RECORDS) {
		add_record(&half, n, span_sub(text, n * PIECE, PIECE));
		n++;
	}
	parse(str_span(&half), &seen, &missing);
	CHECK(seen.count == n && seen.damaged == 0 && missing == 0);
	if (n > 0) {
		at = table + where * (size_t)37 % (str_len(&half) - table);
		half.buf[at] ^= (char)(1 << where % 8);
		parse(str_span(&half), &seen, &missing);
		CHECK(seen.count + missing <= n && seen.count + 1 >= n);
		CHECK(seen.damaged <= 1);
	}
	str_fini(&half);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct seen seen = { .count = 0 };
	struct clog_header h;
	struct clog_record r;
	struct str half = STR_EMPTY;
	size_t missing;

	if (size < 2)
		return 0;
	if (data[0] & 1) {
		check_written(span_skip(text, 2), data[1]);
		return 0;
	}
	text = span_skip(text, 1);
	if (clog_header_decode(text, &h))
		CHECK(clog_size_valid(&h.size));
	if (clog_record_decode(text, &r))
		CHECK(r.bytes.len <= COMMIT_LOG_MESSAGE_MOST);
	start_half(&half);
	str_add(&half, text);
	parse(str_span(&half), &seen, &missing);
	CHECK(seen.count <= text.len / LOG_ALIGN + 1);
	parse(text, &seen, &missing);
	str_fini(&half);
	return 0;
}
