/*
 * Content on the wire: dots, line ends, long lines; in one piece and cut at
 * every place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/smtp_send_data.h"
#include "tests/harness/t.h"

static const struct data_case {
	const char *name, *content, *wire;
	size_t limit;
	bool broke;
} cases[] = {
	{ "nothing", "", ".\r\n", 0, false },
	{ "lines", "a\nb\n", "a\r\nb\r\n.\r\n", 998, false },
	{ "last line without end", "a\nb", "a\r\nb\r\n.\r\n", 998, false },
	{ "dots", ".\n..\na.\n.b\n", "..\r\n...\r\na.\r\n..b\r\n.\r\n", 998,
	    false },
	{ "a dot alone at the end", "a\n.", "a\r\n..\r\n.\r\n", 998, false },
	{ "CRLF in the file", "a\r\nb\r\n", "a\r\nb\r\n.\r\n", 998, false },
	{ "smuggled end", "a\r.\r\nb\n.\r\nc", "a .\r\nb\r\n..\r\nc\r\n.\r\n",
	    998, false },
	{ "CR at a line's start", "\r.\n", " .\r\n.\r\n", 998, false },
	{ "several CR", "a\r\r\nb\r\r", "a \r\nb \r\n.\r\n", 998, false },
	{ "CR at the very end", "a\r", "a\r\n.\r\n", 998, false },
	{ "just fits", "12345678\n", "12345678\r\n.\r\n", 8, false },
	{ "one too many", "123456789\n", "12345678\r\n 9\r\n.\r\n", 8, true },
	{ "very long", "1234567812345671234567.\n",
	    "12345678\r\n 1234567\r\n 1234567\r\n .\r\n.\r\n", 8, true },
	{ "dot behind a break", "12345678.\n", "12345678\r\n .\r\n.\r\n", 8,
	    true },
	{ "dotted line is measured as it is", ".2345678\n",
	    "..2345678\r\n.\r\n", 8, false },
	{ "not inside a character", "1234567\303\274x\n",
	    "1234567\r\n \303\274x\r\n.\r\n", 8, true },
	{ "not inside a longer one", "12345\360\237\230\200x\n",
	    "12345\r\n \360\237\230\200x\r\n.\r\n", 8, true },
	{ "bytes that are no characters", "\200\200\200\200\200\200\200\200"
	    "\200\n", "\200\200\200\200\200\200\200\200\r\n \200\r\n.\r\n", 8,
	    true },
};

static void
check(const struct data_case *c, size_t cut)
{
	struct span content = SPAN(c->content);
	struct smtp_send_data e;
	struct str out = STR_EMPTY;

	smtp_send_data_init(&e, c->limit);
	smtp_send_data_add(&e, span_sub(content, 0, cut), &out);
	smtp_send_data_add(&e, span_skip(content, cut), &out);
	smtp_send_data_end(&e, &out);
	T_EQ_TEXT(str_span(&out), c->wire);
	T_EQ_INT(e.broke_line, c->broke);
	str_fini(&out);
}

T_TEST(content_is_made_fit_for_the_wire)
{
	for (size_t i = 0; i < T_COUNT(cases); i++)
		for (size_t cut = 0; cut <= strlen(cases[i].content); cut++) {
			T_CASEF("%s, cut at %zu", cases[i].name, cut);
			check(&cases[i], cut);
		}
}
