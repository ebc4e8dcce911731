/*
 * offload - calls that would stop the process, on a small pool of threads.
 *
 * A job lives on the stack of the fiber that waits for it. A thread is woken
 * only if one sleeps, and started only if none does. Finished jobs gather in
 * one list; the first of them wakes the loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/io/fiber_priv.h"
#include "common/io/loop.h"
#include "common/io/offload.h"
#include "common/io/thread.h"

enum { THREADS = 16, THREADS_MAX = 256 };

struct job {
	void (*fn)(void *arg);
	void *arg;
	struct fiber *fiber;
	struct job *next;
	bool done;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t work;
	size_t max, threads, asleep, in_flight;
	size_t alone;			/* fibers; 0: always on a thread */
	bool stopping;
	struct job *queued, **queued_end;
	struct job *finished;
	pthread_t ids[THREADS_MAX];
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.work = PTHREAD_COND_INITIALIZER, .max = THREADS,
	.queued_end = &pool.queued };

void
offload_set_threads(size_t count)
{
	CHECK(pool.threads == 0 && count > 0);
	pool.max = count < THREADS_MAX ? count : THREADS_MAX;
}

void
offload_alone(size_t fibers)
{
	pool.alone = fibers;
}

/* On the loop's stack. */
static void
wake_finished(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&pool.lock);
	struct job *job = pool.finished;

	pool.finished = NULL;
	pthread_mutex_unlock(&pool.lock);
	while (job != NULL) {
		/* The fiber may end, and the job with it, once it runs. */
		struct job *next = job->next;

		job->done = true;
		fiber_ready(job->fiber);
		job = next;
	}
}

static void *
work(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&pool.lock);
	for (;;) {
		while (pool.queued == NULL && !pool.stopping) {
			pool.asleep++;
			pthread_cond_wait(&pool.work, &pool.lock);
			pool.asleep--;
		}
		struct job *job = pool.queued;

		if (job == NULL)
			break;
		pool.queued = job->next;
		if (pool.queued == NULL)
			pool.queued_end = &pool.queued;
		pthread_mutex_unlock(&pool.lock);
		job->fn(job->arg);
		pthread_mutex_lock(&pool.lock);
		bool first = pool.finished == NULL;

		job->next = pool.finished;
		pool.finished = job;
		if (!first)
			continue;
		/* Not under the lock: the loop, once awake, wants it. */
		pthread_mutex_unlock(&pool.lock);
		loop_post(wake_finished, NULL);
		pthread_mutex_lock(&pool.lock);
	}
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

/* False when there is no thread, and none can be started. */
static bool
enqueue(struct job *job)
{
	pthread_mutex_lock(&pool.lock);
	bool wake = pool.asleep > 0;

	if (!wake && pool.threads < pool.max
	    && thread_start(&pool.ids[pool.threads], work, NULL))
		pool.threads++;
	if (pool.threads == 0) {
		pthread_mutex_unlock(&pool.lock);
		return false;
	}
	*pool.queued_end = job;
	pool.queued_end = &job->next;
	pthread_mutex_unlock(&pool.lock);
	if (wake)
		pthread_cond_signal(&pool.work);
	return true;
}

void
offload_call(void (*fn)(void *arg), void *arg)
{
	struct job job = { .fn = fn, .arg = arg, .fiber = fiber_self() };

	if (job.fiber == NULL || !loop_started() ||
	    fiber_count() <= pool.alone || !enqueue(&job)) {
		fn(arg);
		return;
	}
	pool.in_flight++;
	loop_busy_add(1);
	while (!job.done)
		fiber_wait(DEADLINE_NEVER, false);
	loop_busy_add(-1);
	pool.in_flight--;
}

size_t
offload_in_flight(void)
{
	return pool.in_flight;
}

void
offload_stop(void)
{
	CHECK(pool.in_flight == 0);
	pthread_mutex_lock(&pool.lock);
	pool.stopping = true;
	pthread_cond_broadcast(&pool.work);
	pthread_mutex_unlock(&pool.lock);
	while (pool.threads > 0)
		pthread_join(pool.ids[--pool.threads], NULL);
	pool.stopping = false;
}
