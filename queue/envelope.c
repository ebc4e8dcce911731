/*
 * envelope - the forms of envelopes and recipients.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/envelope.h"

static const struct attr_field envelope_fields[] = {
	ATTR_FIELD(struct envelope, sender, 1, ATTR_SPAN,
	    .limit = ENVELOPE_ADDRESS_MOST),
	ATTR_FIELD(struct envelope, arrival_us, 2, ATTR_I64,
	    .required = true),
	ATTR_FIELD(struct envelope, flags, 3, ATTR_U64),
	ATTR_FIELD(struct envelope, data_size, 4, ATTR_U64),
	ATTR_FIELD(struct envelope, client_name, 5, ATTR_SPAN, .limit = 1024),
	ATTR_FIELD(struct envelope, client_address, 6, ATTR_SPAN,
	    .limit = 256),
	ATTR_FIELD(struct envelope, client_port, 7, ATTR_SPAN, .limit = 16),
	ATTR_FIELD(struct envelope, helo, 8, ATTR_SPAN, .limit = 4096),
	ATTR_FIELD(struct envelope, protocol, 9, ATTR_SPAN, .limit = 64),
	ATTR_FIELD(struct envelope, sasl_method, 10, ATTR_SPAN, .limit = 256),
	ATTR_FIELD(struct envelope, sasl_username, 11, ATTR_SPAN,
	    .limit = 1024),
	ATTR_FIELD(struct envelope, sasl_sender, 12, ATTR_SPAN,
	    .limit = ENVELOPE_ADDRESS_MOST),
	ATTR_FIELD(struct envelope, origin, 13, ATTR_SPAN, .limit = 4096),
	ATTR_FIELD(struct envelope, ident, 14, ATTR_SPAN, .limit = 256),
	ATTR_FIELD(struct envelope, dsn_envid, 15, ATTR_SPAN, .limit = 1024),
	ATTR_FIELD(struct envelope, dsn_ret, 16, ATTR_U64),
	ATTR_FIELD(struct envelope, rewrite_context, 17, ATTR_SPAN,
	    .limit = 256),
	ATTR_FIELD(struct envelope, filter, 18, ATTR_SPAN, .limit = 4096),
	ATTR_FIELD(struct envelope, redirect, 19, ATTR_SPAN,
	    .limit = ENVELOPE_ADDRESS_MOST),
	ATTR_FIELD(struct envelope, owner, 20, ATTR_SPAN, .limit = 256),
	ATTR_FIELD(struct envelope, epoch, 21, ATTR_U64),
	ATTR_FIELD(struct envelope, full_name, 22, ATTR_SPAN, .limit = 1024),
	ATTR_FIELD(struct envelope, verp, 23, ATTR_SPAN, .limit = 2),
};
const struct attr_form envelope_form =
    ATTR_FORM("envelope", 100, struct envelope, envelope_fields);

static const struct attr_field rcpt_fields[] = {
	ATTR_FIELD(struct envelope_rcpt, address, 1, ATTR_SPAN,
	    .required = true, .limit = ENVELOPE_ADDRESS_MOST),
	ATTR_FIELD(struct envelope_rcpt, original, 2, ATTR_SPAN,
	    .limit = ENVELOPE_ADDRESS_MOST),
	ATTR_FIELD(struct envelope_rcpt, orcpt, 3, ATTR_SPAN,
	    .limit = ENVELOPE_ADDRESS_MOST),
	ATTR_FIELD(struct envelope_rcpt, notify, 4, ATTR_U64),
	ATTR_FIELD(struct envelope_rcpt, mark_at, 5, ATTR_U64),
	ATTR_FIELD(struct envelope_rcpt, generation, 6, ATTR_U64),
	ATTR_FIELD(struct envelope_rcpt, resolve_flags, 7, ATTR_U64),
	ATTR_FIELD(struct envelope_rcpt, transport, 8, ATTR_SPAN,
	    .limit = 256),
	ATTR_FIELD(struct envelope_rcpt, nexthop, 9, ATTR_SPAN,
	    .limit = 4096),
	ATTR_FIELD(struct envelope_rcpt, resolved, 10, ATTR_SPAN,
	    .limit = ENVELOPE_ADDRESS_MOST),
};
const struct attr_form envelope_rcpt_form =
    ATTR_FORM("recipient", 101, struct envelope_rcpt, rcpt_fields);
