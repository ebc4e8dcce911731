/*
 * mailbox_proto - an agent, its launcher, and mailbox workers.
 *
 * The launcher is asked for a worker that has become a user, and passes back
 * one end of a socket to it; jobs then go from the agent to the worker
 * directly. For pipe and spawn it knows itself who that is. A worker writes, syncs and answers, or runs commands; it leaves
 * when its socket closes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_MAILBOX_PROTO_H
#define DAEMONS_SHARED_MAILBOX_PROTO_H

#include "common/mail/attr.h"
#include "daemons/shared/mbox_lock.h"

#define LAUNCHER_PROTOCOL "launcher"
#define LAUNCHER_VERSION 3
#define MAILBOX_PROTOCOL "mailbox"
#define MAILBOX_VERSION 4
#define COMMAND_PROTOCOL "command"
#define COMMAND_VERSION 2

#define MAILBOX_SENDER_MOST 4096
#define MAILBOX_USER_MOST 1024

struct worker_request {			/* form 1, to the launcher */
	uint64_t uid, gid;		/* without root: ignored */
	bool commands;			/* it is to run commands, not to write */
};
struct worker_reply {			/* form 2 */
	bool ok;
	struct span why;
	int fd;				/* to the worker */
};

enum mailbox_style {
	MAILBOX_MAILDIR = 1,		/* path ends in "/" */
	MAILBOX_MBOX = 2,
	MAILBOX_FILE = 3,		/* as mbox, by name of an alias */
};

struct mailbox_job {			/* form 1, to a worker */
	uint64_t style;
	struct span path;		/* absolute */
	struct span head;		/* header lines in front, LF ends */
	struct span sender;		/* for the From_ line of mbox */
	uint64_t content_offset, content_length;
	uint64_t size_limit;		/* of the file after us; 0: none */
	struct mbox_lock_rules lock;
	bool check_owner;		/* strict_mailbox_ownership */
	struct span host;		/* for names of files */
	int fd;				/* the queue file, read-only */
	struct span user;		/* for reasons; may be empty */
	bool biff;			/* tells the user's terminal, if it can */
};
enum mailbox_verdict {
	MAILBOX_DELIVERED = 0,		/* durable */
	MAILBOX_DEFER = 1,
	MAILBOX_BOUNCE = 2,
};
struct mailbox_result {			/* form 2 */
	uint64_t verdict;
	struct span dsn, text;
	struct span output;		/* of a command that went well, one line */
};

struct mailbox_read {			/* form 3: .forward, :include: */
	struct span path;
	uint64_t limit;			/* at most 1 MiB */
	bool owned;			/* only by its reader or root */
};
enum mailbox_read_status {
	MAILBOX_READ_OK = 0, MAILBOX_READ_ABSENT = 1, MAILBOX_READ_FAILED = 2,
	MAILBOX_READ_UNSAFE = 3,	/* not owned, no regular file, writable by
					   everyone */
	MAILBOX_READ_DENIED = 4,	/* not ours to read */
};
struct mailbox_text {			/* form 4 */
	uint64_t status;
	struct span text, why;
	uint64_t owner;			/* uid of the file */
};

/* How a command gets its message. */
enum command_style {
	COMMAND_FROM_LINE = 1,		/* behind a From_ line */
	COMMAND_QUOTE_FROM = 2,		/* ">" before "From " */
	COMMAND_BLANK_END = 4,		/* a blank line at the end */
	COMMAND_DOTS = 8,		/* "." before "." */
};

/* To a worker that runs commands; answered by a mailbox_result. */
struct command_job {			/* form 1 of "command" */
	struct span command;		/* as its owner wrote it; for reasons */
	struct span shell;		/* what runs it; empty: /bin/sh -c, where
					   it is more than plain words */
	struct span arguments;		/* if any, they are what is run: a NUL
					   behind each, the first its path */
	struct span directory;		/* absolute; empty: "/" */
	struct span environment;	/* "NAME=value", a NUL behind each */
	struct span head, sender;	/* as for a mailbox */
	uint64_t style;			/* enum command_style */
	struct span eol;		/* of its lines; empty: LF */
	uint64_t content_offset, content_length;
	uint64_t time_limit;		/* seconds, not 0 */
	int fd;				/* the queue file, read-only */
};
/* A command for a client: its input, output and errors. Answered, when it has
 * ended, by a mailbox_result whose text says how, if not well. */
struct session_job {			/* form 3 of "command" */
	struct span arguments, environment;	/* as above */
	uint64_t time_limit;
	int fd;				/* the connection */
};

extern const struct attr_form worker_request_form, worker_reply_form,
    mailbox_job_form, mailbox_result_form, mailbox_read_form,
    mailbox_text_form, command_job_form, session_job_form;

#endif
