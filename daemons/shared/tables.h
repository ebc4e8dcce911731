/*
 * tables - opening tables at start-up, where trouble is fatal, and watching
 * them while the process runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_TABLES_H
#define DAEMONS_SHARED_TABLES_H

#include "maps/maps.h"
#include "maps/matchlist.h"

/* Before the jail; fatal with the parameter's name when the value is bad. Hosts
 * of network tables are then asked of the resolver service. */
struct maps *tables_open(const char *parameter, const char *value,
    unsigned flags);
struct matchlist *tables_open_list(const char *parameter, const char *value,
    unsigned flags);
/* Lets tables reopen where this process may read them again (not chrooted).
 * Before tables_open. */
void tables_allow_reopen(void);

/*
 * Looks at all tables once a second; calls changed(), if not NULL, when one
 * has other contents now. When one cannot be read again here, asks master for
 * a successor and returns. For the start function of a role. Suspends.
 */
void tables_watch(void (*changed)(void));

/* MATCHLIST_PARENTS when parent_domain_matches_subdomains names this list. */
unsigned tables_parent_style(const char *parameter);

#endif
