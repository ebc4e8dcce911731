/*
 * children - see the header. No threads here: this process forks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/launcher/children.h"

#include <paths.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/child.h"
#include "common/io/signal_io.h"

enum { LOOK_MS = 1000, GRACE_MS = 5000 };

static struct list all_running = LIST_HEAD(all_running);
static pid_t launcher_pid;

static void
reap(int signo)
{
	int status;
	pid_t pid;

	(void)signo;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		LIST_EACH(item, &all_running) {
			struct running *r = LIST_ITEM(item, struct running,
			    link);

			if (r->pid != pid)
				continue;
			r->ended = true;
			r->status = status;
			fiber_queue_wake_all(&r->waits);
		}
}

/* Our agent has ended, or another of its kind has: its launcher ends then. */
static bool
nobody_asks(void)
{
	return getppid() != launcher_pid;
}

bool
children_wait(struct running *r, int64_t seconds)
{
	struct deadline end = deadline_in(seconds);
	bool in_time = true, told = false;

	while (!r->ended) {
		struct deadline look = deadline_in_ms(told ? GRACE_MS
		    : LOOK_MS);

		(void)fiber_queue_wait(&r->waits, deadline_passed(end) || told
		    ? look : deadline_earlier(end, look));
		if (r->ended)
			break;
		if (told || deadline_passed(end)) {
			in_time = in_time && !deadline_passed(end);
			kill(-r->pid, SIGKILL);
		} else if (nobody_asks()) {
			kill(-r->pid, SIGTERM);
			told = true;
		}
	}
	list_remove(&r->link);
	return in_time;
}

void
children_words(struct span text, struct strlist *out)
{
	while (text.len > 0) {
		ssize_t nul = span_find(text, '\0');
		size_t n = nul < 0 ? text.len : (size_t)nul;

		strlist_add(out, span_sub(text, 0, n));
		text = span_skip(text, n + 1);
	}
}

/* A name without a slash is one of the usual places; itself, if it is not there. */
static void
find_program(const char *name, struct str *path)
{
	struct span places = SPAN(_PATH_DEFPATH), place;

	while (strchr(name, '/') == NULL && places.p != NULL
	    && span_split(&places, ':', &place)) {
		str_printf(path, "%.*s/%s", SPAN_ARG(place), name);
		if (access(str_cstr(path), X_OK) == 0)
			return;
	}
	str_sets(path, name);
}

bool
children_start(struct running *r, const struct program *program,
    struct str *why)
{
	struct strlist variables = STRLIST_EMPTY;
	struct str path = STR_EMPTY;
	const struct child_fd fds[] = { { program->in, STDIN_FILENO },
		{ program->out, STDOUT_FILENO },
		{ program->err, STDERR_FILENO } };
	char *none[] = { NULL };
	struct child_spec spec = { .fds = fds, .nfds = ARRAY_COUNT(fds),
		.argv = program->words.items, .envp = none,
		.chdir_to = program->directory, .guarded = true,
		.not_started = EX_TEMPFAIL };

	*r = (struct running){ .pid = -1 };
	fiber_queue_init(&r->waits);
	if (program->words.count == 0) {
		str_sets(why, "empty command");
		return false;
	}
	children_words(program->environment, &variables);
	if (variables.count > 0)
		spec.envp = variables.items;
	find_program(program->words.items[0], &path);
	spec.path = str_cstr(&path);
	r->pid = child_start(&spec, why);
	strlist_fini(&variables);
	str_fini(&path);
	if (r->pid < 0)
		return false;
	list_append(&all_running, &r->link);
	return true;
}

void
children_setup(void)
{
	launcher_pid = getppid();
	signal_on(SIGCHLD, reap);
}
