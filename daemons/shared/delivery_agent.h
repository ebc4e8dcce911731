/*
 * delivery_agent - the life of every delivery agent: requests from qmgr, a
 * fiber each, outcomes logged and kept before the answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_DELIVERY_AGENT_H
#define DAEMONS_SHARED_DELIVERY_AGENT_H

#include "common/service/service.h"
#include "daemons/shared/delivery_proto.h"

/* One message for some recipients, being delivered. */
struct delivery {
	struct arena *arena;
	struct delivery_request *request;
	struct envelope *envelope;
	struct envelope_rcpt *rcpts;
	size_t count;
	int64_t started_us;		/* wall clock at arrival of the request */
	/* Set by the agent as it goes: c of delays= ends when the connection
	 * stands. 0: not reached. */
	int64_t connected_us;
	struct delivery_priv *priv;
};

/* Everything a status line and a report need to say of one recipient. */
struct delivery_status {
	enum outcome_kind kind;
	const char *dsn;		/* "2.0.0"; class is forced to the kind */
	struct span reason;		/* inside the parentheses */
	struct span relay;		/* "host[ip]:port", "virtual", "none" */
	unsigned conn_use;		/* logged when above 1 */
	struct span diag_type, diag_text, mta_type, mta_name; /* RFC 3464 */
	enum dsn_action action_if_sent;	/* DSN_RELAYED, DSN_DELIVERED, EXPANDED */
	bool relay_does_dsn;		/* peer took over success notices */
};

/*
 * Says what became of recipient i: keeps it, to be logged and made durable at
 * the end of the delivery (or at delivery_settle). Exactly once per recipient;
 * those never spoken of are deferred with an internal warning.
 */
void delivery_set(struct delivery *d, size_t i,
    const struct delivery_status *status);
/* Logs and makes durable what is set so far (long conversations). Suspends. */
void delivery_settle(struct delivery *d);
/* For all recipients not spoken of yet. */
void delivery_set_rest(struct delivery *d,
    const struct delivery_status *status);
/*
 * Has another agent deliver the message to this recipient; `where` is
 * "transport:nexthop", without a nexthop the recipient's domain. That agent logs
 * and keeps what became of it. PASSED_UNKNOWN with a reason: it could not be
 * asked, or has not answered. delivery_set_passed takes its word in place of
 * delivery_set. Suspends.
 */
enum delivery_passed { PASSED_SENT, PASSED_BOUNCED, PASSED_KEPT, PASSED_UNKNOWN };
enum delivery_passed delivery_pass(struct delivery *d,
    struct envelope_rcpt *rcpt, struct span where, struct span *why_out);
void delivery_set_passed(struct delivery *d, size_t i,
    enum delivery_passed passed);
/*
 * Nothing may be delivered: what would become of each recipient is set, as
 * OUTCOME_SENT when it would be, and goes to who asked. delivery_is_own_probe:
 * the verify service did, which wants to know whether there is such an address,
 * not where all its aliases lead.
 */
bool delivery_is_probe(const struct delivery *d);
bool delivery_is_own_probe(const struct delivery *d);
/* The destination as a whole is dead: qmgr will suspend it. */
void delivery_dead(struct delivery *d, const char *dsn, struct span reason);
/* Content bytes, by pread; at most len at offset `at` of the content. */
ssize_t delivery_read(struct delivery *d, uint64_t at, char *buf, size_t len);

typedef void deliver_fn(struct delivery *d);	/* Suspends. */

/* The protocol for struct service; set before service_main. soft_bounce,
 * service_refusal and expiry of the file are handled here. */
extern const struct rpc_protocol delivery_protocol;
void delivery_agent_setup(deliver_fn *deliver, const char *relay_default);
/* This agent looks at delivery_is_probe. One that does not say so is never
 * handed a probe: all its recipients are deliverable. */
void delivery_agent_answers_probes(void);

#endif
