/*
 * jobs - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/daemons/launcher/jobs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/io/loop.h"
#include "daemons/shared/mbox_lock.h"

struct mailbox_result jobs_result;
static struct arena *arena;
static void (*running)(void);

static void
call(void *arg)
{
	(void)arg;
	running();
}

void
jobs_run(void (*fn)(void))
{
	umask(077);
	arena = arena_new();
	loop_start();
	running = fn;
	fiber_run_main(call, NULL);
	arena_free(&arena);
}

const char *
jobs_path(const char *name)
{
	return arena_printf(arena, "%s/%s", t_tmpdir(), name);
}

struct mailbox_job
jobs_make(enum mailbox_style style, const char *name, const char *content)
{
	static const char before[] = "envelope";
	const char *queue_file = jobs_path("queue-file");
	int fd = open(queue_file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);

	T_NEED(fd >= 0);
	T_NEED(write(fd, before, 8) == 8);
	T_NEED(write(fd, content, strlen(content))
	    == (ssize_t)strlen(content));
	unlink(queue_file);
	return (struct mailbox_job){ .style = style,
		.path = SPAN(jobs_path(name)),
		.head = SPAN("Delivered-To: u@example.com\n"),
		.sender = SPAN("s@example.com"), .content_offset = 8,
		.content_length = strlen(content), .lock = { .attempts = 5, .delay = 1, .stale_time = 500,
		    .locks = MBOX_LOCK_FCNTL | MBOX_LOCK_DOTLOCK },
		.check_owner = true, .host = SPAN("mx.example.com"),
		.fd = fd };
}

const char *
jobs_do(const struct mailbox_job *job)
{
	static const char *const words[] = {
		[MAILBOX_DELIVERED] = "delivered", [MAILBOX_DEFER] = "defer",
		[MAILBOX_BOUNCE] = "bounce" };

	jobs_result = (struct mailbox_result){ .verdict = 99 };
	if (job->style == MAILBOX_MAILDIR)
		maildir_deliver(job, &jobs_result, arena);
	else
		mbox_deliver(job, &jobs_result, arena);
	T_NEED(jobs_result.verdict <= MAILBOX_BOUNCE);
	T_EQ_INT(jobs_result.dsn.p[0], "245"[jobs_result.verdict]);
	return words[jobs_result.verdict];
}

const char *
jobs_text(void)
{
	return arena_cstr(arena, jobs_result.text);
}

/* Without fs.h: no fault points here. */
const char *
jobs_file(const char *name)
{
	struct str *text = str_in_arena(arena);
	FILE *f = fopen(jobs_path(name), "r");
	char *room;
	size_t n;

	if (f == NULL)
		return "absent";
	do {
		room = str_reserve(text, 4096);
		n = fread(room, 1, 4096, f);
		str_advance(text, n);
	} while (n > 0);
	fclose(f);
	return str_cstr(text);
}

size_t
jobs_count(const char *name, char *first_out)
{
	DIR *dir = opendir(jobs_path(name));
	struct dirent *e;
	size_t n = 0;

	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.' && n++ == 0 && first_out != NULL)
			snprintf(first_out, 600, "%s/%.256s", name,
			    e->d_name);
	if (dir != NULL)
		closedir(dir);
	return n;
}
