/*
 * make_file - the copy in which a table is rewritten.
 *
 * Its name is fixed, so that a crash leaves one stale file, which the next
 * writer takes over; the lock on it keeps two writers apart. The lock is held
 * across the rename: releasing it earlier would let the next writer empty the
 * file that is being published.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/fault.h"
#include "common/io/fs.h"
#include "maps/make_priv.h"

enum { COPY_STEP = 65536, TRIES = 100 };

char *
make_absolute(const char *path)
{
	struct str out = STR_EMPTY;

	if (path[0] != '/') {
		char *cwd = getcwd(NULL, 0);

		str_printf(&out, "%s/", cwd != NULL ? cwd : ".");
		free(cwd);
	}
	str_adds(&out, path);
	return str_release(&out);
}

static bool
say(struct str *why, const char *what, const char *path)
{
	int saved = errno;

	str_printf(why, "%s %s: %s", what, path, strerror(saved));
	errno = saved;
	return false;
}

/* The locked file is still the one with the name. */
static bool
still_named(const struct make_file *f)
{
	struct stat here, there;

	return fstat(f->fd, &here) == 0 &&
	    fstatat(f->dir, f->temp_name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	    here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/* Waits. */
static bool
ofd_lock_wait(int fd, short kind)
{
	struct flock lock = { .l_type = kind, .l_whence = SEEK_SET };
	int result;

	do
		result = fcntl(fd, F_OFD_SETLKW, &lock);
	while (result != 0 && errno == EINTR);
	return result == 0;
}

static bool
open_copy(struct make_file *f, bool ofd_lock, struct str *why)
{
	for (int i = 0; i < TRIES; i++) {
		f->fd = fs_open_at(f->dir, f->temp_name,
		    O_RDWR | O_CREAT | O_NOFOLLOW, why);
		if (f->fd < 0)
			return false;
		if (!(ofd_lock ? ofd_lock_wait(f->fd, F_WRLCK) :
		    fs_flock(f->fd, true, true)))
			return say(why, "lock", f->temp);
		if (still_named(f))
			return fs_truncate(f->fd, 0, why);
		close(f->fd);
		f->fd = -1;
	}
	str_printf(why, "lock %s: it keeps being replaced", f->temp);
	return false;
}

/* A table that is a symbolic link stays one. */
static char *
follow_links(char *path)
{
	struct stat st;
	char *real = lstat(path, &st) == 0 && S_ISLNK(st.st_mode) ?
	    realpath(path, NULL) : NULL;

	if (real == NULL)
		return path;
	mem_free(path);
	path = mem_strdup(real);
	free(real);
	return path;
}

bool
make_file_begin(struct make_file *f, const char *path, const char *suffix,
    bool ofd_lock, struct str *why)
{
	struct str text = STR_EMPTY;

	*f = (struct make_file){ .dir = -1, .fd = -1 };
	str_printf(&text, "%s%s", path, suffix);
	f->path = follow_links(str_release(&text));
	str_printf(&text, "%s.new", f->path);
	f->temp = make_absolute(str_cstr(&text));
	str_fini(&text);
	const char *slash = strrchr(f->path, '/');
	char *dir = slash == NULL ? mem_strdup(".") : mem_strndup(f->path,
	    slash == f->path ? 1 : (size_t)(slash - f->path));

	f->name = slash == NULL ? f->path : slash + 1;
	f->temp_name = strrchr(f->temp, '/') + 1;
	f->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = f->dir >= 0 || say(why, "open directory", dir);

	mem_free(dir);
	ok = ok && open_copy(f, ofd_lock, why);
	if (!ok)
		make_file_end(f);
	return ok;
}

static bool
copy_bytes(struct make_file *f, int from, struct str *why)
{
	char *buf = mem_alloc(COPY_STEP);
	ssize_t n;
	off_t at = 0;
	bool ok = true;

	while (ok && (n = fs_pread(from, buf, COPY_STEP, at)) > 0) {
		ok = fs_pwrite_all(f->fd, span_of(buf, (size_t)n), at, why);
		at += n;
	}
	mem_free(buf);
	return ok && (n == 0 || say(why, "read", f->path));
}

bool
make_file_copy_present(struct make_file *f, bool ofd_lock, struct str *why)
{
	int from = openat(f->dir, f->name, O_RDONLY | O_CLOEXEC);

	if (from < 0)
		return say(why, "open database", f->path);
	bool ok = (ofd_lock ? ofd_lock_wait(from, F_RDLCK) :
	    fs_flock(from, false, true)) || say(why, "lock", f->path);

	ok = ok && copy_bytes(f, from, why);
	close(from);
	return ok;
}

/* The new file looks like the one it replaces. */
static bool
take_over_mode(struct make_file *f, mode_t mode, struct str *why)
{
	struct stat old, own;

	if (fstatat(f->dir, f->name, &old, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(old.st_mode))
		return fs_chmod(f->fd, mode, why);
	if (fstat(f->fd, &own) == 0 &&
	    (own.st_uid != old.st_uid || own.st_gid != old.st_gid) &&
	    fchown(f->fd, old.st_uid, old.st_gid) != 0 &&
	    fchown(f->fd, (uid_t)-1, old.st_gid) != 0)
		return fs_chmod(f->fd, mode, why);
	return fs_chmod(f->fd, old.st_mode & 07777, why);
}

bool
make_file_publish(struct make_file *f, mode_t mode, struct str *why)
{
	if (!still_named(f)) {
		str_printf(why, "%s was replaced while it was written",
		    f->temp);
		return false;
	}
	f->published = take_over_mode(f, mode, why) &&
	    fs_sync_wait(f->fd, why) &&
	    fs_rename_at(f->dir, f->temp_name, f->dir, f->name, why);
	return f->published && fs_sync_dir_if_needed_wait(f->dir, why);
}

void
make_file_end(struct make_file *f)
{
	if (f->fd >= 0 && !f->published && still_named(f))
		(void)fs_unlink_at(f->dir, f->temp_name, NULL);
	if (f->fd >= 0)
		close(f->fd);
	if (f->dir >= 0)
		close(f->dir);
	mem_free(f->path);
	mem_free(f->temp);
	*f = (struct make_file){ .dir = -1, .fd = -1 };
}
