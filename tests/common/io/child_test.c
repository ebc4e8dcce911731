/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io/child.h"
#include "common/io/fault.h"
#include "tests/harness/t.h"

static char *const env[] = { "PATH=/bin:/usr/bin", "X=1", NULL };

/* Runs sh -c script with out as its standard output; its wait status. */
static int
run(const char *script, struct child_spec *spec, struct str *out)
{
	int pipe_fds[2], status = -1;
	char *argv[] = { "sh", "-c", (char *)(uintptr_t)script, NULL };
	struct child_fd fds[8];
	struct str why = STR_EMPTY;

	T_NEED(pipe2(pipe_fds, O_CLOEXEC) == 0);
	fds[0] = (struct child_fd){ pipe_fds[1], 1 };
	for (size_t i = 0; i < spec->nfds; i++)
		fds[i + 1] = spec->fds[i];
	spec->fds = fds;
	spec->nfds++;
	if (spec->path == NULL)
		spec->path = "/bin/sh";
	spec->argv = argv;
	spec->envp = env;
	pid_t pid = child_start(spec, &why);

	close(pipe_fds[1]);
	if (!T_CHECK(pid > 0))
		printf("%s\n", str_cstr(&why));
	str_clear(out);
	for (;;) {
		ssize_t n = read(pipe_fds[0], str_reserve(out, 1000), 1000);

		if (n <= 0)
			break;
		str_advance(out, (size_t)n);
	}
	close(pipe_fds[0]);
	waitpid(pid, &status, 0);
	str_fini(&why);
	return status;
}

T_TEST(a_child_gets_what_it_is_given_and_nothing_else)
{
	struct str out = STR_EMPTY;
	int leak = open("/dev/null", O_RDONLY);		/* not CLOEXEC */
	struct child_spec spec = { .chdir_to = "/usr" };

	T_NEED(dup2(leak, 60) == 60);
	T_EQ_INT(run("echo $X$HOME; pwd; "
	    "test -e /proc/self/fd/60 && echo leak; exit 3", &spec, &out),
	    3 << 8);
	T_EQ_STR(str_cstr(&out), "1\n/usr\n");
	str_fini(&out);
}

T_TEST(descriptors_can_trade_places)
{
	struct str out = STR_EMPTY;
	int a[2], b[2];
	char script[120];

	T_NEED(pipe(a) == 0 && pipe(b) == 0);
	T_NEED(write(a[1], "A\n", 2) == 2 && write(b[1], "B\n", 2) == 2);
	snprintf(script, sizeof(script), "read x </proc/self/fd/%d; "
	    "read y </proc/self/fd/%d; echo $x$y", a[0], b[0]);
	struct child_spec spec = { .nfds = 2,
		.fds = (struct child_fd[]){ { a[0], b[0] }, { b[0], a[0] } } };

	T_EQ_INT(run(script, &spec, &out), 0);
	T_EQ_STR(str_cstr(&out), "BA\n");
	str_fini(&out);
}

static bool
refuse(void *arg)
{
	return arg != NULL;
}

T_TEST(signals_are_at_their_defaults)
{
	struct str out = STR_EMPTY;
	struct child_spec spec = { .new_session = true,
		.before_exec = refuse, .before_exec_arg = &out };
	sigset_t all;

	signal(SIGPIPE, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	T_EQ_INT(run("sed -n 's/^Sig\\(Blk\\|Ign\\):\t0*/0x0/p' "
	    "/proc/self/status; kill -TERM $$", &spec, &out), SIGTERM);
	/* 32 and 33 belong to libc, which leaves them as they came. */
	struct span rest = str_span(&out), line;

	for (int i = 0; i < 2 && T_CHECK(span_split(&rest, '\n', &line)); i++)
		T_EQ_INT(strtoull(line.p, NULL, 16) & ~(3ULL << 31), 0);
	str_fini(&out);
}

T_TEST(failures_have_their_own_exit_status)
{
	struct str out = STR_EMPTY;
	struct child_spec no_program = { .path = "/nowhere/sh" };
	struct child_spec no_folder = { .chdir_to = "/nowhere" };
	struct child_spec refused = { .before_exec = refuse };

	T_EQ_INT(run("", &no_program, &out), 127 << 8);
	T_EQ_INT(run("", &no_folder, &out), 126 << 8);
	T_EQ_INT(run("", &refused, &out), 126 << 8);
	no_program.not_started = refused.not_started = 75;
	T_EQ_INT(run("", &no_program, &out), 75 << 8);
	T_EQ_INT(run("", &refused, &out), 75 << 8);
	str_fini(&out);

	T_EACH_FAULT("child.fork", EAGAIN)
	{
		char *argv[] = { "true", NULL };
		struct child_spec spec = { .path = "/bin/true", .argv = argv,
			.envp = env };
		struct str why = STR_EMPTY;
		pid_t pid = child_start(&spec, &why);

		T_EQ_INT(pid < 0, T_FAULT_HIT());
		if (pid < 0)
			T_HAS_STR(str_cstr(&why), "fork for /bin/true: ");
		else
			waitpid(pid, NULL, 0);
		str_fini(&why);
	}
}

T_TEST(behind_a_guard_a_program_ends_as_without_one)
{
	struct str out = STR_EMPTY;
	struct child_spec spec = { .guarded = true };

	T_EQ_INT(run("echo a; exit 3", &spec, &out), 3 << 8);
	T_EQ_STR(str_cstr(&out), "a\n");
	T_EQ_INT(run("kill -TERM $$", &spec, &out), SIGTERM);
	T_EQ_INT(run("kill -KILL $$", &spec, &out), SIGKILL);
	T_CASE("signals to all are not for the guard");
	T_EQ_INT(run("trap 'echo b' TERM USR1; kill -TERM 0; kill -USR1 0; "
	    "exit 4", &spec, &out), 4 << 8);
	T_EQ_STR(str_cstr(&out), "b\nb\n");
	spec.not_started = 75;
	fault_arm("child.guard", 1, EAGAIN);
	T_EQ_INT(run("exit 0", &spec, &out), 75 << 8);
	fault_disarm();
	str_fini(&out);
}

/* The write end of the pipe is the program's and its children's alone: the end
 * of the pipe is theirs. */
T_TEST(a_guarded_program_ends_with_a_parent_that_is_killed)
{
	char *argv[] = { "sh", "-c", "trap '' TERM HUP; echo on; "
	    "sh -c 'trap \"\" TERM; sleep 1000' | sleep 1000; sleep 1000",
	    NULL };
	int ends[2], status;
	char text[10];
	pid_t parent;

	T_NEED(pipe2(ends, O_CLOEXEC) == 0);
	const struct child_fd fds[] = { { ends[1], 1 }, { ends[1], 2 } };
	struct child_spec spec = { .path = "/bin/sh", .argv = argv,
		.envp = env, .fds = fds, .nfds = 2, .guarded = true };

	fflush(NULL);
	parent = fork();
	if (parent == 0) {
		(void)child_start(&spec, NULL);
		for (;;)
			pause();
	}
	close(ends[1]);
	T_EQ_INT(read(ends[0], text, sizeof(text)), 3);
	kill(parent, SIGKILL);
	waitpid(parent, &status, 0);
	T_EQ_INT(read(ends[0], text, sizeof(text)), 0);
	close(ends[0]);
}

T_TEST(a_wait_status_reads_as_a_sentence)
{
	struct str text = STR_EMPTY;

	child_describe_status(3 << 8, &text);
	T_EQ_STR(str_cstr(&text), "exit status 3");
	child_describe_status(SIGKILL, &text);
	T_EQ_STR(str_cstr(&text), "killed by signal 9 (Killed)");
	str_fini(&text);
}
