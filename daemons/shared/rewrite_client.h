/*
 * rewrite_client - addresses in standard form, and where they go, with a cache
 * by table generation. "Failed" answers are never cached.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_REWRITE_CLIENT_H
#define DAEMONS_SHARED_REWRITE_CLIENT_H

#include "common/base/arena.h"
#include "common/io/deadline.h"
#include "daemons/shared/rewrite_proto.h"

struct rewrite_want {
	struct span address;		/* in */
	struct rewrite_answer answer;	/* out; spans in the arena */
	uint64_t generation;		/* out */
};

/*
 * Fills in all answers: from the cache, and with one request for the rest.
 * context "local" or "remote"; sender may be empty (standard form only, or no
 * sender-dependent routing). False when the service did not answer before the
 * deadline: every answer that is missing has RESOLVE_FAIL. Suspends.
 */
bool rewrite_addresses(const char *context, unsigned wants,
    struct span sender, struct rewrite_want *items, size_t count,
    struct arena *arena, struct deadline deadline);
/* For one address. */
bool rewrite_address(const char *context, unsigned wants, struct span sender,
    struct span address, struct rewrite_answer *answer_out,
    struct arena *arena, struct deadline deadline);

#endif
