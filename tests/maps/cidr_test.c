/*
 * cidr - blocks, negation, if and endif, inline tables, bad lines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/conf.h"
#include "common/mail/conf_core.h"
#include "tests/harness/t_maps.h"

static const struct lookup_case cases[] = {
	{ "first match wins", "10.0.0.0/8 A\n10.1.0.0/16 B\n", "10.1.2.3",
	    MAP_FOUND, "A" },
	{ "mapped v4 is v4", "10.0.0.0/8 A\n", "::ffff:10.9.9.9",
	    MAP_FOUND, "A" },
	{ "negated block", "!10.0.0.0/8 OUT\n", "192.0.2.1",
	    MAP_FOUND, "OUT" },
	{ "negated block, inside", "!10.0.0.0/8 OUT\n", "10.0.2.1",
	    MAP_ABSENT, NULL },
	{ "negated block, the other kind", "!10.0.0.0/8 OUT\n::/0 SIX\n",
	    "2001:db8::1", MAP_FOUND, "SIX" },
	{ "negated if, the other kind", "if !10.0.0.0/8\n::/0 A\nendif\n",
	    "2001:db8::1", MAP_ABSENT, NULL },
	{ "host names do not match", "0.0.0.0/0 A\n", "mail.example",
	    MAP_ABSENT, NULL },
	{ "a bad line is skipped", "10.0.0.0/99 X\n10.0.0.0/8 A\n",
	    "10.0.0.1", MAP_FOUND, "A" },
	{ "one address", "192.0.2.1 one\n", "192.0.2.1", MAP_FOUND, "one" },
	{ "one address, another", "192.0.2.1 one\n", "192.0.2.2",
	    MAP_ABSENT, NULL },
	{ "brackets", "[2001:db8::]/32 six\n", "2001:db8::1",
	    MAP_FOUND, "six" },
	{ "brackets around one", "[192.0.2.1] one\n", "192.0.2.1",
	    MAP_FOUND, "one" },
	{ "v6 without brackets", "2001:db8::/32 six\n", "2001:DB8::1",
	    MAP_FOUND, "six" },
	{ "result of several words", "10.0.0.0/8  REJECT no  way \n",
	    "10.0.0.1", MAP_FOUND, "REJECT no  way" },
	{ "continued line", "10.0.0.0/8\n  REJECT no\n\tway\n", "10.0.0.1",
	    MAP_FOUND, "REJECT no\tway" },
	{ "if, inside", "if 10.0.0.0/8\n10.1.0.0/16 A\nendif\n0.0.0.0/0 B\n",
	    "10.1.0.1", MAP_FOUND, "A" },
	{ "if, not inside", "if 11.0.0.0/8\n10.1.0.0/16 A\nendif\n"
	    "0.0.0.0/0 B\n", "10.1.0.1", MAP_FOUND, "B" },
	{ "if, negated", "IF !11.0.0.0/8\n10.1.0.0/16 A\nENDIF\n",
	    "10.1.0.1", MAP_FOUND, "A" },
	{ "nested if", "if 10.0.0.0/8\nif 11.0.0.0/8\n0.0.0.0/0 X\nendif\n"
	    "0.0.0.0/0 Y\nendif\n", "10.1.0.1", MAP_FOUND, "Y" },
	{ "if without endif", "if 11.0.0.0/8\n0.0.0.0/0 X\n", "10.1.0.1",
	    MAP_ABSENT, NULL },
	{ "comments", "# one\n\n10.0.0.0/8 A\n # two\n", "10.0.0.1",
	    MAP_FOUND, "A" },
	{ "empty table", "", "10.0.0.1", MAP_ABSENT, NULL },
	{ "everything", "0.0.0.0/0 v4\n::/0 v6\n", "::1", MAP_FOUND, "v6" },
};

T_TEST(cidr_lookup)
{
	run_lookups("cidr", cases, T_COUNT(cases));
}

static const struct {
	const char *name, *line, *want;
} bad_lines[] = {
	{ "mask too long", "10.1.0.0/99 B", "10.1.0.0/99" },
	{ "host bits", "10.0.0.1/8 C",
	    "non-null host address bits in \"10.0.0.1/8\", perhaps you "
	    "should use \"10.0.0.0/8\" instead: skipping this rule" },
	{ "no result", "1.2.3.4 ", "no lookup result: skipping this rule" },
	{ "three numbers", "1.2.3 x",
	    "bad address pattern: \"1.2.3\": skipping this rule" },
	{ "open bracket", "[::3 M",
	    "missing ']' character after \"[::3\": skipping this rule" },
	{ "name", "foo bar",
	    "bad address pattern: \"foo\": skipping this rule" },
	{ "bare !", "!", "no address pattern: skipping this rule" },
	{ "bare if", "if", "no address pattern: skipping this rule" },
	{ "text behind endif", "endif x",
	    "garbage after ENDIF: skipping this rule" },
	{ "endif alone", "endif",
	    "ENDIF without matching IF: skipping this rule" },
	{ "if alone", "if 1.1.1.1", "IF has no matching ENDIF" },
};

T_TEST(cidr_says_what_is_wrong_with_a_line)
{
	keep_log();
	for (size_t i = 0; i < T_COUNT(bad_lines); i++) {
		T_CASE(bad_lines[i].name);
		struct map *m = map_open_text("cidr", bad_lines[i].line);

		const char *log = logged();

		T_HAS_STR(log, "warning: cidr map text, line 1: ");
		T_HAS_STR(log, bad_lines[i].want);
		map_close(m);
	}
}

static const struct {
	const char *name, *spec, *key, *want, *why;
} inlines[] = {
	{ "two rules", "cidr:{{1.2.3.4 x}, {2.3.4.0/24 y z}}", "2.3.4.5",
	    "y z", NULL },
	{ "white space", "cidr:{ { 1.2.3.4 x } }", "1.2.3.4", "x", NULL },
	{ "empty", "cidr:{}", "1.2.3.4", "absent", NULL },
	{ "rule without braces", "cidr:{1.2.3.4 x}", NULL, NULL,
	    "cidr map: no '{' at start of text in \"1.2.3.4\"" },
	{ "unbalanced", "cidr:{{1.2.3.4 x}", NULL, NULL,
	    "cidr map: missing '}' in \"{{1.2.3.4 x}\"" },
};

T_TEST(cidr_reads_inline_tables)
{
	for (size_t i = 0; i < T_COUNT(inlines); i++) {
		T_CASE(inlines[i].name);
		struct str why = STR_EMPTY;
		struct map *m = map_open(inlines[i].spec, MAP_FOLD, &why);

		T_CHECK((m == NULL) == (inlines[i].why != NULL));
		if (inlines[i].why != NULL)
			T_EQ_STR(str_cstr(&why), inlines[i].why);
		if (m != NULL)
			T_EQ_STR(look(m, inlines[i].key), inlines[i].want);
		map_close(m);
		str_fini(&why);
	}
}

T_TEST(a_cidr_file_that_is_not_there_fails_its_lookups)
{
	struct str why = STR_EMPTY;

	keep_log();
	struct map *m = map_open("cidr:/nowhere/x", 0, &why);

	T_NEED(m != NULL);
	T_HAS_STR(logged(), "warning: cidr:/nowhere/x is unavailable. open "
	    "/nowhere/x: No such file or directory");
	T_EQ_STR(look(m, "1.2.3.4"), "failed");
	T_EQ_STR(map_why(m), "open /nowhere/x: No such file or directory");
	map_close(m);
	str_fini(&why);
}

T_TEST(one_whose_file_is_not_there_may_end_the_process)
{
	struct str why = STR_EMPTY;

	T_NEED(conf_load_text("main.cf", SPAN("myhostname = mail.test\n"
	    "daemon_table_open_error_is_fatal = yes\n"), &why)
	    && conf_fill(&conf_core_params, &why));
	str_fini(&why);
	T_DIES(1, "fatal: cidr:/nowhere/x is unavailable. open /nowhere/x: No "
	    "such file or directory", map_open("cidr:/nowhere/x", 0, NULL));
	T_CASE("not one that is looked for without a word");
	struct map *m = map_open("cidr:/nowhere/x", MAP_QUIET, NULL);

	T_CHECK(map_is_unavailable(m));
	map_close(m);
	conf_core.table_open_error_is_fatal = false;
}
