/*
 * user_acl - see the header.
 *
 * The calling user counts, not whose rights a setgid command has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/commands/lib/user_acl.h"

#include <pwd.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "maps/matchlist.h"

struct check {
	const char *list, *what, *name;
	struct str *why;
	int status;
};

static void
check_in_fiber(void *arg)
{
	struct check *c = arg;
	struct matchlist *list = matchlist_open("authorized users", c->list,
	    MATCHLIST_STRINGS, c->why);

	if (list == NULL) {
		c->status = EX_CONFIG;
		return;
	}
	switch (matchlist_name(list, SPAN(c->name))) {
	case MAP_FOUND:
		c->status = EX_OK;
		break;
	case MAP_ABSENT:
		c->status = EX_NOPERM;
		str_printf(c->why, "User %s(%ld) is not allowed to %s",
		    c->name, (long)getuid(), c->what);
		break;
	case MAP_FAILED:
		c->status = EX_TEMPFAIL;
		str_printf(c->why, "%s: table lookup problem", c->list);
		break;
	}
	matchlist_close(list);
}

int
user_acl_check(const char *list, const char *what, struct str *why)
{
	const struct passwd *pw = getpwuid(getuid());
	struct check c = { .list = list, .what = what, .why = why,
		.name = pw != NULL ? pw->pw_name : "unknown" };

	if (!loop_started())
		loop_start();
	fiber_run_main(check_in_fiber, &c);
	return c.status;
}
