/*
 * flush_proto - requests to flush ("public/flush"): try now what waits for one
 * site. The answer comes when the search has begun, not when it is over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_FLUSH_PROTO_H
#define DAEMONS_SHARED_FLUSH_PROTO_H

#include "common/mail/attr.h"

#define FLUSH_PROTOCOL "flush"
#define FLUSH_VERSION 1

enum flush_status {
	FLUSH_BEGUN = 0,
	FLUSH_NOT_SERVED = 1,		/* not in fast_flush_domains */
	FLUSH_FAILED = 2,		/* a table, the queue manager */
};

struct flush_request {			/* form 1 */
	struct span site;		/* domain, or [address] */
};
struct flush_reply {			/* form 2 */
	uint64_t status;		/* enum flush_status */
};
/* A host name, or an address in brackets: what may be asked for. */
bool flush_site_valid(struct span site);

extern const struct attr_form flush_request_form, flush_reply_form;

#endif
