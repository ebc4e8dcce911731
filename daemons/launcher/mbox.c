/*
 * mbox - messages appended to one file, under its locks; a failed append is
 * taken back. "/file" destinations of aliases are written the same way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/io/fiber.h"
#include "common/io/fs.h"
#include "daemons/launcher/worker.h"

static bool
wait_between(const struct mailbox_job *job)
{
	uint64_t seconds = job->lock_delay > 0 ? job->lock_delay : 1;

	return fiber_sleep(deadline_in((int64_t)seconds)) == IO_TIMEOUT;
}

/* path.lock by O_EXCL; one that is stale is taken away. */
static bool
take_dotlock(const struct mailbox_job *job, const char *lock_path,
    struct str *why)
{
	for (uint64_t i = 0; i < job->lock_attempts || i == 0; i++) {
		int fd = fs_create_at(AT_FDCWD, lock_path, 0600, why);
		struct stat st;

		if (fd >= 0) {
			close(fd);
			return true;
		}
		if (errno != EEXIST)
			return false;
		if (stat(lock_path, &st) == 0 && clock_wall()
		    - st.st_mtime > (time_t)job->stale_lock_time)
			fs_unlink_at(AT_FDCWD, lock_path, why);
		else if (!wait_between(job))
			break;
	}
	errno = EAGAIN;
	return false;
}

static bool
take_kernel_lock(const struct mailbox_job *job, int fd)
{
	for (uint64_t i = 0; i < job->lock_attempts || i == 0; i++) {
		bool locked = true;

		if (job->locks & MAILBOX_LOCK_FCNTL)
			locked = fs_ofd_lock(fd, true);
		if (locked && (job->locks & MAILBOX_LOCK_FLOCK))
			locked = fs_flock(fd, true, false);
		if (locked)
			return true;
		if (!wait_between(job))
			break;
	}
	errno = EAGAIN;
	return false;
}

static int
open_mailbox(const struct mailbox_job *job, const char *path)
{
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW
	    | O_CLOEXEC | O_NONBLOCK, 0600);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0) {
		bool special = S_ISCHR(st.st_mode);	/* /dev/null */

		if (!S_ISREG(st.st_mode) && !special) {
			errno = EINVAL;
		} else if (st.st_nlink > 1 && !special) {
			errno = EMLINK;
		} else if (job->check_owner && st.st_uid != geteuid()
		    && job->style != MAILBOX_FILE) {
			errno = EPERM;
		} else {
			return fd;
		}
	}
	close(fd);
	return -1;
}

static bool
append(const struct mailbox_job *job, int fd, struct mailbox_result *result,
    struct arena *arena, struct str *why)
{
	off_t end = lseek(fd, 0, SEEK_END);
	struct stat st;
	int error;

	if (job->size_limit > 0 && end >= 0 && (uint64_t)end
	    + job->content_length + job->head.len > job->size_limit) {
		result->verdict = MAILBOX_BOUNCE;
		result->dsn = SPAN("5.2.2");
		result->text = SPAN("mailbox size limit exceeded");
		return true;
	}
	if (copy_message(fd, job, true, why)
	    && ((fstat(fd, &st) == 0 && S_ISCHR(st.st_mode))
	    || fs_sync_wait(fd, why))) {
		result->verdict = MAILBOX_DELIVERED;
		result->dsn = SPAN("2.0.0");
		result->text = job->style == MAILBOX_FILE
		    ? SPAN(arena_printf(arena, "delivered to file: %.*s",
			SPAN_ARG(job->path)))
		    : SPAN("delivered to mailbox");
		return true;
	}
	error = errno;
	if (end >= 0)
		fs_truncate(fd, end, why);
	errno = error;
	return false;
}

void
mbox_deliver(const struct mailbox_job *job, struct mailbox_result *result,
    struct arena *arena)
{
	struct str *why = str_in_arena(arena);
	char *path = arena_cstr(arena, job->path);
	char *lock_path = arena_printf(arena, "%s.lock", path);
	const char *doing = arena_printf(arena,
	    "cannot update mailbox %s", path);
	bool dotlocked = (job->locks & MAILBOX_LOCK_DOTLOCK) != 0
	    && job->style != MAILBOX_FILE;
	int fd = -1;

	if (dotlocked && !take_dotlock(job, lock_path, why)) {
		result_from_errno(result, arena, doing);
		return;
	}
	fd = open_mailbox(job, path);
	if (fd < 0 || !take_kernel_lock(job, fd)
	    || !append(job, fd, result, arena, why))
		result_from_errno(result, arena, doing);
	if (fd >= 0)
		close(fd);
	if (dotlocked)
		fs_unlink_at(AT_FDCWD, lock_path, why);
}
