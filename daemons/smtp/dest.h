/*
 * dest - where a next hop points: hosts, ports and unix sockets from the text
 * of a transport's next hop.
 *
 *	smtp:	[host]  [host]:port  host  host:port  [1.2.3.4]  [IPv6:...]
 *	lmtp:	unix:/path  inet:host:port  and the forms above
 *
 * Several may be given, separated by commas or spaces, and are tried in turn.
 * Brackets say "this host, not its mail exchangers".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SMTP_DEST_H
#define DAEMONS_SMTP_DEST_H

#include "common/base/arena.h"
#include "common/base/ipaddr.h"

struct dest {
	struct span text;		/* as written */
	struct span host;		/* without brackets; unix: the path */
	uint16_t port;
	bool unix_socket;
	bool bracketed;
	struct ipaddr literal;		/* family 0: a name */
};

/* One destination; dflt_port is for those without a port. lmtp allows "unix:"
 * and "inet:" in front. False with a reason. */
bool dest_parse(struct span text, uint16_t dflt_port, bool lmtp,
    struct dest *out, struct str *why);
/* The next destination's text of a list; quotes and brackets are kept whole. */
bool dest_next(struct span *list, struct span *text_out);
/* A number or a well-known name of a TCP port. */
bool dest_port(struct span text, uint16_t *port_out);

#endif
