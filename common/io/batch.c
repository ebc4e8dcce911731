/*
 * batch - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>

#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/io/batch.h"
#include "common/io/fiber_priv.h"
#include "common/io/loop.h"
#include "common/io/thread.h"

struct batch {
	batch_fn *run;
	void *arg;
	size_t in_flight;		/* the loop's */
	pthread_mutex_t turn;		/* held during run */
	pthread_mutex_t lock;		/* of all that follows */
	pthread_cond_t work;
	pthread_t thread;
	bool has_thread, asleep, stopping;
	struct batch_job *waiting, **waiting_end;
	struct batch_job *finished, **finished_end;
};

struct batch *
batch_new(batch_fn *run, void *arg)
{
	struct batch *b = MEM_NEW(struct batch);

	b->run = run;
	b->arg = arg;
	pthread_mutex_init(&b->turn, NULL);
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->work, NULL);
	b->waiting_end = &b->waiting;
	b->finished_end = &b->finished;
	return b;
}

static void
run_now(struct batch *b, struct batch_job *jobs)
{
	pthread_mutex_lock(&b->turn);
	b->run(jobs, b->arg);
	pthread_mutex_unlock(&b->turn);
}

/* On the loop's stack. */
static void
wake_finished(void *arg)
{
	struct batch *b = arg;

	pthread_mutex_lock(&b->lock);
	struct batch_job *job = b->finished;

	b->finished = NULL;
	b->finished_end = &b->finished;
	pthread_mutex_unlock(&b->lock);
	while (job != NULL) {
		/* The fiber may end, and the job with it, once it runs. */
		struct batch_job *next = job->next;

		job->done = true;
		fiber_ready(job->fiber);
		job = next;
	}
}

/* Whether the loop has to be told. */
static bool
finish(struct batch *b, struct batch_job *jobs, struct batch_job **end)
{
	bool first = b->finished == NULL;

	*b->finished_end = jobs;
	b->finished_end = end;
	return first;
}

static void *
work(void *arg)
{
	struct batch *b = arg;

	pthread_mutex_lock(&b->lock);
	for (;;) {
		while (b->waiting == NULL && !b->stopping) {
			b->asleep = true;
			pthread_cond_wait(&b->work, &b->lock);
		}
		struct batch_job *jobs = b->waiting, **end = b->waiting_end;

		if (jobs == NULL)
			break;
		b->waiting = NULL;
		b->waiting_end = &b->waiting;
		pthread_mutex_unlock(&b->lock);
		run_now(b, jobs);
		pthread_mutex_lock(&b->lock);
		if (!finish(b, jobs, end))
			continue;
		/* Not under the lock: the loop, once awake, wants it. */
		pthread_mutex_unlock(&b->lock);
		loop_post(wake_finished, b);
		pthread_mutex_lock(&b->lock);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

/* False when there is no thread, and none can be started. */
static bool
enqueue(struct batch *b, struct batch_job *job)
{
	pthread_mutex_lock(&b->lock);
	if (!b->has_thread)
		b->has_thread = thread_start(&b->thread, work, b);
	bool taken = b->has_thread, wake = taken && b->asleep;

	if (taken) {
		*b->waiting_end = job;
		b->waiting_end = &job->next;
		b->asleep = false;
	}
	pthread_mutex_unlock(&b->lock);
	if (wake)
		pthread_cond_signal(&b->work);
	return taken;
}

void
batch_run(struct batch *b, struct batch_job *job)
{
	job->next = NULL;
	job->done = false;
	job->fiber = fiber_self();
	if (job->fiber == NULL || !loop_started() || !enqueue(b, job)) {
		run_now(b, job);
		return;
	}
	b->in_flight++;
	loop_busy_add(1);
	while (!job->done)
		fiber_wait(DEADLINE_NEVER, false);
	loop_busy_add(-1);
	b->in_flight--;
}

void
batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	CHECK(b->in_flight == 0);
	pthread_mutex_lock(&b->lock);
	b->stopping = true;
	pthread_mutex_unlock(&b->lock);
	pthread_cond_signal(&b->work);
	if (b->has_thread)
		pthread_join(b->thread, NULL);
	pthread_cond_destroy(&b->work);
	pthread_mutex_destroy(&b->lock);
	pthread_mutex_destroy(&b->turn);
	mem_free(b);
}
