/*
 * Datagrams become lines of a log, or text for a line of our own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/postlogd/postlogd_line.h"
#include "tests/harness/t.h"

static const struct {
	const char *name, *datagram;
	bool line;
	const char *want;
} cases[] = {
	{ "a line", "Jan 02 03:04:05 host postfix/postdrop[7]: text", true,
	    "Jan 02 03:04:05 host postfix/postdrop[7]: text\n" },
	{ "day with a space", "Jan  2 03:04:05 h t[1]: x\n", true,
	    "Jan  2 03:04:05 h t[1]: x\n" },
	{ "newline inside", "Jan 02 03:04:05 h t[1]: a\nJan 02", true,
	    "Jan 02 03:04:05 h t[1]: a?Jan 02\n" },
	{ "no stamp", "just text", false, "just text" },
	{ "no pid", "Jan 02 03:04:05 host tag: text", false,
	    "Jan 02 03:04:05 host tag: text" },
	{ "stamp alone", "Jan 02 03:04:05 ", false, "Jan 02 03:04:05" },
	{ "empty", "", false, "" },
};

T_TEST(datagrams_become_lines)
{
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str out = STR_EMPTY;
		struct span text;

		T_CASE(cases[i].name);
		T_EQ_INT(postlogd_line(span_cstr(cases[i].datagram), &out,
		    &text), cases[i].line);
		if (cases[i].line)
			T_EQ_STR(str_cstr(&out), cases[i].want);
		else
			T_EQ_TEXT(text, cases[i].want);
		str_fini(&out);
	}
}
