/*
 * hostname - names of hosts and address literals.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>

#include "common/mail/hostname.h"
#include "tests/harness/t.h"

#define TEN "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN
#define L63 SIXTY "abc"

T_TEST(names_of_hosts)
{
	static const struct {
		const char *name, *text, *why;	/* why NULL: valid */
	} cases[] = {
		{ "name", "mail.example.org", NULL },
		{ "one label", "localhost", NULL },
		{ "capitals and digits", "MX1.Example.ORG", NULL },
		{ "underscore", "_smtp._tcp.example.org", NULL },
		{ "hyphens inside", "a-b--c.example", NULL },
		{ "digits in front", "3com.com", NULL },
		{ "numeric label", "1.example", NULL },
		{ "digits and a hyphen", "1-2", NULL },
		{ "punycode", "xn--bcher-kva.example", NULL },
		{ "UTF-8", "b\xc3\xbc" "cher.example", NULL },
		{ "label of 63", L63 ".example", NULL },
		{ "name of 255", L63 "." L63 "." L63 "." L63, NULL },
		{ "empty", "", "empty host name: \"\"" },
		{ "label of 64", L63 "d.example",
		    "label is too long: \"" L63 "d.example\"" },
		{ "name of 256", L63 "." L63 "." L63 "." L63 ".",
		    "host name is too long: \"" L63 "." TEN TEN TEN },
		{ "dot at the end", "example.org.",
		    "misplaced dot: \"example.org.\"" },
		{ "dot in front", ".example", "misplaced dot: \".example\"" },
		{ "two dots", "a..b", "misplaced dot: \"a..b\"" },
		{ "dot alone", ".", "misplaced dot: \".\"" },
		{ "hyphen in front", "-a.b", "misplaced hyphen: \"-a.b\"" },
		{ "hyphen at the end of a label", "a-.b",
		    "misplaced hyphen: \"a-.b\"" },
		{ "hyphen at the end", "a-", "misplaced hyphen: \"a-\"" },
		{ "hyphen alone", "-", "misplaced hyphen: \"-\"" },
		{ "space", "a b", "invalid character: \"a b\"" },
		{ "slash", "a/b", "invalid character: \"a/b\"" },
		{ "star", "*.example", "invalid character: \"*.example\"" },
		{ "literal", "[192.0.2.1]",
		    "invalid character: \"[192.0.2.1]\"" },
		{ "colon", "::1", "invalid character: \"::1\"" },
		{ "address", "192.0.2.1", "numeric host name: \"192.0.2.1\"" },
		{ "number", "12", "numeric host name: \"12\"" },
		{ "broken UTF-8", "b\xc3.example",
		    "invalid UTF-8: \"b\xc3.example\"" },
		{ "DEL", "a\x7f", "invalid character: \"a\x7f\"" },
	};
	struct str why = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		bool ok;

		T_CASE(cases[i].name);
		str_clear(&why);
		ok = hostname_valid(span_cstr(cases[i].text), &why);
		T_EQ_INT(ok, cases[i].why == NULL);
		if (cases[i].why != NULL)
			T_HAS_STR(str_cstr(&why), cases[i].why);
	}
	T_CHECK(!hostname_valid(span_of("a\0b", 3), &why));
	str_fini(&why);
}

T_TEST(a_full_name_has_a_dot_inside)
{
	T_CHECK(hostname_is_fqdn(SPAN("a.b")));
	T_CHECK(!hostname_is_fqdn(SPAN("localhost")));
	T_CHECK(!hostname_is_fqdn(SPAN("localhost.")));
	T_CHECK(!hostname_is_fqdn(SPAN(".a")));
	T_CHECK(!hostname_is_fqdn(SPAN("")));
}

T_TEST(literals_of_addresses)
{
	static const struct {
		const char *text, *want;	/* NULL: none */
	} cases[] = {
		{ "[192.0.2.1]", "192.0.2.1" },
		{ "[IPv6:2001:db8::1]", "2001:db8::1" },
		{ "[ipv6:::1]", "::1" },
		{ "[IPv6:::ffff:192.0.2.1]", "192.0.2.1" },
		{ "[]", NULL },
		{ "[", NULL },
		{ "", NULL },
		{ "192.0.2.1", NULL },
		{ "[192.0.2.1", NULL },
		{ "192.0.2.1]", NULL },
		{ "[192.0.2]", NULL },
		{ "[192.0.2.256]", NULL },
		{ "[ 192.0.2.1]", NULL },
		{ "[::1]", NULL },
		{ "[IPv6:192.0.2.1]", NULL },
		{ "[IPv6:]", NULL },
		{ "[IPv6:fe80::1%1]", NULL },
		{ "[IPv6:fe80::1%lo]", NULL },
		{ "[IPv6:[::1]]", NULL },
		{ "[example.org]", NULL },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		char text[IPADDR_TEXT_MAX];
		struct ipaddr ip;
		bool ok = hostname_literal_address(span_cstr(cases[i].text),
		    &ip);

		T_CASE(cases[i].text);
		T_EQ_INT(ok, cases[i].want != NULL);
		if (ok && cases[i].want != NULL) {
			ipaddr_print(&ip, text);
			T_EQ_STR(text, cases[i].want);
		}
	}
}
