/*
 * As which senders a user may submit mail.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/commands/lib/user_acl.h"

#include "common/mail/conf_core.h"
#include "tests/harness/t.h"

static const struct {
	const char *name, *patterns, *sender;
	bool may;
} cases[] = {
	{ "any", "*", "a@b.example", true },
	{ "any, null", "*", "", true },
	{ "nothing", "", "ann", false },
	{ "nothing, null", "", "", false },
	{ "bare", "ann", "ann", true },
	{ "bare, any case", "Ann", "aNN", true },
	{ "bare is no address", "ann", "ann@b.example", false },
	{ "an address is not bare", "ann@b.example", "ann", false },
	{ "an address", "x, ann@B.example", "Ann@b.Example", true },
	{ "an extension is not looked at", "ann@b.example", "ann+x@b.example",
	    true },
	{ "nor behind a bare name", "ann", "ann+x", true },
	{ "a domain", "bob\t@b.example", "x@B.example", true },
	{ "not below it", "@b.example", "x@a.b.example", false },
	{ "nor at its end", "@b.example", "x@ab.example", false },
	{ "a domain has no bare names", "@b.example", "b.example", false },
	{ "a domain and null", "@b.example", "", false },
	{ "null", "ann nobody", "", true },
	{ "null has one key", "<>", "", false },
	{ "its key is no sender", "ann nobody", "nobody", true },
};

T_TEST(users_have_senders)
{
	conf_core.recipient_delimiter = "+";
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].name);
		T_CHECK(user_acl_may_send(SPAN(cases[i].patterns),
		    SPAN(cases[i].sender), "nobody") == cases[i].may);
	}
}
