/*
 * rewrite_proto - the forms of the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/rewrite_proto.h"

static const struct attr_field rewrite_item_fields[] = {
	ATTR_FIELD(struct rewrite_item, address, 1, ATTR_SPAN,
	    .required = true, .limit = 4096),
};
static const struct attr_form rewrite_item_form =
    ATTR_FORM("rewrite item", 110, struct rewrite_item,
    rewrite_item_fields);

static const struct attr_field rewrite_answer_fields[] = {
	ATTR_FIELD(struct rewrite_answer, address, 1, ATTR_SPAN, .limit = 4096),
	ATTR_FIELD(struct rewrite_answer, transport, 2, ATTR_SPAN,
	    .limit = 256),
	ATTR_FIELD(struct rewrite_answer, nexthop, 3, ATTR_SPAN, .limit = 4096),
	ATTR_FIELD(struct rewrite_answer, recipient, 4, ATTR_SPAN,
	    .limit = 4096),
	ATTR_FIELD(struct rewrite_answer, flags, 5, ATTR_U64),
};
static const struct attr_form rewrite_answer_form =
    ATTR_FORM("rewrite answer", 111, struct rewrite_answer,
    rewrite_answer_fields);

static const struct attr_field rewrite_request_fields[] = {
	ATTR_FIELD(struct rewrite_request, wants, 1, ATTR_U64,
	    .required = true),
	ATTR_FIELD(struct rewrite_request, context, 2, ATTR_SPAN, .limit = 256),
	ATTR_FIELD(struct rewrite_request, sender, 3, ATTR_SPAN, .limit = 4096),
	ATTR_FIELD(struct rewrite_request, items, 4, ATTR_LIST,
	    .of = &rewrite_item_form, .limit = 10000),
};
const struct attr_form rewrite_request_form =
    ATTR_FORM("rewrite request", 1, struct rewrite_request,
    rewrite_request_fields);

static const struct attr_field rewrite_reply_fields[] = {
	ATTR_FIELD(struct rewrite_reply, generation, 1, ATTR_U64),
	ATTR_FIELD(struct rewrite_reply, cacheable, 2, ATTR_U64),
	ATTR_FIELD(struct rewrite_reply, answers, 3, ATTR_LIST,
	    .of = &rewrite_answer_form, .limit = 10000),
};
const struct attr_form rewrite_reply_form =
    ATTR_FORM("rewrite reply", 2, struct rewrite_reply,
    rewrite_reply_fields);
