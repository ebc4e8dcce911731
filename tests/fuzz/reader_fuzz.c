/*
 * reader: the first byte of each step says what to read next; nothing is read
 * twice, past the end, or after a failure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/base/reader.h"
#include "common/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A number that was read is written as the bytes it was read from. */
static void
check_varint(const struct reader *before, struct reader *r)
{
	struct str again = STR_EMPTY;
	uint64_t v = reader_varint(r);

	writer_varint(&again, v);
	CHECK(reader_failed(r) || (again.len == (size_t)(r->p - before->p) &&
	    memcmp(again.buf, before->p, again.len) == 0));
	CHECK(!reader_failed(r) || v == 0);
	str_fini(&again);
}

static void
step(struct reader *r, uint8_t what)
{
	struct reader before = *r;
	struct span piece = SPAN_NONE;

	switch (what % 8) {
	case 0:
		reader_u8(r);
		break;
	case 1:
		reader_u16(r);
		break;
	case 2:
		reader_u32(r);
		break;
	case 3:
		reader_u64(r);
		break;
	case 4:
		check_varint(&before, r);
		break;
	case 5:
		piece = reader_bytes(r, what / 8);
		break;
	case 6:
		piece = reader_cstr(r);
		CHECK(!span_has(piece, '\0'));
		break;
	case 7:
		if (what == 255)
			piece = reader_rest(r);
		break;
	}
	CHECK(r->end == before.end && r->p >= before.p && r->p <= r->end);
	CHECK(!reader_failed(r) || (piece.len == 0 && reader_left(r) == 0));
	for (size_t i = 0; i < piece.len; i++)
		CHECK(piece.p[i] == ((const char *)before.p)[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_over(span_of((const char *)data, size));

	while (reader_left(&r) > 0)
		step(&r, reader_u8(&r));
	CHECK(reader_u8(&r) == 0 && reader_failed(&r));
	return 0;
}
