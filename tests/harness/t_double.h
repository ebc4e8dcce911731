/*
 * t_double - services that a program under test talks to: fibers at the other end
 * of socket pairs; and a cleanup that keeps in memory what it is given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_HARNESS_T_DOUBLE_H
#define TESTS_HARNESS_T_DOUBLE_H

#include "common/io/fiber.h"
#include "common/io/stream.h"

/* Owns the stream. */
typedef void t_serve_fn(struct stream *client, void *arg);

/* A fiber of the group runs fn; the descriptor of the caller's end, or -1 where a
 * fault kept it from being. For peer_connect_by. */
int t_double_connect(struct fiber_group *fibers, t_serve_fn *fn, void *arg);

struct t_mail {				/* as begin, one recipient, and data */
	struct str sender, rcpt, text;
	uint64_t flags, envelope_flags, notify;
};
extern struct t_mail t_mails[16];
extern size_t t_mail_count;		/* may be set back to 0 */
extern uint64_t t_cleanup_status;	/* its verdict; CLEANUP_OK at first */

t_serve_fn t_cleanup_serve;

#endif
