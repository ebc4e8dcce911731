/*
 * resolver_proto - requests to the resolver ("private/resolver"): names,
 * addresses and records for all others. The C library answers for now, one
 * validating resolver later, behind the same form.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_RESOLVER_PROTO_H
#define DAEMONS_SHARED_RESOLVER_PROTO_H

#include "common/mail/attr.h"

#define RESOLVER_PROTOCOL "resolver"
#define RESOLVER_VERSION 1

/* DNS type numbers (RFC 1035 and later), so that any type can be asked. */
enum resolver_type {
	RESOLVER_A = 1, RESOLVER_NS = 2, RESOLVER_CNAME = 5, RESOLVER_PTR = 12,
	RESOLVER_MX = 15, RESOLVER_TXT = 16, RESOLVER_AAAA = 28,
	RESOLVER_SRV = 33, RESOLVER_TLSA = 52,
};
enum resolver_flags {
	RESOLVER_HOSTS = 1,		/* hosts file and system resolver order */
	RESOLVER_DNSSEC = 2,		/* validate; `secure` tells */
	RESOLVER_NO_CACHE = 4,
};
enum resolver_status {
	RESOLVER_FOUND = 0,
	RESOLVER_NO_NAME = 1,		/* NXDOMAIN: permanent */
	RESOLVER_NO_DATA = 2,		/* name exists, no such record */
	RESOLVER_TRY_AGAIN = 3,		/* time-out, SERVFAIL: temporary */
	RESOLVER_BOGUS = 4,		/* failed validation: temporary */
	RESOLVER_BAD_NAME = 5,		/* not a name: permanent */
	RESOLVER_UNSUPPORTED = 6,	/* this build cannot ask that: temporary */
};

struct resolver_request {
	struct span name;		/* or address text for PTR */
	uint64_t type;
	uint64_t flags;
};
struct resolver_record {
	uint64_t type;
	uint64_t ttl;
	uint64_t preference;		/* MX, SRV */
	struct span name;		/* of the owner */
	struct span target;		/* PTR, MX, CNAME, NS, SRV: a name */
	struct span address;		/* A, AAAA: text form */
	struct span data;		/* TXT joined, TLSA and others raw */
};
struct resolver_reply {
	uint64_t status;		/* enum resolver_status */
	bool secure;
	struct span why;		/* for people */
	struct span canonical;		/* behind CNAMEs; may be empty */
	struct attr_list records;	/* struct resolver_record */
};
extern const struct attr_form resolver_request_form, resolver_reply_form;

#endif
