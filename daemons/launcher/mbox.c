/*
 * mbox - messages appended to one file, under its locks; a failed append is
 * taken back. "/file" destinations of aliases are written the same way.
 *
 * Deliveries of this process to one file queue up here, so that they do not
 * spend lock attempts on one another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/io/fiber.h"
#include "common/io/fs.h"
#include "daemons/launcher/biff.h"
#include "daemons/launcher/worker.h"

#define MBOX_STYLE (COMMAND_FROM_LINE | COMMAND_QUOTE_FROM | COMMAND_BLANK_END)

struct attempt {
	const struct mailbox_job *job;
	struct arena *arena;
	struct str *why;
	char *path, *lock_path;
	const char *doing;
	bool dotlocked;
	int fd;
};

/* ---- one at a time in this process ---- */

struct turn {
	size_t users;
	struct fiber_queue waiters;
};

static struct hash *turns;

static void
take_turn(struct span path)
{
	struct turn *turn;

	if (turns == NULL)
		turns = hash_new();
	turn = hash_get(turns, path);
	if (turn == NULL) {
		turn = MEM_NEW(struct turn);
		fiber_queue_init(&turn->waiters);
		hash_put(turns, path, turn);
	}
	/* Woken by the one before, who leaves its place to us. */
	if (turn->users++ > 0)
		fiber_queue_wait(&turn->waiters, DEADLINE_NEVER);
}

static void
end_turn(struct span path)
{
	struct turn *turn = hash_get(turns, path);

	if (--turn->users > 0) {
		fiber_queue_wake_one(&turn->waiters);
		return;
	}
	hash_remove(turns, path);
	mem_free(turn);
}

/* ---- locks ---- */

/* Files named by aliases may stand where no lock file can be made. */
static bool
may_go_without(const struct mailbox_job *job)
{
	return job->style == MAILBOX_FILE && (errno == EACCES
	    || errno == EPERM || errno == EROFS);
}

static bool
take_dotlock(struct attempt *a)
{
	if ((a->job->lock.locks & MBOX_LOCK_DOTLOCK) == 0)
		return true;
	a->dotlocked = mbox_lock_dot(a->lock_path, &a->job->lock, a->why);
	return a->dotlocked || may_go_without(a->job);
}

/* ---- the file ---- */

static const char *
objection(const struct mailbox_job *job, const struct stat *st)
{
	if (S_ISCHR(st->st_mode) && job->style == MAILBOX_FILE)
		return NULL;			/* /dev/null */
	if (!S_ISREG(st->st_mode))
		return "not a regular file";
	if (st->st_nlink > 1)
		return "file has more than one name";
	if (job->check_owner && st->st_uid != geteuid()
	    && job->style != MAILBOX_FILE)
		return "file is not owned by recipient";
	return NULL;
}

/* Never waits for the other end of a FIFO or a device. */
static bool
open_mailbox(struct attempt *a, struct mailbox_result *result)
{
	const char *text;
	struct stat st;

	a->fd = fs_open_append_at(AT_FDCWD, a->path, 0600, a->why);
	if (a->fd < 0 || !fs_stat(a->fd, &st, a->why)) {
		result_from_errno(result, a->arena, arena_printf(a->arena,
		    "%s cannot open file", a->doing));
		return false;
	}
	text = objection(a->job, &st);
	if (text == NULL)
		return true;
	result->verdict = MAILBOX_DEFER;
	result->dsn = SPAN("4.2.0");
	result->text = SPAN(arena_printf(a->arena, "%s %s", a->doing, text));
	return false;
}

/* The name of a file that was just made, where it needs a sync of its own. */
static bool
sync_name(struct attempt *a)
{
	/* A directory closed to reading cannot be synced by us. */
	return fs_sync_name_if_needed_wait(AT_FDCWD, a->path, a->why)
	    || errno == EACCES;
}

/* What somebody left without a blank line at its end, torn by a power failure
 * maybe, must not swallow the line that begins our message. */
static bool
begin_new_message(struct attempt *a, off_t end)
{
	char last[2] = "\n\n";
	off_t at = end > 2 ? end - 2 : 0;

	if (end <= 0)
		return true;
	if (!fs_pread_all(a->fd, last, (size_t)(end - at), at, a->why))
		return false;
	if (end == 1)
		last[1] = last[0];
	if (last[1] != '\n')
		return fs_write_all(a->fd, SPAN("\n\n"), a->why);
	return last[0] == '\n' || fs_write_all(a->fd, SPAN("\n"), a->why);
}

static bool
write_message(struct attempt *a, off_t end)
{
	struct stat st;

	if (!begin_new_message(a, end)
	    || !copy_message(a->fd, a->job, MBOX_STYLE, SPAN_NONE, a->why)
	    || !fs_stat(a->fd, &st, a->why))
		return false;
	if (S_ISCHR(st.st_mode))
		return true;
	return fs_sync_wait(a->fd, a->why) && (end > 0 || sync_name(a));
}

static void
append(struct attempt *a, struct mailbox_result *result)
{
	off_t end = lseek(a->fd, 0, SEEK_END);

	if (!copy_fits(a->job, end > 0 ? (uint64_t)end : 0, result, a->arena,
	    a->doing))
		return;
	if (write_message(a, end)) {
		if (a->job->biff && end >= 0)
			biff_notify(a->job->user, (uint64_t)end, BIFF_PORT);
		result->verdict = MAILBOX_DELIVERED;
		result->dsn = SPAN("2.0.0");
		result->text = a->job->style == MAILBOX_FILE
		    ? SPAN(arena_printf(a->arena, "delivered to file: %s",
			a->path))
		    : SPAN("delivered to mailbox");
		return;
	}
	result_from_errno(result, a->arena, arena_printf(a->arena,
	    "%s error writing message", a->doing));
	if (end >= 0)
		fs_truncate(a->fd, end, a->why);
}

static void
lock_and_append(struct attempt *a, struct mailbox_result *result)
{
	if (!take_dotlock(a))
		result_from_errno(result, a->arena, arena_printf(a->arena,
		    "%s unable to create lock file %s", a->doing,
		    a->lock_path));
	else if (!open_mailbox(a, result))
		return;
	else if (!mbox_lock_fd(a->fd, &a->job->lock))
		result_from_errno(result, a->arena, arena_printf(a->arena,
		    "%s unable to lock for exclusive access", a->doing));
	else
		append(a, result);
}

static const char *
what_we_do(const struct mailbox_job *job, struct arena *arena)
{
	if (job->style == MAILBOX_FILE)
		return arena_printf(arena, "cannot append to file %.*s:",
		    SPAN_ARG(job->path));
	if (span_empty(job->user))
		return arena_printf(arena, "cannot update mailbox %.*s:",
		    SPAN_ARG(job->path));
	return arena_printf(arena, "cannot update mailbox %.*s for user "
	    "%.*s.", SPAN_ARG(job->path), SPAN_ARG(job->user));
}

void
mbox_deliver(const struct mailbox_job *job, struct mailbox_result *result,
    struct arena *arena)
{
	char *path = arena_cstr(arena, job->path);
	struct attempt a = { .job = job, .arena = arena,
		.why = str_in_arena(arena), .path = path,
		.lock_path = arena_printf(arena, "%s.lock", path),
		.doing = what_we_do(job, arena), .fd = -1 };

	take_turn(job->path);
	lock_and_append(&a, result);
	if (a.fd >= 0)
		close(a.fd);
	if (a.dotlocked)
		fs_unlink_at(AT_FDCWD, a.lock_path, a.why);
	end_turn(job->path);
}
