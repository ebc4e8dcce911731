/*
 * child - start a program; the only caller of fork in the tree.
 *
 * For master, launchers and commands, all without threads. The child gets
 * exactly the descriptors it is given, besides 0, 1 and 2 of the caller where
 * they are not replaced; signals at their defaults with an empty mask; and a
 * given environment. In the child, in this order: descriptors, setsid,
 * before_exec, chdir, the guard's own fork, exec.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_CHILD_H
#define COMMON_IO_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/str.h"

struct child_fd {
	int from, to;			/* to: the number in the child */
};

struct child_spec {
	const char *path;
	char *const *argv;		/* NULL-terminated */
	char *const *envp;
	const struct child_fd *fds;	/* may overlap freely */
	size_t nfds;			/* 64 at most */
	const char *chdir_to;		/* or NULL */
	bool new_session;		/* setsid */
	/* The program ends when its parent does, even one that is killed, and with
	 * it all of its process group: a guard stands between, which leads a
	 * session, has the pid that is returned, and ends as the program did.
	 * Implies new_session. The parent has no threads. */
	bool guarded;
	/* Exit status of a child that did not get as far as its program; 0: 127
	 * where exec failed, 126 else. */
	int not_started;
	/* Runs in the child before exec; async-signal-safe work only. False
	 * ends the child with status 126. */
	bool (*before_exec)(void *arg);
	void *before_exec_arg;
};

/* The pid, or -1 with a reason. A failed exec shows as exit status 127 after a
 * line on standard error. */
pid_t child_start(const struct child_spec *spec, struct str *why);
/* Becomes another program, in place; returns only with a reason. */
void child_replace(const char *path, char *const *argv, char *const *envp,
    struct str *why);
/* "exit status 3", "killed by signal 9 (Killed)". */
void child_describe_status(int wait_status, struct str *out);

#endif
