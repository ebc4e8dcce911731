/*
 * bounce_client - keep outcomes durably, and have senders told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_BOUNCE_CLIENT_H
#define DAEMONS_SHARED_BOUNCE_CLIENT_H

#include "common/io/deadline.h"
#include "daemons/shared/bounce_proto.h"

/* which: QUEUE_BOUNCE, QUEUE_DEFER, QUEUE_TRACE chooses service and log. True
 * only when durable. Suspends. */
bool bounce_append(enum queue_name which, struct span queue_id,
    const struct outcome *outcomes, size_t count, struct deadline deadline);
/* True when the notice is committed (or none was due). The descriptor stays
 * the caller's. Suspends. */
bool bounce_send(const struct bounce_send *request, struct deadline deadline);
bool bounce_drop(enum queue_name which, struct span queue_id,
    struct deadline deadline);

#endif
