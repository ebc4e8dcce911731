/*
 * token822 - the addresses of headers, where they stand, and the header after
 * each of them was replaced.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/clock.h"
#include "common/mail/token822.h"
#include "tests/harness/t.h"

struct seen {
	struct span value;
	struct str list;		/* internal forms, "|" between */
	struct str rewritten;		/* each address became "*" */
	size_t copied, count;
};

static void
note(const struct token822_address *a, void *arg)
{
	struct seen *seen = arg;

	T_CHECK(a->at >= seen->copied && a->len > 0);
	T_CHECK(a->at + a->len <= seen->value.len);
	if (seen->count++ > 0)
		str_putc(&seen->list, '|');
	str_add(&seen->list, a->internal);
	if (a->missing_comma > 0) {
		T_CHECK(a->missing_comma >= seen->copied
		    && a->missing_comma <= a->at);
		str_add(&seen->rewritten, span_sub(seen->value, seen->copied,
		    a->missing_comma - seen->copied));
		str_putc(&seen->rewritten, ',');
		seen->copied = a->missing_comma;
	}
	str_add(&seen->rewritten, span_sub(seen->value, seen->copied,
	    a->at - seen->copied));
	str_putc(&seen->rewritten, '*');
	seen->copied = a->at + a->len;
}

static void
check(const char *name, struct span value, const char *want,
    const char *rewritten)
{
	struct seen seen = { .value = value };

	T_CASE(name);
	token822_each_address(value, note, &seen);
	str_add(&seen.rewritten, span_skip(value, seen.copied));
	T_EQ_STR(str_cstr(&seen.list), want);
	if (rewritten != NULL)
		T_EQ_STR(str_cstr(&seen.rewritten), rewritten);
	str_fini(&seen.list);
	str_fini(&seen.rewritten);
}

static const struct {
	const char *name, *value, *want, *rewritten;
} cases[] = {
	{ "address", "a@b", "a@b", "*" },
	{ "local name", "user", "user", "*" },
	{ "list", "a@b,c@d , e@f", "a@b|c@d|e@f", "*,* , *" },
	{ "empty elements", ",,a,,", "a", ",,*,," },
	{ "nothing", "", "", "" },
	{ "null address", "<>", "", "<>" },
	{ "null address before another", "<>, a@b", "a@b", "<>, *" },
	{ "angle", "<a@b>", "a@b", "<*>" },
	{ "display name", "John Smith <a@b>", "a@b", "John Smith <*>" },
	{ "quoted name", "\"Smith, John\" <a@b>, c@d", "a@b|c@d",
	    "\"Smith, John\" <*>, *" },
	{ "name with initials", "J. R. Smith <j@x>", "j@x",
	    "J. R. Smith <*>" },
	{ "apostrophe", "O'Neil <o@x>", "o@x", "O'Neil <*>" },
	{ "encoded word", "=?utf-8?q?a=2Cb?= <c@d>", "c@d",
	    "=?utf-8?q?a=2Cb?= <*>" },
	{ "name is an address", "a@b <c@d>", "c@d", "a@b <*>" },
	{ "name in UTF-8", "\xc3\xa4 <x@y>", "x@y", "\xc3\xa4 <*>" },
	{ "UTF-8 address", "\xc3\xa4@y", "\xc3\xa4@y", "*" },
	{ "space in angle", "<\n a@b\n >", "a@b", "<\n *\n >" },
	{ "two angles", "<a@b> <c@d>", "a@b|c@d", "<*>, <*>" },
	{ "words behind the angle", "x <a@b> y", "a@b|y", "x <*>, *" },

	{ "comment behind", "a@b (c, d)", "a@b", "* (c, d)" },
	{ "comments everywhere", "(x) a (y) @ (z) b", "a@b", "(x) *" },
	{ "nested comment", "(a (b, c) d) e@f", "e@f", "(a (b, c) d) *" },
	{ "pair in a comment", "(a \\) b) c@d", "c@d", "(a \\) b) *" },
	{ "comment in angle", "<a(b,c>)@d>", "a@d", "<*>" },
	{ "comment only", "(nobody)", "", "(nobody)" },

	{ "quoted local part", "\"a b\"@c", "a b@c", "*" },
	{ "quoted pairs", "\"a\\\"b\\\\\" @ c . d", "a\"b\\@c.d", "*" },
	{ "quoted @", "\"a@b\"@c", "a@b@c", "*" },
	{ "quoted word between dots", "a.\"b c\".d@e", "a.b c.d@e", "*" },
	{ "quoted in angle", "<\"a>b\"@c>", "a>b@c", "<*>" },
	{ "pair", "a\\ b@c", "a b@c", "*" },
	{ "quoted comma by a pair", "a\\,b@c", "a,b@c", "*" },
	{ "empty local part", "\"\"@b", "@b", "*" },
	{ "empty quotes are nobody", "\"\"", "", "\"\"" },
	{ "IPv4 literal", "<user@[1.2.3.4]>", "user@[1.2.3.4]", "<*>" },
	{ "IPv6 literal", "user@[IPv6:::1], b", "user@[IPv6:::1]|b", "*, *" },
	{ "several @", "a@b@c", "a@b@c", "*" },
	{ "no domain", "a@, b", "a@|b", "*, *" },

	{ "empty group", "undisclosed-recipients:;", "",
	    "undisclosed-recipients:;" },
	{ "group", "G: a@b, c@d;, e@f", "a@b|c@d|e@f", "G: *, *;, *" },
	{ "group with names", "\"G, x\": A <a@b>;", "a@b", "\"G, x\": A <*>;" },
	{ "group of words", "My friends: a@b;", "a@b", "My friends: *;" },
	{ "groups", "G:a@b, H:c@d;", "a@b|c@d", "G:*, H:*;" },
	{ "no end of a group", "G:a@b", "G:a@b", "*" },
	{ "semicolon in a comment ends none", "G:(;)a@b", "G:a@b", "*" },
	{ "scheme", "<mailto:a@b>", "mailto:a@b", "<*>" },
	{ "semicolons divide", "a@b;c@d", "a@b|c@d", "*;*" },

	{ "route", "<@a,@b:user@x>", "user@x", "<*>" },
	{ "route of one", "R <@a:user@x>, c", "user@x|c", "R <*>, *" },
	{ "route without brackets", "@a:user@x, c", "user@x|c", "*, *" },
	{ "route of a literal", "@[IPv6:::1]:user@x", "user@x", "*" },
	{ "route to nobody", "@a:", "@a:", "*" },
	{ "none, but quoted", "\"@a:b\"@c", "@a:b@c", "*" },
	{ "route, then a colon", "<@a:b:c@d>", "b:c@d", "<*>" },

	{ "folded list", "a@b,\n\tc@d", "a@b|c@d", "*,\n\t*" },
	{ "fold within quotes", "\"a\n b\"@c", "a b@c", "*" },
	{ "fold with CR", "a@b,\r\n\tc@d", "a@b|c@d", "*,\r\n\t*" },

	{ "words side by side", "John Smith", "John|Smith", "*, *" },
	{ "addresses side by side", "a@b c@d", "a@b|c@d", "*, *" },
	{ "folded without comma", "a@b\n\tc@d", "a@b|c@d", "*,\n\t*" },
	{ "space around dots", "a . b @ c", "a.b@c", "*" },
	{ "space in angle joins", "<a b@c>", "ab@c", "<*>" },
	{ "quoted beside a word", "a\"b\"c", "a|b|c", "*,*,*" },

	{ "unclosed quote", "\"a@b, c@d", "a@b, c@d", "*" },
	{ "unclosed comment", "a@b, (x, c@d", "a@b", "*, (x, c@d" },
	{ "unclosed angle", "x <a@b, c@d", "a@b|c@d", "x <*, *" },
	{ "angle in angle", "<<a@b>>", "a@b", "<<*>>" },
	{ "angle not opened", "a@b>, c", "a@b|c", "*>, *" },
	{ "parenthesis not opened", "a@b), c", "a@b|c", "*), *" },
	{ "unclosed literal", "a@[1.2, b", "a@[1.2, b", "*" },
	{ "backslash at the end", "a\\", "a", "*" },
	{ "backslash in open quotes", "\"a\\", "a", "*" },
};

T_TEST(addresses_are_found_where_they_stand)
{
	for (size_t i = 0; i < T_COUNT(cases); i++)
		check(cases[i].name, span_cstr(cases[i].value),
		    cases[i].want, cases[i].rewritten);
	check("NUL bytes", span_of("a\0b@c\0, \"d\0e\"", 13), "a|b@c|de", NULL);
}

/* Values of 100 KB that a hasty scanner would walk over and over. */
T_TEST(time_is_linear)
{
	static const char *const units[] = { "a ", "a:", "<", "(", ":", ";",
		"\"", "a,", "a<", "\\", "[", "@", "<@a:", "x:;", "(a) ", ".",
		"a <b> " };
	int64_t start = clock_now_ns();

	for (size_t i = 0; i < T_COUNT(units); i++) {
		struct str value = STR_EMPTY;
		struct seen seen = { .count = 0 };

		T_CASE(units[i]);
		while (value.len < 100000)
			str_adds(&value, units[i]);
		seen.value = str_span(&value);
		token822_each_address(seen.value, note, &seen);
		str_adds(&value, "; <a@b>;");
		str_clear(&seen.list);
		str_clear(&seen.rewritten);
		seen.copied = 0;
		seen.value = str_span(&value);
		token822_each_address(seen.value, note, &seen);
		str_fini(&seen.list);
		str_fini(&seen.rewritten);
		str_fini(&value);
	}
	T_CHECK(clock_now_ns() - start < 5 * (int64_t)1000000000);
}

static void
to_upper(struct span internal, struct str *out, void *arg)
{
	(void)arg;
	if (span_has(internal, '!'))
		return;
	for (size_t i = 0; i < internal.len; i++)
		str_putc(out, ascii_upper(internal.p[i]));
}

static const struct {
	const char *value, *want;
} replaced[] = {
	{ "Joe <a@b> (c), d!e,\n f", "Joe <A@B> (c), d!e,\n F" },
	{ "\"x y\"@z", "\"X Y\"@Z" },
	{ "a b c!d", "A, B, c!d" },
	{ "A@B", NULL }, { "d!e", NULL }, { "", NULL }, { "g:;", NULL },
};

T_TEST(addresses_are_replaced_and_the_rest_stays)
{
	for (size_t i = 0; i < T_COUNT(replaced); i++) {
		struct str out = STR_EMPTY;

		T_CASE(replaced[i].value);
		T_CHECK(token822_replace(SPAN(replaced[i].value), to_upper,
		    NULL, &out) == (replaced[i].want != NULL));
		T_EQ_STR(str_cstr(&out), replaced[i].want != NULL
		    ? replaced[i].want : "");
		str_fini(&out);
	}
}

T_TEST(tokens_are_counted)
{
	static const struct {
		const char *value;
		size_t most;
		const char *want;
	} rows[] = {
		{ "a b", 2, "a b" }, { "a b c", 2, "a b" },
		{ "a@b.c, d", 5, "a@b.c" }, { "a@b.c, d", 6, "a@b.c," },
		{ "a  ", 1, "a  " }, { "\"a b\" (c d) <e>", 3,
		    "\"a b\" (c d) <" }, { "(a (b) c", 1, "(a (b) c" },
		{ "[1 2] x", 1, "[1 2]" }, { "", 1, "" }, { "a\\", 1, "a\\" },
		{ ">);,", 3, ">);" }, { "  a b", 1, "  a" },
	};

	for (size_t i = 0; i < T_COUNT(rows); i++) {
		T_CASE(rows[i].value);
		T_EQ_TEXT(token822_first_tokens(SPAN(rows[i].value),
		    rows[i].most), rows[i].want);
	}
}
