/*
 * resolve - where an address goes: class, transport, next hop, recipient.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_TRIVIAL_REWRITE_RESOLVE_H
#define DAEMONS_TRIVIAL_REWRITE_RESOLVE_H

#include "common/base/arena.h"
#include "daemons/shared/rewrite_proto.h"

/* Opens tables and lists; fatal on configuration errors. */
void resolve_setup(void);
void resolve_close(void);		/* tests: before another set-up */
/* Fills transport, nexthop, recipient and flags for an address in standard
 * form; spans in the arena. probe: for a message of the verify service. Suspends
 * (network and proxied tables). */
void resolve_address(struct span address, struct span sender, bool probe,
    struct rewrite_answer *answer_out, struct arena *arena);

#endif
