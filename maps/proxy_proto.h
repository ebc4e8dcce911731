/*
 * proxy_proto - look-ups in another process ("private/proxymap"), which reads
 * tables that this one cannot, and asks name services for it; and caches that
 * another one ("private/proxywrite") keeps for several.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_PROXY_PROTO_H
#define MAPS_PROXY_PROTO_H

#include "common/mail/attr.h"

#define PROXY_PROTOCOL "proxymap"
#define PROXY_VERSION 1
#define PROXY_NAME_MAX 65536
#define PROXY_KEY_MAX (1 << 20)
#define PROXY_VALUE_MAX (8 << 20)

struct proxy_lookup {			/* form 1 */
	struct span table;		/* "unix:passwd.byname", no "proxy:" */
	uint64_t flags;			/* enum map_flags; others are dropped */
	struct span key;
};
enum proxy_status {
	PROXY_FOUND = 0,
	PROXY_ABSENT = 1,
	PROXY_FAILED = 2,		/* temporary, see why */
	PROXY_DENIED = 3,		/* the table is not in proxy_read_maps, or
					   proxy_write_maps */
	PROXY_BAD = 4,			/* no such type, or bad syntax */
};
struct proxy_answer {			/* form 2 */
	uint64_t status;		/* enum proxy_status */
	struct span value;
	struct span why;
};
struct proxy_change {			/* form 3; proxywrite alone */
	struct span table;
	struct span key, value;
	bool erase;			/* the key, if it is there */
};
/* One entry after another. A table has one walk at a time: the next client that
 * begins one ends it. */
struct proxy_walk {			/* form 4 */
	struct span table;
	uint64_t walk;			/* a number the client chose */
	bool first;
};
struct proxy_entry {			/* form 5 */
	uint64_t status;		/* PROXY_ABSENT: that was all */
	struct span key, value;
	struct span why;
};
extern const struct attr_form proxy_lookup_form, proxy_answer_form,
    proxy_change_form, proxy_walk_form, proxy_entry_form;

#endif
