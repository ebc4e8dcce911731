/*
 * addrfind - address look-ups in the documented orders.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_ADDRFIND_H
#define MAPS_ADDRFIND_H

#include "maps/maps.h"

enum addrfind_try {
	ADDRFIND_FULL = 1,		/* user+ext@domain */
	ADDRFIND_NOEXT = 2,		/* user@domain */
	ADDRFIND_LOCAL = 4,		/* user+ext, user: only for local domains */
	ADDRFIND_DOMAIN = 8,		/* domain (transport, access) */
	ADDRFIND_PARENT = 16,		/* parent domains: ".x" or "x" by
					   parent_domain_matches_subdomains */
	ADDRFIND_AT_DOMAIN = 32,	/* @domain */
	ADDRFIND_LOCAL_AT = 64,		/* user@ (access) */
};

struct addrfind {
	unsigned tries;			/* in the order documented for the table */
	const char *delimiters;		/* recipient_delimiter or "" */
	/* Is this domain local ($myorigin, $mydestination, interfaces)? May be
	 * NULL: never. */
	bool (*is_local_domain)(struct span domain);
	bool parent_style_domain;	/* parents match as "x", else ".x" */
	bool order_access;		/* access(5): domain and parents come
					   before user@ and @domain */
};

/* The usual sets. */
#define ADDRFIND_VIRTUAL (ADDRFIND_FULL | ADDRFIND_NOEXT | ADDRFIND_LOCAL | \
	ADDRFIND_AT_DOMAIN)	/* virtual, canonical, relocated, sender_login */
#define ADDRFIND_MAILBOX (ADDRFIND_FULL | ADDRFIND_NOEXT | ADDRFIND_AT_DOMAIN)
#define ADDRFIND_TRANSPORT (ADDRFIND_FULL | ADDRFIND_NOEXT | \
	ADDRFIND_DOMAIN | ADDRFIND_PARENT)
#define ADDRFIND_ACCESS (ADDRFIND_FULL | ADDRFIND_NOEXT | ADDRFIND_DOMAIN | \
	ADDRFIND_PARENT | ADDRFIND_LOCAL_AT)

/*
 * virtual(5), canonical(5), transport(5), access(5), virtual mailbox: the
 * first key that is found. *extension_out gets the "+ext" that did not take
 * part in the match, with its delimiter (or empty). May suspend.
 */
__attribute__((warn_unused_result)) enum map_status
addrfind(struct maps *maps, const struct addrfind *how, struct span address,
    struct str *value_out, struct str *extension_out);

#endif
