/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <unistd.h>

#include "common/io/loop.h"
#include "common/io/signal_io.h"
#include "tests/harness/t.h"

static int hups, terms;

static void
on_hup(int signo)
{
	T_EQ_INT(signo, SIGHUP);
	hups++;
}

static void
on_term(int signo)
{
	(void)signo;
	terms++;
	loop_stop();
}

T_TEST(signals_arrive_as_calls_from_the_loop)
{
	signal_on(SIGHUP, on_hup);
	kill(getpid(), SIGHUP);		/* before there is a loop */
	loop_start();
	loop_turn(-1);
	T_EQ_INT(hups, 1);
	signal_on(SIGTERM, on_term);
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGTERM);
	T_EQ_INT(terms, 0);
	loop_run();
	T_EQ_INT(hups, 2);
	T_EQ_INT(terms, 1);
	signal_ignore(SIGUSR2);
	kill(getpid(), SIGUSR2);
}
