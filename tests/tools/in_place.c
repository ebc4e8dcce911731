/*
 * in_place - makes system calls in the place of a process that runs, to see
 * what its jail says to them:
 *
 *	in_place PID < calls
 *
 * A line of input is a number of the kernel's and up to six arguments: numbers,
 * =bytes in hexadecimal (a pointer to them) or "last" (what the call before
 * returned). Its answer is a line of output: "ok", or the name of the error.
 * The process then goes on as if nothing had been; it has to be one that is
 * often found waiting in the kernel. Ends with 77 where this cannot be done.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#if defined(__x86_64__)

#include <sys/user.h>

enum { CANNOT = 77, ROOM = 16 * 1024, ARGUMENTS = 6, INSTRUCTION = 2 };

static pid_t pid;

__attribute__((noreturn)) static void
give_up(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(errno == EPERM ? CANNOT : 1);
}

/* The signal of it. */
static int
wait_stop(void)
{
	int status;

	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) {
		fprintf(stderr, "the process has ended\n");
		exit(1);
	}
	return WSTOPSIG(status);
}

static void
get(struct user_regs_struct *regs)
{
	if (ptrace(PTRACE_GETREGS, pid, NULL, regs) != 0)
		give_up("registers");
}

static void
set(const struct user_regs_struct *regs)
{
	if (ptrace(PTRACE_SETREGS, pid, NULL, regs) != 0)
		give_up("registers");
}

static bool
behind_a_call(const struct user_regs_struct *regs)
{
	long word = ptrace(PTRACE_PEEKTEXT, pid, regs->rip - INSTRUCTION, NULL);

	return (word & 0xffff) == 0x050f;	/* syscall */
}

/* Stopped, and as it waits in the kernel. */
static void
catch(struct user_regs_struct *regs)
{
	static const struct timespec moment = { 0, 2 * 1000 * 1000 };

	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD |
	    PTRACE_O_TRACEEXEC) != 0)
		give_up("look at the process");
	for (int i = 0; i < 1000; i++) {
		if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0)
			give_up("stop the process");
		wait_stop();
		get(regs);
		if (behind_a_call(regs))
			return;
		ptrace(PTRACE_CONT, pid, NULL, NULL);
		nanosleep(&moment, NULL);
	}
	errno = EPERM;
	give_up("never in the kernel");
}

/* The kernel would have made the interrupted call again by itself. */
static void
let_go(struct user_regs_struct regs)
{
	long result = (long)regs.rax;

	if ((long)regs.orig_rax >= 0 && result <= -512 && result >= -516) {
		regs.rax = regs.orig_rax;
		regs.rip -= INSTRUCTION;
	}
	regs.orig_rax = (unsigned long long)-1;
	set(&regs);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

/* Below the stack that is in use, and its red zone. */
static unsigned long
place_bytes(unsigned long *room, const char *hex)
{
	size_t length = strlen(hex) / 2;
	unsigned char bytes[ROOM / 2 + 2 * sizeof(long)] = { 0 };

	for (size_t i = 0; i < length; i++) {
		unsigned byte = 0;

		sscanf(hex + 2 * i, "%2x", &byte);
		bytes[i] = (unsigned char)byte;
	}
	*room -= (length + 2 * sizeof(long)) & ~(sizeof(long) - 1);
	for (size_t i = 0; i <= length; i += sizeof(long)) {
		long word;

		memcpy(&word, bytes + i, sizeof(word));
		if (ptrace(PTRACE_POKEDATA, pid, *room + i, word) != 0)
			give_up("write to its stack");
	}
	return *room;
}

static long
call(const struct user_regs_struct *found, const unsigned long *words)
{
	struct user_regs_struct regs = *found;

	regs.rip -= INSTRUCTION;
	regs.rax = words[0];
	regs.orig_rax = (unsigned long long)-1;
	regs.rdi = words[1];
	regs.rsi = words[2];
	regs.rdx = words[3];
	regs.r10 = words[4];
	regs.r8 = words[5];
	regs.r9 = words[6];
	set(&regs);
	for (int stops = 0; stops < 2; ) {		/* in, and out */
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
		stops += wait_stop() == (SIGTRAP | 0x80);
	}
	get(&regs);
	return (long)regs.rax;
}

static bool
obey(const struct user_regs_struct *found, char *line, long *last)
{
	unsigned long words[ARGUMENTS + 1] = { 0 };
	unsigned long room = (found->rsp - 256) & ~15UL;
	size_t n = 0;
	char *rest, *word = strtok_r(line, " \n", &rest);

	for (; word != NULL && n <= ARGUMENTS;
	    word = strtok_r(NULL, " \n", &rest), n++)
		words[n] = word[0] == '=' ? place_bytes(&room, word + 1)
		    : strcmp(word, "last") == 0 ? (unsigned long)*last
		    : strtoul(word, NULL, 0);
	if (n == 0)
		return false;
	*last = call(found, words);
	puts(*last < 0 && *last >= -4095 ? strerrorname_np((int)-*last) : "ok");
	return true;
}

int
main(int argc, char **argv)
{
	struct user_regs_struct found;
	static char line[ROOM];
	long last = 0;

	if (argc != 2)
		return 2;
	pid = (pid_t)atoi(argv[1]);
	catch(&found);
	while (fgets(line, sizeof(line), stdin) != NULL &&
	    obey(&found, line, &last))
		continue;
	let_go(found);
	return 0;
}

#else

int
main(void)
{
	fprintf(stderr, "not on this machine\n");
	return 77;
}

#endif
