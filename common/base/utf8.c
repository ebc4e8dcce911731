/*
 * utf8 - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/utf8.h"

int32_t
utf8_next(struct span *rest)
{
	const unsigned char *p = (const unsigned char *)rest->p;
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	unsigned more;
	uint32_t v;

	if (rest->len == 0)
		return -1;
	if (p[0] < 0x80) {
		v = p[0];
		more = 0;
	} else if (p[0] >= 0xc2 && p[0] < 0xe0) {
		v = p[0] & 0x1f;
		more = 1;
	} else if (p[0] >= 0xe0 && p[0] < 0xf0) {
		v = p[0] & 0x0f;
		more = 2;
	} else if (p[0] >= 0xf0 && p[0] < 0xf5) {
		v = p[0] & 0x07;
		more = 3;
	} else {
		*rest = span_skip(*rest, 1);
		return -1;
	}
	for (unsigned i = 1; i <= more; i++) {
		if (i >= rest->len || (p[i] & 0xc0) != 0x80) {
			*rest = span_skip(*rest, 1);
			return -1;
		}
		v = v << 6 | (p[i] & 0x3f);
	}
	if (v < least[more] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000)) {
		*rest = span_skip(*rest, 1);
		return -1;
	}
	*rest = span_skip(*rest, more + 1);
	return (int32_t)v;
}

bool
utf8_valid(struct span text)
{
	while (text.len > 0)
		if (utf8_next(&text) < 0)
			return false;
	return true;
}

void
utf8_add(struct str *out, uint32_t v)
{
	if (v < 0x80) {
		str_putc(out, (char)v);
	} else if (v < 0x800) {
		str_putc(out, (char)(0xc0 | v >> 6));
		str_putc(out, (char)(0x80 | (v & 0x3f)));
	} else if (v < 0x10000) {
		str_putc(out, (char)(0xe0 | v >> 12));
		str_putc(out, (char)(0x80 | (v >> 6 & 0x3f)));
		str_putc(out, (char)(0x80 | (v & 0x3f)));
	} else {
		str_putc(out, (char)(0xf0 | v >> 18));
		str_putc(out, (char)(0x80 | (v >> 12 & 0x3f)));
		str_putc(out, (char)(0x80 | (v >> 6 & 0x3f)));
		str_putc(out, (char)(0x80 | (v & 0x3f)));
	}
}

static uint32_t
fold(uint32_t v)
{
	if (v < 0x80)
		return (uint32_t)(unsigned char)ascii_lower((char)v);
	if (v >= 0xc0 && v <= 0xde && v != 0xd7)	/* Latin-1 */
		return v + 32;
	if (v == 0x178)
		return 0xff;
	if ((v >= 0x100 && v <= 0x137 && v != 0x130)	/* Latin Extended-A */
	    || (v >= 0x14a && v <= 0x177))
		return v | 1;
	if ((v >= 0x139 && v <= 0x148) || (v >= 0x179 && v <= 0x17e))
		return v % 2 == 1 ? v + 1 : v;
	if (v >= 0x391 && v <= 0x3a9 && v != 0x3a2)	/* Greek */
		return v + 32;
	if (v == 0x386)
		return 0x3ac;
	if (v >= 0x388 && v <= 0x38a)
		return v + 37;
	if (v == 0x38c)
		return 0x3cc;
	if (v == 0x38e || v == 0x38f)
		return v + 63;
	if (v >= 0x410 && v <= 0x42f)			/* Cyrillic */
		return v + 32;
	if (v >= 0x400 && v <= 0x40f)
		return v + 80;
	if (v >= 0x460 && v <= 0x481)
		return v | 1;
	return v;
}

void
utf8_fold(struct str *out, struct span text)
{
	if (!utf8_valid(text)) {
		for (size_t i = 0; i < text.len; i++)
			str_putc(out, ascii_lower(text.p[i]));
		return;
	}
	while (text.len > 0)
		utf8_add(out, fold((uint32_t)utf8_next(&text)));
}
