/*
 * codec - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/codec.h"

#include "common/base/utf8.h"

static const char base64_chars[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(struct str *out, struct span bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
		uint32_t v = (uint32_t)p[i] << 16
		    | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0)
		    | (n > 2 ? p[i + 2] : 0);

		str_putc(out, base64_chars[v >> 18]);
		str_putc(out, base64_chars[v >> 12 & 63]);
		str_putc(out, n > 1 ? base64_chars[v >> 6 & 63] : '=');
		str_putc(out, n > 2 ? base64_chars[v & 63] : '=');
	}
}

static int
base64_digit(char c)
{
	const char *at = c != '\0' ? strchr(base64_chars, c) : NULL;

	return at != NULL ? (int)(at - base64_chars) : -1;
}

bool
base64_decode(struct str *out, struct span text)
{
	if (text.len % 4 != 0)
		return false;
	for (size_t i = 0; i < text.len; i += 4) {
		bool last = i + 4 == text.len;
		size_t pad = last ? (text.p[i + 3] == '=')
		    + (text.p[i + 3] == '=' && text.p[i + 2] == '=') : 0;
		uint32_t v = 0;

		for (size_t k = 0; k < 4; k++) {
			int digit = k >= 4 - pad ? 0
			    : base64_digit(text.p[i + k]);

			if (digit < 0)
				return false;
			v = v << 6 | (uint32_t)digit;
		}
		if ((pad == 1 && (v & 0xff)) || (pad == 2 && (v & 0xffff)))
			return false;
		str_putc(out, (char)(v >> 16));
		if (pad < 2)
			str_putc(out, (char)(v >> 8));
		if (pad < 1)
			str_putc(out, (char)v);
	}
	return true;
}

static const char hex_chars[] = "0123456789ABCDEF";

void
hex_encode(struct str *out, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.p[i];

		str_putc(out, hex_chars[c >> 4]);
		str_putc(out, hex_chars[c & 15]);
	}
}

static int
hex_digit(char c)
{
	c = ascii_lower(c);
	return ascii_is_digit(c) ? c - '0'
	    : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
hex_decode(struct str *out, struct span text)
{
	if (text.len % 2 != 0)
		return false;
	for (size_t i = 0; i < text.len; i += 2) {
		int hi = hex_digit(text.p[i]), lo = hex_digit(text.p[i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		str_putc(out, (char)(hi << 4 | lo));
	}
	return true;
}

void
xtext_encode(struct str *out, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.p[i];

		if (c > ' ' && c <= '~' && c != '+' && c != '=') {
			str_putc(out, c);
		} else {
			str_putc(out, '+');
			hex_encode(out, span_of(&bytes.p[i], 1));
		}
	}
}

bool
xtext_decode(struct str *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c == '+') {
			/* RFC 3461: upper case hexadecimal only */
			if (text.len - i < 3 || !hex_decode(out,
			    span_of(text.p + i + 1, 2))
			    || (text.p[i + 1] >= 'a') || (text.p[i + 2] >= 'a'))
				return false;
			i += 2;
		} else if (c > ' ' && c <= '~' && c != '=') {
			str_putc(out, c);
		} else {
			return false;
		}
	}
	return true;
}

void
log_quote(struct str *out, struct span bytes)
{
	while (bytes.len > 0) {
		struct span rest = bytes;
		size_t run = 0;
		int32_t cp;

		while (run < bytes.len && ascii_is_print(bytes.p[run]))
			run++;
		if (run > 0) {
			str_add(out, span_sub(bytes, 0, run));
			bytes = span_skip(bytes, run);
			continue;
		}
		cp = utf8_next(&rest);
		if (cp < 0xa0) {
			str_putc(out, '?');
			bytes = span_skip(bytes, cp < 0 ? 1
			    : bytes.len - rest.len);
		} else {
			str_add(out, span_sub(bytes, 0, bytes.len - rest.len));
			bytes = rest;
		}
	}
}

void
c_escape(struct str *out, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.p[i];

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
			if (ascii_is_print(c))
				str_putc(out, c);
			else
				str_addf(out, "\\%03o", (unsigned char)c);
		}
	}
}

void
json_escape(struct str *out, struct span text)
{
	while (text.len > 0) {
		struct span rest = text;
		int32_t cp = utf8_next(&rest);

		if (cp < 0) {
			str_adds(out, "\xef\xbf\xbd");
			text = span_skip(text, 1);
			continue;
		}
		if (cp == '"' || cp == '\\') {
			str_putc(out, '\\');
			str_putc(out, (char)cp);
		} else if (cp == '\n') {
			str_adds(out, "\\n");
		} else if (cp == '\r') {
			str_adds(out, "\\r");
		} else if (cp == '\t') {
			str_adds(out, "\\t");
		} else if (cp < 0x20 || cp == 0x7f) {
			str_addf(out, "\\u%04x", (unsigned)cp);
		} else {
			str_add(out, span_sub(text, 0, text.len - rest.len));
		}
		text = rest;
	}
}

static uint32_t crc_table[256];

static void
make_crc_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t v = i;

		for (int bit = 0; bit < 8; bit++)
			v = v >> 1 ^ (v & 1 ? 0x82f63b78u : 0);
		crc_table[i] = v;
	}
}

static uint32_t
crc_by_table(uint32_t crc, const unsigned char *p, size_t len)
{
	if (crc_table[1] == 0)
		make_crc_table();
	while (len-- > 0)
		crc = crc >> 8 ^ crc_table[(crc ^ *p++) & 0xff];
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
crc_by_instruction(uint32_t crc, const unsigned char *p, size_t len)
{
	uint64_t wide = crc;

	for (; len >= 8; len -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		wide = __builtin_ia32_crc32di(wide, word);
	}
	crc = (uint32_t)wide;
	while (len-- > 0)
		crc = __builtin_ia32_crc32qi(crc, *p++);
	return crc;
}
#endif

uint32_t
crc32c(uint32_t seed, const void *bytes, size_t len)
{
	uint32_t crc = ~seed;

#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc_by_instruction(crc, bytes, len);
#endif
	return ~crc_by_table(crc, bytes, len);
}
