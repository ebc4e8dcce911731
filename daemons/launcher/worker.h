/*
 * worker - a process that has become a user, and writes that user's mail or runs
 * that user's commands.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_LAUNCHER_WORKER_H
#define DAEMONS_LAUNCHER_WORKER_H

#include "common/base/arena.h"
#include "common/service/rpc.h"
#include "daemons/shared/mailbox_proto.h"

/* Serves the socket until it closes. */
int worker_main(int socket);
/* command.c: the same for commands. */
int command_main(int socket);
/* What both do: in a fiber, for the agent at the other end, after loop_start. */
void worker_serve(const struct rpc_protocol *served, int socket);

/* A text file, as this process may read it; the path is absolute. Status, text and
 * reason are in the arena, the descriptor goes with the fiber. Suspends. */
void worker_read(const struct mailbox_read *rq, struct mailbox_text *text_out,
    struct arena *arena);

/* maildir.c and mbox.c; text in the arena. Suspend. */
void maildir_deliver(const struct mailbox_job *job,
    struct mailbox_result *result, struct arena *arena);
void mbox_deliver(const struct mailbox_job *job,
    struct mailbox_result *result, struct arena *arena);

/* copy.c: sets a result from errno: always temporary, 4.2.2 for a quota, 4.3.0
 * for what the system lacks; `doing` names what failed. */
void result_from_errno(struct mailbox_result *result, struct arena *arena,
    const char *doing);
/* Does the message fit below size_limit behind so many bytes? If not, the
 * result is a bounce. */
bool copy_fits(const struct mailbox_job *job, uint64_t there,
    struct mailbox_result *result, struct arena *arena, const char *doing);
/* Head and content of the message to fd, as enum command_style says, its lines
 * with this end (empty: LF). False with errno and a reason. */
bool copy_message(int fd, const struct mailbox_job *job, uint64_t style,
    struct span eol, struct str *why);

#endif
