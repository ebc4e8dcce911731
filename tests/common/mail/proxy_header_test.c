/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/proxy_header.h"

#include "tests/harness/t.h"

#define B(text) { text, sizeof(text) - 1 }
#define MAGIC "\r\n\r\n\0\r\nQUIT\n"
#define ADDRESSES4 "\300\0\2\7\300\0\2\1\x12\x34\0\x19"
#define ADDRESSES6 "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\7" \
	"\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x12\x34\0\x19"
#define MAPPED "\0\0\0\0\0\0\0\0\0\0\377\377\300\0\2\7"

static const struct {
	const char *name;
	struct { const char *p; size_t len; } bytes;
	enum proxy_header_status want;
	const char *client, *server, *why;
	unsigned client_port;
	size_t rest;			/* bytes behind the header */
} cases[] = {
	{ "v4 in a line", B("PROXY TCP4 192.0.2.7 192.0.2.1 4660 25\r\nEHLO"),
	    PROXY_HEADER_DONE, "192.0.2.7", "192.0.2.1", NULL, 4660, 4 },
	{ "v6 in a line", B("PROXY TCP6 2001:DB8::7 2001:db8::1 0 65535\r\n"),
	    PROXY_HEADER_DONE, "2001:db8::7", "2001:db8::1", NULL, 0, 0 },
	{ "a mapped address", B("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n"),
	    PROXY_HEADER_DONE, "192.0.2.7", "::1", NULL, 1, 0 },
	{ "the proxy itself", B("PROXY UNKNOWN\r\nx"), PROXY_HEADER_DONE,
	    NULL, NULL, NULL, 0, 1 },
	{ "and whatever else", B("PROXY UNKNOWN ffff::1 x y z\r\n"),
	    PROXY_HEADER_DONE, NULL, NULL, NULL, 0, 0 },
	{ "nothing yet", B(""), PROXY_HEADER_MORE },
	{ "its beginning", B("PRO"), PROXY_HEADER_MORE },
	{ "no end yet", B("PROXY TCP4 192.0.2.7 192.0.2.1 4660 25\r"),
	    PROXY_HEADER_MORE },
	{ "LF alone", B("PROXY TCP4 192.0.2.7 192.0.2.1 1 25\n"),
	    PROXY_HEADER_BAD, .why = "end" },
	{ "too long a line", B("PROXY UNKNOWN                                "
	    "                                                               "
	    "                         \r\n"), PROXY_HEADER_BAD, .why = "end" },
	{ "v6 said to be v4", B("PROXY TCP4 ::1 192.0.2.1 4660 25\r\n"),
	    PROXY_HEADER_BAD, .why = "client address" },
	{ "v4 said to be v6", B("PROXY TCP6 ::1 192.0.2.1 4660 25\r\n"),
	    PROXY_HEADER_BAD, .why = "server address" },
	{ "a large port", B("PROXY TCP4 192.0.2.7 192.0.2.1 65536 25\r\n"),
	    PROXY_HEADER_BAD, .why = "port" },
	{ "a port is missing", B("PROXY TCP4 192.0.2.7 192.0.2.1 6\r\n"),
	    PROXY_HEADER_BAD, .why = "port" },
	{ "a word too many", B("PROXY TCP4 192.0.2.7 192.0.2.1 6 7 8\r\n"),
	    PROXY_HEADER_BAD, .why = "port" },
	{ "no transport", B("PROXY \r\n"), PROXY_HEADER_BAD,
	    .why = "PROXY line" },
	{ "another transport", B("PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n"),
	    PROXY_HEADER_BAD, .why = "TCP4" },
	{ "a client that speaks SMTP", B("EHLO x\r\n"), PROXY_HEADER_BAD,
	    .why = "no header" },
	{ "lower case", B("proxy UNKNOWN\r\n"), PROXY_HEADER_BAD,
	    .why = "no header" },

	{ "v4 in binary", B(MAGIC "\x21\x11\0\x0c" ADDRESSES4 "EHLO"),
	    PROXY_HEADER_DONE, "192.0.2.7", "192.0.2.1", NULL, 0x1234, 4 },
	{ "v6 in binary", B(MAGIC "\x21\x21\0\x24" ADDRESSES6),
	    PROXY_HEADER_DONE, "2001:db8::7", "2001:db8::1", NULL, 0x1234,
	    0 },
	{ "mapped, in binary",
	    B(MAGIC "\x21\x21\0\x24" MAPPED MAPPED "\0\1\0\2"),
	    PROXY_HEADER_DONE, "192.0.2.7", "192.0.2.7", NULL, 1, 0 },
	{ "with an extension", B(MAGIC "\x21\x11\0\x11" ADDRESSES4
	    "\4\0\2abx"), PROXY_HEADER_DONE, "192.0.2.7", "192.0.2.1", NULL,
	    0x1234, 1 },
	{ "LOCAL", B(MAGIC "\x20\0\0\0x"), PROXY_HEADER_DONE, NULL, NULL,
	    NULL, 0, 1 },
	{ "LOCAL with addresses", B(MAGIC "\x20\x11\0\x0c" ADDRESSES4),
	    PROXY_HEADER_DONE, NULL, NULL, NULL, 0, 0 },
	{ "UNSPEC", B(MAGIC "\x21\0\0\0"), PROXY_HEADER_DONE, NULL, NULL,
	    NULL, 0, 0 },
	{ "its beginning", B("\r\n\r\n\0\r"), PROXY_HEADER_MORE },
	{ "addresses to come", B(MAGIC "\x21\x11\0\x0c\300\0\2"),
	    PROXY_HEADER_MORE },
	{ "no room for addresses", B(MAGIC "\x21\x11\0\x0b\300\0\2\7\300\0\2"
	    "\1\0\1\0"), PROXY_HEADER_BAD, .why = "missing" },
	{ "version 3", B(MAGIC "\x31\x11\0\x0c" ADDRESSES4),
	    PROXY_HEADER_BAD, .why = "version" },
	{ "another command", B(MAGIC "\x22\x11\0\x0c" ADDRESSES4),
	    PROXY_HEADER_BAD, .why = "command" },
	{ "UDP", B(MAGIC "\x21\x12\0\x0c" ADDRESSES4), PROXY_HEADER_BAD,
	    .why = "not TCP" },
	{ "more than we hold", B(MAGIC "\x21\x11\xff\xff" ADDRESSES4),
	    PROXY_HEADER_BAD, .why = "too long" },
	{ "a wrong signature", B("\r\n\r\n\0\r\nQUIX\n\x21\x11\0\0"),
	    PROXY_HEADER_BAD, .why = "no header" },
};

static const char *
printed(const struct ipaddr *ip)
{
	static char text[2][IPADDR_TEXT_MAX];
	static unsigned n;

	n = !n;
	ipaddr_print(ip, text[n]);
	return text[n];
}

T_TEST(a_proxy_says_whose_connection_it_is)
{
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct proxy_header header;
		struct str why = STR_EMPTY;

		T_CASE(cases[i].name);
		T_EQ_INT(proxy_header_parse(span_of(cases[i].bytes.p,
		    cases[i].bytes.len), &header, &why), cases[i].want);
		if (cases[i].why != NULL)
			T_HAS_STR(str_cstr(&why), cases[i].why);
		str_fini(&why);
		if (cases[i].want != PROXY_HEADER_DONE)
			continue;
		T_EQ_INT(header.own, cases[i].client == NULL);
		T_EQ_INT(cases[i].bytes.len - header.length, cases[i].rest);
		if (header.own)
			continue;
		T_EQ_STR(printed(&header.client), cases[i].client);
		T_EQ_STR(printed(&header.server), cases[i].server);
		T_EQ_INT(header.client_port, cases[i].client_port);
	}
}

/* Whatever the pieces in which it comes, the end is found at the same byte. */
T_TEST(pieces_make_no_difference)
{
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].name);
		for (size_t n = 0; n < cases[i].bytes.len; n++) {
			struct proxy_header part, whole;
			struct str why = STR_EMPTY;
			enum proxy_header_status status = proxy_header_parse(
			    span_of(cases[i].bytes.p, n), &part, &why);

			(void)proxy_header_parse(span_of(cases[i].bytes.p,
			    cases[i].bytes.len), &whole, &why);
			if (cases[i].want == PROXY_HEADER_DONE)
				T_EQ_INT(status, n < whole.length
				    ? PROXY_HEADER_MORE : PROXY_HEADER_DONE);
			else if (cases[i].want == PROXY_HEADER_MORE)
				T_EQ_INT(status, PROXY_HEADER_MORE);
			else
				T_CHECK(status != PROXY_HEADER_DONE);
			str_fini(&why);
		}
	}
}
