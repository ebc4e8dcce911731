/*
 * matchlist - names, blocks, tables, files and negation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/matchlist.h"
#include "tests/harness/t_maps.h"

#define D MATCHLIST_DOMAINS
#define A MATCHLIST_ADDRESSES
#define S MATCHLIST_STRINGS
#define P MATCHLIST_PARENTS

static const struct {
	const char *name, *list;
	unsigned flags;
	const char *subject, *ip;
	enum map_status want;
} cases[] = {
	{ "exact", "a.example b.example", D, "b.example", NULL, MAP_FOUND },
	{ "case", "A.Example", D, "a.eXample", NULL, MAP_FOUND },
	{ "final dot", "a.example", D, "a.example.", NULL, MAP_FOUND },
	{ "not a suffix", "example", D, "a.example", NULL, MAP_ABSENT },
	{ "dot in front", ".example", D, "a.b.example", NULL, MAP_FOUND },
	{ "dot in front, itself", ".example", D, "example", NULL,
	    MAP_ABSENT },
	{ "parents", "example", D | P, "a.example", NULL, MAP_FOUND },
	{ "parents, at a dot only", "example", D | P, "myexample", NULL,
	    MAP_ABSENT },
	{ "parents, dot form does not", ".example", D | P, "a.example", NULL,
	    MAP_ABSENT },
	{ "not this one", "!a.example .example", D, "a.example", NULL,
	    MAP_ABSENT },
	{ "but its neighbour", "!a.example .example", D, "b.example", NULL,
	    MAP_FOUND },
	{ "first match wins", ".example !a.example", D, "a.example", NULL,
	    MAP_FOUND },
	{ "table", "inline:{a.example=x}", D, "a.example", NULL, MAP_FOUND },
	{ "table, parent with dot", "inline:{.example=x}", D, "a.example",
	    NULL, MAP_FOUND },
	{ "table, parent", "inline:{example=x}", D | P, "a.b.example", NULL,
	    MAP_FOUND },
	{ "table, other style", "inline:{example=x}", D, "a.example", NULL,
	    MAP_ABSENT },
	{ "table, negated", "!inline:{a=x} static:all", D, "a", NULL,
	    MAP_ABSENT },
	{ "empty value counts", "inline:{a=}", D, "a", NULL, MAP_FOUND },
	{ "pattern sees the whole name", "regexp:{{/^example$/ x}}", D,
	    "a.example", NULL, MAP_ABSENT },
	{ "failing table", "a fail:x b", D, "b", NULL, MAP_FAILED },
	{ "before the failing table", "a fail:x b", D, "a", NULL, MAP_FOUND },
	{ "strings have no parents", ".example", S, "a.example", NULL,
	    MAP_ABSENT },
	{ "strings", "one, two", S, "Two", NULL, MAP_FOUND },
	{ "literal", "[192.0.2.1]", D, "[192.0.2.1]", NULL, MAP_FOUND },
	{ "block", "192.0.2.0/24", A, "", "192.0.2.9", MAP_FOUND },
	{ "outside", "192.0.2.0/24", A, "", "192.0.3.9", MAP_ABSENT },
	{ "not this address", "!192.0.2.9 192.0.2.0/24", A, "", "192.0.2.9",
	    MAP_ABSENT },
	{ "v6 in brackets", "127.0.0.0/8 [::1]/128", A, "", "::1",
	    MAP_FOUND },
	{ "v6 block", "[2001:db8::]/32", A, "", "2001:db8:5::1", MAP_FOUND },
	{ "mapped v4", "[::ffff:127.0.0.0]/104", A, "", "127.0.0.1",
	    MAP_FOUND },
	{ "address table", "cidr:{{10.0.0.0/8 x}}", A, "", "10.1.1.1",
	    MAP_FOUND },
	{ "name among addresses never matches", "localhost", A, "localhost",
	    "127.0.0.1", MAP_ABSENT },
	{ "host or address, by name", "h.example 10.0.0.0/8", D | A,
	    "h.example", "192.0.2.1", MAP_FOUND },
	{ "host or address, by address", "h.example 10.0.0.0/8", D | A,
	    "x.example", "10.2.2.2", MAP_FOUND },
	{ "empty list", "", D | A, "x", "10.2.2.2", MAP_ABSENT },
	{ "no name, no address", "static:x", D | A, "", NULL, MAP_ABSENT },
};

T_TEST(lists_match)
{
	keep_log();
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str why = STR_EMPTY;
		struct ipaddr ip;

		T_CASE(cases[i].name);
		struct matchlist *list = matchlist_open("test_list",
		    cases[i].list, cases[i].flags, &why);

		T_EQ_STR(str_cstr(&why), "");
		if (cases[i].ip != NULL)
			T_NEED(ipaddr_scan(SPAN(cases[i].ip), &ip));
		T_EQ_INT(matchlist_client(list, SPAN(cases[i].subject),
		    cases[i].ip != NULL ? &ip : NULL), cases[i].want);
		matchlist_close(list);
		str_fini(&why);
	}
}

static const struct {
	const char *name, *list, *why;
} refused[] = {
	{ "host bits", "10.0.0.1/8", "test_list: non-null host address bits "
	    "in \"10.0.0.1/8\", perhaps you should use \"10.0.0.0/8\" "
	    "instead" },
	{ "three numbers", "10.0.0", "test_list: " },
	{ "mask", "10.0.0.0/40", "bad mask length in \"10.0.0.0/40\"" },
	{ "bare !", "!", "no pattern after '!'" },
	{ "type", "nosuch:x", "unsupported dictionary type: nosuch" },
	{ "file", "/no/such/file", "/no/such/file" },
};

T_TEST(lists_that_cannot_be_read_are_refused)
{
	for (size_t i = 0; i < T_COUNT(refused); i++) {
		struct str why = STR_EMPTY;

		T_CASE(refused[i].name);
		T_CHECK(matchlist_open("test_list", refused[i].list, A,
		    &why) == NULL);
		T_HAS_STR(str_cstr(&why), refused[i].why);
		str_fini(&why);
	}
}

T_TEST(a_file_of_names_is_read)
{
	char list[400];
	struct str why = STR_EMPTY;

	snprintf(list, sizeof(list), "one !%s", write_file("names",
	    "# comment\ntwo three\nfour\n"));
	struct matchlist *m = matchlist_open("test_list", list, S, &why);

	T_EQ_STR(str_cstr(&why), "");
	T_EQ_INT(matchlist_name(m, SPAN("one")), MAP_FOUND);
	T_EQ_INT(matchlist_name(m, SPAN("three")), MAP_ABSENT);
	matchlist_close(m);
	snprintf(list, sizeof(list), "%s all", write_file("names", "!x\n"));
	m = matchlist_open("test_list", list, S, &why);
	T_EQ_INT(matchlist_name(m, SPAN("x")), MAP_ABSENT);
	T_EQ_INT(matchlist_name(m, SPAN("all")), MAP_FOUND);
	matchlist_close(m);
	str_fini(&why);
}
