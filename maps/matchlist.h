/*
 * matchlist - lists such as mynetworks, mydestination, relay_domains: names,
 * .parents, blocks, type:tables, /files, and ! in front of any of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_MATCHLIST_H
#define MAPS_MATCHLIST_H

#include "common/base/ipaddr.h"
#include "maps/map.h"

struct matchlist;

enum matchlist_flags {
	MATCHLIST_DOMAINS = 1,		/* host and domain names */
	MATCHLIST_ADDRESSES = 2,	/* IP addresses and blocks */
	MATCHLIST_STRINGS = 4,		/* exact words, no parent domains */
	MATCHLIST_PARENTS = 8,		/* "x" matches subdomains of x too */
};

/* NULL with a reason that names the item. */
struct matchlist *matchlist_open(const char *title, const char *value,
    unsigned flags, struct str *why);
void matchlist_close(struct matchlist *list);
bool matchlist_empty(const struct matchlist *list);

/* FOUND: matches; ABSENT: does not (or a ! item matched). May suspend. */
__attribute__((warn_unused_result)) enum map_status
matchlist_name(struct matchlist *list, struct span name);
/* Either may be missing: NULL ip, empty name. */
__attribute__((warn_unused_result)) enum map_status
matchlist_client(struct matchlist *list, struct span name,
    const struct ipaddr *ip);

#endif
