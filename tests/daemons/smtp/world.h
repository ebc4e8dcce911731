/*
 * world - what a delivery meets: scripted servers on 127.0.0.1, bounce logs
 * that take everything, and a log that can be read.
 *
 * A script is lines, one server connection per script:
 *
 *	> 250 ok		is said, with CRLF
 *	< MAIL FROM:<a@b>*	is expected; a * at the end takes the rest
 *	.			content up to the final dot, kept
 *	~ 301			nothing for so many seconds
 *	!			the connection is closed
 *	=			the client closes it
 *	%			content without a final dot, then the end
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_DAEMONS_SMTP_WORLD_H
#define TESTS_DAEMONS_SMTP_WORLD_H

#include "daemons/shared/resolver_proto.h"
#include "daemons/smtp/smtp_priv.h"
#include "tests/harness/t.h"

struct world_mail {
	const char *sender, *content;
	const char *rcpts[80];		/* up to NULL */
	uint64_t flags, dsn_ret;
	const char *envid;
	const char *orcpt;		/* of all recipients */
	unsigned notify;
	int64_t age_s;			/* since it arrived */
	bool from_client;		/* came from client.lan[2001:db8::5] */
	bool short_file;		/* the queue file lacks its end */
};

struct world_result {
	enum outcome_kind kinds[80];
	bool done[80];
	char dead[12];			/* dsn, or "" */
	char dead_reason[400];
};

struct world {
	const char *settings;		/* lines of main.cf */
	bool lmtp;
	const char *scripts[24];		/* by connection, in order */
	/* Or that of each connection; where it cannot go on it ends, for the
	 * calls of a server may fail as well. */
	const char *every;
	bool unix_socket;
	const char *addresses;		/* of every host; NULL: see resolver */
	enum resolver_status resolver;	/* without addresses */
	void (*run)(struct world *w);
	/* Filled in. */
	uint16_t port;
	const char *path;		/* of the unix socket */
	unsigned connections;
	unsigned contents;		/* received up to the final dot */
	unsigned bounced;		/* recipients in the log of bounces */
	unsigned delivered, relayed;	/* recipients told of */
	uint64_t asked_flags;		/* of the last question to the resolver */
	int64_t ended_ns;		/* the last connection */
	struct str content;		/* received, all together; with `every`
					 * the last one that had its end */
	struct str log;			/* lines of text */
};

/* Sets everything up and runs w->run in a fiber. */
void world_run(struct world *w);
/* Other lines of main.cf from now on; between deliveries. */
void world_configure(struct world *w, const char *settings);
/* Delivers to nexthop, in which "@" stands for 127.0.0.1's port. */
void world_deliver(struct world *w, const char *nexthop,
    const struct world_mail *mail, struct world_result *result_out);
void world_wait(int64_t seconds);

#endif
