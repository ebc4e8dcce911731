/*
 * rewrite_proto - requests to trivial-rewrite ("private/rewrite"): bring
 * addresses to standard form, and say where they go. One request carries all
 * addresses of a message that are not in the caller's cache.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_REWRITE_PROTO_H
#define DAEMONS_SHARED_REWRITE_PROTO_H

#include "common/mail/attr.h"

#define REWRITE_PROTOCOL "rewrite"
#define REWRITE_VERSION 1

enum rewrite_wants {
	REWRITE_STANDARD_FORM = 1, REWRITE_RESOLVE = 2,
	REWRITE_FOR_PROBE = 4,		/* resolve by address_verify_* */
};

enum resolve_flags {
	RESOLVE_LOCAL = 1,		/* mydestination, inet_interfaces */
	RESOLVE_ALIAS = 2,		/* virtual_alias_domains */
	RESOLVE_VIRTUAL = 4,		/* virtual_mailbox_domains */
	RESOLVE_RELAY = 8,		/* relay_domains */
	RESOLVE_DEFAULT = 16,		/* anywhere else */
	RESOLVE_ROUTED = 32,		/* has a source route or % or ! */
	RESOLVE_ERROR = 64,		/* bad address: reject */
	RESOLVE_FAIL = 128,		/* table or service failed: defer */
};

struct rewrite_item {
	struct span address;		/* internal form */
};
struct rewrite_request {
	uint64_t wants;
	struct span context;		/* "local", "remote", "invalid", or a domain */
	struct span sender;		/* for sender-dependent routing; may be empty */
	struct attr_list items;		/* struct rewrite_item */
};
struct rewrite_answer {
	struct span address;		/* in standard form */
	struct span transport, nexthop, recipient;	/* when resolved */
	uint64_t flags;			/* enum resolve_flags */
};
struct rewrite_reply {
	uint64_t generation;		/* of the tables that answered */
	uint64_t cacheable;		/* seconds; 0: not */
	struct attr_list answers;	/* struct rewrite_answer, same order */
};
extern const struct attr_form rewrite_request_form, rewrite_reply_form;

#endif
