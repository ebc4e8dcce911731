/*
 * pipemap, unionmap, randmap, debug, environ, internal: tables made of tables,
 * of words, or of nothing. Each of them also with fail: inside.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/addrfind.h"
#include "tests/harness/t_maps.h"

#define NEED_TABLES(type, name) "bad syntax: \"" type ":" name \
	"\"; need \"" type ":{type:name...}\""

static const struct {
	const char *spec, *key, *want, *why;
} cases[] = {
	{ "pipemap:{inline:{a=b},inline:{b=c}}", "a", "c", NULL },
	{ "pipemap:{ inline:{a=b}  inline:{b=c} , }", "a", "c", NULL },
	{ "pipemap:{inline:{a=b}}", "a", "b", NULL },
	{ "pipemap:{inline:{a=B},inline:{b=c}}", "A", "c", NULL },
	{ "pipemap:{inline:{a=b},inline:{c=c}}", "a", "absent", NULL },
	{ "pipemap:{inline:{z=b},static:c}", "a", "absent", NULL },
	{ "pipemap:{inline:{a=b},fail:x}", "a", "failed", NULL },
	{ "pipemap:{inline:{z=b},fail:x}", "a", "absent", NULL },
	{ "pipemap:{fail:x,static:c}", "a", "failed", NULL },
	{ "pipemap:{pipemap:{static:a,inline:{a=b}},inline:{b=c}}", "k", "c",
	    NULL },
	{ "pipemap:{unionmap:{static:a,static:b},inline:{{a,b=c}}}", "k", "c",
	    NULL },
	{ "pipemap:{static:a", NULL, NULL, NEED_TABLES("pipemap",
	    "{static:a") },
	{ "pipemap:{static:a}x", NULL, NULL, NEED_TABLES("pipemap",
	    "{static:a}x") },
	{ "pipemap:static:a", NULL, NULL, NEED_TABLES("pipemap", "static:a") },
	{ "pipemap:{}", NULL, NULL, NEED_TABLES("pipemap", "{}") },
	{ "pipemap:{ , }", NULL, NULL, NEED_TABLES("pipemap", "{ , }") },
	{ "pipemap:{static:a,nosuch:x}", NULL, NULL,
	    "unsupported dictionary type: nosuch" },
	{ "pipemap:{static:a,b}", NULL, NULL, "open dictionary: expecting "
	    "\"type:name\" form instead of \"b\"" },
	{ "unionmap:{static:a,inline:{k=b},inline:{z=y}}", "k", "a,b", NULL },
	{ "unionmap:{inline:{z=y},inline:{k=b}}", "K", "b", NULL },
	{ "unionmap:{inline:{z=y}}", "k", "absent", NULL },
	{ "unionmap:{inline:{{k=}},static:b}", "k", "b", NULL },
	{ "unionmap:{static:a,inline:{{k=}},static:b}", "k", "a,b", NULL },
	{ "unionmap:{inline:{{k=}}}", "k", "", NULL },
	{ "unionmap:{static:a,fail:x}", "k", "failed", NULL },
	{ "unionmap:{fail:x,static:a}", "k", "failed", NULL },
	{ "unionmap:{static:a,ldap:/x}", "k", "failed", NULL },
	{ "unionmap:{static:a}}", NULL, NULL, NEED_TABLES("unionmap",
	    "{static:a}}") },
	{ "randmap:{one}", "k", "one", NULL },
	{ "randmap:{{a b}}", "k", "{a b}", NULL },
	{ "randmap:x", NULL, NULL, "bad syntax: \"randmap:x\"; need "
	    "\"randmap:{value...}\"" },
	{ "randmap:{a", NULL, NULL, "bad syntax: \"randmap:{a\"; need "
	    "\"randmap:{value...}\"" },
	{ "randmap:{}", NULL, NULL, "bad syntax: \"randmap:{}\"; need "
	    "\"randmap:{value...}\"" },
	{ "environ:x", "no such variable", "absent", NULL },
	{ "internal:x", "k", "absent", NULL },
	{ "debug:inline:{k=v}", "K", "v", NULL },
	{ "debug:inline:{k=v}", "z", "absent", NULL },
	{ "debug:debug:inline:{k=v}", "k", "v", NULL },
	{ "debug:fail:x", "k", "failed", NULL },
	{ "debug:x", NULL, NULL, "open dictionary: expecting \"type:name\" "
	    "form instead of \"x\"" },
	{ "debug:nosuch:x", NULL, NULL, "unsupported dictionary type: "
	    "nosuch" },
};

T_TEST(tables_made_of_tables)
{
	keep_log();
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		t_case("%s %s", cases[i].spec, cases[i].key);
		struct str why = STR_EMPTY;
		struct map *m = map_open(cases[i].spec, MAP_FOLD, &why);

		T_CHECK((m == NULL) == (cases[i].why != NULL));
		T_EQ_STR(str_cstr(&why), cases[i].why != NULL ? cases[i].why :
		    "");
		if (m != NULL)
			T_EQ_STR(look(m, cases[i].key), cases[i].want);
		map_close(m);
		str_fini(&why);
	}
}

T_TEST(a_failure_inside_names_the_whole_and_the_part)
{
	static const char *const specs[] = { "pipemap:{static:a,fail:x}",
		"unionmap:{static:a,fail:x}" };

	for (size_t i = 0; i < T_COUNT(specs); i++) {
		struct map *m = map_open(specs[i], 0, NULL);

		T_CASE(specs[i]);
		T_EQ_STR(look(m, "k"), "failed");
		T_HAS_STR(map_why(m), specs[i]);
		T_HAS_STR(map_why(m), "table fail:x: query error");
		map_close(m);
	}
}

/* Parts of addresses are asked of a table of fixed keys, and not of one whose
 * first member has patterns. */
T_TEST(the_first_member_says_how_keys_are_matched)
{
	static const struct {
		const char *spec;
		enum map_status want;
	} maps_of[] = {
		{ "pipemap:{inline:{{@b.test=x}},pcre:{{/x/ y}}}", MAP_FOUND },
		{ "pipemap:{regexp:{{/@b/ x}},inline:{{x=y}}}", MAP_FOUND },
		{ "pipemap:{regexp:{{/^@b/ x}},inline:{{x=y}}}", MAP_ABSENT },
		{ "unionmap:{inline:{{@b.test=y}},regexp:{{/^@b/ x}}}",
		    MAP_FOUND },
		{ "debug:regexp:{{/^@b/ x}}", MAP_ABSENT },
		{ "debug:inline:{{@b.test=y}}", MAP_FOUND },
	};
	static const struct addrfind how = { .tries = ADDRFIND_VIRTUAL };

	keep_log();
	for (size_t i = 0; i < T_COUNT(maps_of); i++) {
		struct str value = STR_EMPTY;
		struct maps *maps = maps_open("x", maps_of[i].spec, MAP_FOLD,
		    NULL);

		T_CASE(maps_of[i].spec);
		T_NEED(maps != NULL);
		T_EQ_INT(addrfind(maps, &how, SPAN("a@b.test"), &value, NULL),
		    maps_of[i].want);
		maps_close(maps);
		str_fini(&value);
	}
}

T_TEST(a_random_word_is_any_of_them)
{
	struct map *m = map_open("randmap:{a, b c}", 0, NULL);
	unsigned seen[3] = { 0 };

	for (int i = 0; i < 300; i++)
		seen[look(m, "k")[0] - 'a']++;
	T_CHECK(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
	T_EQ_INT(seen[0] + seen[1] + seen[2], 300);
	map_close(m);
}

T_TEST(each_question_of_a_debug_table_is_logged)
{
	struct str key = STR_EMPTY, value = STR_EMPTY;

	keep_log();
	struct map *m = map_open("debug:internal:x", MAP_FOLD, NULL);

	T_EQ_STR(look(m, "Key"), "absent");
	T_HAS_STR(logged(), "internal:x lookup: \"Key\" = \"not_found\"");
	T_EQ_INT(map_sequence(m, true, &key, &value), MAP_ABSENT);
	T_HAS_STR(logged(), "internal:x sequence: found EOF");
	map_close(m);
	m = map_open("debug:static:y", 0, NULL);
	T_EQ_STR(look(m, "k"), "y");
	T_HAS_STR(logged(), "static:y lookup: \"k\" = \"y\"");
	map_close(m);
	m = map_open("debug:fail:y", 0, NULL);
	T_EQ_STR(look(m, "k"), "failed");
	T_HAS_STR(logged(), "fail:y lookup: \"k\" = \"error\"");
	T_EQ_STR(map_why(m), "table fail:y: query error");
	map_close(m);
	str_fini(&key);
	str_fini(&value);
}

T_TEST(variables_of_the_process_are_keys)
{
	struct str value = STR_EMPTY;
	struct map *m = map_open("environ:x", MAP_FOLD, NULL);

	setenv("waypost_test", "yes", 1);
	T_EQ_STR(look(m, "WAYPOST_test"), "yes");
	T_EQ_INT(map_lookup(m, span_of("waypost_test\0x", 14), &value),
	    MAP_ABSENT);
	unsetenv("waypost_test");
	T_EQ_STR(look(m, "waypost_test"), "absent");
	map_close(m);
	m = map_open("environ:x", 0, NULL);
	setenv("WAYPOST_TEST", "upper", 1);
	T_EQ_STR(look(m, "WAYPOST_TEST"), "upper");
	map_close(m);
	str_fini(&value);
}
