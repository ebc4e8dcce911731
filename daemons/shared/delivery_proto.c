/*
 * delivery_proto - the forms of the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/delivery_proto.h"

static const struct attr_field delivery_result_fields[] = {
	ATTR_FIELD(struct delivery_result, done, 1, ATTR_U64),
	ATTR_FIELD(struct delivery_result, outcome, 2, ATTR_U64),
};
static const struct attr_form delivery_result_form =
    ATTR_FORM("delivery result", 110, struct delivery_result,
    delivery_result_fields);

static const struct attr_field delivery_request_fields[] = {
	ATTR_FIELD(struct delivery_request, queue_name, 1, ATTR_SPAN,
	    .limit = 32),
	ATTR_FIELD(struct delivery_request, queue_id, 2, ATTR_SPAN,
	    .required = true, .limit = 32),
	ATTR_FIELD(struct delivery_request, transport, 3, ATTR_SPAN,
	    .limit = 256),
	ATTR_FIELD(struct delivery_request, nexthop, 4, ATTR_SPAN,
	    .limit = 4096),
	ATTR_FIELD(struct delivery_request, content_offset, 5, ATTR_U64),
	ATTR_FIELD(struct delivery_request, content_length, 6, ATTR_U64),
	ATTR_FIELD(struct delivery_request, active_us, 7, ATTR_I64),
	ATTR_FIELD(struct delivery_request, handed_us, 8, ATTR_I64),
	ATTR_FIELD(struct delivery_request, suspect, 9, ATTR_BOOL),
	ATTR_FIELD(struct delivery_request, envelope, 10, ATTR_LIST,
	    .required = true, .of = &envelope_form, .limit = 1),
	ATTR_FIELD(struct delivery_request, rcpts, 11, ATTR_LIST,
	    .required = true, .of = &envelope_rcpt_form, .limit = 100000),
	ATTR_FIELD(struct delivery_request, fd, 12, ATTR_FD),
};
const struct attr_form delivery_request_form =
    ATTR_FORM("delivery request", 1, struct delivery_request,
    delivery_request_fields);

static const struct attr_field delivery_reply_fields[] = {
	ATTR_FIELD(struct delivery_reply, results, 1, ATTR_LIST,
	    .of = &delivery_result_form, .limit = 100000),
	ATTR_FIELD(struct delivery_reply, dead_dsn, 2, ATTR_SPAN, .limit = 16),
	ATTR_FIELD(struct delivery_reply, dead_reason, 3, ATTR_SPAN,
	    .limit = 8192),
	ATTR_FIELD(struct delivery_reply, agent_unable, 4, ATTR_BOOL),
	ATTR_FIELD(struct delivery_reply, not_alone, 5, ATTR_BOOL),
};
const struct attr_form delivery_reply_form =
    ATTR_FORM("delivery reply", 2, struct delivery_reply,
    delivery_reply_fields);

static const struct attr_field delivery_alone_fields[] = {
	ATTR_FIELD(struct delivery_alone, please, 1, ATTR_BOOL),
};
const struct attr_form delivery_alone_form =
    ATTR_FORM("delivery alone", 3, struct delivery_alone,
    delivery_alone_fields);

static const struct attr_field delivery_alone_reply_fields[] = {
	ATTR_FIELD(struct delivery_alone_reply, pid, 1, ATTR_U64),
};
const struct attr_form delivery_alone_reply_form =
    ATTR_FORM("delivery alone reply", 4, struct delivery_alone_reply,
    delivery_alone_reply_fields);
