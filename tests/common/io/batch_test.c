/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <semaphore.h>

#include "common/io/batch.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "tests/harness/t.h"

struct job {
	struct batch_job head;
	int number, runs;
	bool other_thread;
};

static struct fiber_group group;
static struct batch *batch;
static pthread_t main_thread;
static sem_t gate;			/* each run waits for it */
static int runs, inside, last, sizes[8];

static void
run(struct batch_job *jobs, void *arg)
{
	T_EQ_STR(arg, "arg");
	T_EQ_INT(__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST), 1);
	for (struct batch_job *b = jobs; b != NULL; b = b->next) {
		struct job *job = (struct job *)b;

		T_CHECK(job->number > last);
		last = job->number;
		job->runs++;
		job->other_thread = !pthread_equal(pthread_self(),
		    main_thread);
		sizes[runs]++;
	}
	runs++;
	if (!pthread_equal(pthread_self(), main_thread))
		sem_wait(&gate);
	__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
}

static void
member(void *arg)
{
	struct job *job = arg;

	batch_run(batch, &job->head);
	T_EQ_INT(job->runs, 1);
}

static void
gather(void *arg)
{
	static struct job jobs[50];

	(void)arg;
	jobs[0].number = 1;
	fiber_spawn(&group, "member", member, &jobs[0]);
	fiber_yield();
	/* The thread has the first; those that come now are one batch. */
	while (__atomic_load_n(&inside, __ATOMIC_SEQ_CST) == 0)
		fiber_yield();
	for (int i = 1; i < 50; i++) {
		jobs[i].number = i + 1;
		fiber_spawn(&group, "member", member, &jobs[i]);
	}
	fiber_yield();
	fiber_group_cancel(&group);	/* does not end the wait */
	sem_post(&gate);
	sem_post(&gate);
	fiber_group_join(&group, DEADLINE_NEVER);
	T_EQ_INT(runs, 2);
	T_EQ_INT(sizes[0], 1);
	T_EQ_INT(sizes[1], 49);
	for (size_t i = 0; i < T_COUNT(jobs); i++)
		T_CHECK(jobs[i].runs == 1 && jobs[i].other_thread);
	batch_free(batch);
}

T_TEST(jobs_that_wait_are_one_run)
{
	main_thread = pthread_self();
	sem_init(&gate, 0, 0);
	fiber_group_init(&group);
	batch = batch_new(run, (void *)(uintptr_t)"arg");
	loop_start();
	fiber_run_main(gather, NULL);
}

static void
one(void *arg)
{
	struct job job = { .number = 7 };

	(void)arg;
	last = 0;
	batch_run(batch, &job.head);
	T_EQ_INT(job.runs, 1);
	T_EQ_INT(job.other_thread, !T_FAULT_HIT());
}

T_TEST(without_a_thread_or_a_loop_a_job_runs_here)
{
	struct job job = { .number = 1 };

	main_thread = pthread_self();
	sem_init(&gate, 0, 10);
	batch = batch_new(run, (void *)(uintptr_t)"arg");
	batch_run(batch, &job.head);
	T_CHECK(job.runs == 1 && !job.other_thread);
	batch_free(batch);
	batch_free(NULL);
	loop_start();
	T_EACH_FAULT("thread.start", EAGAIN) {
		batch = batch_new(run, (void *)(uintptr_t)"arg");
		fiber_run_main(one, NULL);
		batch_free(batch);
	}
}

/* Many fibers, each with many jobs: none is lost, none runs twice. */
#define FIBERS 40
#define EACH 500

static int counted, calls;

static void
count(struct batch_job *jobs, void *arg)
{
	(void)arg;
	calls++;
	for (; jobs != NULL; jobs = jobs->next) {
		((struct job *)jobs)->runs++;
		counted++;
	}
}

static void
busy(void *arg)
{
	(void)arg;
	for (int i = 0; i < EACH; i++) {
		struct job job = { .runs = 0 };

		batch_run(batch, &job.head);
		if (job.runs != 1)
			T_FAIL("ran %d times", job.runs);
	}
}

static void
crowd(void *arg)
{
	(void)arg;
	for (int i = 0; i < FIBERS; i++)
		fiber_spawn(&group, "busy", busy, NULL);
	fiber_group_join(&group, DEADLINE_NEVER);
	batch_free(batch);
	T_EQ_INT(counted, FIBERS * EACH);
	T_CHECK(calls > 0 && calls <= counted);
}

T_TEST(no_job_is_lost_in_a_crowd)
{
	fiber_group_init(&group);
	batch = batch_new(count, NULL);
	loop_start();
	fiber_run_main(crowd, NULL);
}
