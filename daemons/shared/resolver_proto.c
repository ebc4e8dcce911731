/*
 * resolver_proto - the forms of the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/resolver_proto.h"

static const struct attr_field resolver_record_fields[] = {
	ATTR_FIELD(struct resolver_record, type, 1, ATTR_U64),
	ATTR_FIELD(struct resolver_record, ttl, 2, ATTR_U64),
	ATTR_FIELD(struct resolver_record, preference, 3, ATTR_U64),
	ATTR_FIELD(struct resolver_record, name, 4, ATTR_SPAN, .limit = 1024),
	ATTR_FIELD(struct resolver_record, target, 5, ATTR_SPAN, .limit = 1024),
	ATTR_FIELD(struct resolver_record, address, 6, ATTR_SPAN,
	    .limit = 4096),
	ATTR_FIELD(struct resolver_record, data, 7, ATTR_SPAN, .limit = 65535),
};
static const struct attr_form resolver_record_form =
    ATTR_FORM("resolver record", 110, struct resolver_record,
    resolver_record_fields);

static const struct attr_field resolver_request_fields[] = {
	ATTR_FIELD(struct resolver_request, name, 1, ATTR_SPAN,
	    .required = true, .limit = 1024),
	ATTR_FIELD(struct resolver_request, type, 2, ATTR_U64,
	    .required = true),
	ATTR_FIELD(struct resolver_request, flags, 3, ATTR_U64),
};
const struct attr_form resolver_request_form =
    ATTR_FORM("resolver request", 1, struct resolver_request,
    resolver_request_fields);

static const struct attr_field resolver_reply_fields[] = {
	ATTR_FIELD(struct resolver_reply, status, 1, ATTR_U64,
	    .required = true),
	ATTR_FIELD(struct resolver_reply, secure, 2, ATTR_BOOL),
	ATTR_FIELD(struct resolver_reply, why, 3, ATTR_SPAN, .limit = 4096),
	ATTR_FIELD(struct resolver_reply, canonical, 4, ATTR_SPAN,
	    .limit = 1024),
	ATTR_FIELD(struct resolver_reply, records, 5, ATTR_LIST,
	    .of = &resolver_record_form, .limit = 1000),
};
const struct attr_form resolver_reply_form =
    ATTR_FORM("resolver reply", 2, struct resolver_reply,
    resolver_reply_fields);
