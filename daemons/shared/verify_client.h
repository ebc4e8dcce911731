/*
 * verify_client - asks verify about an address, and tells it what became of a
 * probe.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_VERIFY_CLIENT_H
#define DAEMONS_SHARED_VERIFY_CLIENT_H

#include "common/base/arena.h"
#include "common/io/deadline.h"
#include "daemons/shared/verify_proto.h"

/* False: nobody answered, or nonsense. The text is in the arena. Suspends. */
bool verify_ask(struct span address, struct verify_answer *answer_out,
    struct arena *arena, struct deadline deadline);
/* A text that is too long is cut. What nobody takes is asked anew by and by.
 * Suspends. */
void verify_tell(struct span address, enum verify_status status,
    struct span text, struct deadline deadline);

#endif
