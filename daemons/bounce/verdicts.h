/*
 * verdicts - the last word on each recipient of a message, in the order of its
 * log, where its sender wants to hear it. The log may have any length: it is read
 * anew for each use, and a few entries are held at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_BOUNCE_VERDICTS_H
#define DAEMONS_BOUNCE_VERDICTS_H

#include "daemons/shared/bounce_proto.h"

/* What is said is the caller's until it returns; false: no more of them. */
typedef bool verdict_fn(const struct outcome *o, void *arg);

struct verdict_choice {
	enum bounce_what what;
	bool everyone;			/* whatever the sender wants to hear */
	int64_t since_us;		/* what was said earlier is left out */
};

/* Which log tells what a notice says. */
enum queue_name verdicts_log(enum bounce_what what);
/* QUEUE_OK after the last one, or where fn has had enough; QUEUE_GONE when there
 * is no log; else with a reason. */
enum queue_result verdicts_each(int queue_dir,
    const struct verdict_choice *choice, struct span id, verdict_fn *fn,
    void *arg, struct str *why);

#endif
