/*
 * reader - what fits is read, what does not fails for good.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/reader.h"
#include "common/base/random.h"
#include "common/base/str.h"
#include "tests/harness/t.h"

T_TEST(numbers_are_big_endian)
{
	struct reader r = reader_over(SPAN("\x01\x02\x03\x04\x05\x06\x07\x08"
	    "\x09\x0a\x0b\x0c\x0d\x0e\x0f"));

	T_EQ_INT(reader_u8(&r), 0x01);
	T_EQ_INT(reader_u16(&r), 0x0203);
	T_EQ_INT(reader_u32(&r), 0x04050607);
	T_EQ_INT(reader_u64(&r), 0x08090a0b0c0d0e0f);
	T_EQ_INT(reader_left(&r), 0);
	T_CHECK(!reader_failed(&r));
	T_EQ_INT(reader_u8(&r), 0);
	T_CHECK(reader_failed(&r));
}

T_TEST(failure_stays)
{
	struct reader r = reader_over(SPAN("abcdef"));

	T_EQ_INT(reader_u64(&r), 0);
	T_CHECK(reader_failed(&r));
	T_EQ_INT(reader_u8(&r), 0);
	T_EQ_INT(reader_u16(&r), 0);
	T_EQ_INT(reader_u32(&r), 0);
	T_EQ_INT(reader_varint(&r), 0);
	T_EQ_INT(reader_bytes(&r, 1).len, 0);
	T_EQ_INT(reader_cstr(&r).len, 0);
	T_EQ_INT(reader_rest(&r).len, 0);
	T_EQ_INT(reader_left(&r), 0);
	T_CHECK(reader_failed(&r));

	struct reader told = reader_over(SPAN("abc"));

	reader_fail(&told);
	T_EQ_INT(reader_u8(&told), 0);
	T_CHECK(reader_failed(&told));
}

T_TEST(pieces_are_borrowed)
{
	struct span bytes = span_of("ab\0cd\0ef", 8);
	struct reader r = reader_over(bytes);

	T_EQ_TEXT(reader_cstr(&r), "ab");
	T_EQ_TEXT(reader_bytes(&r, 2), "cd");
	T_EQ_TEXT(reader_cstr(&r), "");

	struct span rest = reader_rest(&r);

	T_EQ_TEXT(rest, "ef");
	T_CHECK(rest.p == bytes.p + 6);
	T_CHECK(!reader_failed(&r));
	T_EQ_INT(reader_rest(&r).len, 0);
	T_EQ_INT(reader_bytes(&r, 0).len, 0);
	T_CHECK(!reader_failed(&r));

	struct reader unended = reader_over(SPAN("abc"));

	T_EQ_INT(reader_cstr(&unended).len, 0);
	T_CHECK(reader_failed(&unended));

	struct reader huge = reader_over(SPAN("abc"));

	T_EQ_INT(reader_bytes(&huge, SIZE_MAX).len, 0);
	T_CHECK(reader_failed(&huge));

	struct reader nothing = reader_over(SPAN_NONE);

	T_EQ_INT(reader_left(&nothing), 0);
	T_EQ_INT(reader_cstr(&nothing).len, 0);
	T_CHECK(reader_failed(&nothing));
}

T_TEST(varints_have_one_form)
{
	static const struct {
		const char *name;
		struct span bytes;
		bool ok;
		uint64_t value;
	} cases[] = {
		{ "0", SPAN_LIT("\x00"), true, 0 },
		{ "127", SPAN_LIT("\x7f"), true, 127 },
		{ "128", SPAN_LIT("\x80\x01"), true, 128 },
		{ "300", SPAN_LIT("\xac\x02"), true, 300 },
		{ "the largest",
		    SPAN_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), true,
		    UINT64_MAX },
		{ "too large",
		    SPAN_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), false,
		    0 },
		{ "eleven bytes",
		    SPAN_LIT("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
		    false, 0 },
		{ "tenth goes on",
		    SPAN_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81"), false,
		    0 },
		{ "overlong 0", SPAN_LIT("\x80\x00"), false, 0 },
		{ "overlong 127", SPAN_LIT("\xff\x00"), false, 0 },
		{ "cut", SPAN_LIT("\x80"), false, 0 },
		{ "empty", SPAN_LIT(""), false, 0 },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct reader r = reader_over(cases[i].bytes);

		T_CASE(cases[i].name);
		T_CHECK(reader_varint(&r) == cases[i].value);
		T_EQ_INT(reader_failed(&r), !cases[i].ok);
	}
}

T_TEST(what_is_written_is_read)
{
	struct str s = STR_EMPTY;

	random_seed(t_seed());
	for (int round = 0; round < 10000; round++) {
		uint64_t v = random_u64() >> random_below(64);

		str_clear(&s);
		writer_u8(&s, (uint8_t)v);
		writer_u16(&s, (uint16_t)v);
		writer_u32(&s, (uint32_t)v);
		writer_u64(&s, v);
		writer_varint(&s, v);

		struct reader r = reader_over(str_span(&s));

		T_NEED(reader_u8(&r) == (uint8_t)v);
		T_NEED(reader_u16(&r) == (uint16_t)v);
		T_NEED(reader_u32(&r) == (uint32_t)v);
		T_NEED(reader_u64(&r) == v);
		T_NEED(reader_varint(&r) == v);
		T_NEED(reader_left(&r) == 0 && !reader_failed(&r));
	}
	str_fini(&s);
}
