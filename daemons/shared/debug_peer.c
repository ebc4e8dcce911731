/*
 * debug_peer - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/debug_peer.h"

#include "common/base/log.h"
#include "daemons/shared/tables.h"

struct debug_peer_conf debug_peer_conf;

static struct matchlist *list;

void
debug_peer_setup(void)
{
	list = debug_peer_conf.list[0] == '\0' ? NULL
	    : tables_open_list("debug_peer_list", debug_peer_conf.list,
		MATCHLIST_ADDRESSES | MATCHLIST_DOMAINS
		| tables_parent_style("debug_peer_list"));
}

void
debug_peer_close(void)
{
	matchlist_close(list);
	list = NULL;
}

bool
debug_peer_wanted(void)
{
	return list != NULL;
}

bool
debug_peer_listed(struct span name, const struct ipaddr *ip)
{
	if (log_verbose > 0)
		return true;
	return list != NULL && matchlist_client(list, name,
	    ip->family != 0 ? ip : NULL) == MAP_FOUND;
}
