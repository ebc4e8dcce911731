/*
 * Names, lists and .forward files: what they come to, and with whose rights.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/daemons/local/world.h"

/* ---- included lists ---- */

#define LISTS "alias_maps = inline:{{good=:include:/l/good}, " \
	"{open=bob+none, :include:/l/open}, {none=:include:/l/none}, " \
	"{relative=:include:l/good}, {secret=:include:/l/secret}, " \
	"{sick=:include:/l/sick}, {anns=:include:/l/anns}}\n" \
	"allow_mail_to_files = alias, include\nforward_path =\n"

static const struct world_case lists[] = {
	{ "good", "mailbox ann; to x@out.test; " },
	/* Others have their mail all the same. */
	{ "open", "mailbox bob+none; 5.3.5 mail system configuration error; " },
	{ "none", "5.3.5 mail system configuration error; " },
	{ "relative", "5.3.5 mail system configuration error; " },
	{ "secret", "4.2.0 cannot open include file /l/secret; " },
	{ "sick", "4.2.0 cannot open include file /l/sick; " },
	/* What an account's list includes has no more rights than that account. */
	{ "anns", "/f/of-ann as 1001; /f/of-bob as 1001; " },
};

static void
expand_lists(void)
{
	world_expand(lists, T_COUNT(lists));
	T_HAS_STR(world_log(), "include file /l/open: as the table says");
	T_HAS_STR(world_log(), "include file l/good: not an absolute path");
}

T_TEST(a_list_that_is_not_there_or_not_safe_returns_the_mail_and_others_let_it_wait)
{
	world_run(LISTS, expand_lists);
}

/* ---- .forward files ---- */

static const struct world_case forwards[] = {
	{ "ann", "mailbox ann; " },
	{ "ann+ext", "mailbox ann; to ext@out.test; " },
	{ "to-ann-ext", "mailbox ann; to ext@out.test; " },
	{ "to-to-ext", "to ext@out.test; " },
	{ "to-bob", "to plain@out.test; " },
	/* The extension is the alias's, and goes no further. */
	{ "to-bob+ext", "to plain@out.test; " },
	{ "bob+ext", "to ext@out.test; " },
	{ "bob+other", "to plain@out.test; " },
};

static void
expand_forwards(void)
{
	world_expand(forwards, T_COUNT(forwards));
}

T_TEST(an_alias_with_an_extension_finds_the_file_that_has_it)
{
	world_run("alias_maps = inline:{{to-ann-ext=ann+ext}, {to-bob=bob}, "
	    "{to-to-ext=to-ext}, {to-ext=bob+ext@here.test}}\n",
	    expand_forwards);
}

/* ---- items ---- */

static bool
add_item(struct span item, void *arg)
{
	str_add(arg, item);
	str_putc(arg, '|');
	return true;
}

static const struct {
	const char *text, *want;
} items[] = {
	{ "a, b,c", "a|b|c|" },
	{ " , a ,, ", "a|" },
	{ "\"a, b\", c", "\"a, b\"|c|" },
	{ "<@a.test,@b.test:u@c.test>, v", "<@a.test,@b.test:u@c.test>|v|" },
	{ "Ann < @a.test,@b.test:u@c.test >, v",
	    "Ann < @a.test,@b.test:u@c.test >|v|" },
	{ "<a, b@c.test>", "<a|b@c.test>|" },
	{ "ann (Ann, at home), bob", "ann (Ann, at home)|bob|" },
	{ "ann (5\" tall), bob", "ann (5\" tall)|bob|" },
	{ "ann (a \\), b (c, d)), bob", "ann (a \\), b (c, d))|bob|" },
	{ "\"ann (\"@c.test, bob", "\"ann (\"@c.test|bob|" },
	{ "|/a/b (c, d), bob", "|/a/b (c|d)|bob|" },
	{ "/a(b, bob", "/a(b|bob|" },
	{ ":include:/a(b, bob", ":include:/a(b|bob|" },
	{ "a, \"b", "a|! missing closing quote" },
};

T_TEST(commas_of_quotes_comments_and_routes_part_no_items)
{
	for (size_t i = 0; i < T_COUNT(items); i++) {
		struct str got = STR_EMPTY, why = STR_EMPTY;

		T_CASE(items[i].text);
		if (!alias_each_item(SPAN(items[i].text), add_item, &got,
		    &why))
			str_addf(&got, "! %s", str_cstr(&why));
		T_EQ_STR(str_cstr(&got), items[i].want);
		str_fini(&got);
		str_fini(&why);
	}
}

static const struct world_case routes[] = {
	{ "route", "to u@out.test; " },
	{ "comment", "mailbox ann; mailbox bob; " },
};

static void
expand_routes(void)
{
	world_expand(routes, T_COUNT(routes));
}

T_TEST(a_source_route_is_its_last_address)
{
	world_run("alias_maps = inline:{{route=<@a.test,@b.test:u@out.test>}, "
	    "{comment=ann (Ann, at home), bob}}\nforward_path =\n",
	    expand_routes);
}

/* ---- files below homes ---- */

static const struct world_case homes[] = {
	{ "bob+home", "/h/bob/Mail/new/ as 1002; " },
	{ "anns", "/h/ann/box as 1001; 5.3.5 mail system configuration error; " },
	{ "roots", "5.3.5 mail system configuration error; " },
};

static void
expand_homes(void)
{
	world_expand(homes, T_COUNT(homes));
	T_HAS_STR(world_log(), "\"~/box\" of \"roots\" is in nobody's home");
}

T_TEST(a_file_may_be_named_by_the_home_of_its_owner)
{
	world_run("alias_maps = inline:{{anns=:include:/l/tilde}, {roots=~/box}}\n"
	    "allow_mail_to_files = alias, forward, include\n", expand_homes);
}

/* ---- Delivered-To ---- */

#define NESTED "alias_maps = inline:{{outer=inner, x@out.test, Ann+ext, " \
	":include:/l/list}, {inner=y@out.test, /f, |/c}, {self=\\Bob}}\n"

static const struct world_case frozen[] = {
	{ "outer", "/f as 65534 <outer@here.test>; "
	    "/c as 65534 for inner@here.test <outer@here.test>; "
	    "mailbox ann <outer@here.test>; "
	    "to x@out.test <outer@here.test>; to y@out.test <outer@here.test>; "
	    "to ext@out.test <outer@here.test>; "
	    "to of-list@out.test <outer@here.test>; " },
	{ "self", "mailbox bob <self@here.test>; " },
};

static void
expand_frozen(void)
{
	world_tell_delivered();
	world_expand(frozen, T_COUNT(frozen));
}

T_TEST(mail_is_delivered_to_the_recipient_whatever_that_expands_to)
{
	world_run(NESTED, expand_frozen);
}

static const struct world_case thawed[] = {
	{ "outer", "/f as 65534 <inner@here.test>; "
	    "/c as 65534 for inner@here.test <inner@here.test>; "
	    "mailbox ann <ann@here.test>; "
	    "to x@out.test <outer@here.test>; to y@out.test <inner@here.test>; "
	    "to ext@out.test <ann+ext@here.test>; "
	    "to of-list@out.test <outer@here.test>; " },
	{ "self", "mailbox bob <bob@here.test>; " },
};

static void
expand_thawed(void)
{
	world_tell_delivered();
	world_expand(thawed, T_COUNT(thawed));
}

T_TEST(mail_is_delivered_to_each_name_on_the_way)
{
	world_run(NESTED "frozen_delivered_to = no\n", expand_thawed);
}

static const struct world_case loops[] = {
	{ "outer", "mailbox bob; /f as 65534; to y@out.test; "
	    "5.4.6 mail forwarding loop for ann@here.test; " },
	{ "ann", "5.4.6 mail forwarding loop for ann@here.test; " },
	{ "own", "5.4.6 mail forwarding loop for ann@here.test; " },
};

static void
expand_loops(void)
{
	world_been("ann@here.test");
	world_expand(loops, T_COUNT(loops));
}

T_TEST(where_a_message_has_been_it_does_not_come_again_and_others_get_it)
{
	world_run("alias_maps = inline:{{outer=ann, \\bob, inner}, "
	    "{inner=y@out.test, /f}, {own=\\ann}}\n", expand_loops);
}
