/*
 * Next hops.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/smtp/dest.h"
#include "tests/harness/t.h"

static const struct dest_case {
	const char *text, *host;	/* host NULL: refused */
	uint16_t port;
	bool lmtp, bracketed, unix_socket, literal;
} cases[] = {
	{ "example.org", "example.org", 25 },
	{ "example.org.", "example.org", 25 },
	{ "example.org:587", "example.org", 587 },
	{ "example.org:submission", "example.org", 587 },
	{ "[example.org]", "example.org", 25, .bracketed = true },
	{ "[example.org]:2525", "example.org", 2525, .bracketed = true },
	{ "[192.0.2.1]", "192.0.2.1", 25, .bracketed = true, .literal = true },
	{ "[192.0.2.1]:26", "192.0.2.1", 26, .bracketed = true,
	    .literal = true },
	{ "[IPv6:2001:db8::1]:26", "2001:db8::1", 26, .bracketed = true,
	    .literal = true },
	{ "[2001:db8::1]", "2001:db8::1", 25, .bracketed = true,
	    .literal = true },
	{ "unix:private/dovecot-lmtp", "private/dovecot-lmtp", 25,
	    .lmtp = true, .unix_socket = true },
	{ "inet:dovecot:24", "dovecot", 24, .lmtp = true },
	{ "inet:[::1]:24", "::1", 24, .lmtp = true, .bracketed = true,
	    .literal = true },
	{ "dovecot", "dovecot", 25, .lmtp = true },
	{ "unix:", NULL, .lmtp = true },
	{ "unix:/x", NULL },
	{ "", NULL },
	{ "[]", NULL },
	{ ":25", NULL },
	{ "[example.org", NULL },
	{ "[example.org]25", NULL },
	{ "example.org:", NULL },
	{ "example.org:0", NULL },
	{ "example.org:65536", NULL },
	{ "example.org:what", NULL },
	{ "[IPv6:192.0.2.256]", NULL },
	{ "ex ample", NULL },
	{ "exam\nple", NULL },
};

T_TEST(next_hops_are_parsed)
{
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const struct dest_case *c = &cases[i];
		struct str why = STR_EMPTY;
		struct dest dest;
		bool good = dest_parse(SPAN(c->text), 25, c->lmtp, &dest, &why);

		T_CASE(c->text);
		T_EQ_INT(good, c->host != NULL);
		T_EQ_INT(str_len(&why) > 0, c->host == NULL);
		str_fini(&why);
		if (!good || c->host == NULL)
			continue;
		T_EQ_TEXT(dest.host, c->host);
		T_EQ_INT(dest.port, c->port);
		T_EQ_INT(dest.bracketed, c->bracketed);
		T_EQ_INT(dest.unix_socket, c->unix_socket);
		T_EQ_INT(dest.literal.family != 0, c->literal);
	}
}

T_TEST(a_list_is_taken_apart)
{
	struct span list = SPAN(" [a]:25, b:26,,c\n"), text;

	T_CHECK(dest_next(&list, &text));
	T_EQ_TEXT(text, "[a]:25");
	T_CHECK(dest_next(&list, &text));
	T_EQ_TEXT(text, "b:26");
	T_CHECK(dest_next(&list, &text));
	T_EQ_TEXT(text, "c");
	T_CHECK(!dest_next(&list, &text));
}
