/*
 * envelope - who a message is from and for, and how it arrived. The same forms
 * are stored in the queue file, sent with the notice to qmgr, and sent to
 * delivery agents.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QUEUE_ENVELOPE_H
#define QUEUE_ENVELOPE_H

#include "common/mail/attr.h"
#include "common/mail/dsn.h"

enum envelope_flags {
	ENVELOPE_SMTPUTF8_ASKED = 1,	/* by the client */
	ENVELOPE_SMTPUTF8_NEEDED = 2,	/* header or address has UTF-8 */
	ENVELOPE_8BIT = 4,		/* content has 8-bit bytes */
	ENVELOPE_HOLD = 8,
	ENVELOPE_TRACE = 16,		/* sendmail -v: report deliveries */
	ENVELOPE_VERIFY = 32,		/* never delivered: what would become of
					   it is reported (sendmail -bv) */
	ENVELOPE_WARNED = 64,		/* delayed-mail notice was sent */
	ENVELOPE_EXPIRE_NOW = 128,	/* postsuper -e */
	ENVELOPE_INTERNAL = 256,	/* notices of our own */
	ENVELOPE_EXTRACT_RCPT = 512,	/* maildrop: recipients from headers */
	ENVELOPE_REDIRECTED = 1024,	/* recipients before the content are
					   those of before: they get nothing */
	ENVELOPE_LATE_FILTER = 2048,	/* its filter stands behind the content */
	ENVELOPE_CONFIRM = 4096,	/* its sender was warned and wants to hear
					   of success; to agents, never stored */
	ENVELOPE_PROBE = 8192,		/* with VERIFY: of the verify service, which
					   alone is told */
};

struct envelope {
	struct span sender;		/* internal form; empty: null sender */
	int64_t arrival_us;		/* wall clock, when reception began */
	uint64_t flags;
	uint64_t data_size;		/* content bytes, for logs and SIZE */
	/* How it came; each may be empty. */
	struct span client_name, client_address, client_port, helo, protocol;
	struct span sasl_method, sasl_username, sasl_sender;
	struct span origin;		/* "PEER" text of logs, or "local" */
	struct span ident;		/* stable message id through hops */
	struct span dsn_envid;
	uint64_t dsn_ret;		/* enum dsn_ret */
	struct span rewrite_context;	/* "local" or "remote" */
	struct span filter;		/* FILTER action or content_filter */
	struct span redirect;
	struct span full_name;		/* of a local sender, for From: */
	struct span verp;		/* its delimiters, or empty: no VERP */
	struct span owner;		/* node, for later queue back ends */
	uint64_t epoch;
};
extern const struct attr_form envelope_form;

#define ENVELOPE_ADDRESS_MOST 4096	/* longer ones cannot be stored */

struct envelope_rcpt {
	struct span address;		/* where it goes now, internal form */
	struct span original;		/* as received (orig_to); may be empty */
	struct span orcpt;		/* "rfc822;..." as received, decoded */
	uint64_t notify;		/* enum dsn_notify bits; 0: default */
	uint64_t mark_at;		/* file offset of its mark; 0: none yet */
	/* What trivial-rewrite said, valid for `generation` only; not stored. */
	uint64_t generation, resolve_flags;
	struct span transport, nexthop, resolved;
};
extern const struct attr_form envelope_rcpt_form;

#endif
