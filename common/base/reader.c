/*
 * reader - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/reader.h"

#include "common/base/str.h"

struct reader
reader_over(struct span bytes)
{
	const unsigned char *p = (const unsigned char *)
	    (bytes.p != NULL ? bytes.p : "");

	return (struct reader){ p, p + bytes.len, false };
}

size_t
reader_left(const struct reader *r)
{
	return (size_t)(r->end - r->p);
}

void
reader_fail(struct reader *r)
{
	r->failed = true;
	r->p = r->end;
}

static bool
has(struct reader *r, size_t n)
{
	if (!r->failed && reader_left(r) >= n)
		return true;
	reader_fail(r);
	return false;
}

static uint64_t
big_endian(struct reader *r, size_t n)
{
	uint64_t v = 0;

	if (!has(r, n))
		return 0;
	while (n-- > 0)
		v = v << 8 | *r->p++;
	return v;
}

uint8_t
reader_u8(struct reader *r)
{
	return (uint8_t)big_endian(r, 1);
}

uint16_t
reader_u16(struct reader *r)
{
	return (uint16_t)big_endian(r, 2);
}

uint32_t
reader_u32(struct reader *r)
{
	return (uint32_t)big_endian(r, 4);
}

uint64_t
reader_u64(struct reader *r)
{
	return big_endian(r, 8);
}

uint64_t
reader_varint(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		uint8_t b = reader_u8(r);

		if (r->failed)
			return 0;
		if (shift == 63 && b > 1)
			break;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			if (b == 0 && shift > 0)
				break;	/* overlong */
			return v;
		}
	}
	reader_fail(r);
	return 0;
}

struct span
reader_bytes(struct reader *r, size_t len)
{
	struct span bytes;

	if (!has(r, len))
		return SPAN_NONE;
	bytes = span_of((const char *)r->p, len);
	r->p += len;
	return bytes;
}

struct span
reader_cstr(struct reader *r)
{
	const unsigned char *nul = reader_left(r) > 0
	    ? memchr(r->p, '\0', reader_left(r)) : NULL;
	struct span text;

	if (r->failed || nul == NULL) {
		reader_fail(r);
		return SPAN_NONE;
	}
	text = span_of((const char *)r->p, (size_t)(nul - r->p));
	r->p = nul + 1;
	return text;
}

struct span
reader_rest(struct reader *r)
{
	return reader_bytes(r, reader_left(r));
}

void
writer_u8(struct str *s, uint8_t v)
{
	str_putc(s, (char)v);
}

static void
put_big_endian(struct str *s, uint64_t v, size_t n)
{
	char *at = str_reserve(s, n);

	for (size_t i = 0; i < n; i++)
		at[i] = (char)(v >> (8 * (n - 1 - i)));
	str_advance(s, n);
}

void
writer_u16(struct str *s, uint16_t v)
{
	put_big_endian(s, v, 2);
}

void
writer_u32(struct str *s, uint32_t v)
{
	put_big_endian(s, v, 4);
}

void
writer_u64(struct str *s, uint64_t v)
{
	put_big_endian(s, v, 8);
}

void
writer_varint(struct str *s, uint64_t v)
{
	char *at = str_reserve(s, 10);
	size_t n = 0;

	while (v >= 0x80) {
		at[n++] = (char)(v | 0x80);
		v >>= 7;
	}
	at[n++] = (char)v;
	str_advance(s, n);
}
