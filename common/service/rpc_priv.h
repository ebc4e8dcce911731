/*
 * rpc_priv - what service.c adds to the serving of calls: being drained, and
 * limits on how many run at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_SERVICE_RPC_PRIV_H
#define COMMON_SERVICE_RPC_PRIV_H

#include "common/io/stream.h"

struct rpc_hooks {
	/* Waits for input between requests; says bye when draining begins. */
	enum io_status (*wait_idle)(struct stream *s, struct deadline deadline);
	/* Around each suspending call; enter waits for room, false: cancelled. */
	bool (*enter)(void);
	void (*leave)(void);
};

void rpc_set_hooks(const struct rpc_hooks *hooks);

#endif
