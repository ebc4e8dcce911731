/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/panic.h"
#include "common/base/str.h"
#include "common/io/fiber_priv.h"
#include "common/io/fiber_stack.h"
#include "common/io/loop.h"
#include "tests/harness/t.h"

static char trace[400];
static struct fiber_group group;

static void
note(const char *what)
{
	strncat(trace, what, sizeof(trace) - strlen(trace) - 1);
}

/* Each test: its body is the first fiber. */
#define FIBER_TEST(what) \
	static void what##_body(void *arg); \
	T_TEST(what) \
	{ \
		loop_start(); \
		fiber_group_init(&group); \
		fiber_run_main(what##_body, NULL); \
	} \
	static void what##_body(__attribute__((unused)) void *arg)

static void
say_twice(void *arg)
{
	note(arg);
	fiber_yield();
	note(arg);
}

FIBER_TEST(fibers_run_in_turn)
{
	fiber_spawn(&group, "a", say_twice, "a");
	fiber_spawn(&group, "b", say_twice, "b");
	fiber_spawn(&group, "c", say_twice, "c");
	note("0");
	T_EQ_INT(fiber_group_join(&group, DEADLINE_NEVER), IO_OK);
	T_EQ_STR(trace, "0abcabc");
	T_EQ_STR(fiber_name(fiber_self()), "main");
}

static double
keep_doubles(double x, int depth)
{
	double y = x * 1.5;

	fiber_yield();
	return depth == 0 ? y : keep_doubles(y, depth - 1) - y;
}

static void
count_up(void *arg)
{
	double want = 0, start = (double)(intptr_t)arg;
	double y = start;

	for (int i = 0; i <= 5; i++)
		y *= 1.5;
	want = y;
	for (int i = 5; i > 0; i--) {
		y /= 1.5;
		want -= y;
	}
	double got = keep_doubles(start, 5);

	T_CHECK(got - want < 1e-6 && want - got < 1e-6);
}

FIBER_TEST(registers_survive_switches)
{
	for (intptr_t i = 1; i < 200; i++)
		fiber_spawn(&group, "count", count_up, (void *)i);
	fiber_group_join(&group, DEADLINE_NEVER);
}

static void
wait_for_cancel(void *arg)
{
	enum io_status *got = arg;

	got[0] = fiber_sleep(deadline_in(1000));
	got[1] = fiber_park(DEADLINE_NEVER);
	struct fiber_queue queue = FIBER_QUEUE(queue);

	got[2] = fiber_queue_wait(&queue, DEADLINE_NEVER);
	T_CHECK(fiber_cancelled());
}

FIBER_TEST(closing_a_group_cancels_and_joins)
{
	enum io_status got[2][3] = { { IO_OK } };

	fiber_spawn(&group, "one", wait_for_cancel, got[0]);
	fiber_spawn(&group, "two", wait_for_cancel, got[1]);
	fiber_yield();
	T_EQ_INT(fiber_group_join(&group, deadline_in_ms(5)), IO_TIMEOUT);
	fiber_group_close(&group);
	T_EQ_INT(group.count, 0);
	for (int i = 0; i < 2; i++)
		for (int j = 0; j < 3; j++)
			T_EQ_INT(got[i][j], IO_CANCELLED);
	T_CHECK(!fiber_cancelled());
	/* The group is as new. */
	fiber_spawn(&group, "a", say_twice, "a");
	T_EQ_INT(fiber_group_join(&group, DEADLINE_NEVER), IO_OK);
	T_EQ_STR(trace, "aa");
}

static void
spawn_sleeper(void *arg)
{
	enum io_status *got = arg;

	fiber_sleep(DEADLINE_NEVER);
	/* Born into a group that is closing: cancelled from the start. */
	fiber_spawn(&group, "late", wait_for_cancel, got);
}

FIBER_TEST(a_fiber_born_while_closing_is_cancelled)
{
	enum io_status got[3] = { IO_OK };

	fiber_spawn(&group, "early", spawn_sleeper, got);
	fiber_yield();
	fiber_group_close(&group);
	T_EQ_INT(got[0], IO_CANCELLED);
	T_EQ_INT(group.count, 0);
}

static void
take_from_queue(void *arg)
{
	if (fiber_queue_wait(arg, deadline_in(100)) == IO_OK)
		note("w");
}

FIBER_TEST(a_wake_goes_to_one_that_still_waits)
{
	struct fiber_queue queue;

	fiber_queue_init(&queue);
	struct fiber *first = fiber_spawn(&group, "1", take_from_queue,
	    &queue);

	fiber_spawn(&group, "2", take_from_queue, &queue);
	fiber_yield();
	T_CHECK(fiber_queue_has_waiters(&queue));
	fiber_cancel(first);		/* still in line, but answered */
	fiber_queue_wake_one(&queue);
	T_EQ_INT(fiber_group_join(&group, deadline_in(1)), IO_OK);
	T_EQ_STR(trace, "w");
	T_CHECK(!fiber_queue_has_waiters(&queue));
	for (int i = 0; i < 3; i++)
		fiber_spawn(&group, "n", take_from_queue, &queue);
	fiber_yield();
	fiber_queue_wake_all(&queue);
	fiber_queue_wake_one(&queue);
	fiber_group_join(&group, DEADLINE_NEVER);
	T_EQ_STR(trace, "wwww");
}

static void
park_thrice(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++)
		note(fiber_park(deadline_in_ms(20)) == IO_OK ? "o" : "t");
}

FIBER_TEST(a_wake_before_the_park_is_remembered_once)
{
	struct fiber *f = fiber_spawn(&group, "p", park_thrice, NULL);

	fiber_wake(f);
	fiber_wake(f);
	fiber_yield();
	T_EQ_STR(trace, "o");
	fiber_wake(f);
	fiber_group_join(&group, DEADLINE_NEVER);
	T_EQ_STR(trace, "oot");
}

static void
note_arg(void *arg)
{
	note(arg);
}

static void
defer_and_allocate(void *arg)
{
	(void)arg;
	char *text = arena_strdup(fiber_arena(), "x");

	for (int i = 0; i < 9; i++)
		fiber_defer(note_arg, text);
	fiber_defer(note_arg, "last");
	arena_on_free(fiber_arena(), note_arg, "arena");
	int fd = dup(0);

	fiber_defer_fd(fd);
	*(int *)arg = fd;
}

FIBER_TEST(deferred_calls_run_newest_first_then_the_arena_goes)
{
	int fd = -1;

	fiber_spawn(&group, "d", defer_and_allocate, &fd);
	fiber_group_join(&group, DEADLINE_NEVER);
	T_EQ_STR(trace, "lastxxxxxxxxxarena");
	T_CHECK(close(fd) != 0 && errno == EBADF);
}

static struct str logged;

static void
keep_line(struct log_sink *sink, const struct log_record *record)
{
	(void)sink;
	str_add(&logged, record->text);
	str_putc(&logged, '\n');
}

static void
no_flush(struct log_sink *sink)
{
	(void)sink;
}

static void
log_with_id(void *arg)
{
	fiber_log_context(arg);
	fiber_yield();
	log_info("hello");
	fiber_log_context(NULL);
	log_info("bye");
}

FIBER_TEST(lines_carry_the_queue_id_of_their_fiber)
{
	static struct log_sink sink = { keep_line, no_flush };

	log_add_sink(&sink);
	fiber_spawn(&group, "1", log_with_id, "4A");
	fiber_spawn(&group, "2", log_with_id, "4B");
	fiber_group_join(&group, DEADLINE_NEVER);
	log_info("main");
	T_EQ_STR(str_cstr(&logged), "4A: hello\nbye\n4B: hello\nbye\nmain\n");
	T_EQ_STR(fiber_log_queue_id(), "");
	log_remove_sinks();
	str_fini(&logged);
}

static void
use_800_kib(void *arg)
{
	char *room = __builtin_alloca(800 * 1024);

	for (size_t i = 0; i < 800 * 1024; i += 4096)
		room[i] = (char)i;
	*(int *)arg += room[4096] + 1;
	T_CHECK(fiber_self() != NULL);
}

static void
park_deep(void *arg)
{
	(void)arg;
	fiber_yield();
}

FIBER_TEST(deep_calls_have_room)
{
	int calls = 0;

	for (int i = 0; i < 3; i++) {
		fiber_call_deep(use_800_kib, &calls);
		fiber_yield();
	}
	T_EQ_INT(calls, 3);
	T_DIES(-SIGABRT, "in_deep", fiber_call_deep(park_deep, NULL));
}

static volatile int sink;

static int
eat_stack(int n)
{
	volatile char some[2000];

	some[n % 2000] = (char)n;
	sink = n;
	return n == INT32_MAX ? 0 : eat_stack(n + 1) + some[n % 2000];
}

FIBER_TEST(an_overflow_meets_the_guard)
{
	if (fiber_sanitized())
		T_DIES(1, "stack-overflow", eat_stack(0));
	else
		T_DIES(-SIGSEGV, NULL, eat_stack(0));
}

__attribute__((noinline)) static void
dig(void *arg)
{
	volatile char some[20000];

	for (size_t i = 0; i < sizeof(some); i++)
		some[i] = 1;
	*(bool *)arg = some[100] == 1;
}

static void
dig_and_wait(void *arg)
{
	dig(arg);
	fiber_park(DEADLINE_NEVER);
	fiber_trim_stack();
	fiber_park(DEADLINE_NEVER);
}

FIBER_TEST(high_water_is_found_and_given_back)
{
	struct fiber_stats stats;
	bool dug = false;

	fiber_stats(&stats);
	T_EQ_INT(stats.live, 1);
	size_t before = stats.stack_high_water;

	struct fiber *digger = fiber_spawn(&group, "d", dig_and_wait, &dug);

	fiber_yield();
	fiber_stats(&stats);
	T_CHECK(dug);
	T_EQ_INT(stats.live, 2);
	if (!fiber_sanitized())
		T_CHECK(stats.stack_high_water >= 20000 &&
		    stats.stack_high_water < 30000 &&
		    before < stats.stack_high_water);
	fiber_wake(digger);
	fiber_yield();
	fiber_stats(&stats);
	T_CHECK(stats.stack_high_water < 20000);
	fiber_group_close(&group);
	struct fiber_stack stack;

	T_NEED(fiber_stack_get(&stack));
	stack.base[10] = 1;
	T_EQ_INT(fiber_stack_used(&stack), stack.size - 10);
	fiber_stack_trim(&stack, stack.base + stack.size - 1000);
	T_CHECK(fiber_stack_used(&stack) <= 30000);
	fiber_stack_put(&stack);
}

FIBER_TEST(a_stack_that_nobody_needs_is_given_back)
{
	struct fiber_stack stack, gone;

	T_NEED(fiber_stack_get(&stack));
	stack.base[10] = 1;
	gone = stack;
	fiber_stack_put(&stack);
	fiber_stack_settle();
	if (!fiber_sanitized())
		T_EQ_INT(fiber_stack_used(&gone), gone.size - 10);
	fiber_stack_settle();
	T_EQ_INT(fiber_stack_used(&gone), 0);
}

static void
do_nothing(void *arg)
{
	(void)arg;
}

FIBER_TEST(thousands_come_and_go)
{
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3000; i++)
			T_NEED(fiber_spawn(&group, "n", do_nothing, NULL) !=
			    NULL);
		T_EQ_INT(fiber_group_join(&group, DEADLINE_NEVER), IO_OK);
	}
	struct fiber_stats stats;

	fiber_stats(&stats);
	T_EQ_INT(stats.live, 1);
	T_CHECK(stats.stacks_cached >= 3000);
}

FIBER_TEST(without_stacks_spawn_says_so)
{
	T_EACH_FAULT("fiber.stack", ENOMEM)
	{
		int born = 0;

		while (born < 300 && fiber_spawn(&group, "n", do_nothing,
		    NULL) != NULL)
			born++;
		T_EQ_INT(born < 300, T_FAULT_HIT());
		fiber_group_join(&group, DEADLINE_NEVER);
	}
}

static void
ask_arena(struct loop_timer *timer)
{
	(void)timer;
	arena_on_free(fiber_arena(), note_arg, "reset");
	T_CHECK(fiber_self() == NULL);
	note("asked ");
}

FIBER_TEST(the_loops_arena_lasts_one_turn)
{
	struct loop_timer timer;

	loop_timer_init(&timer, ask_arena);
	loop_timer_set(&timer, clock_now_ns());
	fiber_sleep(deadline_in_ms(5));
	/* on a slow machine both were due in one turn: that one ends here */
	fiber_sleep(deadline_in_ms(1));
	T_EQ_STR(trace, "asked reset");
}

static void
spin(void *arg)
{
	while (!*(bool *)arg)
		fiber_take_turns();
}

FIBER_TEST(who_never_waits_still_takes_turns)
{
	bool stop = false;

	fiber_spawn(&group, "s", spin, &stop);
	fiber_sleep(deadline_in_ms(5));
	stop = true;
	T_EQ_INT(fiber_group_join(&group, DEADLINE_NEVER), IO_OK);
}

T_TEST(a_group_can_be_closed_outside_fibers)
{
	enum io_status got[3] = { IO_OK };

	loop_start();
	fiber_group_init(&group);
	fiber_spawn(&group, "w", wait_for_cancel, got);
	loop_turn(0);
	fiber_group_close(&group);
	T_EQ_INT(got[2], IO_CANCELLED);
}
