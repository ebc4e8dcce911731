/*
 * batch - one thread that is handed all waiting jobs at once, for work that
 * costs about the same for one as for a hundred: a sync of a log, of a file
 * system.
 *
 * While the thread works, more jobs gather; it takes them next, without a
 * detour through the loop. It is woken only if it sleeps, and the jobs that it
 * finished wake the loop once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_BATCH_H
#define COMMON_IO_BATCH_H

#include <stdbool.h>

/* The head of what the caller hands over; lives until batch_run returns. */
struct batch_job {
	struct batch_job *next;
	struct fiber *fiber;
	bool done;
};

struct batch;

/* jobs: oldest first, never empty, a list to be left as it is. Not more than one
 * call at a time. */
typedef void batch_fn(struct batch_job *jobs, void *arg);

/* The thread starts with the first job. */
struct batch *batch_new(batch_fn *run, void *arg);
/*
 * Hands the job over and waits until it was part of a run; not cancellable. On
 * the loop's stack, without a loop or without a thread, runs it right here.
 * Suspends.
 */
void batch_run(struct batch *batch, struct batch_job *job);
/* Joins the thread; no job may be in flight. NULL is fine. */
void batch_free(struct batch *batch);

#endif
