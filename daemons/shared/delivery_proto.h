/*
 * delivery_proto - qmgr to a delivery agent ("private/<transport>"): deliver
 * this message to these recipients at this next hop; what became of each.
 *
 * The agent logs the status line and appends to the bounce, defer or trace
 * log, durably, before it answers: evidence first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_DELIVERY_PROTO_H
#define DAEMONS_SHARED_DELIVERY_PROTO_H

#include "queue/envelope.h"

#define DELIVERY_PROTOCOL "delivery"
#define DELIVERY_VERSION 2

struct delivery_request {		/* form 1 */
	struct span queue_name;		/* "active" or "incoming" */
	struct span queue_id;
	struct span transport, nexthop;
	uint64_t content_offset, content_length;
	int64_t active_us;		/* wall clock, when it entered active */
	int64_t handed_us;		/* when this request was made */
	bool suspect;			/* only in a process of its own */
	struct attr_list envelope;	/* exactly one */
	struct attr_list rcpts;		/* struct envelope_rcpt */
	int fd;				/* the queue file, read-only, claimed */
};
enum delivery_done {
	DELIVERY_KEEP = 0,		/* try again later (deferred, logged) */
	DELIVERY_DONE = 1,		/* sent, bounced or expanded: mark it */
};
struct delivery_result {
	uint64_t done;			/* enum delivery_done */
	uint64_t outcome;		/* enum outcome_kind, for counters */
};
struct delivery_reply {			/* form 2 */
	struct attr_list results;	/* one per recipient, same order */
	/* The destination as a whole: dead when dsn is not empty; qmgr suspends
	 * it and logs reason for what it does not try. */
	struct span dead_dsn, dead_reason;
	/* The agent itself is unable (configuration, refusal): the transport is
	 * throttled. */
	bool agent_unable;
	bool not_alone;			/* a suspect: nothing was done, ask first */
};

/*
 * Before suspects: this process is to be that connection's alone. It takes no
 * other client, lets those it has finish, then answers; it leaves when the
 * connection is closed.
 */
struct delivery_alone {			/* form 3 */
	bool please;
};
struct delivery_alone_reply {		/* form 4 */
	uint64_t pid;
};
extern const struct attr_form delivery_request_form, delivery_reply_form,
    delivery_alone_form, delivery_alone_reply_form;

#endif
