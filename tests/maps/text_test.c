/*
 * texthash, inline, static, fail, and tables made of tables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/io/fault.h"
#include "maps/maps.h"
#include "tests/harness/t_maps.h"

static const struct lookup_case texthash_cases[] = {
	{ "plain", "a b\n", "a", MAP_FOUND, "b" },
	{ "keys fold", "Abc D\n", "aBC", MAP_FOUND, "D" },
	{ "first of two", "a 1\na 2\n", "a", MAP_FOUND, "1" },
	{ "continued", "a b\n c\n", "a", MAP_FOUND, "b c" },
	{ "quoted key", "\"a b\"@c d\n", "\"a b\"@c", MAP_FOUND, "d" },
	{ "comment", "# a b\n", "a", MAP_ABSENT, NULL },
	{ "no value", "a\nb c\n", "b", MAP_FOUND, "c" },
	{ "tabs", "a\t \tb \t\n", "a", MAP_FOUND, "b" },
	{ "not UTF-8", "caf\xe9 x\n", "caf\xe9", MAP_FOUND, "x" },
	{ "upper case beyond ASCII", "\xc3\x84@x y\n", "\xc3\xa4@X",
	    MAP_FOUND, "y" },
};

T_TEST(texthash_lookup)
{
	keep_log();
	run_lookups("texthash", texthash_cases, T_COUNT(texthash_cases));
}

T_TEST(texthash_says_what_is_wrong_with_a_line)
{
	keep_log();
	struct map *m = map_open_text("texthash", " x y\n");

	T_HAS_STR(logged(), "logical line must not start with whitespace");
	map_close(m);
	m = map_open_text("texthash", "a b\nA c\nd\nfoo: x\n\"q y\n");
	const char *log = logged();

	T_HAS_STR(log, "text, line 2: duplicate entry: \"A\"");
	T_HAS_STR(log, "text, line 3: expected format: key whitespace value "
	    "-- ignoring this line");
	T_HAS_STR(log, "text, line 4: record is in \"key: value\" format; is "
	    "this an alias file?");
	T_HAS_STR(log, "text, line 5: unbalanced '\"' in '\"q y' -- ignoring "
	    "this line");
	map_close(m);
}

static const struct {
	const char *spec, *key, *want, *why;
} specs[] = {
	{ "static:x", "anything", "x", NULL },
	{ "static:{ a b }", "anything", "a b", NULL },
	{ "static:{ a b", NULL, NULL, "missing '}'" },
	{ "inline:{ x=b , {y = c d} }", "y", "c d", NULL },
	{ "inline:{ x=b , {y = c d} }", "X", "b", NULL },
	{ "inline:{ x=b , {y = c d} }", "z", "absent", NULL },
	{ "inline:{{a={b}}}", "a", "{b}", NULL },
	{ "inline:{ x=b , {y  c d} }", NULL, NULL, "missing '=' after "
	    "attribute name: \"inline:{ x=b , {y  c d} }\"; need "
	    "\"inline:{name=value...}\"" },
	{ "inline:{  }", NULL, NULL, "empty table: \"inline:{  }\"" },
	{ "inline:", NULL, NULL, "open dictionary: expecting \"type:name\" "
	    "form instead of \"inline:\"" },
	{ "nosuch:x", NULL, NULL, "unsupported dictionary type: nosuch" },
	{ "x", NULL, NULL, "expecting \"type:name\" form" },
	{ ":x", NULL, NULL, "expecting \"type:name\" form" },
	{ "fail:x", "k", "failed", NULL },
	{ "ldap:/x", "k", "failed", NULL },
	{ "unix:passwd.byname", "root", "root:x:0:0:root:/root:/bin/bash",
	    NULL },
	{ "unix:passwd.byname", "no such user here", "absent", NULL },
	{ "unix:shadow.byname", NULL, NULL, "unknown table: "
	    "unix:shadow.byname" },
};

T_TEST(tables_without_files)
{
	keep_log();
	for (size_t i = 0; i < T_COUNT(specs); i++) {
		t_case("%s %s", specs[i].spec, specs[i].key);
		struct str why = STR_EMPTY;
		struct map *m = map_open(specs[i].spec, MAP_FOLD, &why);

		T_CHECK((m == NULL) == (specs[i].why != NULL));
		if (specs[i].why != NULL)
			T_HAS_STR(str_cstr(&why), specs[i].why);
		if (m != NULL)
			T_EQ_STR(look(m, specs[i].key), specs[i].want);
		map_close(m);
		str_fini(&why);
	}
}

T_TEST(a_type_that_is_not_built_in_says_so)
{
	keep_log();
	struct map *m = map_open("ldap:/etc/x", 0, NULL);

	T_NEED(m != NULL);
	T_CHECK(map_is_unavailable(m));
	T_EQ_STR(look(m, "k"), "failed");
	T_HAS_STR(map_why(m), "unsupported dictionary type: ldap (");
	map_close(m);
}

T_TEST(keys_and_values_that_are_not_utf8_are_refused_where_asked)
{
	keep_log();
	struct map *m = map_open("inline:{a=caf\xe9}", MAP_UTF8, NULL);

	T_EQ_STR(look(m, "a"), "failed");
	T_HAS_STR(logged(), "warning: inline:{a=caf");
	T_EQ_STR(look(m, "b\xe9"), "absent");
	T_HAS_STR(logged(), "non-UTF-8 key");
	map_close(m);
}

T_TEST(a_changed_file_is_noticed)
{
	const char *path = write_file("a", "k 1\n");
	char spec[300];

	keep_log();
	snprintf(spec, sizeof(spec), "texthash:%s", path);
	struct map *m = map_open(spec, 0, NULL);

	T_EQ_STR(look(m, "k"), "1");
	clock_set_virtual(clock_now_ns(), clock_wall_us());
	clock_advance_ns(2000000000);
	T_CHECK(!map_has_changed(m));
	(void)write_file("a", "k 22\n");
	T_CHECK(!map_has_changed(m));	/* asked less than a second ago */
	clock_advance_ns(2000000000);
	T_CHECK(map_has_changed(m));
	T_EQ_STR(map_any_changed(), spec);
	T_EQ_STR(look(m, "k"), "1");	/* this process keeps what it read */
	map_allow_reopen(true);
	clock_advance_ns(2000000000);
	T_EQ_STR(look(m, "k"), "22");
	T_CHECK(map_any_changed() == NULL);
	clock_advance_ns(2000000000);
	remove(path);
	T_EQ_STR(look(m, "k"), "22");
	T_HAS_STR(logged(), "has changed and cannot be read, keeping what was "
	    "read before");
	map_close(m);
}

T_TEST(a_table_that_was_missing_is_tried_again)
{
	char spec[300];

	keep_log();
	snprintf(spec, sizeof(spec), "texthash:%s/late", t_tmpdir());
	clock_set_virtual(clock_now_ns(), clock_wall_us());
	struct map *m = map_open(spec, 0, NULL);

	clock_advance_ns(INT64_C(120) * 1000000000);
	T_CHECK(map_any_changed() == NULL);	/* nobody asks for it */
	T_EQ_STR(look(m, "k"), "failed");
	clock_advance_ns(INT64_C(2) * 1000000000);
	T_EQ_STR(map_any_changed(), spec);	/* a successor shall try */
	map_allow_reopen(true);
	(void)write_file("late", "k v\n");
	clock_advance_ns(INT64_C(2) * 1000000000);
	T_EQ_STR(look(m, "k"), "v");
	map_close(m);
}

T_TEST(a_file_that_cannot_be_read_fails_its_lookups)
{
	static const char *const types[] = { "texthash", "cidr", "regexp" };
	const char *path = write_file("a", "10.0.0.1 1\n/10.0.0.1/ 1\n");

	keep_log();
	for (size_t i = 0; i < T_COUNT(types); i++) {
		char spec[300];

		snprintf(spec, sizeof(spec), "%s:%s", types[i], path);
		T_EACH_FAULT(NULL, EIO) {
			struct map *m = map_open(spec, 0, NULL);

			T_NEED(m != NULL);
			const char *got = look(m, "10.0.0.1");

			T_EQ_STR(got, T_FAULT_HIT() ? "failed" : "1");
			T_CHECK(!T_FAULT_HIT() || strcmp(fault_hit_name(),
			    "map.lookup") == 0 || strstr(map_why(m),
			    "Input/output error") != NULL);
			map_close(m);
		}
	}
}

T_TEST(lists_of_tables)
{
	struct str why = STR_EMPTY, value = STR_EMPTY;
	const struct map *found;

	keep_log();
	struct maps *maps = maps_open("some_maps", "inline:{a=1}, "
	    "regexp:{{/^b/ 2}} inline:{a=3,\n c=4 empty=}", MAP_FOLD, &why);

	T_NEED(maps != NULL);
	T_EQ_INT(maps_lookup(maps, SPAN("a"), 0, &value, &found), MAP_FOUND);
	T_EQ_STR(str_cstr(&value), "1");
	T_EQ_STR(map_label(found), "inline:{a=1}");
	T_EQ_INT(maps_lookup(maps, SPAN("b"), 0, &value, NULL), MAP_FOUND);
	T_EQ_INT(maps_lookup(maps, SPAN("b"), MAP_PATTERN, &value, NULL),
	    MAP_ABSENT);
	T_EQ_INT(maps_lookup(maps, SPAN("C"), 0, &value, NULL), MAP_FOUND);
	T_EQ_INT(maps_lookup(maps, SPAN("d"), 0, &value, NULL), MAP_ABSENT);
	T_EQ_INT(maps_lookup(maps, SPAN(""), 0, &value, NULL), MAP_ABSENT);
	T_EQ_INT(maps_lookup(maps, SPAN("empty"), 0, &value, NULL),
	    MAP_FAILED);
	T_HAS_STR(logged(), "some_maps lookup of empty returns an empty "
	    "string result");
	maps_close(maps);

	maps = maps_open("more_maps", "inline:{a=1} fail:x inline:{b=1}", 0,
	    &why);
	T_NEED(maps != NULL);
	T_EQ_INT(maps_lookup(maps, SPAN("a"), 0, &value, NULL), MAP_FOUND);
	T_EQ_INT(maps_lookup(maps, SPAN("b"), 0, &value, &found),
	    MAP_FAILED);
	T_EQ_STR(maps_why(maps), "table fail:x: query error");
	T_HAS_STR(logged(), "warning: fail:x lookup error for \"b\"");
	maps_close(maps);

	T_CHECK(maps_open("bad_maps", "inline:{a=1}, foo", 0, &why) == NULL);
	T_HAS_STR(str_cstr(&why), "bad_maps: open dictionary: expecting "
	    "\"type:name\" form instead of \"foo\"");
	maps = maps_open("no_maps", "", 0, &why);
	T_CHECK(maps_empty(maps));
	T_EQ_INT(maps_lookup(maps, SPAN("b"), 0, &value, NULL), MAP_ABSENT);
	maps_close(maps);
	str_fini(&why);
	str_fini(&value);
}
