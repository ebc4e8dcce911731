/*
 * verify_proto - the forms of the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/verify_proto.h"

static const struct attr_field verify_query_fields[] = {
	ATTR_FIELD(struct verify_query, address, 1, ATTR_SPAN,
	    .required = true, .limit = 4096),
};
const struct attr_form verify_query_form =
    ATTR_FORM("verify query", 1, struct verify_query, verify_query_fields);

static const struct attr_field verify_answer_fields[] = {
	ATTR_FIELD(struct verify_answer, status, 1, ATTR_U64,
	    .required = true),
	ATTR_FIELD(struct verify_answer, text, 2, ATTR_SPAN, .limit = 4096),
};
const struct attr_form verify_answer_form =
    ATTR_FORM("verify answer", 2, struct verify_answer,
    verify_answer_fields);

static const struct attr_field verify_update_fields[] = {
	ATTR_FIELD(struct verify_update, address, 1, ATTR_SPAN,
	    .required = true, .limit = 4096),
	ATTR_FIELD(struct verify_update, status, 2, ATTR_U64,
	    .required = true),
	ATTR_FIELD(struct verify_update, text, 3, ATTR_SPAN, .limit = 4096),
};
const struct attr_form verify_update_form =
    ATTR_FORM("verify update", 3, struct verify_update,
    verify_update_fields);

static const struct attr_field verify_taken_fields[] = {
	ATTR_FIELD(struct verify_taken, used, 1, ATTR_BOOL),
};
const struct attr_form verify_taken_form =
    ATTR_FORM("verify taken", 4, struct verify_taken, verify_taken_fields);
