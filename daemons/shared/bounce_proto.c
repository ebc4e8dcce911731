/*
 * bounce_proto - the forms of the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/bounce_proto.h"

static const struct attr_field bounce_append_fields[] = {
	ATTR_FIELD(struct bounce_append, queue_id, 1, ATTR_SPAN,
	    .required = true, .limit = 32),
	ATTR_FIELD(struct bounce_append, outcomes, 2, ATTR_LIST,
	    .of = &outcome_form, .limit = 100000),
};
const struct attr_form bounce_append_form =
    ATTR_FORM("bounce append", 1, struct bounce_append,
    bounce_append_fields);

static const struct attr_field bounce_send_fields[] = {
	ATTR_FIELD(struct bounce_send, what, 1, ATTR_U64, .required = true),
	ATTR_FIELD(struct bounce_send, queue_name, 2, ATTR_SPAN, .limit = 32),
	ATTR_FIELD(struct bounce_send, queue_id, 3, ATTR_SPAN,
	    .required = true, .limit = 32),
	ATTR_FIELD(struct bounce_send, envelope, 4, ATTR_LIST,
	    .of = &envelope_form, .limit = 1),
	ATTR_FIELD(struct bounce_send, content_offset, 5, ATTR_U64),
	ATTR_FIELD(struct bounce_send, content_length, 6, ATTR_U64),
	ATTR_FIELD(struct bounce_send, fd, 7, ATTR_FD),
	ATTR_FIELD(struct bounce_send, since_us, 8, ATTR_I64),
};
const struct attr_form bounce_send_form =
    ATTR_FORM("bounce send", 2, struct bounce_send,
    bounce_send_fields);

static const struct attr_field bounce_drop_fields[] = {
	ATTR_FIELD(struct bounce_drop, queue_id, 1, ATTR_SPAN,
	    .required = true, .limit = 32),
};
const struct attr_form bounce_drop_form =
    ATTR_FORM("bounce drop", 3, struct bounce_drop,
    bounce_drop_fields);

static const struct attr_field bounce_reply_fields[] = {
	ATTR_FIELD(struct bounce_reply, ok, 1, ATTR_BOOL),
	ATTR_FIELD(struct bounce_reply, why, 2, ATTR_SPAN, .limit = 4096),
};
const struct attr_form bounce_reply_form =
    ATTR_FORM("bounce reply", 4, struct bounce_reply,
    bounce_reply_fields);
