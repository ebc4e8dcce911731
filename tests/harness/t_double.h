/*
 * t_double - services that a program under test talks to: fibers at the other end
 * of socket pairs; a cleanup that keeps in memory what it is given; and a
 * trivial-rewrite.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_HARNESS_T_DOUBLE_H
#define TESTS_HARNESS_T_DOUBLE_H

#include "common/io/fiber.h"
#include "common/io/stream.h"
#include "common/mail/param.h"
#include "common/service/rpc.h"
#include "daemons/shared/rewrite_proto.h"

/* Owns the stream. */
typedef void t_serve_fn(struct stream *client, void *arg);

/* A fiber of the group runs fn; the descriptor of the caller's end, or -1 where a
 * fault kept it from being. For peer_connect_by. */
int t_double_connect(struct fiber_group *fibers, t_serve_fn *fn, void *arg);

/* Before t_double_run. Connections to the service are served by a fiber that runs
 * fn, or answers by the methods of the protocol. */
void t_double(const char *cls, const char *service, t_serve_fn *fn, void *arg);
void t_double_rpc(const char *cls, const char *service,
    const struct rpc_protocol *protocol);
/* Runs fn in a fiber of a loop; then the doubles end. */
void t_double_run(fiber_fn *fn, void *arg);

/* A main.cf of a few lines and these, and the parameters of a role filled from
 * it; the queue is t_tmpdir(). May be called again. */
void t_double_conf(const char *more, const struct param_set *role);

struct t_mail {				/* as begin, one recipient, and data */
	struct str sender, rcpt, text;
	uint64_t flags, envelope_flags, notify;
};
extern struct t_mail t_mails[16];
extern size_t t_mail_count;		/* may be set back to 0 */
extern uint64_t t_cleanup_status;	/* its verdict; CLEANUP_OK at first */

t_serve_fn t_cleanup_serve;

/* Answers each address as it is; then t_rewrite, unless NULL, may change that. */
extern const struct rpc_protocol t_rewrite_protocol;
extern void (*t_rewrite)(const struct rewrite_request *rq, struct arena *arena,
    struct rewrite_answer *answer);

#endif
