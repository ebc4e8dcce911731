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
