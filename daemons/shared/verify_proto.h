/*
 * verify_proto - requests to verify ("private/verify"): is there anybody at
 * this address; and from delivery agents, what became of a probe.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_VERIFY_PROTO_H
#define DAEMONS_SHARED_VERIFY_PROTO_H

#include "common/mail/attr.h"

#define VERIFY_PROTOCOL "verify"
#define VERIFY_VERSION 1

/* The numbers are those of the cache on disk. */
enum verify_status {
	VERIFY_OK = 0,			/* a probe was deliverable */
	VERIFY_DEFER = 1,		/* it would have had to wait */
	VERIFY_BOUNCE = 2,		/* it would have bounced */
	VERIFY_OPEN = 3,		/* nobody knows yet: ask again */
};

struct verify_query {			/* form 1: answered at once */
	struct span address;		/* internal form, as it is delivered to */
};
struct verify_answer {			/* form 2 */
	uint64_t status;		/* enum verify_status */
	struct span text;		/* why; one line */
};
struct verify_update {			/* form 3 */
	struct span address;		/* that was asked about */
	uint64_t status;		/* never VERIFY_OPEN */
	struct span text;
};
struct verify_taken {			/* form 4 */
	bool used;			/* somebody had asked */
};
extern const struct attr_form verify_query_form, verify_answer_form,
    verify_update_form, verify_taken_form;

#endif
