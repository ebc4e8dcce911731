/*
 * resolver_client - names and addresses from the resolver service.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_RESOLVER_CLIENT_H
#define DAEMONS_SHARED_RESOLVER_CLIENT_H

#include "common/base/arena.h"
#include "common/base/ipaddr.h"
#include "common/io/deadline.h"
#include "daemons/shared/resolver_proto.h"

/* Spans live in the arena. An unreachable resolver is RESOLVER_TRY_AGAIN with
 * a reason. Suspends. */
void resolver_lookup(struct span name, enum resolver_type type,
    unsigned flags, struct resolver_reply *reply_out, struct arena *arena,
    struct deadline deadline);

struct resolver_host {
	enum resolver_status status;
	struct ipaddr *addresses;	/* in the arena, in order of preference */
	size_t count;
	struct span why;
};
/* Addresses of a host: A and AAAA by inet_protocols. Suspends. */
void resolver_host_addresses(struct span host, unsigned flags,
    struct resolver_host *out, struct arena *arena,
    struct deadline deadline);

/* The verified name of a client: PTR, then forward and compare. What was
 * found is remembered for five seconds, failures are not. */
struct resolver_client_name {
	struct span name;		/* "unknown" if not verified */
	struct span reverse_name;	/* "unknown" if there is none */
	enum resolver_status name_status, reverse_status;
	struct span mismatch_why;	/* for the log line; empty if none */
};
void resolver_client_name(const struct ipaddr *ip,
    struct resolver_client_name *out, struct arena *arena,
    struct deadline deadline);

#endif
