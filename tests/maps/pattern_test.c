/*
 * regexp and pcre - the same rules with two engines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/harness/t_maps.h"

static const char *const engines[] = { "regexp",
#if HAVE_PCRE2
	"pcre",
#endif
};

static const struct lookup_case cases[] = {
	{ "any case by default", "/foo/ A\n", "xFOOx", MAP_FOUND, "A" },
	{ "i toggles", "/foo/i A\n", "FOO", MAP_ABSENT, NULL },
	{ "i twice", "/foo/ii A\n", "FOO", MAP_FOUND, "A" },
	{ "groups", "/baz(.)(.)/ $1-${2}-$(1)$$x\n", "bazXY", MAP_FOUND,
	    "X-Y-X$x" },
	{ "group without part", "/a(b)?c/ <$1>\n", "ac", MAP_FOUND, "<>" },
	{ "negated", "!/zzz/ neg\n", "abc", MAP_FOUND, "neg" },
	{ "negated, matching", "!/zzz/ neg\n", "zzz", MAP_ABSENT, NULL },
	{ "other delimiters", "|a/b| slash\n", "a/b", MAP_FOUND, "slash" },
	{ "delimiter escaped", "/a\\/b/ slash\n", "a/b", MAP_FOUND, "slash" },
	{ "white space in the pattern", "/a b/ sp ace\n", "a b", MAP_FOUND,
	    "sp ace" },
	{ "first match wins", "/a/ 1\n/ab/ 2\n", "ab", MAP_FOUND, "1" },
	{ "anchors", "/^a$/ 1\n", "ba", MAP_ABSENT, NULL },
	{ "dot and newline", "/^subject:.*sale/ 1\n", "Subject: a\n sale",
	    MAP_FOUND, "1" },
	{ "m makes lines", "/^b$/m 1\n", "a\nb", MAP_FOUND, "1" },
	{ "without m", "/^b$/ 1\n", "a\nb", MAP_ABSENT, NULL },
	{ "if inside", "if /x/\n/y/ in\nendif\n/y/ out\n", "xy", MAP_FOUND,
	    "in" },
	{ "if outside", "if /x/\n/y/ in\nendif\n/y/ out\n", "y", MAP_FOUND,
	    "out" },
	{ "if negated", "if !/x/\n/y/ in\nendif\n/y/ out\n", "xy", MAP_FOUND,
	    "out" },
	{ "nested", "if /a/\nif /b/\n/c/ 1\nendif\n/c/ 2\nendif\n/c/ 3\n",
	    "ac", MAP_FOUND, "2" },
	{ "a bad rule is skipped", "/a(b/ x\n/a/ y\n", "a", MAP_FOUND, "y" },
	{ "empty result", "/a/\n", "a", MAP_FOUND, "" },
	{ "braces in the result", "/(a)/ {$1}\n", "a", MAP_FOUND, "{a}" },
	{ "space before flags end", "/a/\tx\n", "a", MAP_FOUND, "x" },
	{ "twenty groups", "/(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)(l)(m)(n)(o)(p)"
	    "(q)(r)(s)(t)/ $20${19}$1\n", "abcdefghijklmnopqrst", MAP_FOUND,
	    "tsa" },
	{ "digits glued to text", "/(a)/ $1b\n", "a", MAP_ABSENT, NULL },
};

T_TEST(patterns_lookup)
{
	keep_log();
	for (size_t i = 0; i < T_COUNT(engines); i++)
		run_lookups(engines[i], cases, T_COUNT(cases));
}

static const struct {
	const char *name, *line, *want;
} bad_lines[] = {
	{ "word", "foo bar", "ignoring unrecognized request" },
	{ "open", "/abc", "no closing regexp delimiter \"/\": skipping this "
	    "rule" },
	{ "nothing behind", "/abc/", "no replacement text: using empty "
	    "string" },
	{ "flag", "/abc/q x", "unknown regexp option \"q\": skipping this "
	    "rule" },
	{ "negated with group", "!/a(b)/ $1", "$number found in negative "
	    "match replacement text: skipping this rule" },
	{ "no such group", "/a(b)/ $2", "out of range replacement index "
	    "\"2\": skipping this rule" },
	{ "group zero", "/a(b)/ $0", "out of range replacement index "
	    "\"0\": skipping this rule" },
	{ "cut macro", "/a(b)/ ${1", "truncated macro reference: \"${1\"" },
	{ "bare dollar", "/a(b)/ $", "bad replacement syntax: skipping this "
	    "rule" },
	{ "named", "/a(b)/ $foo", "non-numeric replacement index \"foo\"" },
	{ "bare if", "if", "no regexp: skipping this rule" },
	{ "bare !", "!", "no regexp: skipping this rule" },
	{ "if with text", "if /y/ trailing", "ignoring extra text after IF "
	    "statement: \"trailing\"" },
	{ "endif", "endif", "ignoring ENDIF without matching IF" },
	{ "if alone", "if /x/", "IF has no matching ENDIF" },
};

T_TEST(patterns_say_what_is_wrong_with_a_line)
{
	keep_log();
	for (size_t e = 0; e < T_COUNT(engines); e++) {
		for (size_t i = 0; i < T_COUNT(bad_lines); i++) {
			char prefix[80];

			t_case("%s: %s", engines[e], bad_lines[i].name);
			snprintf(prefix, sizeof(prefix),
			    "warning: %s map text, line 1: ", engines[e]);
			struct map *m = map_open_text(engines[e],
			    bad_lines[i].line);
			const char *log = logged();

			T_HAS_STR(log, prefix);
			T_HAS_STR(log, bad_lines[i].want);
			map_close(m);
		}
	}
}

T_TEST(substitution_is_refused_where_it_is_not_allowed)
{
	struct str why = STR_EMPTY;

	keep_log();
	struct map *m = map_open("regexp:{{/(a)/ $1}, {/a/ plain}}",
	    MAP_NO_REGSUB, &why);

	T_NEED(m != NULL);
	T_HAS_STR(logged(), "line 1: regular expression substitution is not "
	    "allowed: skipping this rule");
	T_EQ_STR(look(m, "a"), "plain");
	map_close(m);
	str_fini(&why);
}

T_TEST(keys_of_patterns_are_not_folded)
{
	struct str why = STR_EMPTY;
	struct map *m = map_open("regexp:{{/(.*)/ <$1>}}", MAP_FOLD, &why);

	T_NEED(m != NULL);
	T_EQ_STR(look(m, "AbC"), "<AbC>");
	map_close(m);
	str_fini(&why);
}

#if HAVE_PCRE2
static const struct lookup_case pcre_cases[] = {
	{ "look-ahead", "/^(?!owner-)(.*)-outgoing@(.*)/ use ${1}@${2}\n",
	    "x-outgoing@y", MAP_FOUND, "use x@y" },
	{ "look-ahead, refused", "/^(?!owner-)(.*)-outgoing@(.*)/ x\n",
	    "owner-x-outgoing@y", MAP_ABSENT, NULL },
	{ "extended", "/a b # c/x y\n", "ab", MAP_FOUND, "y" },
	{ "anchored", "/b/A y\n", "ab", MAP_ABSENT, NULL },
	{ "ungreedy", "/^(a+)/U <$1>\n", "aaa", MAP_FOUND, "<a>" },
	{ "s toggles off", "/a.b/s y\n", "a\nb", MAP_ABSENT, NULL },
	{ "E", "/b$/E y\n", "ab\n", MAP_ABSENT, NULL },
};

T_TEST(pcre_flags)
{
	run_lookups("pcre", pcre_cases, T_COUNT(pcre_cases));
}

T_TEST(a_pattern_that_runs_away_fails_the_lookup)
{
	struct map *m = map_open_text("pcre", "/^(a+)+$/ x\n");

	T_NEED(m != NULL);
	T_EQ_STR(look(m, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
	    "failed");
	T_HAS_STR(map_why(m), "pcre map text, line 1: match limit exceeded");
	T_EQ_STR(look(m, "aaaa"), "x");
	map_close(m);
}
#endif
