/*
 * qmgr_proto - notices to qmgr ("public/qmgr"): a message has been committed.
 * One-way; a full qmgr drops it and finds the message by scanning. The same
 * socket takes single-byte triggers (ASCII letters; a frame begins with 0).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_QMGR_PROTO_H
#define DAEMONS_SHARED_QMGR_PROTO_H

#include "queue/envelope.h"

#define QMGR_PROTOCOL "qmgr"
#define QMGR_VERSION 1

#define QMGR_NOTE_BYTES_MAX 65536
#define QMGR_NOTE_RCPTS_MAX 50

/* Triggers, as in the Postfix world. */
#define QMGR_SCAN_INCOMING 'I'
#define QMGR_SCAN_DEFERRED 'D'
#define QMGR_SCAN_ALL 'A'		/* flush: ignore retry times */
#define QMGR_FLUSH_DEAD 'F'		/* forget dead destinations */
#define QMGR_WAKEUP 'W'

struct qmgr_note {			/* form 1 */
	struct span queue_id;
	uint64_t content_offset, content_length, file_length, rcpt_count;
	struct attr_list envelope;	/* exactly one */
	struct attr_list rcpts;		/* all, or none: read the file */
	/* struct commit_log_spot: log 0 is none. */
	uint64_t spot_log, spot_epoch, spot_at, spot_mark;
	bool has_log;			/* of outcomes, before any delivery */
	int fd;				/* read-only, claimed; may be -1 */
};
struct qmgr_flush_one {			/* form 2, one-way: try this one now */
	struct span queue_id;
};
extern const struct attr_form qmgr_note_form, qmgr_flush_one_form;

#endif
