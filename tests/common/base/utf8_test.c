/*
 * utf8 - validity at every border, folding of the scripts that mail meets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/utf8.h"
#include "tests/harness/t.h"

T_TEST(validity)
{
	static const struct {
		const char *name;
		struct span text;
		bool valid;
	} cases[] = {
		{ "empty", SPAN_LIT(""), true },
		{ "ASCII", SPAN_LIT("plain old text, long enough"), true },
		{ "NUL", SPAN_LIT("a\0b"), true },
		{ "U+0080", SPAN_LIT("\xc2\x80"), true },
		{ "U+07FF", SPAN_LIT("\xdf\xbf"), true },
		{ "U+0800", SPAN_LIT("\xe0\xa0\x80"), true },
		{ "U+D7FF", SPAN_LIT("\xed\x9f\xbf"), true },
		{ "U+E000", SPAN_LIT("\xee\x80\x80"), true },
		{ "U+FFFF", SPAN_LIT("\xef\xbf\xbf"), true },
		{ "U+10000", SPAN_LIT("\xf0\x90\x80\x80"), true },
		{ "U+10FFFF", SPAN_LIT("\xf4\x8f\xbf\xbf"), true },
		{ "lone continuation", SPAN_LIT("\x80"), false },
		{ "overlong /", SPAN_LIT("\xc0\xaf"), false },
		{ "overlong in two", SPAN_LIT("\xc1\xbf"), false },
		{ "overlong in three", SPAN_LIT("\xe0\x9f\xbf"), false },
		{ "overlong in four", SPAN_LIT("\xf0\x8f\xbf\xbf"), false },
		{ "first surrogate", SPAN_LIT("\xed\xa0\x80"), false },
		{ "last surrogate", SPAN_LIT("\xed\xbf\xbf"), false },
		{ "U+110000", SPAN_LIT("\xf4\x90\x80\x80"), false },
		{ "lead byte f5", SPAN_LIT("\xf5\x80\x80\x80"), false },
		{ "byte fe", SPAN_LIT("\xfe"), false },
		{ "byte ff", SPAN_LIT("\xff"), false },
		{ "cut after one", SPAN_LIT("\xe2"), false },
		{ "cut after two", SPAN_LIT("\xe2\x82"), false },
		{ "cut after three", SPAN_LIT("\xf0\x9f\x93"), false },
		{ "ASCII inside", SPAN_LIT("\xe2\x82" "a"), false },
		{ "two leads", SPAN_LIT("\xe2\xe2\x82\xac"), false },
		{ "broken behind ASCII", SPAN_LIT("0123456789abcdef\xc3"),
		    false },
		{ "Latin-1", SPAN_LIT("gr\xfc\xdf"), false },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct span rest = cases[i].text;
		bool broken = false;

		T_CASE(cases[i].name);
		T_EQ_INT(utf8_valid(cases[i].text), cases[i].valid);
		while (rest.len > 0) {
			size_t before = rest.len;

			broken |= utf8_next(&rest) < 0;
			T_NEED(rest.len < before);
		}
		T_EQ_INT(!broken, cases[i].valid);
	}
	T_EQ_INT(utf8_next(&(struct span){ NULL, 0 }), -1);
}

T_TEST(every_code_point_comes_back)
{
	struct str s = STR_EMPTY;

	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		str_clear(&s);
		utf8_add(&s, c);

		struct span rest = str_span(&s);

		T_NEED(utf8_next(&rest) == (int32_t)c && rest.len == 0);
	}
	str_fini(&s);
}

T_TEST(a_broken_byte_does_not_hide_the_next_character)
{
	struct span rest = SPAN("\xe2\x82" "a");

	T_EQ_INT(utf8_next(&rest), -1);
	T_EQ_INT(utf8_next(&rest), -1);
	T_EQ_INT(utf8_next(&rest), 'a');
}

T_TEST(folding)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "", "" },
		{ "Plain.ASCII-User+Tag@Example.ORG",
		    "plain.ascii-user+tag@example.org" },
		{ "GRÜSSE", "grüsse" },
		{ "ÀÉÎÕØÞ×÷ß", "àéîõøþ×÷ß" },
		{ "ŁÓDŹ Žižka ĲŊĹŽ", "łódź žižka ĳŋĺž" },
		{ "ŸĿĸ", "ÿŀĸ" },
		{ "İstanbul ı", "istanbul ı" },
		{ "ΑΒΓΔΩ ΆΈΉΊΌΎΏ ΪΫ", "αβγδω άέήίόύώ ϊϋ" },
		{ "ΟΔΟΣ", "οδοσ" },
		{ "οδος", "οδοσ" },
		{ "МОСКВА Ёж ЂЃЏ", "москва ёж ђѓџ" },
		{ "ҐґӀѲ", "ґґӏѳ" },
		{ "ẞẠỸ Ἀθῆναι", "ßạỹ ἀθῆναι" },
		{ "Ա", "ա" },
		{ "日本語", "日本語" },
		{ "A\xff\xc3\x9c", "a\xff\xc3\x9c" },	/* broken: ASCII only */
	};
	struct str out = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].from);
		str_clear(&out);
		utf8_fold(&out, SPAN(cases[i].from));
		T_EQ_STR(str_cstr(&out), cases[i].to);
	}
	str_sets(&out, "X");
	utf8_fold(&out, SPAN("Y"));
	T_EQ_STR(str_cstr(&out), "Xy");
	str_fini(&out);
}

T_TEST(what_is_folded_stays_so)
{
	struct str one = STR_EMPTY, once = STR_EMPTY, twice = STR_EMPTY;
	size_t changed = 0;

	for (uint32_t c = 0; c < 0x20000; c++) {
		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		str_clear(&one);
		str_clear(&once);
		str_clear(&twice);
		utf8_add(&one, c);
		utf8_fold(&once, str_span(&one));
		T_CASEF("U+%04X", c);
		T_NEED(utf8_valid(str_span(&once)));
		utf8_fold(&twice, str_span(&once));
		T_EQ_SPAN(str_span(&twice), str_span(&once));
		changed += !span_eq(str_span(&one), str_span(&once));
	}
	T_CASE("all");
	T_CHECK(changed > 600);
	str_fini(&one);
	str_fini(&once);
	str_fini(&twice);
}
