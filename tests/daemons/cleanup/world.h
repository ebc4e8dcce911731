/*
 * world - cleanup between its neighbours: clients through the real client
 * code, doubles of trivial-rewrite and qmgr, a queue of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_DAEMONS_CLEANUP_WORLD_H
#define TESTS_DAEMONS_CLEANUP_WORLD_H

#include "common/io/fiber.h"
#include "daemons/cleanup/cleanup_priv.h"
#include "daemons/shared/cleanup_client.h"
#include "tests/harness/t.h"

/* Runs fn in a fiber, with an empty queue, until it returns. */
void world_run(fiber_fn *fn, void *arg);
/* Another main.cf, behind a few lines of ours; between messages. */
void world_conf(const char *conf);

struct world_note {			/* what qmgr heard last */
	unsigned count;			/* notes so far */
	char id[QUEUE_ID_MAX];
	uint64_t data_size, rcpt_count, flags;
	char rcpts[2048];		/* "address transport:nexthop;" ... */
	bool claimed;			/* came with a descriptor */
	bool has_log;
};
extern struct world_note world_note;
extern bool world_rewrite_fails;	/* its answers say so */

/*
 * One message from an outside client, or another context. Recipients are
 * separated by white space. "250 Ok"-like: the status's reply, and behind it
 * what became of it: sender, recipients (with NOTIFY and ORCPT, if notify), content. What stands in
 * its trace log goes to world_trace: "address(original) action status NOTIFY ORCPT;" ...
 */
struct world_message {
	const char *context;		/* NULL: "remote" */
	const char *sender, *rcpts, *content;
	const char *full_name;
	const char *client;		/* its address; NULL: none */
	uint64_t envelope_flags;
	uint64_t notify;		/* of all recipients */
	const char *orcpt;		/* of all; NULL: none */
	uint64_t flags;			/* 0: CLEANUP_EXTERNAL */
	size_t chunk;			/* bytes of content at once; 0: all */
};
extern struct str world_trace;
void world_send(const struct world_message *m, struct str *reply_out,
    struct str *stored_out);

#endif
