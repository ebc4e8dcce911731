/*
 * codec - bytes as text and back: base64, hex, xtext, quoted for the log.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/codec.h"
#include "common/base/panic.h"
#include "common/base/utf8.h"

/* --- base64 (RFC 4648 section 4) -------------------------------------------*/

static const char base64_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(struct str *out, struct span bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	size_t left = bytes.len, groups = left / 3 + (left % 3 != 0);

	CHECK(groups < SIZE_MAX / 8);

	char *to = str_reserve(out, groups * 4);

	for (; left >= 3; p += 3, left -= 3) {
		uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];

		*to++ = base64_letters[v >> 18];
		*to++ = base64_letters[v >> 12 & 63];
		*to++ = base64_letters[v >> 6 & 63];
		*to++ = base64_letters[v & 63];
	}
	if (left > 0) {
		uint32_t v = (uint32_t)p[0] << 16 |
		    (left > 1 ? (uint32_t)p[1] << 8 : 0);

		*to++ = base64_letters[v >> 18];
		*to++ = base64_letters[v >> 12 & 63];
		*to++ = left > 1 ? base64_letters[v >> 6 & 63] : '=';
		*to++ = '=';
	}
	str_advance(out, groups * 4);
}

/* One more than the value of a letter; 0 for what is none. */
static const unsigned char base64_values[256] = {
	['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
	19, 20, 21, 22, 23, 24, 25, 26,
	['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42,
	43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
	['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
	['+'] = 63, ['/'] = 64,
};

/* Four letters; negative if one is none. */
static inline int32_t
base64_group(const unsigned char *p)
{
	int32_t a = base64_values[p[0]] - 1, b = base64_values[p[1]] - 1;
	int32_t c = base64_values[p[2]] - 1, d = base64_values[p[3]] - 1;

	if ((a | b | c | d) < 0)
		return -1;
	return a << 18 | b << 12 | c << 6 | d;
}

bool
base64_decode(struct str *out, struct span text)
{
	const unsigned char *p = (const unsigned char *)text.p;
	size_t pad = 0, groups = text.len / 4;

	if (text.len % 4 != 0)
		return false;
	while (pad < 2 && pad < text.len && p[text.len - 1 - pad] == '=')
		pad++;

	char *to = str_reserve(out, groups * 3);

	for (size_t i = 0; i < groups; i++, p += 4) {
		unsigned char last[4] = { 'A', 'A', 'A', 'A' };
		bool padded = pad > 0 && i == groups - 1;

		if (padded)
			memcpy(last, p, 4 - pad);

		int32_t group = base64_group(padded ? last : p);

		if (group < 0)
			return false;
		*to++ = (char)(group >> 16);
		*to++ = (char)(group >> 8);
		*to++ = (char)group;
	}
	str_advance(out, groups * 3 - pad);
	return true;
}

/* --- hex ------------------------------------------------------------------*/

static const char hex_digits[] = "0123456789ABCDEF";

void
hex_encode(struct str *out, struct span bytes)
{
	CHECK(bytes.len < SIZE_MAX / 4);

	char *to = str_reserve(out, bytes.len * 2);

	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.p[i];

		*to++ = hex_digits[c >> 4];
		*to++ = hex_digits[c & 15];
	}
	str_advance(out, bytes.len * 2);
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_upper(c);
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that two digits say, or -1. */
static int
hex_byte(const char *p)
{
	int high = hex_value(p[0]), low = hex_value(p[1]);

	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool
hex_decode(struct str *out, struct span text)
{
	if (text.len % 2 != 0)
		return false;

	char *to = str_reserve(out, text.len / 2);

	for (size_t i = 0; i < text.len; i += 2) {
		int byte = hex_byte(text.p + i);

		if (byte < 0)
			return false;
		*to++ = (char)byte;
	}
	str_advance(out, text.len / 2);
	return true;
}

/* --- xtext (RFC 3461 section 4) ---------------------------------------------*/

static bool
is_xchar(char c)
{
	return c > ' ' && c <= '~' && c != '+' && c != '=';
}

void
xtext_encode(struct str *out, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.p[i];

		if (is_xchar(bytes.p[i])) {
			str_putc(out, bytes.p[i]);
			continue;
		}
		str_putc(out, '+');
		str_putc(out, hex_digits[c >> 4]);
		str_putc(out, hex_digits[c & 15]);
	}
}

bool
xtext_decode(struct str *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		int byte;

		if (is_xchar(text.p[i])) {
			str_putc(out, text.p[i]);
			continue;
		}
		if (text.p[i] != '+' || text.len - i < 3)
			return false;
		byte = hex_byte(text.p + i + 1);
		if (byte < 0)
			return false;
		str_putc(out, (char)byte);
		i += 2;
	}
	return true;
}

/* --- For people and logs ---------------------------------------------------*/

static bool
is_control(int32_t c)
{
	return c < ' ' || (c >= 0x7f && c < 0xa0);
}

void
log_quote_in_place(char *p, size_t len)
{
	char *end = p + len;

	while (p < end) {
		if (ascii_is_print(*p)) {
			p++;
			continue;
		}

		struct span rest = span_of(p, (size_t)(end - p));
		int32_t c = utf8_next(&rest);	/* broken is -1: a control */
		char *next = end - rest.len;

		if (is_control(c))
			memset(p, '?', (size_t)(next - p));
		p = next;
	}
}

void
log_quote(struct str *out, struct span bytes)
{
	size_t from = out->len;

	if (bytes.len == 0)
		return;
	str_add(out, bytes);
	log_quote_in_place(out->buf + from, bytes.len);
}

void
c_escape(struct str *out, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.p[i];
		unsigned char byte = (unsigned char)c;

		switch (c) {
		case '\r':
			str_adds(out, "\\r");
			break;
		case '\n':
			str_adds(out, "\\n");
			break;
		case '\t':
			str_adds(out, "\\t");
			break;
		case '\\':
		case '"':
			str_putc(out, '\\');
			str_putc(out, c);
			break;
		default:
			if (ascii_is_print(c)) {
				str_putc(out, c);
				break;
			}
			str_putc(out, '\\');
			str_putc(out, (char)('0' + (byte >> 6)));
			str_putc(out, (char)('0' + (byte >> 3 & 7)));
			str_putc(out, (char)('0' + (byte & 7)));
		}
	}
}

static void
json_escape_control(struct str *out, unsigned char c)
{
	static const char *const short_forms[] = { ['\b'] = "\\b",
		['\f'] = "\\f", ['\n'] = "\\n", ['\r'] = "\\r",
		['\t'] = "\\t", [' '] = NULL };

	if (c < ' ' && short_forms[c] != NULL) {
		str_adds(out, short_forms[c]);
		return;
	}
	str_addf(out, "\\u%04x", (unsigned)c);
}

void
json_escape(struct str *out, struct span text)
{
	while (text.len > 0) {
		struct span here = text;
		int32_t c = utf8_next(&text);

		if (c < 0) {
			utf8_add(out, 0xfffd);
		} else if (c == '"' || c == '\\') {
			str_putc(out, '\\');
			str_putc(out, (char)c);
		} else if (c < ' ' || c == 0x7f) {
			json_escape_control(out, (unsigned char)c);
		} else {
			str_add(out, span_sub(here, 0, here.len - text.len));
		}
	}
}
