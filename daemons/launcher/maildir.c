/*
 * maildir - a file of its own for each message: written in tmp, synced, moved
 * to new, and new synced; only then is it delivered.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/io/fs.h"
#include "daemons/launcher/worker.h"

static bool
sync_directory(int at, const char *path, struct str *why)
{
	int dir = fs_open_at(at, path, O_RDONLY | O_DIRECTORY, why);
	bool ok = dir >= 0 && fs_sync_dir_wait(dir, why);
	int error = errno;

	if (dir >= 0)
		close(dir);
	errno = error;
	return ok;
}

/* A directory, durably; the one it is made in may be closed to reading. */
static bool
make_directory(const char *path, struct str *why)
{
	char *slash = strrchr(path, '/');
	char kept = slash[1];
	bool ok;

	if (!fs_mkdir_at(AT_FDCWD, path, 0700, why))
		return errno == EEXIST;
	slash[1] = '\0';
	ok = sync_directory(AT_FDCWD, path, why) || errno == EACCES;
	slash[1] = kept;
	return ok;
}

/* Makes a directory and the missing ones above it. */
static bool
make_path(const char *path, struct str *why)
{
	struct str part = STR_EMPTY;
	bool ok = true;
	int error;

	str_sets(&part, path);
	while (str_len(&part) > 1 && part.buf[str_len(&part) - 1] == '/')
		str_truncate(&part, str_len(&part) - 1);
	for (size_t i = 1; ok && i <= str_len(&part); i++) {
		char kept = part.buf[i];

		if (kept != '/' && kept != '\0')
			continue;
		part.buf[i] = '\0';
		ok = make_directory(part.buf, why);
		part.buf[i] = kept;
	}
	error = errno;
	str_fini(&part);
	errno = error;
	return ok;
}

static int
open_maildir(const char *path, struct str *why)
{
	static const char *const parts[] = { "tmp", "new", "cur" };
	int dir = fs_open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, why);
	bool made = false, ok = true;
	int error;

	if (dir < 0 && errno == ENOENT && make_path(path, why))
		dir = fs_open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, why);
	if (dir < 0)
		return -1;
	for (size_t i = 0; ok && i < 3; i++)
		switch (fs_look_at(dir, parts[i], why)) {
		case FS_PRESENT:
			break;
		case FS_ABSENT:
			made = true;
			ok = fs_mkdir_at(dir, parts[i], 0700, why)
			    || errno == EEXIST;
			break;
		case FS_UNKNOWN:
			ok = false;
			break;
		}
	if (ok && (!made || fs_sync_dir_wait(dir, why)))
		return dir;
	error = errno;
	close(dir);
	errno = error;
	return -1;
}

static char *
host_for_names(const struct mailbox_job *job, struct arena *arena)
{
	char *host = arena_cstr(arena, job->host);

	for (char *p = host; *p != '\0'; p++)
		if (*p == '/' || *p == ':')
			*p = '_';
	return host;
}

/* The message into tmp; the descriptor and its name there. */
static int
write_tmp(int dir, const struct mailbox_job *job, struct arena *arena,
    char **name_out, struct str *why)
{
	static unsigned counter;
	int64_t now = clock_wall_us();
	int fd;

	*name_out = arena_printf(arena, "tmp/%lld.P%ldQ%u.%s",
	    (long long)(now / 1000000), (long)getpid(), ++counter,
	    host_for_names(job, arena));
	fd = fs_create_at(dir, *name_out, 0600, why);
	if (fd < 0)
		return -1;
	if (copy_message(fd, job, 0, SPAN_NONE, why) && fs_sync_wait(fd, why))
		return fd;

	int error = errno;
	struct str ignored = STR_EMPTY;

	fs_unlink_at(dir, *name_out, &ignored);
	str_fini(&ignored);
	close(fd);
	errno = error;
	return -1;
}

static bool
move_to_new(int dir, int fd, const char *tmp_name,
    const struct mailbox_job *job, struct arena *arena, struct str *why)
{
	int64_t now = clock_wall_us();
	struct stat st;
	char *name;
	int error;

	if (!fs_stat(fd, &st, why))
		return false;
	name = arena_printf(arena, "new/%lld.V%lxI%lxM%lld.%s",
	    (long long)(now / 1000000), (unsigned long)st.st_dev,
	    (unsigned long)st.st_ino, (long long)(now % 1000000),
	    host_for_names(job, arena));
	if (!fs_rename_at(dir, tmp_name, dir, name, why))
		return false;
	if (sync_directory(dir, "new", why))
		return true;
	/* It comes again; one that is seen already comes twice. */
	error = errno;
	fs_unlink_at(dir, name, why);
	errno = error;
	return false;
}

static void
write_message(int dir, const struct mailbox_job *job, const char *doing,
    struct mailbox_result *result, struct arena *arena, struct str *why)
{
	char *tmp_name;
	int fd = write_tmp(dir, job, arena, &tmp_name, why);

	if (fd >= 0 && move_to_new(dir, fd, tmp_name, job, arena, why)) {
		result->verdict = MAILBOX_DELIVERED;
		result->dsn = SPAN("2.0.0");
		result->text = SPAN("delivered to maildir");
	} else {
		result_from_errno(result, arena, arena_printf(arena,
		    "%s error writing message", doing));
		if (fd >= 0)
			fs_unlink_at(dir, tmp_name, why);
	}
	if (fd >= 0)
		close(fd);
}

void
maildir_deliver(const struct mailbox_job *job, struct mailbox_result *result,
    struct arena *arena)
{
	static const char doing[] = "maildir delivery failed:";
	struct str *why = str_in_arena(arena);
	char *path = arena_cstr(arena, job->path);
	int dir;

	if (!copy_fits(job, 0, result, arena, doing))
		return;
	dir = open_maildir(path, why);
	if (dir < 0) {
		result_from_errno(result, arena, arena_printf(arena,
		    "%s cannot open or create %s", doing, path));
		return;
	}
	write_message(dir, job, doing, result, arena, why);
	close(dir);
}
