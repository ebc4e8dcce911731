/*
 * tell - who is told what became of a message: its sender, the postmaster, both
 * or nobody.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_BOUNCE_TELL_H
#define DAEMONS_BOUNCE_TELL_H

#include "common/base/arena.h"
#include "daemons/shared/bounce_proto.h"

/* True when the notices that are due are in the queue, and the log is gone, but
 * that of delays. Suspends. */
bool tell_about(const struct bounce_send *rq, struct arena *arena,
    struct str *why);

#endif
