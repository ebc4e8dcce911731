/*
 * anvil_proto - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/anvil_proto.h"

static const struct attr_field event_fields[] = {
	ATTR_FIELD(struct anvil_event, key, 1, ATTR_SPAN, .required = true,
	    .limit = ANVIL_KEY_MOST),
	ATTR_FIELD(struct anvil_event, rate, 2, ATTR_U64, .required = true),
	ATTR_FIELD(struct anvil_event, held, 3, ATTR_U64, .required = true),
};
const struct attr_form anvil_event_form =
    ATTR_FORM("anvil event", 1, struct anvil_event, event_fields);

static const struct attr_field answer_fields[] = {
	ATTR_FIELD(struct anvil_answer, sessions, 1, ATTR_U64,
	    .required = true),
	ATTR_FIELD(struct anvil_answer, happened, 2, ATTR_U64,
	    .required = true),
};
const struct attr_form anvil_answer_form =
    ATTR_FORM("anvil answer", 2, struct anvil_answer, answer_fields);

static const struct attr_field note_fields[] = {
	ATTR_FIELD(struct anvil_note, key, 1, ATTR_SPAN, .required = true,
	    .limit = ANVIL_KEY_MOST),
	ATTR_FIELD(struct anvil_note, held, 2, ATTR_U64, .required = true),
	ATTR_FIELD(struct anvil_note, connections, 3, ATTR_U64),
	ATTR_FIELD(struct anvil_note, messages, 4, ATTR_U64),
	ATTR_FIELD(struct anvil_note, rcpts, 5, ATTR_U64),
};
const struct attr_form anvil_note_form =
    ATTR_FORM("anvil note", 3, struct anvil_note, note_fields);

static const struct attr_field legacy_fields[] = {
	ATTR_FIELD(struct anvil_legacy, key, 1, ATTR_SPAN, .required = true,
	    .limit = ANVIL_KEY_MOST),
	ATTR_FIELD(struct anvil_legacy, age_ms, 2, ATTR_U64,
	    .required = true),
	ATTR_FIELD(struct anvil_legacy, connections, 3, ATTR_U64),
	ATTR_FIELD(struct anvil_legacy, messages, 4, ATTR_U64),
	ATTR_FIELD(struct anvil_legacy, rcpts, 5, ATTR_U64),
	ATTR_FIELD(struct anvil_legacy, new_tls, 6, ATTR_U64),
	ATTR_FIELD(struct anvil_legacy, auth, 7, ATTR_U64),
};
const struct attr_form anvil_legacy_form =
    ATTR_FORM("anvil legacy", 4, struct anvil_legacy, legacy_fields);
