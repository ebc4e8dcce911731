/*
 * signal_io - signals as calls on the loop's stack, by signalfd.
 *
 * Signals may be asked for before the loop exists: the descriptor joins it at
 * the end of the first turn, which then does not wait.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/panic.h"
#include "common/io/loop.h"
#include "common/io/signal_io.h"

static signal_fn *handlers[_NSIG];
static sigset_t wanted;

static void
on_signals(struct loop_fd *lfd, unsigned events)
{
	struct signalfd_siginfo info;

	(void)events;
	while (read(lfd->fd, &info, sizeof(info)) == sizeof(info)) {
		signal_fn *fn = info.ssi_signo < _NSIG ?
		    handlers[info.ssi_signo] : NULL;

		if (fn != NULL)
			fn((int)info.ssi_signo);
	}
	lfd->ready = 0;
}

static struct loop_fd source = { .fd = -1, .notify = on_signals };

static void
join_loop(struct loop_hook *hook)
{
	(void)hook;
	if (!source.added && !loop_add(&source))
		fatal("watch signals: %m");
	/* What arrived before is no edge. */
	on_signals(&source, LOOP_IN);
}

void
signal_on(int signo, signal_fn *fn)
{
	static struct loop_hook join = { LIST_HEAD(join.link), join_loop };

	CHECK(signo > 0 && signo < _NSIG);
	if (source.fd < 0)
		sigemptyset(&wanted);
	handlers[signo] = fn;
	sigaddset(&wanted, signo);
	pthread_sigmask(SIG_BLOCK, &wanted, NULL);
	/* Else the kernel drops it before signalfd sees it. */
	signal(signo, SIG_DFL);
	source.fd = signalfd(source.fd, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (source.fd < 0)
		fatal("create signalfd: %m");
	if (!source.added)
		loop_hook_arm(&join, LOOP_RANK_LAST);
}

void
signal_ignore(int signo)
{
	signal(signo, SIG_IGN);
}
