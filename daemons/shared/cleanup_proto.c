/*
 * cleanup_proto - the forms of the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/cleanup_proto.h"

static const struct attr_field cleanup_begin_fields[] = {
	ATTR_FIELD(struct cleanup_begin, queue_id, 1, ATTR_SPAN, .limit = 32),
	ATTR_FIELD(struct cleanup_begin, flags, 2, ATTR_U64),
	ATTR_FIELD(struct cleanup_begin, envelope, 3, ATTR_LIST,
	    .required = true, .of = &envelope_form, .limit = 1),
	ATTR_FIELD(struct cleanup_begin, rcpts, 4, ATTR_LIST,
	    .of = &envelope_rcpt_form, .limit = 10000),
};
const struct attr_form cleanup_begin_form =
    ATTR_FORM("cleanup begin", 1, struct cleanup_begin,
    cleanup_begin_fields);

static const struct attr_field cleanup_rcpts_fields[] = {
	ATTR_FIELD(struct cleanup_rcpts, rcpts, 1, ATTR_LIST,
	    .of = &envelope_rcpt_form, .limit = 10000),
};
const struct attr_form cleanup_rcpts_form =
    ATTR_FORM("cleanup rcpts", 2, struct cleanup_rcpts,
    cleanup_rcpts_fields);

static const struct attr_field cleanup_data_fields[] = {
	ATTR_FIELD(struct cleanup_data, bytes, 1, ATTR_SPAN,
	    .limit = CLEANUP_DATA_MAX),
};
const struct attr_form cleanup_data_form =
    ATTR_FORM("cleanup data", 3, struct cleanup_data,
    cleanup_data_fields);

static const struct attr_field cleanup_end_fields[] = {
	ATTR_FIELD(struct cleanup_end, has_prepended, 1, ATTR_BOOL),
};
const struct attr_form cleanup_end_form =
    ATTR_FORM("cleanup end", 4, struct cleanup_end,
    cleanup_end_fields);

static const struct attr_field cleanup_result_fields[] = {
	ATTR_FIELD(struct cleanup_result, status, 1, ATTR_U64,
	    .required = true),
	ATTR_FIELD(struct cleanup_result, queue_id, 2, ATTR_SPAN, .limit = 32),
	ATTR_FIELD(struct cleanup_result, dsn, 3, ATTR_SPAN, .limit = 16),
	ATTR_FIELD(struct cleanup_result, text, 4, ATTR_SPAN, .limit = 4096),
	ATTR_FIELD(struct cleanup_result, size, 5, ATTR_U64),
	ATTR_FIELD(struct cleanup_result, rcpts, 6, ATTR_U64),
};
const struct attr_form cleanup_result_form =
    ATTR_FORM("cleanup result", 5, struct cleanup_result,
    cleanup_result_fields);
