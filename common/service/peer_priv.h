/*
 * peer_priv - what the files of peer share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_SERVICE_PEER_PRIV_H
#define COMMON_SERVICE_PEER_PRIV_H

#include "common/base/list.h"
#include "common/base/str.h"
#include "common/io/stream.h"
#include "common/service/peer.h"

enum {
	PEER_RETRY_FIRST_MS = 100,
	PEER_RETRY_MAX_MS = 1000,
};

struct peer {
	struct list link;
	char *cls, *service, *protocol;
	unsigned version;
	size_t calls_max, conns_max;
	struct list conns;
	size_t nconns;
	struct list waiting;
	int64_t patience_ms;
	bool connecting, wanted;	/* wanted: a connection without a call */
	bool kept;			/* idle too, and asked for when lost */
	bool apart;			/* found by nobody else */
	void (*opening)(struct stream *s);
	struct list pool;
	size_t npool;
	struct str why;
};

extern struct list peer_all;

/* The socket of a service; false when the name does not fit. */
bool peer_socket_path(const char *cls, const char *service, char *buf,
    size_t room);
/* ipc_idle. */
int64_t peer_idle_ns(void);
void peer_queue_hello(struct peer *peer, struct stream *s);
/* One attempt; -1, and why in the peer. Suspends. */
int peer_connect_once(struct peer *peer, struct deadline deadline);

#endif
