/*
 * world - qmgr between doubles of delivery agents, bounce and trivial-rewrite,
 * with a queue of its own and simulated time.
 *
 * What an agent does with a recipient stands in its local part: ok, slow (a
 * minute), defer, bounce, crash (the agent is lost), crash1 (only once), late
 * (half an hour, the first time).
 * What it says of the destination stands in the domain: "dead...", and
 * "unable..." for an agent that is itself unable. Domains before "." in front of
 * "via" name the transport: a@x.lmtp.via goes by lmtp; all else by smtp.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_DAEMONS_QMGR_WORLD_H
#define TESTS_DAEMONS_QMGR_WORLD_H

#include "common/base/str.h"
#include "common/io/fiber.h"
#include "daemons/qmgr/qmgr_priv.h"
#include "daemons/shared/bounce_proto.h"
#include "tests/harness/t.h"

/* Runs fn in a fiber; conf goes behind our main.cf; smtp_limit is its
 * maxproc column. */
void world_run(const char *conf, unsigned smtp_limit, fiber_fn *fn, void *arg);

/* "smtp/nexthop rcpt rcpt;" for each hand-over, "!" in front of a suspect;
 * "retry/why rcpt;" too. Then forgotten. */
const char *world_deliveries(void);
/* "failed ID;", "append-bounce ID rcpt;", "drop-defer ID;" of bounce. */
const char *world_bounces(void);
extern size_t world_at_once;		/* most hand-overs in flight, ever */
extern bool world_rewrite_fails, world_notice_fails;

/* For those who look closer: told of each hand-over, and of each notice before
 * its log goes. */
extern void (*world_handed)(const struct delivery_request *rq);
extern void (*world_told)(const struct bounce_send *rq);

/* A committed message in a queue; recipients separated by spaces. */
void world_message(enum queue_name where, const char *id, const char *sender,
    const char *rcpts);
/* Days ago, for messages made from here on. */
extern int world_age_days;
extern const char *world_verp;		/* delimiters, of them */
extern size_t world_content_bytes;	/* of them, at least */
/* Waits until memory is empty, at most so many seconds. */
void world_settle(int64_t most_seconds);
/* "deferred 3 of 5", "gone": where it is, how many recipients are left. */
const char *world_find(const char *id);
/* Seconds until a deferred message is due. */
int64_t world_due_in(const char *id);

#endif
