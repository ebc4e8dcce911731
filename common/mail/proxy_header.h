/*
 * proxy_header - what a proxy (HAProxy, nginx, a load balancer) writes in front
 * of a connection to say whose it is: PROXY protocol, version 1 (a line) and
 * version 2 (binary).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_PROXY_HEADER_H
#define COMMON_MAIL_PROXY_HEADER_H

#include "common/base/ipaddr.h"
#include "common/base/span.h"
#include "common/base/str.h"

#define PROXY_HEADER_MOST 4096		/* longer ones are refused */

enum proxy_header_status {
	PROXY_HEADER_MORE,		/* the bytes are a part of one */
	PROXY_HEADER_DONE,
	PROXY_HEADER_BAD,		/* with a reason */
};

struct proxy_header {
	bool own;			/* the proxy speaks for itself (a health
					   check): the rest says nothing */
	struct ipaddr client, server;
	uint16_t client_port, server_port;
	size_t length;			/* of the header */
};

/* The first bytes of a connection, as many as have come. */
enum proxy_header_status proxy_header_parse(struct span bytes,
    struct proxy_header *out, struct str *why);

#endif
