/*
 * postlock - runs a command while a mailbox file is locked as deliveries lock it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/io/child.h"
#include "common/io/fs.h"
#include "common/mail/conf_core.h"
#include "daemons/commands/lib/commands_conf.h"
#include "daemons/shared/mbox_lock.h"

__attribute__((format(printf, 1, 2))) static int
stop(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "postlock: fatal: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EX_TEMPFAIL;
}

/* Where the shell would find it. */
static bool
find_program(const char *name, struct str *path_out)
{
	const char *dirs = getenv("PATH");
	struct span rest = span_cstr(dirs != NULL ? dirs : "/usr/bin:/bin");
	struct span dir;

	str_sets(path_out, name);
	if (strchr(name, '/') != NULL)
		return true;
	while (span_split(&rest, ':', &dir)) {
		str_clear(path_out);
		str_printf(path_out, "%.*s/%s", SPAN_ARG(dir.len > 0 ? dir
		    : SPAN(".")), name);
		if (access(str_cstr(path_out), X_OK) == 0)
			return true;
	}
	errno = ENOENT;
	return false;
}

/* Its exit status; that of a command that a signal ended is 128 and the
 * signal's number. */
static int
run(char **argv)
{
	extern char **environ;
	struct child_spec spec = { .argv = argv, .envp = environ };
	struct str path = STR_EMPTY, why = STR_EMPTY;
	int status;
	pid_t pid;

	if (!find_program(argv[0], &path))
		return stop("%s: %m", argv[0]);
	spec.path = str_cstr(&path);
	pid = child_start(&spec, &why);
	if (pid < 0)
		return stop("%s", str_cstr(&why));
	str_fini(&path);
	str_fini(&why);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return stop("wait for %s: %m", argv[0]);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
	    : WEXITSTATUS(status);
}

static int
lock_and_run(const char *path, const struct mbox_lock_rules *rules,
    char **command)
{
	struct str lock_path = STR_EMPTY, why = STR_EMPTY;
	int fd = fs_open_append_at(AT_FDCWD, path, 0600, &why);
	int status;

	if (fd < 0)
		return stop("%s", str_cstr(&why));
	str_printf(&lock_path, "%s.lock", path);
	if ((rules->locks & MBOX_LOCK_DOTLOCK) && !mbox_lock_dot(
	    str_cstr(&lock_path), rules, &why)) {
		status = stop("create lock file %s: %m",
		    str_cstr(&lock_path));
	} else {
		status = mbox_lock_fd(fd, rules) ? run(command)
		    : stop("lock %s: held by another process", path);
		if ((rules->locks & MBOX_LOCK_DOTLOCK) && !fs_unlink_at(
		    AT_FDCWD, str_cstr(&lock_path), &why))
			fprintf(stderr, "postlock: warning: %s\n",
			    str_cstr(&why));
	}
	close(fd);
	str_fini(&lock_path);
	str_fini(&why);
	return status;
}

int
main(int argc, char **argv)
{
	const char *dir = NULL, *style = NULL;
	struct mbox_lock_rules rules;
	struct str why = STR_EMPTY;
	int option;

	while ((option = getopt(argc, argv, "+c:l:v")) != -1) {
		if (option == 'c')
			dir = optarg;
		else if (option == 'l')
			style = optarg;
		else if (option == 'v')
			log_verbose++;
		else
			optind = argc;
	}
	if (argc - optind < 2)
		return stop("usage: postlock [-c config_dir] [-l lock_style] "
		    "[-v] folder command...");
	if (!conf_load(dir, &why) || !conf_fill(&commands_params, &why))
		return stop("%s", str_cstr(&why));
	if (style == NULL)
		style = mbox_lock_conf.words;
	if (!mbox_lock_rules_read(style, &rules, &why))
		return stop("mailbox_delivery_lock: %s", str_cstr(&why));
	return lock_and_run(argv[optind], &rules, argv + optind + 1);
}
