/*
 * mailbox_client - an agent's way to mailboxes: workers by user, from the
 * launcher, kept while they are used.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_MAILBOX_CLIENT_H
#define DAEMONS_SHARED_MAILBOX_CLIENT_H

#include <sys/types.h>

#include "common/base/arena.h"
#include "common/base/strlist.h"
#include "common/io/deadline.h"
#include "daemons/shared/delivery_agent.h"
#include "daemons/shared/mailbox_proto.h"

/*
 * Writes the message of d to a mailbox as this user; durable when the verdict
 * says delivered. fd, content and host of the job are filled in here. A worker
 * that cannot be had or dies is MAILBOX_DEFER. Spans in d's arena. Suspends.
 */
void mailbox_deliver(struct delivery *d, uid_t uid, gid_t gid,
    struct mailbox_job *job, struct mailbox_result *result_out);
/* The same for a command, whose end is the verdict (daemons/launcher/command.c).
 * content and fd of the job are filled in here. Suspends. */
void mailbox_command(struct delivery *d, uid_t uid, gid_t gid,
    struct command_job *job, struct mailbox_result *result_out);
/* A command for a client: its end is told as by mailbox_command. The descriptor
 * of the job is given away. Suspends. */
void mailbox_session(uid_t uid, gid_t gid, struct session_job *job,
    struct mailbox_result *result_out, struct arena *arena);
/* Reads a text file as this user; see struct mailbox_read for `owned`.
 * Suspends. */
void mailbox_read_file(uid_t uid, gid_t gid, struct span path, uint64_t limit,
    bool owned, struct mailbox_text *text_out, struct arena *arena);

/* Where this message has been, by its Delivered-To lines; in d's arena. */
const struct strlist *mailbox_been(struct delivery *d);
bool mailbox_been_at(const struct strlist *been, struct span address);
/* Both: has it been here before? */
bool mailbox_is_loop(struct delivery *d, struct span address);

/* Whether X-Original-To is written: a row of those who write it. */
extern bool mailbox_tells_original;
#define MAILBOX_ORIGINAL_ROW						\
	PARAM_BOOL("enable_original_recipient",				\
	    &mailbox_tells_original, .dflt = "yes")

/* "Return-Path: <s>\nX-Original-To: o\nDelivered-To: r\n" as asked for; the
 * letters of flags: R, O, D. */
struct span mailbox_head(struct delivery *d, struct span sender,
    const struct envelope_rcpt *rcpt, const char *flags);

#endif
