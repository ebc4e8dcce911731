/*
 * reader - a cursor over wire bytes that cannot run past the end, and the
 * writers that mirror it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <endian.h>

#include "common/base/reader.h"
#include "common/base/str.h"

struct reader
reader_over(struct span bytes)
{
	static const unsigned char nothing[1];
	const unsigned char *p = bytes.len > 0 ?
	    (const unsigned char *)bytes.p : nothing;

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

/* The next len bytes, or NULL. */
static const unsigned char *
take(struct reader *r, size_t len)
{
	if (__builtin_expect(len > reader_left(r), 0)) {
		reader_fail(r);
		return NULL;
	}

	const unsigned char *p = r->p;

	r->p += len;
	return p;
}

uint8_t
reader_u8(struct reader *r)
{
	const unsigned char *p = take(r, 1);

	return p != NULL ? *p : 0;
}

uint16_t
reader_u16(struct reader *r)
{
	const unsigned char *p = take(r, 2);
	uint16_t v = 0;

	if (p != NULL)
		memcpy(&v, p, sizeof(v));
	return be16toh(v);
}

uint32_t
reader_u32(struct reader *r)
{
	const unsigned char *p = take(r, 4);
	uint32_t v = 0;

	if (p != NULL)
		memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

uint64_t
reader_u64(struct reader *r)
{
	const unsigned char *p = take(r, 8);
	uint64_t v = 0;

	if (p != NULL)
		memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

uint64_t
reader_varint(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		const unsigned char *p = take(r, 1);

		if (p == NULL)
			return 0;
		/* The tenth byte has one bit to give. */
		if (shift == 63 && *p > 1)
			break;
		v |= (uint64_t)(*p & 0x7f) << shift;
		if ((*p & 0x80) != 0)
			continue;
		if (*p == 0 && shift > 0)
			break;		/* a shorter form says the same */
		return v;
	}
	reader_fail(r);
	return 0;
}

struct span
reader_bytes(struct reader *r, size_t len)
{
	const unsigned char *p = take(r, len);

	return p != NULL ? span_of((const char *)p, len) : SPAN_NONE;
}

struct span
reader_cstr(struct reader *r)
{
	const unsigned char *nul = memchr(r->p, '\0', reader_left(r));

	if (nul == NULL) {
		reader_fail(r);
		return SPAN_NONE;
	}

	struct span text = span_of((const char *)r->p, (size_t)(nul - r->p));

	r->p = nul + 1;
	return text;
}

struct span
reader_rest(struct reader *r)
{
	return reader_bytes(r, reader_left(r));
}

static void
add_bytes(struct str *s, const void *bytes, size_t len)
{
	memcpy(str_reserve(s, len), bytes, len);
	str_advance(s, len);
}

void
writer_u8(struct str *s, uint8_t v)
{
	str_putc(s, (char)v);
}

void
writer_u16(struct str *s, uint16_t v)
{
	v = htobe16(v);
	add_bytes(s, &v, sizeof(v));
}

void
writer_u32(struct str *s, uint32_t v)
{
	v = htobe32(v);
	add_bytes(s, &v, sizeof(v));
}

void
writer_u64(struct str *s, uint64_t v)
{
	v = htobe64(v);
	add_bytes(s, &v, sizeof(v));
}

void
writer_varint(struct str *s, uint64_t v)
{
	unsigned char bytes[10];
	size_t n = 0;

	for (; v > 0x7f; v >>= 7)
		bytes[n++] = (unsigned char)(v | 0x80);
	bytes[n++] = (unsigned char)v;
	add_bytes(s, bytes, n);
}
