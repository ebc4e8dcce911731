/*
 * codec - base64, hex, xtext, quoting, CRC-32C.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/codec.h"
#include "common/base/crc32c_priv.h"
#include "common/base/random.h"
#include "common/base/utf8.h"
#include "tests/harness/t.h"

#define BYTES(literal) SPAN_LIT(literal)

static struct str out;

T_TEST(base64_of_known_texts)
{
	static const struct {
		struct span bytes;
		const char *text;
	} cases[] = {
		{ BYTES(""), "" },
		{ BYTES("f"), "Zg==" },
		{ BYTES("fo"), "Zm8=" },
		{ BYTES("foo"), "Zm9v" },
		{ BYTES("foob"), "Zm9vYg==" },
		{ BYTES("fooba"), "Zm9vYmE=" },
		{ BYTES("foobar"), "Zm9vYmFy" },
		{ BYTES("\0user\0pass"), "AHVzZXIAcGFzcw==" },
		{ BYTES("\xff\xfe\xfb\xef"), "//777w==" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].text);
		str_clear(&out);
		base64_encode(&out, cases[i].bytes);
		T_EQ_STR(str_cstr(&out), cases[i].text);
		str_clear(&out);
		T_CHECK(base64_decode(&out, span_cstr(cases[i].text)));
		T_EQ_SPAN(str_span(&out), cases[i].bytes);
	}
}

T_TEST(base64_refuses_what_does_not_belong)
{
	static const struct {
		const char *name;
		struct span text;
		bool ok;
	} cases[] = {
		{ "no padding", BYTES("Zg"), false },
		{ "half the padding", BYTES("Zg="), false },
		{ "a lone letter", BYTES("Z"), false },
		{ "only padding", BYTES("===="), false },
		{ "three of padding", BYTES("Z==="), false },
		{ "padding in the middle", BYTES("Zg==Zg=="), false },
		{ "padding before a letter", BYTES("Zg=a"), false },
		{ "a space", BYTES("Zm 9v==="), false },
		{ "a line end", BYTES("Zm9v\r\n=="), false },
		{ "the letters of URLs", BYTES("_-__"), false },
		{ "a NUL", BYTES("Zm9\0"), false },
		{ "a byte above 127", BYTES("Zm9\xc0"), false },
		{ "unused bits set, one pad", BYTES("Zm9="), true },
		{ "unused bits set, two pads", BYTES("Zh=="), true },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].name);
		str_clear(&out);
		T_EQ_INT(base64_decode(&out, cases[i].text), cases[i].ok);
	}
}

T_TEST(hex_both_ways)
{
	static const struct {
		const char *name;
		struct span text;
		bool ok;
		struct span bytes;
	} cases[] = {
		{ "empty", BYTES(""), true, BYTES("") },
		{ "upper", BYTES("00FF7A"), true, BYTES("\0\xff\x7a") },
		{ "lower", BYTES("00ff7a"), true, BYTES("\0\xff\x7a") },
		{ "odd", BYTES("00F"), false, BYTES("") },
		{ "no digit", BYTES("0G"), false, BYTES("") },
		{ "sign", BYTES("-1"), false, BYTES("") },
		{ "space", BYTES(" 1"), false, BYTES("") },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].name);
		str_clear(&out);
		T_EQ_INT(hex_decode(&out, cases[i].text), cases[i].ok);
		if (cases[i].ok)
			T_EQ_SPAN(str_span(&out), cases[i].bytes);
	}
	str_sets(&out, "=");
	hex_encode(&out, span_of("\x01\xab\xff", 3));
	T_EQ_STR(str_cstr(&out), "=01ABFF");
}

T_TEST(xtext_both_ways)
{
	static const struct {
		const char *name;
		struct span text;
		bool ok;
		struct span bytes;
	} cases[] = {
		{ "plain", BYTES("abc@example.com"), true,
		    BYTES("abc@example.com") },
		{ "plus and equal sign", BYTES("a+2Bb+3Dc"), true,
		    BYTES("a+b=c") },
		{ "space and controls", BYTES("+20+00+7F+FF"), true,
		    BYTES(" \0\x7f\xff") },
		{ "lower case digits", BYTES("+2b"), true, BYTES("+") },
		{ "one digit", BYTES("a+2"), false, BYTES("") },
		{ "no digits", BYTES("a+"), false, BYTES("") },
		{ "not digits", BYTES("+GG"), false, BYTES("") },
		{ "raw equal sign", BYTES("a=b"), false, BYTES("") },
		{ "raw space", BYTES("a b"), false, BYTES("") },
		{ "raw 8-bit", BYTES("\xc3\xa4"), false, BYTES("") },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].name);
		str_clear(&out);
		T_EQ_INT(xtext_decode(&out, cases[i].text), cases[i].ok);
		if (cases[i].ok)
			T_EQ_SPAN(str_span(&out), cases[i].bytes);
	}
	str_clear(&out);
	xtext_encode(&out, span_of("a+b=c d\x80~", 9));
	T_EQ_STR(str_cstr(&out), "a+2Bb+3Dc+20d+80~");
}

T_TEST(quoting_for_the_log)
{
	static const struct {
		const char *name;
		struct span bytes, want;
	} cases[] = {
		{ "plain", BYTES("a b~!"), BYTES("a b~!") },
		{ "controls", BYTES("a\r\nb\tc\0d\x7f\x1b[0m"),
		    BYTES("a??b?c?d??[0m") },
		{ "UTF-8", BYTES("gr\xc3\xbc\xc3\x9f \xe2\x82\xac "
		    "\xf0\x9f\x93\xac"), BYTES("gr\xc3\xbc\xc3\x9f "
		    "\xe2\x82\xac \xf0\x9f\x93\xac") },
		{ "controls of Latin-1", BYTES("a\xc2\x9b" "b"),
		    BYTES("a??b") },
		{ "a lone byte", BYTES("a\xfc" "b"), BYTES("a?b") },
		{ "cut", BYTES("a\xe2\x82"), BYTES("a??") },
		{ "overlong", BYTES("\xc0\xaf"), BYTES("??") },
		{ "surrogate", BYTES("\xed\xa0\x80"), BYTES("???") },
		{ "empty", BYTES(""), BYTES("") },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].name);
		str_clear(&out);
		log_quote(&out, cases[i].bytes);
		T_EQ_SPAN(str_span(&out), cases[i].want);
	}
	str_sets(&out, "\n");
	log_quote(&out, SPAN("\n"));
	T_EQ_STR(str_cstr(&out), "\n?");
}

T_TEST(escapes_of_C_and_JSON)
{
	static const struct {
		const char *name;
		struct span bytes;
		const char *c, *json;
	} cases[] = {
		{ "plain", BYTES("a/b'c"), "a/b'c", "a/b'c" },
		{ "quotes", BYTES("\"\\"), "\\\"\\\\", "\\\"\\\\" },
		{ "line", BYTES("a\r\n\tb"), "a\\r\\n\\tb", "a\\r\\n\\tb" },
		{ "controls", BYTES("\0\x01\x7f\b\f"),
		    "\\000\\001\\177\\010\\014", "\\u0000\\u0001\\u007f\\b\\f" },
		{ "UTF-8", BYTES("\xc3\xbc"), "\\303\\274", "\xc3\xbc" },
		{ "broken", BYTES("x\xfcy"), "x\\374y", "x\xef\xbf\xbdy" },
		{ "cut", BYTES("\xe2\x82"), "\\342\\202",
		    "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "empty", BYTES(""), "", "" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].name);
		str_clear(&out);
		c_escape(&out, cases[i].bytes);
		T_EQ_STR(str_cstr(&out), cases[i].c);
		str_clear(&out);
		json_escape(&out, cases[i].bytes);
		T_EQ_STR(str_cstr(&out), cases[i].json);
		T_CHECK(utf8_valid(str_span(&out)));
	}
}

T_TEST(crc32c_of_known_texts)
{
	char zeros[32] = { 0 }, ones[32], up[32], down[32];

	memset(ones, 0xff, 32);
	for (int i = 0; i < 32; i++) {
		up[i] = (char)i;
		down[i] = (char)(31 - i);
	}
	/* RFC 3720 appendix B.4, and the usual check value. */
	T_EQ_INT(crc32c(0, "123456789", 9), 0xe3069283);
	T_EQ_INT(crc32c(0, zeros, 32), 0x8a9136aa);
	T_EQ_INT(crc32c(0, ones, 32), 0x62a8ab43);
	T_EQ_INT(crc32c(0, up, 32), 0x46dd794e);
	T_EQ_INT(crc32c(0, down, 32), 0x113fdb5c);
	T_EQ_INT(crc32c(0, "", 0), 0);
	T_EQ_INT(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

T_TEST(crc32c_is_the_same_by_table_and_hardware)
{
	unsigned char bytes[300];

	if (!crc32c_has_hardware())
		T_SKIP("no instruction for it here");
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)random_u64();
	for (size_t from = 0; from < 9; from++)
		for (size_t len = 0; len + from <= sizeof(bytes); len++)
			T_NEED(crc32c_by_table(7, bytes + from, len) ==
			    crc32c_by_hardware(7, bytes + from, len));
}

T_TEST(random_bytes_come_back)
{
	struct str bytes = STR_EMPTY, back = STR_EMPTY;

	random_seed(t_seed());
	for (int round = 0; round < 2000; round++) {
		str_clear(&bytes);
		for (uint32_t n = random_below(70); n > 0; n--)
			str_putc(&bytes, (char)random_u64());
		str_clear(&out);
		str_clear(&back);
		base64_encode(&out, str_span(&bytes));
		T_NEED(base64_decode(&back, str_span(&out)));
		T_NEED(span_eq(str_span(&back), str_span(&bytes)));
		str_clear(&out);
		str_clear(&back);
		xtext_encode(&out, str_span(&bytes));
		T_NEED(xtext_decode(&back, str_span(&out)));
		T_NEED(span_eq(str_span(&back), str_span(&bytes)));
		str_clear(&out);
		str_clear(&back);
		hex_encode(&out, str_span(&bytes));
		T_NEED(hex_decode(&back, str_span(&out)));
		T_NEED(span_eq(str_span(&back), str_span(&bytes)));
	}
	str_fini(&bytes);
	str_fini(&back);
}
