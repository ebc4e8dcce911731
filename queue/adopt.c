/*
 * adopt - see the header.
 *
 * The new file is made beside the old one, synced, and renamed over it. Its
 * logs come first: they mean the same to both. What a crash leaves is a name
 * that no scan takes for a message's, and goes with the next attempt.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/fs.h"
#include "queue/postfix_file.h"

#define LOG_MOST (64 * 1024 * 1024)

struct adoption {
	int queue_dir;
	struct str path;		/* of the old file, and the new one */
	struct str aside;		/* of the new one before */
	int fd;				/* the old one */
	struct stat st;
	struct str *why;
};

static enum queue_result
result_of_errno(void)
{
	return errno == ENOENT ? QUEUE_GONE
	    : errno == ENOSPC || errno == EDQUOT ? QUEUE_NOSPACE
	    : QUEUE_IO_ERROR;
}

static bool
open_old(struct adoption *a)
{
	a->fd = fs_open_at(a->queue_dir, str_cstr(&a->path),
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK, a->why);
	return a->fd >= 0;
}

/* Made anew, whatever an earlier attempt left. -1 with errno. */
static int
make_aside(struct adoption *a)
{
	size_t slash = (size_t)span_rfind(str_span(&a->path), '/');
	int fd;

	str_printf(&a->aside, "%.*s/adopt.%s", (int)slash,
	    str_cstr(&a->path), str_cstr(&a->path) + slash + 1);
	fd = fs_create_at(a->queue_dir, str_cstr(&a->aside), 0600, a->why);
	if (fd < 0 && errno == EEXIST && fs_unlink_at(a->queue_dir,
	    str_cstr(&a->aside), a->why))
		fd = fs_create_at(a->queue_dir, str_cstr(&a->aside), 0600,
		    a->why);
	return fd;
}

static bool
sync_directory(struct adoption *a)
{
	size_t slash = (size_t)span_rfind(str_span(&a->path), '/');
	struct str name = STR_EMPTY;
	int fd;
	bool ok;

	str_set(&name, span_sub(str_span(&a->path), 0, slash));
	fd = fs_open_at(a->queue_dir, str_cstr(&name),
	    O_RDONLY | O_DIRECTORY, a->why);
	ok = fd >= 0 && fs_sync_dir_wait(fd, a->why);
	if (fd >= 0)
		close(fd);
	str_fini(&name);
	return ok;
}

/* What is in fd takes the place of the old file. Closes it. */
static bool
replace(struct adoption *a, int fd)
{
	bool root = geteuid() == 0;
	bool ok = fs_own(fd, a->st.st_mode & 07777,
	    root ? a->st.st_uid : (uid_t)-1, root ? a->st.st_gid : (gid_t)-1,
	    a->why)
	    && fs_set_mtime(fd, a->st.st_mtime, a->why)
	    && fs_sync_wait(fd, a->why)
	    && fs_rename_at(a->queue_dir, str_cstr(&a->aside), a->queue_dir,
	    str_cstr(&a->path), a->why);
	int error = errno;

	close(fd);
	if (!ok)
		fs_unlink_at(a->queue_dir, str_cstr(&a->aside), NULL);
	errno = error;
	return ok && sync_directory(a);
}

static bool
replace_log(struct adoption *a, struct span text)
{
	struct str entries = STR_EMPTY;
	int fd = make_aside(a);
	bool ok = fd >= 0;

	postfix_log_translate(text, (int64_t)a->st.st_mtime * 1000000,
	    &entries);
	if (ok && !fs_write_all(fd, str_span(&entries), a->why)) {
		int error = errno;

		close(fd);
		fs_unlink_at(a->queue_dir, str_cstr(&a->aside), NULL);
		errno = error;
		ok = false;
	}
	str_fini(&entries);
	return ok && replace(a, fd);
}

static bool
adopt_log(int queue_dir, enum queue_name kind, struct span id,
    struct str *why)
{
	struct adoption a = { .queue_dir = queue_dir, .why = why };
	struct str text = STR_EMPTY;
	bool ok;

	queue_path(kind, id, &a.path);
	if (!open_old(&a)) {
		ok = errno == ENOENT;
	} else {
		ok = fs_stat(a.fd, &a.st, why)
		    && fs_read_file_at(queue_dir, str_cstr(&a.path), LOG_MOST,
		    &text, why);
		if (ok && postfix_log_is(str_span(&text)))
			ok = replace_log(&a, str_span(&text));
		close(a.fd);
	}
	str_fini(&text);
	str_fini(&a.path);
	str_fini(&a.aside);
	return ok;
}

static bool
adopt_logs(struct adoption *a, struct span id)
{
	static const enum queue_name kinds[] = { QUEUE_BOUNCE, QUEUE_DEFER,
		QUEUE_TRACE };

	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
		if (!adopt_log(a->queue_dir, kinds[i], id, a->why))
			return false;
	return true;
}

/* Two may find the same file: the later one is told to look again. */
static bool
still_there(struct adoption *a)
{
	struct stat now;

	return fs_stat_at(a->queue_dir, str_cstr(&a->path), &now, a->why)
	    && now.st_dev == a->st.st_dev && now.st_ino == a->st.st_ino;
}

static enum queue_result
adopt_message(struct adoption *a, struct span id)
{
	enum queue_result result;
	int fd;

	if (!fs_flock(a->fd, true, false) || !still_there(a)) {
		str_sets(a->why, "in use");
		return QUEUE_BUSY;
	}
	if (!(a->st.st_mode & S_IXUSR)) {
		str_sets(a->why, "no end of message");
		return QUEUE_INCOMPLETE;
	}
	if (!adopt_logs(a, id))
		return result_of_errno();
	fd = make_aside(a);
	if (fd < 0)
		return result_of_errno();
	result = postfix_file_translate(a->fd, (uint64_t)a->st.st_size, fd,
	    a->why);
	if (result == QUEUE_OK)
		return replace(a, fd) ? QUEUE_OK : result_of_errno();
	close(fd);
	fs_unlink_at(a->queue_dir, str_cstr(&a->aside), NULL);
	return result == QUEUE_INCOMPLETE ? QUEUE_DAMAGED : result;
}

static enum queue_result
adopt_if_postfix(struct adoption *a, struct span id, bool *adopted_out)
{
	char first[POSTFIX_FIRST_BYTES];
	ssize_t n;
	enum queue_result result;

	if (!fs_stat(a->fd, &a->st, a->why))
		return QUEUE_IO_ERROR;
	if (!S_ISREG(a->st.st_mode))
		return QUEUE_OK;
	n = fs_pread(a->fd, first, sizeof(first), 0);
	if (n < 0)
		return QUEUE_IO_ERROR;
	if (!postfix_file_is(span_of(first, (size_t)n)))
		return QUEUE_OK;
	result = adopt_message(a, id);
	*adopted_out = result == QUEUE_OK;
	return result;
}

enum queue_result
queue_adopt(int queue_dir, enum queue_name where, struct span id,
    bool *adopted_out, struct str *why)
{
	struct adoption a = { .queue_dir = queue_dir, .why = why };
	enum queue_result result;

	*adopted_out = false;
	queue_path(where, id, &a.path);
	if (!open_old(&a) && errno == ENOENT) {		/* it may lie flat */
		str_printf(&a.path, "%s/%.*s", queue_name_text(where),
		    SPAN_ARG(id));
		open_old(&a);
	}
	if (a.fd >= 0) {
		result = adopt_if_postfix(&a, id, adopted_out);
		close(a.fd);
	} else {
		result = result_of_errno();
	}
	str_fini(&a.path);
	str_fini(&a.aside);
	return result;
}
