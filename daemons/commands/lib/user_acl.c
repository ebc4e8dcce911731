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
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "maps/maps.h"
#include "maps/matchlist.h"

struct check {
	const char *list, *what, *name;
	struct str *why, *patterns;
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

static void
run(fiber_fn *fn, struct check *check)
{
	if (!loop_started())
		loop_start();
	fiber_run_main(fn, check);
}

int
user_acl_check(const char *list, const char *what, struct str *why)
{
	const struct passwd *pw = getpwuid(getuid());
	struct check c = { .list = list, .what = what, .why = why,
		.name = pw != NULL ? pw->pw_name : "unknown" };

	run(check_in_fiber, &c);
	return c.status;
}

/* ---- senders ---- */

static void
find_senders(void *arg)
{
	struct check *c = arg;
	struct maps *maps = maps_open("local_login_sender_maps", c->list, 0,
	    c->why);
	struct str found = STR_EMPTY;

	if (maps == NULL) {
		c->status = EX_CONFIG;
		return;
	}
	switch (maps_lookup(maps, SPAN(c->name), 0, &found, NULL)) {
	case MAP_FOUND:
		str_add(c->patterns, str_span(&found));
		break;
	case MAP_ABSENT:
		break;			/* no sender is this user's */
	case MAP_FAILED:
		c->status = EX_TEMPFAIL;
		str_printf(c->why, "%s: table lookup problem", c->list);
		break;
	}
	maps_close(maps);
	str_fini(&found);
}

int
user_acl_senders(const char *tables, struct str *patterns, struct str *why)
{
	const struct passwd *pw = getpwuid(getuid());
	struct check c = { .list = tables, .why = why, .patterns = patterns,
		.status = EX_OK };
	struct str name = STR_EMPTY;

	if (pw != NULL)
		str_adds(&name, pw->pw_name);
	else
		str_printf(&name, "uid:%ld", (long)getuid());
	c.name = str_cstr(&name);
	run(find_senders, &c);
	str_fini(&name);
	return c.status;
}

bool
user_acl_may_send(struct span patterns, struct span sender,
    const char *null_key)
{
	struct address_parts parts = address_split(sender);
	struct span base = parts.local, extension, word;
	struct str plain = STR_EMPTY;
	bool may = false;

	(void)address_split_extension(parts.local,
	    conf_core.recipient_delimiter, &base, &extension);
	str_add(&plain, base);
	str_add(&plain, span_skip(sender, parts.local.len));
	while (!may && span_token(&patterns, ", \t\r\n", &word))
		may = span_is(word, "*")
		    || (span_empty(sender) && span_is(word, null_key))
		    || (word.p[0] == '@' && parts.has_domain
		    && span_eq_nocase(span_skip(word, 1), parts.domain))
		    || (!span_empty(sender)
		    && span_eq_nocase(word, str_span(&plain)));
	str_fini(&plain);
	return may;
}
