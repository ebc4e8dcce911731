/*
 * address - mailboxes as commands carry them, as they are kept, and back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/address.h"
#include "common/mail/token822.h"
#include "tests/harness/t.h"

#define E ADDRESS_ALLOW_EMPTY
#define S ADDRESS_STRICT
#define U ADDRESS_UTF8

static const struct {
	const char *name, *text;
	unsigned flags;
	const char *want;		/* NULL: refused, with: */
	const char *why_or_rest;
} paths[] = {
	{ "plain", "<user@example.org>", S, "user@example.org", "" },
	{ "parameters follow", "<user@example.org> SIZE=1", S,
	    "user@example.org", " SIZE=1" },
	{ "local name", "<user>", S, "user", "" },
	{ "postmaster", "<Postmaster>", 0, "Postmaster", "" },
	{ "null sender", "<>", S | E, "", "" },
	{ "null sender and parameters", "<> BODY=7BIT", E, "", " BODY=7BIT" },
	{ "bytes behind the null sender", "<>x", E, NULL,
	    "bad character after address" },
	{ "null recipient", "<>", 0, NULL, "empty address" },
	{ "nothing", "", 0, NULL, "empty address" },
	{ "nothing, strictly", "", S | E, NULL, "missing <" },
	{ "no brackets", "user@example.org", 0, "user@example.org", "" },
	{ "no brackets, parameters", "user@example.org SIZE=1", 0,
	    "user@example.org", " SIZE=1" },
	{ "no brackets, strictly", "user@example.org", S, NULL, "missing <" },
	{ "space inside brackets", "< user@example.org >", 0,
	    "user@example.org", "" },
	{ "space inside brackets, strictly", "< user@example.org>", S, NULL,
	    "missing local part" },
	{ "not closed", "<user@example.org", 0, NULL,
	    "missing > or bad character" },
	{ "not opened", "user@example.org>", 0, NULL,
	    "bad character after address" },
	{ "bytes behind it", "<user@example.org>x", 0, NULL,
	    "bad character after address" },
	{ "double brackets", "<<user@example.org>>", 0, NULL,
	    "missing > or bad character" },
	{ "two addresses", "<a@b,c@d>", 0, NULL,
	    "missing > or bad character" },
	{ "space within", "<a b@example.org>", 0, NULL,
	    "missing > or bad character" },
	{ "display name", "<User <a@b>>", 0, NULL,
	    "missing > or bad character" },

	{ "quoted local part", "<\"a b\"@example.org>", S, "a b@example.org",
	    "" },
	{ "quoted @", "<\"a@b\"@example.org>", S, "a@b@example.org", "" },
	{ "quoted @ and no domain", "<\"a@b\">", 0, NULL,
	    "quoted @ without a domain" },
	{ "@ by a pair and no domain", "<a\\@b>", 0, NULL,
	    "quoted @ without a domain" },
	{ "parameters in quotes", "<\"a@b> SIZE=1\">", 0, NULL,
	    "quoted @ without a domain" },
	{ "quoted >", "<\"a>b\"@example.org>", S, "a>b@example.org", "" },
	{ "quoted pairs", "<\"\\\"a\\\\b\\ \"@example.org>", S,
	    "\"a\\b @example.org", "" },
	{ "pair outside of quotes", "<a\\ b@example.org>", 0,
	    "a b@example.org", "" },
	{ "empty quotes", "<\"\"@example.org>", 0, NULL,
	    "missing local part" },
	{ "quotes in the middle", "<a.\"b c\".d@example.org>", 0,
	    "a.b c.d@example.org", "" },
	{ "unclosed quote", "<\"a@example.org>", 0, NULL,
	    "missing closing quote" },
	{ "unclosed quote ends in a pair", "<\"a\\", 0, NULL,
	    "bad character in quoted string" },
	{ "backslash at the end", "<a\\", 0, NULL,
	    "missing > or bad character" },
	{ "tab in quotes", "<\"a\tb\"@c>", 0, NULL,
	    "bad character in quoted string" },
	{ "quoted line end", "<\"a\\\nb\"@c>", 0, NULL,
	    "bad character in quoted string" },
	{ "line end by a pair", "<a\\\rb@c>", 0, NULL,
	    "bad quoted character" },

	{ "source route", "<@a,@b:user@example.org>", 0, "user@example.org",
	    "" },
	{ "one host of a route", "<@a:user@example.org>", S,
	    "user@example.org", "" },
	{ "route to a local name", "<@a:user>", 0, "user", "" },
	{ "route to nobody", "<@a:>", 0, NULL, "empty address" },
	{ "route without end", "<@a,@b>", 0, NULL, "bad source route" },
	{ "no local part", "<@example.org>", 0, NULL, "bad source route" },
	{ "@ alone", "<@>", 0, NULL, "bad source route" },

	{ "no domain", "<user@>", 0, NULL, "missing domain" },
	{ "IPv4 literal", "<user@[192.0.2.1]>", S, "user@[192.0.2.1]", "" },
	{ "IPv6 literal", "<user@[IPv6:2001:db8::1]>", S,
	    "user@[IPv6:2001:db8::1]", "" },
	{ "open literal", "<user@[192.0.2.1>", 0, NULL,
	    "bad address literal" },
	{ "space in a literal", "<user@[192.0.2 1]>", 0, NULL,
	    "bad address literal" },
	{ "@ in a literal", "<user@[1@2]>", 0, NULL, "bad address literal" },
	{ "more than one @", "<a@b@c>", 0, "a@b@c", "" },
	{ "percent hack", "<a%b@c>", S, "a%b@c", "" },
	{ "bang path", "<b!a@c>", S, "b!a@c", "" },
	{ "underscore in a domain", "<a@b_c.org>", S, "a@b_c.org", "" },
	{ "slash in a domain", "<a@b/c>", 0, NULL,
	    "missing > or bad character" },
	{ "colon in a local part", "<a:b@c>", 0, NULL,
	    "missing > or bad character" },
	{ "comment", "<a(x)@c>", 0, NULL, "missing > or bad character" },
	{ "dots anywhere", "<.a..b.@c>", 0, ".a..b.@c", "" },
	{ "all of atext", "<!#$%&'*+-/=?^_`{|}~@c>", S,
	    "!#$%&'*+-/=?^_`{|}~@c", "" },

	{ "UTF-8", "<m\xc3\xbcller@b\xc3\xbc\xc3\xa4r.example>", U,
	    "m\xc3\xbcller@b\xc3\xbc\xc3\xa4r.example", "" },
	{ "UTF-8 in quotes", "<\"m \xc3\xbc\"@c>", U, "m \xc3\xbc@c", "" },
	{ "UTF-8 not asked for", "<m\xc3\xbcller@c>", 0, NULL,
	    "missing > or bad character" },
	{ "not asked for in a domain", "<m@\xc3\xbc>", 0, NULL,
	    "missing domain" },
	{ "broken UTF-8", "<m\xc3ller@c>", U, NULL, "invalid UTF-8" },
	{ "DEL", "<a\x7f@c>", U, NULL, "missing > or bad character" },
	{ "control byte", "<a\x01@c>", 0, NULL, "missing > or bad character" },
};

T_TEST(paths_are_read)
{
	struct str out = STR_EMPTY, why = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(paths); i++) {
		struct span text = span_cstr(paths[i].text);
		size_t used = 999;
		bool ok;

		T_CASE(paths[i].name);
		str_clear(&why);
		ok = address_parse_path(text, paths[i].flags, &out, &used,
		    &why);
		T_EQ_INT(ok, paths[i].want != NULL);
		if (ok && paths[i].want != NULL) {
			T_EQ_STR(str_cstr(&out), paths[i].want);
			T_EQ_TEXT(span_skip(text, used), paths[i].why_or_rest);
		} else {
			T_EQ_STR(str_cstr(&why), paths[i].why_or_rest);
		}
	}
	T_CASE("NUL");
	T_CHECK(!address_parse_path(span_of("<a\0b@c>", 7), 0, &out,
	    &(size_t){ 0 }, &why));
	T_CHECK(!address_parse_path(span_of("<a@b\0>", 6), 0, &out,
	    &(size_t){ 0 }, &why));
	T_CHECK(!address_parse_path(span_of("<\"a\0\"@b>", 8), 0, &out,
	    &(size_t){ 0 }, &why));
	str_fini(&out);
	str_fini(&why);
}

T_TEST(paths_have_an_end)
{
	struct str text = STR_EMPTY, out = STR_EMPTY, why = STR_EMPTY;
	size_t used;

	for (int i = 0; i < 5000; i++)
		str_putc(&text, 'a');
	T_CHECK(!address_parse_path(str_span(&text), 0, &out, &used, &why));
	T_EQ_STR(str_cstr(&why), "address is too long");
	str_truncate(&text, 4000);
	T_CHECK(address_parse_path(str_span(&text), 0, &out, &used, &why));
	T_EQ_INT(used, 4000);
	str_fini(&text);
	str_fini(&out);
	str_fini(&why);
}

static const struct {
	const char *internal, *want;
} quotes[] = {
	{ "user@example.org", "user@example.org" },
	{ "user", "user" },
	{ "", "" },
	{ "a b@c", "\"a b\"@c" },
	{ "a b", "\"a b\"" },
	{ "a\"b@c", "\"a\\\"b\"@c" },
	{ "a\\b@c", "\"a\\\\b\"@c" },
	{ "a@b@c", "\"a@b\"@c" },
	{ ".a@b", "\".a\"@b" },
	{ "a.@b", "\"a.\"@b" },
	{ "a..b@c", "\"a..b\"@c" },
	{ "a.b@c", "a.b@c" },
	{ "@b", "\"\"@b" },
	{ "a@", "a@" },
	{ "m\xc3\xbcller@c", "m\xc3\xbcller@c" },
	{ "a\tb@c", "\"a\tb\"@c" },
	{ "a(b)@c", "\"a(b)\"@c" },
	{ "a,b@c", "\"a,b\"@c" },
	{ "a\nb@c", "\"a?b\"@c" },
	{ "a\rb@c", "\"a?b\"@c" },
	{ "a@b\nc", "a@b?c" },
	{ "!#$%&'*+-/=?^_`{|}~@c", "!#$%&'*+-/=?^_`{|}~@c" },
	{ "a@[192.0.2.1]", "a@[192.0.2.1]" },
};

T_TEST(local_parts_are_quoted_where_needed)
{
	struct str out = STR_EMPTY, back = STR_EMPTY, why = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(quotes); i++) {
		size_t used;

		T_CASE(quotes[i].internal);
		str_sets(&out, "<");
		address_quote(&out, span_cstr(quotes[i].internal));
		str_putc(&out, '>');
		T_EQ_SPAN(span_sub(str_span(&out), 1, out.len - 2),
		    span_cstr(quotes[i].want));
		if (strpbrk(quotes[i].internal, "\r\n\t") == NULL
		    && quotes[i].internal[0] != '@'
		    && strcmp(quotes[i].internal, "a@") != 0) {
			T_CHECK(address_parse_path(str_span(&out),
			    ADDRESS_UTF8 | ADDRESS_ALLOW_EMPTY, &back, &used,
			    &why));
			T_EQ_STR(str_cstr(&back), quotes[i].internal);
		}
	}
	str_clear(&out);
	address_print(&out, span_of("a\0b@c\0d", 7));
	T_EQ_STR(str_cstr(&out), "\"a?b\"@c?d");
	str_fini(&out);
	str_fini(&back);
	str_fini(&why);
}

T_TEST(the_last_at_divides)
{
	static const struct {
		const char *internal, *local, *domain;	/* NULL: no @ */
	} cases[] = {
		{ "a@b", "a", "b" },
		{ "a@b@c", "a@b", "c" },
		{ "a", "a", NULL },
		{ "", "", NULL },
		{ "a@", "a", "" },
		{ "@b", "", "b" },
		{ "@", "", "" },
	};
	struct str joined = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct address_parts parts = address_split(
		    span_cstr(cases[i].internal));

		T_CASE(cases[i].internal);
		T_EQ_TEXT(parts.local, cases[i].local);
		T_EQ_INT(parts.has_domain, cases[i].domain != NULL);
		T_EQ_SPAN(parts.domain, span_cstr(cases[i].domain));
		if (parts.has_domain && parts.domain.len == 0)
			continue;
		str_clear(&joined);
		address_join(&joined, parts.local, parts.domain);
		T_EQ_STR(str_cstr(&joined), cases[i].internal);
	}
	str_fini(&joined);
}

T_TEST(extensions_are_split_where_they_may_be)
{
	static const struct {
		const char *name, *local, *delimiters, *base, *extension;
	} cases[] = {
		{ "plus", "user+ext", "+", "user", "ext" },
		{ "none", "user", "+", NULL, NULL },
		{ "empty extension", "user+", "+", "user", "" },
		{ "the first divides", "user+a+b", "+", "user", "a+b" },
		{ "any of a set", "user-a+b", "+-", "user", "a+b" },
		{ "the other of a set", "user+a-b", "+-", "user", "a-b" },
		{ "not one of the set", "user=a", "+-", NULL, NULL },
		{ "no delimiters", "user+a", "", NULL, NULL },
		{ "none at all", "user+a", NULL, NULL, NULL },
		{ "nothing before it", "+a", "+", NULL, NULL },
		{ "nothing before the first", "+a+b", "+", NULL, NULL },
		{ "empty", "", "+", NULL, NULL },
		{ "owner-, hyphen divides", "owner-list", "-", NULL, NULL },
		{ "owner- and more", "Owner-list+a", "+-", NULL, NULL },
		{ "owner-, plus divides", "owner-list+a=b.org", "+",
		    "owner-list", "a=b.org" },
		{ "owner- alone", "owner-", "-", "owner", "" },
		{ "-request, hyphen divides", "list-request", "-", NULL,
		    NULL },
		{ "-request, plus divides", "a+list-request", "+", "a",
		    "list-request" },
		{ "mailer-daemon", "MAILER-DAEMON", "-", NULL, NULL },
		{ "double-bounce", "double-bounce", "-", NULL, NULL },
		{ "begins like mailer-daemon", "mailer-daemonx", "-",
		    "mailer", "daemonx" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct span base, extension;
		bool ok = address_split_extension(span_cstr(cases[i].local),
		    cases[i].delimiters, &base, &extension);

		T_CASE(cases[i].name);
		T_EQ_INT(ok, cases[i].base != NULL);
		if (ok && cases[i].base != NULL) {
			T_EQ_TEXT(base, cases[i].base);
			T_EQ_TEXT(extension, cases[i].extension);
		}
	}
}

T_TEST(owners_and_requests_are_taken_apart_where_they_are_not_special)
{
	struct span base, extension;

	address_owner_request_special = false;
	T_CHECK(address_split_extension(SPAN("owner-list"), "-", &base,
	    &extension));
	T_EQ_TEXT(base, "owner");
	T_CHECK(address_split_extension(SPAN("list-request"), "-", &base,
	    &extension));
	T_EQ_TEXT(extension, "request");
	T_CHECK(!address_split_extension(SPAN("double-bounce"), "-", &base,
	    &extension));
	address_owner_request_special = true;
}

T_TEST(extensions_are_added)
{
	struct str out = STR_EMPTY;

	address_add_extension(&out, SPAN("a@b"), '+', SPAN("ext"));
	T_EQ_STR(str_cstr(&out), "a+ext@b");
	str_clear(&out);
	address_add_extension(&out, SPAN("a"), '-', SPAN("e"));
	T_EQ_STR(str_cstr(&out), "a-e");
	str_fini(&out);
}

T_TEST(addresses_are_compared_without_case)
{
	T_CHECK(address_eq(SPAN("A@Example.ORG"), SPAN("a@example.org")));
	T_CHECK(!address_eq(SPAN("a@example.org"), SPAN("b@example.org")));
	T_CHECK(!address_eq(SPAN("a@example.org"), SPAN("a@example.or")));
}

T_TEST(literals_stand_in_brackets)
{
	T_CHECK(address_is_literal(SPAN("[192.0.2.1]")));
	T_CHECK(!address_is_literal(SPAN("[]")));
	T_CHECK(!address_is_literal(SPAN("[")));
	T_CHECK(!address_is_literal(SPAN("]")));
	T_CHECK(!address_is_literal(SPAN("192.0.2.1")));
	T_CHECK(!address_is_literal(SPAN("")));
}

/* ---- collections ---- */

struct found {
	size_t count, at, len;
	struct str internal;
};

static void
note_address(const struct token822_address *a, void *arg)
{
	struct found *found = arg;

	found->count++;
	found->at = a->at;
	found->len = a->len;
	str_set(&found->internal, a->internal);
}

/* Display names and comments are for headers: both ways to read an address
 * must come to the same. */
static void
check_mailbox(struct span line)
{
	struct str out = STR_EMPTY, why = STR_EMPTY;
	struct found found = { 0 };
	size_t used;

	T_CASEF("%.*s", SPAN_ARG(line));
	token822_each_address(line, note_address, &found);
	if (T_EQ_INT(found.count, 1)) {
		T_CHECK(address_parse_path(span_sub(line, found.at,
		    found.len), ADDRESS_UTF8, &out, &used, &why));
		T_EQ_INT(used, found.len);
		T_EQ_SPAN(str_span(&found.internal), str_span(&out));
	}
	str_fini(&out);
	str_fini(&why);
	str_fini(&found.internal);
}

T_TEST(collected_mailboxes_are_read)
{
	struct span text, line;
	unsigned lines = 0;

	T_SKIP_UNLESS_SHARED();
	text = t_read_file(T_SHARED("address/flanker-mailbox_valid.txt"));
	for (; span_split(&text, '\n', &line); lines++)
		if (!span_empty(span_rtrim(line)))
			check_mailbox(span_rtrim(line));
	T_CHECK(lines > 30);
}

/* Many are wrong only by their dots, a second "@" or a numeric domain, which
 * mail systems always took: refused is what could be read in two ways. */
T_TEST(collected_nonsense_is_refused)
{
	struct span text, line;
	struct str out = STR_EMPTY, why = STR_EMPTY;
	unsigned lines = 0, refused = 0;

	T_SKIP_UNLESS_SHARED();
	text = t_read_file(T_SHARED("address/flanker-mailbox_invalid.txt"));
	while (span_split(&text, '\n', &line)) {
		size_t used;
		bool ok;

		line = span_rtrim(line);
		ok = address_parse_path(line, ADDRESS_UTF8, &out, &used, &why)
		    && used == line.len;
		lines++;
		refused += !ok;
		T_CASEF("%.*s", SPAN_ARG(line));
		T_CHECK(!ok || (strpbrk(str_cstr(&out), ",;<>()") == NULL
		    || span_has(line, '"')));
	}
	T_CHECK(refused * 3 >= lines);
	str_fini(&out);
	str_fini(&why);
}
