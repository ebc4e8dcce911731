/*
 * panic - the last words of a process that broke a promise to itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/panic.h"
#include "tests/harness/t.h"

static void
say_hook(void)
{
	(void)!write(STDOUT_FILENO, "hooked", 6);
}

T_TEST(a_check_names_its_place_and_runs_the_hook)
{
	T_DIES(-SIGABRT, "CHECK(1 + 1 == 3)", CHECK(1 + 1 == 3));
	T_DIES(-SIGABRT, "panic_test.c:", panic("reason %d", 7));
	T_DIES(-SIGABRT, "reason 7\nhooked",
	    panic_set_hook(say_hook); panic("reason %d", 7));
	CHECK(1 + 1 == 2);
}

static void
panic_again(void)
{
	panic("from the hook");
}

static void
write_panics(struct log_sink *sink, const struct log_record *record)
{
	(void)sink;
	(void)record;
	panic("from the sink");
}

T_TEST(a_panic_within_a_panic_ends)
{
	static struct log_sink bad = { .write = write_panics };

	T_DIES(-SIGABRT, "first",
	    panic_set_hook(panic_again); panic("first"));
	T_DIES(-SIGABRT, NULL, log_add_sink(&bad); panic("first"));
	/* The one that has the lock speaks on standard error. */
	T_DIES(-SIGABRT, "panic: ", log_add_sink(&bad); log_info("line"));
}
