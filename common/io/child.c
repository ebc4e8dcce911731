/*
 * child - start a program; the only caller of fork in the tree.
 *
 * Between fork and exec only async-signal-safe calls are made. All signals are
 * blocked across the fork, so that no handler of the parent runs in the child.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/panic.h"
#include "common/io/child.h"
#include "common/io/fault.h"

enum { CHILD_FDS_MAX = 64, EXIT_REFUSED = 126, EXIT_NO_EXEC = 127 };

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

static void
say(const char *what, const char *path)
{
	const char *reason = strerrordesc_np(errno);
	const char *parts[] = { what, " ", path, ": ",
		reason != NULL ? reason : "unknown error", "\n" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0)
			return;
}

/* Copies everything above all targets first, so that no dup2 overwrites a
 * source that is still wanted. */
static bool
place_fds(const struct child_spec *spec)
{
	int above = STDERR_FILENO, copies[CHILD_FDS_MAX];

	for (size_t i = 0; i < spec->nfds; i++)
		if (spec->fds[i].to > above)
			above = spec->fds[i].to;
	for (size_t i = 0; i < spec->nfds; i++) {
		copies[i] = fcntl(spec->fds[i].from, F_DUPFD_CLOEXEC,
		    above + 1);
		if (copies[i] < 0)
			return false;
	}
	(void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U,
	    CLOSE_RANGE_CLOEXEC);
	for (size_t i = 0; i < spec->nfds; i++)
		if (dup2(copies[i], spec->fds[i].to) < 0)
			return false;
	return true;
}

static void
reset_signals(void)
{
	sigset_t none;

	/* SIGKILL, SIGSTOP and the two that libc keeps just refuse. */
	for (int signo = 1; signo < _NSIG; signo++)
		signal(signo, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn)) static void
give_up(const struct child_spec *spec, int status)
{
	_exit(spec->not_started != 0 ? spec->not_started : status);
}

/* As the program did, for who waits for us. */
__attribute__((noreturn)) static void
end_like(int status)
{
	static const struct rlimit no_core;
	sigset_t one;

	if (WIFSIGNALED(status)) {
		(void)setrlimit(RLIMIT_CORE, &no_core);
		signal(WTERMSIG(status), SIG_DFL);
		sigemptyset(&one);
		sigaddset(&one, WTERMSIG(status));
		sigprocmask(SIG_UNBLOCK, &one, NULL);
		raise(WTERMSIG(status));
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_REFUSED);
}

/* A death signal by itself would not do: it reaches one process, and is lost
 * where a program gains rights by its mode. All signals are blocked here, so
 * that what is sent to the group is for the program; ours says only: look. */
__attribute__((noreturn)) static void
stand_guard(pid_t program, pid_t parent)
{
	sigset_t wanted;
	int status;

	(void)syscall(SYS_close_range, 0, ~0U, 0);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	sigaddset(&wanted, SIGUSR1);
	for (;;) {
		if (getppid() != parent)
			kill(0, SIGKILL);
		if (waitpid(program, &status, WNOHANG) == program)
			end_like(status);
		(void)sigwaitinfo(&wanted, NULL);
	}
}

/* Returns in the process that becomes the program. */
static void
fork_behind_guard(const struct child_spec *spec, pid_t parent)
{
	pid_t program = -1;

	(void)prctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0);
	if (!FAULT("child.guard"))
		program = fork();
	if (program > 0)
		stand_guard(program, parent);
	if (program < 0) {
		say("fork for", spec->path);
		give_up(spec, EXIT_REFUSED);
	}
}

__attribute__((noreturn)) static void
become(const struct child_spec *spec, pid_t parent)
{
	if (!place_fds(spec)) {
		say("descriptors for", spec->path);
		give_up(spec, EXIT_REFUSED);
	}
	if (spec->new_session || spec->guarded)
		setsid();
	if (spec->before_exec != NULL &&
	    !spec->before_exec(spec->before_exec_arg))
		give_up(spec, EXIT_REFUSED);
	if (spec->chdir_to != NULL && chdir(spec->chdir_to) != 0) {
		say("chdir", spec->chdir_to);
		give_up(spec, EXIT_REFUSED);
	}
	if (spec->guarded)
		fork_behind_guard(spec, parent);
	reset_signals();
	execve(spec->path, spec->argv, spec->envp);
	say("exec", spec->path);
	give_up(spec, EXIT_NO_EXEC);
}

pid_t
child_start(const struct child_spec *spec, struct str *why)
{
	sigset_t all, before;
	pid_t pid = -1, parent = getpid();

	CHECK(spec->nfds <= CHILD_FDS_MAX);
	log_flush();		/* or the child would have the lines too */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	if (!FAULT("child.fork"))
		pid = fork();
	if (pid == 0)
		become(spec, parent);
	int saved = errno;

	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	if (pid < 0 && why != NULL)
		str_printf(why, "fork for %s: %s", spec->path,
		    strerror(saved));
	return pid;
}

void
child_replace(const char *path, char *const *argv, char *const *envp,
    struct str *why)
{
	log_flush();
	execve(path, argv, envp);
	str_printf(why, "run %s: %m", path);
}

void
child_describe_status(int wait_status, struct str *out)
{
	str_clear(out);
	if (WIFEXITED(wait_status)) {
		str_addf(out, "exit status %d", WEXITSTATUS(wait_status));
	} else if (WIFSIGNALED(wait_status)) {
		int signo = WTERMSIG(wait_status);
		const char *name = sigdescr_np(signo);

		str_addf(out, "killed by signal %d (%s)", signo,
		    name != NULL ? name : "unknown");
	} else {
		str_addf(out, "wait status 0x%x", (unsigned)wait_status);
	}
}
