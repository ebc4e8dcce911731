/*
 * reader - a cursor over wire bytes that cannot run past the end.
 *
 * After the first read that does not fit, every read returns zero or an empty
 * span and reader_failed says so: one check at the end is enough.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_READER_H
#define COMMON_BASE_READER_H

#include "common/base/span.h"

struct reader {
	const unsigned char *p, *end;
	bool failed;
};

struct reader reader_over(struct span bytes);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);		/* big endian */
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
/* LEB128, at most 10 bytes; overlong or overflowing input fails. */
uint64_t reader_varint(struct reader *r);
struct span reader_bytes(struct reader *r, size_t len);	/* borrowed */
struct span reader_cstr(struct reader *r);	/* up to NUL; NUL is eaten */
struct span reader_rest(struct reader *r);	/* takes all that is left */
size_t reader_left(const struct reader *r);
void reader_fail(struct reader *r);

static inline bool
reader_failed(const struct reader *r)
{
	return r->failed;
}

/* The writers that mirror it, appending to a str. */
struct str;
void writer_u8(struct str *s, uint8_t v);
void writer_u16(struct str *s, uint16_t v);
void writer_u32(struct str *s, uint32_t v);
void writer_u64(struct str *s, uint64_t v);
void writer_varint(struct str *s, uint64_t v);

#endif
