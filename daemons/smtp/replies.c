/*
 * replies - smtp_reply_filter: lines of servers whose replies do harm are made
 * other ones, before anything is read from them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "daemons/shared/tables.h"
#include "daemons/smtp/smtp_priv.h"

static struct maps *maps;

void
smtp_replies_setup(void)
{
	maps = tables_open(smtp_own_name("smtp_reply_filter",
	    "lmtp_reply_filter"), smtp_conf.reply_filter, 0);
}

void
smtp_replies_close_all(void)
{
	maps_close(maps);
	maps = NULL;
}

bool
smtp_replies_wanted(void)
{
	return !maps_empty(maps);
}

static bool
filter(struct span line, struct str *other)
{
	struct str found = STR_EMPTY;
	bool good = true;

	switch (maps_lookup(maps, line, 0, &found, NULL)) {
	case MAP_FOUND:
		str_set(other, str_span(&found));
		break;
	case MAP_ABSENT:
		break;
	case MAP_FAILED:
		log_warn("%s: table lookup problem: %s", maps_title(maps),
		    maps_why(maps));
		good = false;
		break;
	}
	str_fini(&found);
	return good;
}

smtp_reply_filter_fn *
smtp_replies_filter(void)
{
	return smtp_replies_wanted() ? filter : NULL;
}
