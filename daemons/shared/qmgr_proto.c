/*
 * qmgr_proto - the forms of the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/qmgr_proto.h"

static const struct attr_field qmgr_note_fields[] = {
	ATTR_FIELD(struct qmgr_note, queue_id, 1, ATTR_SPAN,
	    .required = true, .limit = 32),
	ATTR_FIELD(struct qmgr_note, content_offset, 2, ATTR_U64),
	ATTR_FIELD(struct qmgr_note, content_length, 3, ATTR_U64),
	ATTR_FIELD(struct qmgr_note, file_length, 4, ATTR_U64),
	ATTR_FIELD(struct qmgr_note, rcpt_count, 5, ATTR_U64),
	ATTR_FIELD(struct qmgr_note, envelope, 6, ATTR_LIST,
	    .required = true, .of = &envelope_form, .limit = 1),
	ATTR_FIELD(struct qmgr_note, rcpts, 7, ATTR_LIST,
	    .of = &envelope_rcpt_form, .limit = 1000),
	ATTR_FIELD(struct qmgr_note, fd, 8, ATTR_FD),
	ATTR_FIELD(struct qmgr_note, spot_log, 9, ATTR_U64),
	ATTR_FIELD(struct qmgr_note, spot_epoch, 10, ATTR_U64),
	ATTR_FIELD(struct qmgr_note, spot_at, 11, ATTR_U64),
	ATTR_FIELD(struct qmgr_note, spot_mark, 12, ATTR_U64),
	ATTR_FIELD(struct qmgr_note, has_log, 13, ATTR_BOOL),
};
const struct attr_form qmgr_note_form =
    ATTR_FORM("qmgr note", 1, struct qmgr_note,
    qmgr_note_fields);

static const struct attr_field qmgr_flush_one_fields[] = {
	ATTR_FIELD(struct qmgr_flush_one, queue_id, 1, ATTR_SPAN,
	    .required = true, .limit = 32),
};
const struct attr_form qmgr_flush_one_form =
    ATTR_FORM("qmgr flush one", 2, struct qmgr_flush_one,
    qmgr_flush_one_fields);
