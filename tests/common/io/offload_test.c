/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/io/offload.h"
#include "tests/harness/t.h"

static struct fiber_group group;
static pthread_t main_thread;
static int running;
static volatile int most_running;

struct call {
	int sleep_ms;
	bool other_thread, blocked;
	int done;
};

static void
work(void *arg)
{
	struct call *call = arg;
	sigset_t mask;

	int now = __atomic_add_fetch(&running, 1, __ATOMIC_SEQ_CST);

	if (now > most_running)
		most_running = now;
	usleep((useconds_t)call->sleep_ms * 1000);
	__atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
	call->other_thread = !pthread_equal(pthread_self(), main_thread);
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	call->blocked = sigismember(&mask, SIGTERM) == 1;
	call->done++;
}

static void
caller(void *arg)
{
	struct call *call = arg;

	offload_call(work, call);
	T_EQ_INT(call->done, 1);
}

static void
call_twenty(void *arg)
{
	static struct call calls[20];
	(void)arg;
	for (size_t i = 0; i < T_COUNT(calls); i++) {
		calls[i].sleep_ms = 20;
		fiber_spawn(&group, "caller", caller, &calls[i]);
	}
	fiber_yield();
	T_CHECK(offload_in_flight() > 0);
	/* Not cancellable: the thread uses the caller's stack. */
	fiber_group_cancel(&group);
	fiber_group_join(&group, DEADLINE_NEVER);
	T_EQ_INT(offload_in_flight(), 0);
	for (size_t i = 0; i < T_COUNT(calls); i++)
		T_CHECK(calls[i].done == 1 && calls[i].other_thread &&
		    calls[i].blocked);
	/* side by side, and no more than were allowed */
	T_CHECK(most_running > 1 && most_running <= 4);
	offload_stop();
	struct call again = { 0 };

	offload_call(work, &again);
	T_CHECK(again.other_thread);
	offload_stop();
}

T_TEST(calls_run_on_threads_while_fibers_wait)
{
	struct call here = { 0 };

	main_thread = pthread_self();
	offload_call(work, &here);		/* no loop: right here */
	T_CHECK(here.done == 1 && !here.other_thread);
	fiber_group_init(&group);
	offload_set_threads(4);
	loop_start();
	offload_call(work, &here);
	T_CHECK(here.done == 2 && !here.other_thread);
	fiber_run_main(call_twenty, NULL);
}

static void
call_once(void *arg)
{
	struct call call = { 0 };

	(void)arg;
	offload_call(work, &call);
	T_EQ_INT(call.done, 1);
	T_EQ_INT(call.other_thread, !T_FAULT_HIT());
	offload_stop();
}

T_TEST(without_threads_calls_block_and_still_happen)
{
	main_thread = pthread_self();
	loop_start();
	T_EACH_FAULT("thread.start", EAGAIN)
		fiber_run_main(call_once, NULL);
}

static void
call_alone_and_beside_another(void *arg)
{
	struct call alone = { 0 }, beside = { 0 }, other = { .sleep_ms = 1 };

	(void)arg;
	fiber_group_init(&group);
	offload_call(work, &alone);
	T_CHECK(alone.done == 1 && !alone.other_thread);
	fiber_spawn(&group, "caller", caller, &other);
	offload_call(work, &beside);
	T_CHECK(beside.done == 1 && beside.other_thread);
	fiber_group_join(&group, DEADLINE_NEVER);
	offload_stop();
}

T_TEST(who_is_alone_waits_for_nobody_else)
{
	main_thread = pthread_self();
	loop_start();
	offload_alone(1);
	fiber_run_main(call_alone_and_beside_another, NULL);
}
