/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/io/loop.h"
#include "common/io/sock.h"
#include "tests/harness/t.h"

static char trace[200];

static void
note(const char *what)
{
	strncat(trace, what, sizeof(trace) - strlen(trace) - 1);
}

static int64_t
soon(int ms)
{
	return clock_now_ns() + (int64_t)ms * 1000000;
}

static void fire_a(struct loop_timer *t) { (void)t; note("a"); }
static void fire_b(struct loop_timer *t) { (void)t; note("b"); }
static void fire_stop(struct loop_timer *t) { (void)t; loop_stop(); }
static void hook_log(struct loop_hook *h) { (void)h; note("1"); }
static void hook_peer(struct loop_hook *h) { (void)h; note("2"); }

static void
hook_last(struct loop_hook *hook)
{
	note("3");
	if (strlen(trace) < 5)
		loop_hook_arm(hook, LOOP_RANK_LAST);
}

T_TEST(timers_fire_in_order_of_time)
{
	struct loop_timer a, b, stop, never;

	loop_start();
	loop_timer_init(&a, fire_a);
	loop_timer_init(&b, fire_b);
	loop_timer_init(&stop, fire_stop);
	loop_timer_init(&never, fire_b);
	loop_timer_set(&a, soon(20));
	loop_timer_set(&b, soon(30));
	loop_timer_set(&b, soon(10));
	loop_timer_set(&never, soon(5));
	loop_timer_stop(&never);
	loop_timer_set(&stop, soon(40));
	int64_t start = clock_now_ns();

	loop_run();
	T_EQ_STR(trace, "ba");
	T_CHECK(clock_now_ns() - start >= 40000000);
}

T_TEST(hooks_run_once_by_rank_and_can_arm_themselves)
{
	struct loop_hook log, peer, last;

	loop_start();
	loop_hook_init(&log, hook_log);
	loop_hook_init(&peer, hook_peer);
	loop_hook_init(&last, hook_last);
	loop_hook_arm(&last, LOOP_RANK_LAST);
	loop_hook_arm(&peer, LOOP_RANK_PEERS);
	loop_hook_arm(&log, LOOP_RANK_LOG);
	loop_hook_arm(&log, LOOP_RANK_LOG);
	loop_turn(-1);
	T_EQ_STR(trace, "123");
	loop_turn(-1);		/* does not wait: a hook is armed */
	loop_turn(-1);
	T_EQ_STR(trace, "12333");
}

struct watched {
	struct loop_fd lfd;
	struct watched *victim;
	int calls;
};

static void
on_event(struct loop_fd *lfd, unsigned events)
{
	struct watched *w = container_of(lfd, struct watched, lfd);

	if ((events & LOOP_IN) == 0)
		return;
	w->calls++;
	if (w->victim != NULL) {
		loop_remove(&w->victim->lfd);
		/* Its memory may be gone before its event is looked at. */
		memset(w->victim, 0xa5, sizeof(*w->victim));
		w->victim = NULL;
	}
}

T_TEST(an_fd_removed_by_another_gets_no_event)
{
	for (int order = 0; order < 2; order++) {
		struct watched w[2];
		int pairs[2][2];

		if (order == 0)
			loop_start();
		for (int i = 0; i < 2; i++) {
			T_NEED(sock_pair(pairs[i]));
			w[i] = (struct watched){ .lfd = { .fd = pairs[i][0],
				.notify = on_event } };
			T_CHECK(loop_add(&w[i].lfd));
		}
		loop_turn(0);
		w[0].victim = &w[1];
		w[1].victim = &w[0];
		for (int i = 0; i < 2; i++)
			T_EQ_INT(write(pairs[i ^ order][1], "x", 1), 1);
		loop_turn(0);
		T_EQ_INT(w[order].calls, 1);
		loop_remove(&w[order].lfd);
	}
}

/* Its registration lives as long as the other descriptor of the same file. */
T_TEST(a_closed_fd_gets_no_event_and_neither_does_its_number)
{
	struct watched old = { .lfd.notify = on_event }, next = old;
	int pair[2], other[2], copy;

	loop_start();
	T_NEED(sock_pair(pair));
	T_NEED(sock_pair(other));
	old.lfd.fd = pair[0];
	T_CHECK(loop_add(&old.lfd));
	copy = dup(pair[0]);
	T_NEED(copy >= 0);
	loop_close(&old.lfd);
	memset(&old, 0xa5, sizeof(old));
	T_EQ_INT(write(pair[1], "x", 1), 1);
	loop_turn(0);
	/* Another file, under its number. */
	next.lfd.fd = dup2(other[0], pair[0]);
	T_EQ_INT(next.lfd.fd, pair[0]);
	T_CHECK(loop_add(&next.lfd));
	T_EQ_INT(write(pair[1], "x", 1), 1);
	loop_turn(0);
	T_EQ_INT(next.calls, 0);
	T_EQ_INT(write(other[1], "x", 1), 1);
	loop_turn(0);
	T_EQ_INT(next.calls, 1);
	loop_close(&next.lfd);
	close(copy);
}

T_TEST(edges_come_once_and_hang_ups_are_told)
{
	struct watched w = { .lfd.notify = on_event };
	int pair[2];
	char c;

	loop_start();
	T_NEED(sock_pair(pair));
	w.lfd.fd = pair[0];
	loop_add(&w.lfd);
	T_EQ_INT(write(pair[1], "x", 1), 1);
	loop_turn(0);
	loop_turn(0);
	T_EQ_INT(w.calls, 1);
	T_EQ_INT(w.lfd.ready, LOOP_IN | LOOP_OUT);
	T_EQ_INT(read(pair[0], &c, 1), 1);
	close(pair[1]);
	loop_turn(0);
	T_EQ_INT(w.lfd.ready, LOOP_IN | LOOP_OUT | LOOP_HUP);
}

T_TEST(a_listener_can_pause)
{
	struct watched w = { .lfd = { .notify = on_event, .level = true } };
	int pair[2];

	loop_start();
	T_NEED(sock_pair(pair));
	w.lfd.fd = pair[0];
	loop_add(&w.lfd);
	T_EQ_INT(write(pair[1], "x", 1), 1);
	loop_turn(0);
	loop_turn(0);
	T_EQ_INT(w.calls, 2);
	loop_pause(&w.lfd);
	loop_pause(&w.lfd);
	loop_turn(0);
	T_EQ_INT(w.calls, 2);
	loop_resume(&w.lfd);
	loop_turn(0);
	T_EQ_INT(w.calls, 3);
	loop_pause(&w.lfd);
	loop_remove(&w.lfd);
}

static void
posted(void *arg)
{
	if (++*(int *)arg == 2000)
		loop_stop();
}

static void *
post_many(void *arg)
{
	for (int i = 0; i < 1000; i++)
		loop_post(posted, arg);
	return NULL;
}

T_TEST(threads_can_post)
{
	pthread_t threads[2];
	int count = 0;

	loop_start();
	for (int i = 0; i < 2; i++)
		T_NEED(pthread_create(&threads[i], NULL, post_many,
		    &count) == 0);
	loop_run();
	T_EQ_INT(count, 2000);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

T_TEST(a_file_cannot_be_waited_for)
{
	struct loop_fd lfd = { .notify = NULL };
	FILE *f = tmpfile();

	loop_start();
	lfd.fd = fileno(f);
	T_CHECK(!loop_add(&lfd));
	T_EQ_INT(errno, EPERM);
	fclose(f);
}
