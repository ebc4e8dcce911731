/*
 * offload - calls that would stop the process, on a small pool of threads.
 *
 * fsync, NSS, SQL and LDAP libraries. Threads start at first use, after the
 * jail; they run with all signals blocked and touch only what they are handed.
 * Completions of one turn share one wake-up of the loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_OFFLOAD_H
#define COMMON_IO_OFFLOAD_H

#include <stddef.h>

/* At most this many threads; default 16. Before the first call. */
void offload_set_threads(size_t count);
/*
 * Runs fn(arg) on a thread and waits for it; not cancellable, since the thread
 * uses the caller's memory. On the loop's stack, or without a loop, runs it
 * right here. Suspends.
 */
void offload_call(void (*fn)(void *arg), void *arg);
/* From now on a call that comes while no more than so many fibers live is made
 * right here: for a process where nobody else has to go on meanwhile, and that
 * is spared four changes from thread to thread. */
void offload_alone(size_t fibers);
size_t offload_in_flight(void);
/* Joins all threads; nothing may be in flight. For tests and leak checks. */
void offload_stop(void);

#endif
