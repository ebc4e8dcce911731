/*
 * One half of a commit log with records of any length, epoch and order: those
 * that are given lie within it, are of one epoch and the log's nonce, and not
 * more than there is room for. Chance does not find a checksum, so the target
 * may put those right (flags), as well as a tombstone.
 *
 *	flags, retired epoch, nonce of the header: a byte each; then records
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>

#include "common/base/codec.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/base/reader.h"
#include "queue/commit_log_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RIGHT_HEADS = 1, RIGHT_BODIES = 2, TOMBSTONE = 4, KNOWN_NONCE = 8 };
enum { HEAD_SUMMED = 72, LENGTH_AT = 28, BODY_CRC_AT = 32, RECORDS = 64 };

static struct {
	struct clog_header header;
	struct span all;
	uint64_t epoch;
	size_t count, over;
} seen;

static void
meet(const struct clog_record *r, void *arg)
{
	(void)arg;
	CHECK(r->bytes.p >= seen.all.p && r->bytes.len <= seen.all.len);
	CHECK(r->bytes.p + r->bytes.len <= seen.all.p + seen.all.len);
	CHECK(r->bytes.len <= COMMIT_LOG_MESSAGE_MOST);
	CHECK(r->index < RECORDS && queue_id_valid(SPAN(r->id)));
	CHECK(r->where == QUEUE_INCOMING || r->where == QUEUE_HOLD);
	CHECK(r->epoch > seen.header.retired);
	CHECK(seen.epoch == 0 || seen.epoch == r->epoch);
	CHECK(seen.header.nonce == 0 || seen.header.nonce == r->nonce);
	CHECK(r->damaged || crc32c(0, r->bytes.p, r->bytes.len) == r->crc);
	seen.epoch = r->epoch;
	seen.count++;
	seen.over += r->over;
}

static void
put_u32(char *to, uint32_t value)
{
	struct str s = STR_EMPTY;

	writer_u32(&s, value);
	memcpy(to, str_cstr(&s), 4);
	str_fini(&s);
}

static void
put_right(char *p, size_t left, uint8_t flags)
{
	struct reader r = reader_over(span_of(p + LENGTH_AT, 4));
	size_t length = reader_u32(&r);

	if ((flags & RIGHT_BODIES) && length <= left - RECORD_HEAD_BYTES)
		put_u32(p + BODY_CRC_AT, crc32c(0, p + RECORD_HEAD_BYTES,
		    length));
	if (flags & RIGHT_HEADS)
		put_u32(p + HEAD_SUMMED, crc32c(0, p, HEAD_SUMMED));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct clog_record first;
	struct str s = STR_EMPTY;
	size_t missing, table;
	uint8_t flags;

	if (size < 3 || size > 1 << 16)
		return 0;
	flags = data[0];
	memset(&seen, 0, sizeof(seen));
	seen.header = (struct clog_header){ .size = { .records = RECORDS },
		.retired = data[1],
		.nonce = flags & KNOWN_NONCE ? data[2] : 0 };
	table = (size_t)clog_table_bytes(&seen.header.size);
	seen.header.size.half_bytes = table + LOG_PAGE;
	seen.all.len = table + size - 3;

	char *all = mem_zalloc(seen.all.len + 1);

	memcpy(all + table, data + 3, size - 3);
	for (size_t at = table; at + RECORD_HEAD_BYTES <= seen.all.len;
	     at += LOG_ALIGN)
		if (memcmp(all + at, RECORD_MAGIC, 8) == 0)
			put_right(all + at, seen.all.len - at, flags);
	seen.all.p = all;
	if ((flags & TOMBSTONE) && clog_record_decode(span_of(all + table,
	    seen.all.len - table), &first) && first.index < RECORDS) {
		writer_u64(&s, first.mark);
		memcpy(all + 8 * first.index, str_cstr(&s), 8);
	}
	uint64_t epoch = clog_half_parse(seen.all, &seen.header, meet, NULL,
	    &missing);

	CHECK(missing <= RECORDS && seen.over <= seen.count);
	CHECK(seen.count == 0 || epoch == seen.epoch);
	CHECK(seen.count * LOG_ALIGN <= size);
	mem_free(all);
	str_fini(&s);
	return 0;
}
