/*
 * mailbox_proto - the forms of the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/mailbox_proto.h"

#define PATH_MOST 4096
#define ARGUMENTS_MOST (1024 * 1024)

static const struct attr_field worker_request_fields[] = {
	ATTR_FIELD(struct worker_request, uid, 1, ATTR_U64, .required = true),
	ATTR_FIELD(struct worker_request, gid, 2, ATTR_U64, .required = true),
	ATTR_FIELD(struct worker_request, commands, 3, ATTR_BOOL),
};
const struct attr_form worker_request_form = ATTR_FORM("worker request", 1,
    struct worker_request, worker_request_fields);

static const struct attr_field worker_reply_fields[] = {
	ATTR_FIELD(struct worker_reply, ok, 1, ATTR_BOOL),
	ATTR_FIELD(struct worker_reply, why, 2, ATTR_SPAN, .limit = 1024),
	ATTR_FIELD(struct worker_reply, fd, 3, ATTR_FD),
};
const struct attr_form worker_reply_form = ATTR_FORM("worker reply", 2,
    struct worker_reply, worker_reply_fields);

static const struct attr_field job_fields[] = {
	ATTR_FIELD(struct mailbox_job, style, 1, ATTR_U64, .required = true),
	ATTR_FIELD(struct mailbox_job, path, 2, ATTR_SPAN, .required = true,
	    .limit = PATH_MOST),
	ATTR_FIELD(struct mailbox_job, head, 3, ATTR_SPAN, .limit = 65535),
	ATTR_FIELD(struct mailbox_job, sender, 4, ATTR_SPAN,
	    .limit = MAILBOX_SENDER_MOST),
	ATTR_FIELD(struct mailbox_job, content_offset, 5, ATTR_U64),
	ATTR_FIELD(struct mailbox_job, content_length, 6, ATTR_U64),
	ATTR_FIELD(struct mailbox_job, size_limit, 7, ATTR_U64),
	ATTR_FIELD(struct mailbox_job, lock.locks, 8, ATTR_U64),
	ATTR_FIELD(struct mailbox_job, lock.attempts, 9, ATTR_U64),
	ATTR_FIELD(struct mailbox_job, lock.delay, 10, ATTR_U64),
	ATTR_FIELD(struct mailbox_job, lock.stale_time, 11, ATTR_U64),
	ATTR_FIELD(struct mailbox_job, check_owner, 12, ATTR_BOOL),
	ATTR_FIELD(struct mailbox_job, host, 13, ATTR_SPAN, .limit = 256),
	ATTR_FIELD(struct mailbox_job, fd, 14, ATTR_FD),
	ATTR_FIELD(struct mailbox_job, user, 15, ATTR_SPAN,
	    .limit = MAILBOX_USER_MOST),
	ATTR_FIELD(struct mailbox_job, biff, 16, ATTR_BOOL),
};
const struct attr_form mailbox_job_form = ATTR_FORM("mailbox job", 1,
    struct mailbox_job, job_fields);

static const struct attr_field result_fields[] = {
	ATTR_FIELD(struct mailbox_result, verdict, 1, ATTR_U64,
	    .required = true),
	ATTR_FIELD(struct mailbox_result, dsn, 2, ATTR_SPAN, .limit = 16),
	ATTR_FIELD(struct mailbox_result, text, 3, ATTR_SPAN, .limit = 16384),
	ATTR_FIELD(struct mailbox_result, output, 4, ATTR_SPAN,
	    .limit = 16384),
};
const struct attr_form mailbox_result_form = ATTR_FORM("mailbox result", 2,
    struct mailbox_result, result_fields);

static const struct attr_field read_fields[] = {
	ATTR_FIELD(struct mailbox_read, path, 1, ATTR_SPAN, .required = true,
	    .limit = PATH_MOST),
	ATTR_FIELD(struct mailbox_read, limit, 2, ATTR_U64),
	ATTR_FIELD(struct mailbox_read, owned, 3, ATTR_BOOL),
};
const struct attr_form mailbox_read_form = ATTR_FORM("mailbox read", 3,
    struct mailbox_read, read_fields);

static const struct attr_field text_fields[] = {
	ATTR_FIELD(struct mailbox_text, status, 1, ATTR_U64,
	    .required = true),
	ATTR_FIELD(struct mailbox_text, text, 2, ATTR_SPAN,
	    .limit = 1024 * 1024),
	ATTR_FIELD(struct mailbox_text, why, 3, ATTR_SPAN, .limit = 1024),
	ATTR_FIELD(struct mailbox_text, owner, 4, ATTR_U64),
};
const struct attr_form mailbox_text_form = ATTR_FORM("mailbox text", 4,
    struct mailbox_text, text_fields);

static const struct attr_field command_fields[] = {
	ATTR_FIELD(struct command_job, command, 1, ATTR_SPAN,
	    .required = true, .limit = 65535),
	ATTR_FIELD(struct command_job, shell, 2, ATTR_SPAN, .limit = 4096),
	ATTR_FIELD(struct command_job, directory, 3, ATTR_SPAN,
	    .limit = PATH_MOST),
	ATTR_FIELD(struct command_job, environment, 4, ATTR_SPAN,
	    .limit = ARGUMENTS_MOST),
	ATTR_FIELD(struct command_job, head, 5, ATTR_SPAN, .limit = 65535),
	ATTR_FIELD(struct command_job, sender, 6, ATTR_SPAN,
	    .limit = MAILBOX_SENDER_MOST),
	ATTR_FIELD(struct command_job, content_offset, 7, ATTR_U64),
	ATTR_FIELD(struct command_job, content_length, 8, ATTR_U64),
	ATTR_FIELD(struct command_job, time_limit, 9, ATTR_U64,
	    .required = true),
	ATTR_FIELD(struct command_job, fd, 10, ATTR_FD),
	ATTR_FIELD(struct command_job, arguments, 11, ATTR_SPAN,
	    .limit = ARGUMENTS_MOST),
	ATTR_FIELD(struct command_job, style, 12, ATTR_U64),
	ATTR_FIELD(struct command_job, eol, 13, ATTR_SPAN, .limit = 256),
};
const struct attr_form command_job_form = ATTR_FORM("command", 1,
    struct command_job, command_fields);

static const struct attr_field session_fields[] = {
	ATTR_FIELD(struct session_job, arguments, 1, ATTR_SPAN,
	    .required = true, .limit = ARGUMENTS_MOST),
	ATTR_FIELD(struct session_job, environment, 2, ATTR_SPAN,
	    .limit = ARGUMENTS_MOST),
	ATTR_FIELD(struct session_job, time_limit, 3, ATTR_U64,
	    .required = true),
	ATTR_FIELD(struct session_job, fd, 4, ATTR_FD),
};
const struct attr_form session_job_form = ATTR_FORM("session", 3,
    struct session_job, session_fields);
