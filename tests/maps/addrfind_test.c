/*
 * addrfind - which part of an address is found, and what is left over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/addrfind.h"
#include "tests/harness/t_maps.h"

static bool
is_local(struct span domain)
{
	return span_is_nocase(domain, "local.example");
}

#define LOCAL (1u << 30)		/* of this test: is_local is asked */

static const struct {
	const char *name, *table;
	unsigned tries;
	bool parents_bare;
	const char *address, *want, *want_extension;
} cases[] = {
	{ "whole address", "a+x@b.c=1 a@b.c=2 @b.c=3", ADDRFIND_VIRTUAL,
	    false, "a+x@b.c", "1", "" },
	{ "without extension", "a@b.c=2 @b.c=3", ADDRFIND_VIRTUAL, false,
	    "a+x@b.c", "2", "+x" },
	{ "catch-all, which drops the extension", "@b.c=3", ADDRFIND_VIRTUAL,
	    false, "a+x@b.c", "3", "" },
	{ "case", "a@b.c=2", ADDRFIND_VIRTUAL, false, "A@B.C", "2", "" },
	{ "local user before catch-all", "u=1 @local.example=2",
	    ADDRFIND_VIRTUAL | LOCAL, false, "u@local.example", "1", "" },
	{ "local user with extension", "u+x=1 u=2",
	    ADDRFIND_VIRTUAL | LOCAL, false, "u+x@local.example", "1", "" },
	{ "local user, extension left", "u=2", ADDRFIND_VIRTUAL | LOCAL,
	    false, "u+x@local.example", "2", "+x" },
	{ "user of another domain", "u=1", ADDRFIND_VIRTUAL | LOCAL, false,
	    "u@other.example", "absent", "" },
	{ "nobody asked whether it is local", "u=1", ADDRFIND_VIRTUAL, false,
	    "u@local.example", "absent", "" },
	{ "no domain", "u=1", ADDRFIND_VIRTUAL, false, "u", "1", "" },
	{ "no domain, extension", "u=1", ADDRFIND_VIRTUAL, false, "u+x", "1",
	    "+x" },
	{ "quoted in the table", "{\"a b\"@c = 1}", ADDRFIND_VIRTUAL, false,
	    "a b@c", "1", "" },
	{ "at sign in quotes", "{\"a@b\"@c = 1}, {a@b@c = 2}", ADDRFIND_VIRTUAL,
	    false, "a@b@c", "1", "" },
	{ "bare in the table", "{a b@c = 1}", ADDRFIND_VIRTUAL, false,
	    "a b@c", "1", "" },
	{ "mailbox", "@b.c=1 u=2", ADDRFIND_MAILBOX | LOCAL, false, "u@b.c",
	    "1", "" },
	{ "transport: address", "u@b.c=1 b.c=2", ADDRFIND_TRANSPORT, false,
	    "u@b.c", "1", "" },
	{ "transport: domain", "b.c=2 .c=3", ADDRFIND_TRANSPORT, false,
	    "u@b.c", "2", "" },
	{ "transport: parent with dot", ".c=3 c=4", ADDRFIND_TRANSPORT, false,
	    "u@a.b.c", "3", "" },
	{ "transport: nearest parent", ".b.c=1 .c=3", ADDRFIND_TRANSPORT,
	    false, "u@a.b.c", "1", "" },
	{ "transport: parent without dot", ".c=3 c=4", ADDRFIND_TRANSPORT,
	    true, "u@a.b.c", "4", "" },
	{ "transport: no @domain", "@b.c=3", ADDRFIND_TRANSPORT, false,
	    "u@b.c", "absent", "" },
	{ "literals have no parents", ".1]=3", ADDRFIND_TRANSPORT, false,
	    "u@[10.0.0.1]", "absent", "" },
	{ "access: domain before user@", "u@=1 b.c=2", ADDRFIND_ACCESS, true,
	    "u@b.c", "2", "" },
	{ "access: user@", "u@=1", ADDRFIND_ACCESS, true, "u+x@b.c", "1",
	    "+x" },
	{ "access: user+ext@", "u+x@=1 u@=2", ADDRFIND_ACCESS, true,
	    "u+x@b.c", "1", "" },
	{ "access: parent before user@", "c=3 u@=1", ADDRFIND_ACCESS, true,
	    "u@b.c", "3", "" },
	{ "empty address", "@=1 u=2", ADDRFIND_VIRTUAL, false, "", "absent",
	    "" },
	{ "bare @", "@=1", ADDRFIND_VIRTUAL, false, "@", "1", "" },
	{ "owner- has no extension", "owner=1", ADDRFIND_VIRTUAL, false,
	    "owner-x@b.c", "absent", "" },
};

static const char *
find(const char *list, unsigned tries, bool parents_bare,
    const char *address, struct str *extension)
{
	static struct str value;
	struct addrfind how = { .tries = tries & ~LOCAL, .delimiters = "+-",
		.is_local_domain = tries & LOCAL ? is_local : NULL,
		.parent_style_domain = parents_bare,
		.order_access = tries & ADDRFIND_LOCAL_AT };
	struct maps *maps = maps_open("test_maps", list, MAP_FOLD, NULL);
	const char *answer = "?";

	T_NEED(maps != NULL);
	switch (addrfind(maps, &how, span_cstr(address), &value, extension)) {
	case MAP_FOUND:
		answer = str_cstr(&value);
		break;
	case MAP_ABSENT:
		answer = "absent";
		break;
	case MAP_FAILED:
		answer = "failed";
		break;
	}
	maps_close(maps);
	return answer;
}

T_TEST(addresses_are_looked_up_in_the_documented_order)
{
	struct str list = STR_EMPTY, extension = STR_EMPTY;

	keep_log();
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].name);
		str_printf(&list, "inline:{%s}", cases[i].table);
		T_EQ_STR(find(str_cstr(&list), cases[i].tries,
		    cases[i].parents_bare, cases[i].address, &extension),
		    cases[i].want);
		T_EQ_STR(str_cstr(&extension), cases[i].want_extension);
	}
	T_CASE("patterns see whole addresses only");
	T_EQ_STR(find("regexp:{{/^@b.c/ no}, {/^a@b.c/ no}, {/^b.c/ no}}",
	    ADDRFIND_VIRTUAL | ADDRFIND_TRANSPORT, false, "a+x@b.c",
	    &extension), "absent");
	T_EQ_STR(find("regexp:{{/^a\\+x@b.c$/ yes}}", ADDRFIND_VIRTUAL, false,
	    "a+x@b.c", &extension), "yes");
	T_CASE("a failing table fails the search");
	T_EQ_STR(find("inline:{z=1} fail:x", ADDRFIND_VIRTUAL, false,
	    "a+x@b.c", &extension), "failed");
	T_CASE("an earlier answer wins over a failing table");
	T_EQ_STR(find("static:1 fail:x", ADDRFIND_VIRTUAL, false, "a@b.c",
	    &extension), "1");
	T_CASE("no tables");
	T_EQ_STR(find("", ADDRFIND_VIRTUAL, false, "a@b.c", &extension),
	    "absent");
	str_fini(&list);
	str_fini(&extension);
}
