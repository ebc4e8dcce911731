/*
 * macro - $name in all its forms, and what is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/macro.h"
#include "tests/harness/t.h"

static const struct {
	const char *name, *value;
} values[] = {
	{ "a", "A" }, { "empty", "" }, { "domain", "example.org" },
	{ "host", "mail.$domain" }, { "self", "x$self" }, { "one", "$two" },
	{ "two", "${one?x}" }, { "dollar", "$$a" }, { "level", "3.6" },
	{ "d1", "$d2$d2" }, { "d2", "$d3$d3" }, { "d3", "$d4$d4" },
	{ "d4", "$d5$d5" }, { "d5", "$d6$d6" }, { "d6", "$d7$d7" },
	{ "d7", "$d8$d8" }, { "d8", "$d9$d9" }, { "d9", "$da$da" },
	{ "da", "$db$db" }, { "db", "$dc$dc" }, { "dc", "$dd$dd" },
	{ "dd", "$de$de" }, { "de", "$df$df" }, { "df", "$empty$empty" },
};

static bool
look_up(struct span name, struct str *value_out, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < T_COUNT(values); i++)
		if (span_is(name, values[i].name)) {
			str_adds(value_out, values[i].value);
			return true;
		}
	return false;
}

static const struct macro recursive = { look_up, NULL, true };
static const struct macro flat = { look_up, NULL, false };

T_TEST(names_are_replaced)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" }, { "plain", "plain" }, { "$a", "A" },
		{ "${a}", "A" }, { "$(a)", "A" }, { "x${a}y", "xAy" },
		{ "$a.$domain", "A.example.org" }, { "$host", "mail.example.org" },
		{ "$nosuch", "" }, { "[${nosuch}]", "[]" }, { "$empty", "" },
		{ "$$a", "$a" }, { "$$$a", "$A" }, { "a$$", "a$" },
		{ "$dollar", "$a" }, { "${ a }", "A" }, { "$a_x", "" },
		{ "{$a}", "{A}" }, { "$a}", "A}" }, { "${a}b", "Ab" },
		/* ? and : without braces reach to the end */
		{ "${a?yes}", "yes" }, { "${a:no}", "" },
		{ "${empty?yes}", "" }, { "${empty:no}", "no" },
		{ "${nosuch:no}", "no" }, { "${a?x:y}", "x:y" },
		{ "${nosuch?x:y}", "" }, { "${a?$domain $a}", "example.org A" },
		{ "${a?}", "" }, { "$(a?{b})", "b" },
		/* with braces */
		{ "${a?{yes x}:{no y}}", "yes x" },
		{ "${empty?{yes x}:{no y}}", "no y" },
		{ "${a ? {yes} : {no}}", "yes" }, { "${a?{ x }}", " x " },
		{ "${empty?{x}}", "" }, { "${empty:{ $a }}", " A " },
		{ "${a?{x}:y}", "x" }, { "${empty?{x}:y}", "y" },
		{ "${a?{${a?{deep}:{x}}}:{y}}", "deep" },
		{ "${a?{}:{y}}", "" },
		/* comparisons */
		{ "${{a} == {a} ? {eq} : {ne}}", "eq" },
		{ "${{a}=={b}?{eq}:{ne}}", "ne" },
		{ "${{$a} == {A} ? {eq} : {ne}}", "eq" },
		{ "${{ a } == {a} ? {eq} : {ne}}", "ne" },
		{ "${{a} != {b} ? {ne}}", "ne" },
		{ "${{10} < {9} ? {lt} : {ge}}", "ge" },
		{ "${{a10} < {a9} ? {lt} : {ge}}", "lt" },
		{ "${{-1} < {1} ? {lt} : {ge}}", "lt" },
		{ "${{007} == {7} ? {eq} : {ne}}", "eq" },
		{ "${{2} >= {2} ? {ge} : {lt}}", "ge" },
		{ "${{2} <= {1} ? {le} : {gt}}", "gt" },
		{ "${{2} > {1} ? {gt} : {le}}", "gt" },
		{ "${{} == {} ? {eq} : {ne}}", "eq" },
		{ "${{a}<{b}?x:y}", "x:y" }, { "${{a}>{b}:y}", "y" },
		{ "${{a} == {a}}", "true" }, { "${{a} == {b}}", "" },
		{ "x${{a} == {a} ? {m}}y", "xmy" },
		/* levels */
		{ "${{3.10} <level {3.9} ? {lt} : {ge}}", "ge" },
		{ "${{3.10}<=level{3.10}?{le}:{gt}}", "le" },
		{ "${{2} ==level {2.0} ? {eq} : {ne}}", "eq" },
		{ "${{2} !=level {2.0} ? {ne} : {eq}}", "eq" },
		{ "${{3} <level {3.6} ? {lt} : {ge}}", "lt" },
		{ "${{$level} >level {3.5.9} ? {gt} : {le}}", "gt" },
		{ "${{3.6} >=level {3.6} ? {ge} : {lt}}", "ge" },
		/* functions */
		{ "${domain_to_ascii{$domain}}", "example.org" },
		{ "${domain_to_utf8{ x.org }}", "x.org" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str out = STR_EMPTY, why = STR_EMPTY;

		T_CASE(cases[i].text);
		T_CHECK(macro_expand(&recursive, SPAN(cases[i].text), &out,
		    &why));
		T_EQ_STR(str_cstr(&out), cases[i].want);
		T_EQ_STR(str_cstr(&why), "");
		str_fini(&out);
		str_fini(&why);
	}
}

T_TEST(bad_text_is_refused_with_a_reason)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "$", "\"$\" without a name" }, { "a$", "without a name" },
		{ "$-", "without a name" }, { "${}", "missing name" },
		{ "${a", "missing closing brace" },
		{ "$(a", "missing closing brace" },
		{ "${a?{x}", "missing closing brace" },
		{ "${my-name}", "expected \"?\" or \":\"" },
		{ "${a!x}", "expected \"?\" or \":\"" },
		{ "${a?{x}:{y}:{z}}", "extra text" },
		{ "${a?{x} y}", "extra text" },
		{ "${a:{x}?{y}}", "extra text" },
		{ "${a:{x}:{y}}", "extra text" },
		{ "${{a} ~ {b} ? {x} : {y}}", "bad operator" },
		{ "${{a} = {b}}", "bad operator" },
		{ "${{a} == b}", "expected \"{value}\"" },
		{ "${{a} == {b} {x}}", "expected \"?\" or \":\"" },
		{ "${{1.x} <level {2}}", "bad compatibility level" },
		{ "${{2} <level {}}", "bad compatibility level" },
		{ "${{99999999999999999999} < {1}}", "out of range" },
		{ "${nosuch{x}}", "unknown function" },
		{ "${domain_to_ascii{\xc3\xa4}}", "not ASCII" },
		{ "$self", "\"$self\" refers to itself" },
		{ "${a?$one}", "refers to itself" },
		{ "$d1", "too many references" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str out = STR_EMPTY, why = STR_EMPTY;

		T_CASE(cases[i].text);
		T_CHECK(!macro_expand(&recursive, SPAN(cases[i].text), &out,
		    &why));
		T_HAS_STR(str_cstr(&why), cases[i].why);
		str_fini(&out);
		str_fini(&why);
	}
}

T_TEST(values_stay_unexpanded_where_asked_for)
{
	struct str out = STR_EMPTY, why = STR_EMPTY;

	T_CHECK(macro_expand(&flat, SPAN("$host $self"), &out, &why));
	T_EQ_STR(str_cstr(&out), "mail.$domain x$self");
	str_fini(&out);
	str_fini(&why);
}

T_TEST(a_plain_name_without_a_value_is_told_from_a_condition)
{
	static const struct {
		const char *text;
		bool unset;
	} cases[] = {
		{ "", false }, { "$a", false }, { "${a}x", false },
		{ "$nosuch", true }, { "x${empty}", true }, { "$a$empty", true },
		{ "${empty?{+$empty}}", false }, { "${empty:{none}}", false },
		{ "${a?{$empty}}", true }, { "${empty:{$nosuch}}", true },
		{ "${{$empty} == {x} ? {a} : {b}}", false },
		{ "$nosuch${{$empty} == {x} ? {a} : {b}}", true },
	};
	struct str out = STR_EMPTY, why = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		bool unset = false;
		const struct macro macro = { .lookup = look_up,
			.unset_out = &unset };

		T_CASE(cases[i].text);
		T_CHECK(macro_expand(&macro, SPAN(cases[i].text), &out, &why));
		T_EQ_INT(unset, cases[i].unset);
	}
	str_fini(&out);
	str_fini(&why);
}

T_TEST(deep_braces_do_not_exhaust_the_stack)
{
	struct str text = STR_EMPTY, out = STR_EMPTY, why = STR_EMPTY;

	for (int i = 0; i < 5000; i++)
		str_adds(&text, "${a?{");
	str_adds(&text, "x");
	for (int i = 0; i < 5000; i++)
		str_adds(&text, "}}");
	T_CHECK(!macro_expand(&recursive, str_span(&text), &out, &why));
	T_HAS_STR(str_cstr(&why), "too many braces");
	str_fini(&text);
	str_fini(&out);
	str_fini(&why);
}

static void
collect(struct span name, void *arg)
{
	str_addf(arg, "%.*s,", SPAN_ARG(name));
}

T_TEST(references_are_found)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "none", "" }, { "$a ${b} $(c)", "a,b,c," },
		{ "$$a", "" }, { "${a?$b:${c}}", "a,b,c," },
		{ "${{$a} == {$b} ? {$c}}", "a,b,c," }, { "$", "" },
		{ "${ a }", "a," },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str out = STR_EMPTY;

		T_CASE(cases[i].text);
		macro_each_name(SPAN(cases[i].text), collect, &out);
		T_EQ_STR(str_cstr(&out), cases[i].want);
		str_fini(&out);
	}
}

T_TEST(levels_compare_by_number)
{
	static const struct {
		const char *a, *b;
		bool ok;
		int want;
	} cases[] = {
		{ "2", "2.0", true, 0 }, { "3.6", "3.11", true, -1 },
		{ "3.10", "3.9", true, 1 }, { " 3 ", "3", true, 0 },
		{ "3.0.1", "3", true, 1 }, { "0", "1", true, -1 },
		{ "", "1", false, 0 }, { "3.x", "1", false, 0 },
		{ "3..1", "1", false, 0 }, { "-1", "1", false, 0 },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		int order = 0;

		t_case("%s and %s", cases[i].a, cases[i].b);
		T_EQ_INT(macro_compare_levels(SPAN(cases[i].a),
		    SPAN(cases[i].b), &order), cases[i].ok);
		if (cases[i].ok)
			T_EQ_INT(order, cases[i].want);
	}
}
