/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/panic.h"
#include "common/io/crash_slot.h"
#include "common/io/fiber_priv.h"
#include "common/io/loop.h"
#include "tests/harness/t.h"

static int
eat_stack(int n)
{
	volatile char some[2000];

	some[n % 2000] = (char)n;
	return n == INT32_MAX ? 0 : eat_stack(n + 1) + some[n % 2000];
}

static void
overflow(void *arg)
{
	(void)arg;
	fiber_note_work("4ABC", "mx.example.net[192.0.2.1]");
	eat_stack(0);
}

static void
break_promise(void *arg)
{
	(void)arg;
	fiber_note_work("4DEF", "");
	panic("two and two is %d", 5);
}

static int
die_in_fiber(struct crash_slot *slot, fiber_fn *fn)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		crash_slot_use(slot);
		crash_handlers_install();
		loop_start();
		struct fiber_group group;

		fiber_group_init(&group);
		fiber_spawn(&group, "victim", fn, NULL);
		for (;;)
			loop_turn(-1);
	}
	waitpid(pid, &status, 0);
	return status;
}

T_TEST(a_crash_tells_what_the_fiber_was_working_on)
{
	struct crash_slot *slot = mmap(NULL, sizeof(*slot),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (fiber_sanitized())
		T_SKIP("the sanitizer keeps these signals");
	log_set_tag("postfix/smtpd");
	T_EQ_INT(die_in_fiber(slot, overflow) & 0x7f, SIGSEGV);
	T_EQ_STR(slot->role, "smtpd");
	T_EQ_STR(slot->fiber, "victim");
	T_EQ_STR(slot->queue_id, "4ABC");
	T_EQ_STR(slot->peer, "mx.example.net[192.0.2.1]");
	T_EQ_INT(slot->signo, SIGSEGV);
	T_CHECK(slot->depth > 2 && slot->frames[2] > slot->base);
	T_CHECK(slot->program[0] == '/');

	T_EQ_INT(die_in_fiber(slot, break_promise) & 0x7f, SIGABRT);
	T_EQ_STR(slot->queue_id, "4DEF");
	T_HAS_STR(slot->message, "two and two is 5");
}
