/*
 * span - borrowed bytes compared, searched and taken apart.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/span.h"
#include "tests/harness/t.h"

T_TEST(comparison)
{
	static const struct {
		struct span a, b;
		bool eq, nocase;
		int order;
	} cases[] = {
		{ SPAN_LIT(""), SPAN_LIT(""), true, true, 0 },
		{ { NULL, 0 }, SPAN_LIT(""), true, true, 0 },
		{ { NULL, 0 }, SPAN_LIT("a"), false, false, -1 },
		{ SPAN_LIT("abc"), SPAN_LIT("abc"), true, true, 0 },
		{ SPAN_LIT("abc"), SPAN_LIT("aBC"), false, true, 1 },
		{ SPAN_LIT("abc"), SPAN_LIT("ab"), false, false, 1 },
		{ SPAN_LIT("ab"), SPAN_LIT("abc"), false, false, -1 },
		{ SPAN_LIT("a\0b"), SPAN_LIT("a\0c"), false, false, -1 },
		{ SPAN_LIT("\xff"), SPAN_LIT("a"), false, false, 1 },
		{ SPAN_LIT("\xc4"), SPAN_LIT("\xe4"), false, false, -1 },
		{ SPAN_LIT("["), SPAN_LIT("{"), false, false, -1 },
		{ SPAN_LIT("@"), SPAN_LIT("`"), false, false, -1 },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		int order = span_cmp(cases[i].a, cases[i].b);

		T_CASEF("%zu", i);
		T_EQ_INT(span_eq(cases[i].a, cases[i].b), cases[i].eq);
		T_EQ_INT(span_eq_nocase(cases[i].a, cases[i].b),
		    cases[i].nocase);
		T_EQ_INT((order > 0) - (order < 0), cases[i].order);
	}
	T_CHECK(span_is(SPAN("a"), "a") && !span_is(SPAN("a"), "A"));
	T_CHECK(span_is_nocase(SPAN("a"), "A"));
}

T_TEST(prefixes_and_suffixes)
{
	struct span s = SPAN("Hello.org");

	T_CHECK(span_starts(s, SPAN("Hell")) && span_starts(s, SPAN("")));
	T_CHECK(!span_starts(s, SPAN("hell")));
	T_CHECK(span_starts_nocase(s, SPAN("hELL")));
	T_CHECK(!span_starts(s, SPAN("Hello.org.")));
	T_CHECK(span_ends(s, SPAN(".org")) && span_ends(s, SPAN_NONE));
	T_CHECK(!span_ends(s, SPAN(".ORG")));
	T_CHECK(span_ends_nocase(s, SPAN(".ORG")));
	T_CHECK(!span_ends(s, SPAN("xHello.org")));
	T_CHECK(span_starts(SPAN_NONE, SPAN_NONE));
	T_CHECK(span_ends(SPAN_NONE, SPAN_NONE));
}

T_TEST(searching)
{
	struct span s = span_of("abc\0abc", 7);

	T_EQ_INT(span_find(s, 'b'), 1);
	T_EQ_INT(span_rfind(s, 'b'), 5);
	T_EQ_INT(span_find(s, '\0'), 3);
	T_EQ_INT(span_find(s, 'x'), -1);
	T_EQ_INT(span_rfind(SPAN_NONE, 'x'), -1);
	T_CHECK(span_has(s, 'c') && !span_has(SPAN_NONE, 'c'));
	T_EQ_INT(span_search(s, span_of("c\0a", 3)), 2);
	T_EQ_INT(span_search(s, SPAN("")), 0);
	T_EQ_INT(span_search(SPAN_NONE, SPAN_NONE), 0);
	T_EQ_INT(span_search(SPAN_NONE, SPAN("a")), -1);
	T_EQ_INT(span_search(s, SPAN("abcd")), -1);
}

T_TEST(pieces_stay_inside)
{
	struct span s = SPAN("abcdef");

	T_EQ_TEXT(span_sub(s, 1, 3), "bcd");
	T_EQ_TEXT(span_sub(s, 4, 99), "ef");
	T_EQ_TEXT(span_sub(s, 4, SIZE_MAX), "ef");
	T_EQ_TEXT(span_sub(s, 6, 1), "");
	T_EQ_TEXT(span_sub(s, SIZE_MAX, SIZE_MAX), "");
	T_CHECK(span_sub(s, 99, 1).p == s.p + 6);
	T_EQ_TEXT(span_skip(s, 4), "ef");
	T_EQ_TEXT(span_skip(s, 99), "");
	T_EQ_TEXT(span_skip(SPAN_NONE, 3), "");
	T_EQ_TEXT(span_trim(SPAN(" \t\r\n\f\va b \t")), "a b");
	T_EQ_TEXT(span_ltrim(SPAN(" a ")), "a ");
	T_EQ_TEXT(span_rtrim(SPAN(" a ")), " a");
	T_EQ_TEXT(span_trim(SPAN(" \t ")), "");
	T_EQ_TEXT(span_trim(SPAN_NONE), "");
	T_EQ_TEXT(span_trim(SPAN("\xa0" "a\xa0")), "\xa0" "a\xa0");
}

/* The parts with a bar behind each. */
static const char *
parts(bool split, const char *text, const char *at)
{
	static char out[64];
	struct span rest = SPAN(text), part;
	size_t n = 0;

	while (split ? span_split(&rest, at[0], &part) :
	    span_token(&rest, at, &part)) {
		memcpy(out + n, part.p, part.len);
		n += part.len;
		out[n++] = '|';
	}
	out[n] = '\0';
	T_CHECK(!(split ? span_split(&rest, at[0], &part) :
	    span_token(&rest, at, &part)));
	return out;
}

T_TEST(splitting_and_tokens)
{
	T_EQ_STR(parts(true, "a,b,c", ","), "a|b|c|");
	T_EQ_STR(parts(true, ",a,,b", ","), "|a||b|");
	T_EQ_STR(parts(true, "a,b,", ","), "a|b|");
	T_EQ_STR(parts(true, ",", ","), "|");
	T_EQ_STR(parts(true, "abc", ","), "abc|");
	T_EQ_STR(parts(true, "", ","), "");
	T_EQ_STR(parts(false, "a, b\tc", ", \t"), "a|b|c|");
	T_EQ_STR(parts(false, " ,,a,", ", \t"), "a|");
	T_EQ_STR(parts(false, "  ", " "), "");
	T_EQ_STR(parts(false, "", " "), "");
	T_EQ_STR(parts(false, "a\xff" "b", "\xff"), "a|b|");
	T_EQ_STR(parts(false, "a b", ""), "a b|");

	struct span rest = SPAN_NONE, part;

	T_CHECK(!span_split(&rest, ',', &part));
	T_CHECK(!span_token(&rest, ",", &part));
	rest = span_of("a\0b", 3);
	T_CHECK(span_token(&rest, " ", &part));
	T_EQ_INT(part.len, 3);
}

T_TEST(letters_are_ascii)
{
	for (int i = 0; i < 256; i++) {
		char c = (char)i;
		bool upper = i >= 'A' && i <= 'Z', lower = i >= 'a' && i <= 'z';
		bool digit = i >= '0' && i <= '9';

		T_CASEF("%d", i);
		T_EQ_INT((unsigned char)ascii_lower(c), upper ? i + 32 : i);
		T_EQ_INT((unsigned char)ascii_upper(c), lower ? i - 32 : i);
		T_EQ_INT(ascii_is_alpha(c), upper || lower);
		T_EQ_INT(ascii_is_digit(c), digit);
		T_EQ_INT(ascii_is_alnum(c), upper || lower || digit);
		T_EQ_INT(ascii_is_space(c), i == 32 || (i >= 9 && i <= 13));
		T_EQ_INT(ascii_is_print(c), i >= 32 && i < 127);
	}
}

T_TEST(a_byte_above_127_is_found_anywhere)
{
	char bytes[40];

	memset(bytes, 127, sizeof(bytes));
	for (size_t len = 0; len < sizeof(bytes); len++) {
		T_CHECK(span_is_ascii(span_of(bytes, len)));
		for (size_t i = 0; i < len; i++) {
			bytes[i] = (char)128;
			T_CHECK(!span_is_ascii(span_of(bytes, len)));
			bytes[i] = 127;
		}
	}
}
