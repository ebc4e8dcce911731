/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/io/watchdog.h"
#include "tests/harness/t.h"

static void
hang(void *arg)
{
	volatile bool forever = true;

	(void)arg;
	fiber_sleep(deadline_in_ms(1400));	/* idle is not hanging */
	while (forever)
		continue;
}

T_TEST(a_loop_that_stands_still_is_ended)
{
	int status = 0, fds[2];
	char text[200] = "";

	T_NEED(pipe(fds) == 0);
	time_t start = time(NULL);
	pid_t pid = fork();

	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		loop_start();
		watchdog_start(1);
		fiber_run_main(hang, NULL);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	T_EQ_INT(status & 0x7f, SIGABRT);
	T_CHECK(time(NULL) - start >= 1);
	T_CHECK(read(fds[0], text, sizeof(text) - 1) > 0);
	T_HAS_STR(text, "watchdog: nothing has moved in fiber main");
}
