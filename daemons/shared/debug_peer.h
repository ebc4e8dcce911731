/*
 * debug_peer - whose sessions are written to the log, line by line
 * (debug_peer_list); all of them where the process was started with -v.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_DEBUG_PEER_H
#define DAEMONS_SHARED_DEBUG_PEER_H

#include "common/base/ipaddr.h"
#include "common/mail/param.h"

struct debug_peer_conf {
	const char *list;
};
extern struct debug_peer_conf debug_peer_conf;

/* The row of a role that speaks SMTP with anybody. */
#define DEBUG_PEER_ROWS                                                      \
	PARAM_STR("debug_peer_list", &debug_peer_conf.list, .dflt = "")

/* Before the jail; fatal on syntax. */
void debug_peer_setup(void);
void debug_peer_close(void);
/* Is there a list, whose tables want to be watched? */
bool debug_peer_wanted(void);
/* Is this one of them? Without an address (family 0): by its name. A table that
 * fails says no. Suspends. */
bool debug_peer_listed(struct span name, const struct ipaddr *ip);

#endif
