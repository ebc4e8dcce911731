/*
 * fs - the door to the disk.
 *
 * Reasons name the path; where only a descriptor is known, the kernel is asked
 * what it was opened as. A recorder (fault builds) hears of each change after
 * it was made, which is what a crash test replays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/io/fault.h"
#include "common/io/fs.h"
#include "common/io/offload.h"
#include "common/io/record.h"

#ifdef FAULTS

static fs_recorder_fn *recorder;
static pthread_mutex_t recording = PTHREAD_MUTEX_INITIALIZER;

void
fs_set_recorder(fs_recorder_fn *fn)
{
	recorder = fn;
}

static void
tell(const struct fs_change *change)
{
	if (recorder == NULL)		/* also what a recorder does itself */
		return;
	pthread_mutex_lock(&recording);
	if (recorder != NULL)
		recorder(change);
	pthread_mutex_unlock(&recording);
}

static void
note(enum record_op op, const struct fs_change *c)
{
	struct record_entry entry = { .op = op, .mode = c->mode, .at = c->at };
	const char *name = c->name, *to = c->to;

	if (name != NULL)
		name = record_dir(c->dir, name, &entry.dir, &entry.dev);
	if (to != NULL)
		to = record_dir(c->to_dir, to, &entry.to_dir, &entry.dev);
	if (c->fd >= 0)
		record_fd(c->fd, &entry);
	if (op == RECORD_WRITE && c->at < 0)	/* where it ended, appended or not */
		entry.at = lseek(c->fd, 0, SEEK_CUR) - (off_t)c->bytes.len;
	if (op == RECORD_MKDIR)
		record_child(c->dir, c->name, &entry);
	record_note(entry, name, to, c->bytes);
}

static void
change_ends(bool changed, enum record_op op, const struct fs_change *c)
{
	if (changed)
		note(op, c);
	record_release();
	if (changed)
		tell(c);
}

#define TELL(...) tell(&(struct fs_change){ __VA_ARGS__ })
#define CHANGE_BEGINS() record_hold()
#define CHANGES_END() record_release()
/* One of several made by one call. */
#define CHANGE(kind, ...) \
	do { \
		note(kind, &(struct fs_change){ __VA_ARGS__ }); \
		tell(&(struct fs_change){ __VA_ARGS__ }); \
	} while (0)
#define CHANGE_ENDS(changed, kind, ...) \
	change_ends(changed, kind, &(struct fs_change){ __VA_ARGS__ })
#define SYNC_BEGINS(fd, kind) record_sync_begins(fd, kind)
#define SYNC_ENDED(ok, fd, kind, number) record_sync_ended(ok, fd, kind, number)
#define PRETENDED(keeps_names) record_pretends(keeps_names)
#else
#define PRETENDED(keeps_names) (keeps_names)
#define TELL(...) (void)0
#define SYNC_BEGINS(fd, kind) 0
#define SYNC_ENDED(ok, fd, kind, number) (void)(number)
#define CHANGE_BEGINS() (void)0
#define CHANGES_END() (void)0
#define CHANGE(kind, ...) (void)0
#define CHANGE_ENDS(changed, kind, ...) (void)0
#endif

static bool
fail_name(struct str *why, const char *what, const char *name)
{
	int saved = errno;

	if (why != NULL)
		str_printf(why, "%s %s: %s", what, name, strerror(saved));
	errno = saved;
	return false;
}

static bool
fail_fd(struct str *why, const char *what, int fd)
{
	char link[32], name[256];
	int saved = errno;

	if (why == NULL)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, name, sizeof(name) - 1);

	if (n > 0)
		name[n] = '\0';
	else
		snprintf(name, sizeof(name), "descriptor %d", fd);
	errno = saved;
	return fail_name(why, what, name);
}

static bool
fail_two(struct str *why, const char *what, const char *from, const char *to)
{
	int saved = errno;

	if (why != NULL)
		str_printf(why, "%s %s to %s: %s", what, from, to,
		    strerror(saved));
	errno = saved;
	return false;
}

int
fs_create_at(int dirfd, const char *name, mode_t mode, struct str *why)
{
	int fd = -1;

	CHANGE_BEGINS();
	if (!FAULT("fs.create"))
		fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL |
		    O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, mode);
	CHANGE_ENDS(fd >= 0, RECORD_CREATE, .op = "create", .dir = dirfd,
	    .name = name, .fd = fd, .mode = mode);
	if (fd < 0)
		fail_name(why, "create", name);
	return fd;
}

int
fs_open_at(int dirfd, const char *name, int flags, struct str *why)
{
	int fd = -1;

	if (!FAULT("fs.open"))
		fd = openat(dirfd, name, flags | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0)
		fail_name(why, "open", name);
	else
		TELL(.op = "open", .dir = dirfd, .name = name, .fd = fd);
	return fd;
}

int
fs_memory_file(const char *what, struct str *why)
{
	int fd = FAULT("fs.create") ? -1 : memfd_create(what, MFD_CLOEXEC);

	if (fd < 0)
		fail_name(why, "create in memory", what);
	return fd;
}

int
fs_open_append_at(int dirfd, const char *name, mode_t mode, struct str *why)
{
	const int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK
	    | O_CLOEXEC | O_NOCTTY;
	int fd = -1;

	/* Asked for and made in two steps, since one would not tell which. */
	for (int attempt = 0; attempt < 3; attempt++) {
		if (!FAULT("fs.open"))
			fd = openat(dirfd, name, flags, 0);
		if (fd >= 0 || errno != ENOENT)
			break;
		CHANGE_BEGINS();
		if (!FAULT("fs.create"))
			fd = openat(dirfd, name, flags | O_CREAT | O_EXCL,
			    mode);
		CHANGE_ENDS(fd >= 0, RECORD_CREATE, .op = "create",
		    .dir = dirfd, .name = name, .fd = fd, .mode = mode);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	if (fd < 0)
		fail_name(why, "open", name);
	return fd;
}

bool
fs_write_all(int fd, struct span bytes, struct str *why)
{
	bool failed = FAULT("fs.write");
	size_t done = 0;

	CHANGE_BEGINS();
	while (!failed && done < bytes.len) {
		ssize_t n = write(fd, bytes.p + done, bytes.len - done);

		failed = n < 0 && errno != EINTR;
		done += n > 0 ? (size_t)n : 0;
	}
	CHANGE_ENDS(done > 0, RECORD_WRITE, .op = "write", .fd = fd, .at = -1,
	    .bytes = span_sub(bytes, 0, done));
	return failed ? fail_fd(why, "write", fd) : true;
}

bool
fs_pwrite_all(int fd, struct span bytes, off_t at, struct str *why)
{
	bool failed = FAULT("fs.pwrite");
	size_t done = 0;

	CHANGE_BEGINS();
	while (!failed && done < bytes.len) {
		ssize_t n = pwrite(fd, bytes.p + done, bytes.len - done,
		    at + (off_t)done);

		failed = n < 0 && errno != EINTR;
		done += n > 0 ? (size_t)n : 0;
	}
	CHANGE_ENDS(done > 0, RECORD_WRITE, .op = "pwrite", .fd = fd,
	    .at = at, .bytes = span_sub(bytes, 0, done));
	return failed ? fail_fd(why, "write", fd) : true;
}

/* n bytes from the front of the list were written. */
static void
written(int fd, struct iovec **iov, size_t *count, off_t at, size_t n)
{
	(void)fd;			/* both are for the record alone */
	(void)at;
	while (n > 0) {
		size_t some = n < (*iov)->iov_len ? n : (*iov)->iov_len;

		CHANGE(RECORD_WRITE, .op = "pwrite", .fd = fd, .at = at,
		    .bytes = span_of((*iov)->iov_base, some));
		(*iov)->iov_base = (char *)(*iov)->iov_base + some;
		(*iov)->iov_len -= some;
		at += (off_t)some;
		n -= some;
		if ((*iov)->iov_len == 0) {
			(*iov)++;
			(*count)--;
		}
	}
	(void)at;			/* only the recorder asks for it */
}

bool
fs_pwritev_all(int fd, struct iovec *iov, size_t count, off_t at,
    struct str *why)
{
	while (count > 0) {
		ssize_t n = -1;

		CHANGE_BEGINS();
		if (!FAULT("fs.pwritev"))
			n = pwritev(fd, iov, (int)(count < IOV_MAX ? count
			    : IOV_MAX), at);
		if (n > 0)
			written(fd, &iov, &count, at, (size_t)n);
		CHANGES_END();
		if (n < 0 && errno != EINTR)
			return fail_fd(why, "write", fd);
		at += n > 0 ? n : 0;
	}
	return true;
}

ssize_t
fs_pread(int fd, void *buf, size_t len, off_t at)
{
	ssize_t n;

	if (FAULT("fs.read"))
		return -1;
	do
		n = pread(fd, buf, len, at);
	while (n < 0 && errno == EINTR);
	return n;
}

bool
fs_pread_all(int fd, void *buf, size_t len, off_t at, struct str *why)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = fs_pread(fd, (char *)buf + done, len - done,
		    at + (off_t)done);

		if (n == 0)
			errno = ENODATA;
		if (n <= 0)
			return fail_fd(why, "read", fd);
		done += (size_t)n;
	}
	return true;
}

bool
fs_chmod(int fd, mode_t mode, struct str *why)
{
	bool ok;

	CHANGE_BEGINS();
	ok = !FAULT("fs.chmod") && fchmod(fd, mode) == 0;
	CHANGE_ENDS(ok, RECORD_CHMOD, .op = "chmod", .fd = fd, .mode = mode);
	return ok || fail_fd(why, "chmod", fd);
}

bool
fs_rename_at(int from_dir, const char *from, int to_dir, const char *to,
    struct str *why)
{
	bool ok;

	CHANGE_BEGINS();
	ok = !FAULT("fs.rename") && renameat(from_dir, from, to_dir, to) == 0;
	CHANGE_ENDS(ok, RECORD_RENAME, .op = "rename", .dir = from_dir,
	    .name = from, .to_dir = to_dir, .to = to, .fd = -1);
	return ok || fail_two(why, "rename", from, to);
}

bool
fs_link_at(int from_dir, const char *from, int to_dir, const char *to,
    struct str *why)
{
	bool ok;

	CHANGE_BEGINS();
	ok = !FAULT("fs.link") && linkat(from_dir, from, to_dir, to, 0) == 0;
	CHANGE_ENDS(ok, RECORD_LINK, .op = "link", .dir = from_dir,
	    .name = from, .to_dir = to_dir, .to = to, .fd = -1);
	return ok || fail_two(why, "link", from, to);
}

bool
fs_unlink_at(int dirfd, const char *name, struct str *why)
{
	bool ok;

	CHANGE_BEGINS();
	ok = !FAULT("fs.unlink") && unlinkat(dirfd, name, 0) == 0;
	CHANGE_ENDS(ok, RECORD_UNLINK, .op = "unlink", .dir = dirfd,
	    .name = name, .fd = -1);
	return ok || fail_name(why, "remove", name);
}

bool
fs_mkdir_at(int dirfd, const char *name, mode_t mode, struct str *why)
{
	bool ok;

	CHANGE_BEGINS();
	ok = !FAULT("fs.mkdir") && mkdirat(dirfd, name, mode) == 0;
	CHANGE_ENDS(ok, RECORD_MKDIR, .op = "mkdir", .dir = dirfd,
	    .name = name, .fd = -1, .mode = mode);
	return ok || fail_name(why, "create directory", name);
}

/* Symbolic links are followed nowhere on the way: root repairs what belongs to
 * others, who could put one there at that moment. */
static int
open_below(int dirfd, const char *name)
{
	struct str part = STR_EMPTY;
	int fd = dirfd;

	while (*name != '\0') {
		size_t length = strcspn(name, "/");

		str_printf(&part, "%.*s", (int)length, name);
		int next = openat(fd, str_cstr(&part),
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int error = errno;

		if (fd != dirfd)
			close(fd);
		errno = error;
		fd = next;
		if (fd < 0)
			break;
		name += length + strspn(name + length, "/");
	}
	str_fini(&part);
	return fd;
}

/* chown takes a setgid bit away, so the mode comes last. */
static bool
set_owner_and_mode(int fd, mode_t mode, uid_t owner, gid_t group)
{
	return fd >= 0 && fchown(fd, owner, group) == 0
	    && fchmod(fd, mode) == 0;
}

bool
fs_own(int fd, mode_t mode, uid_t owner, gid_t group, struct str *why)
{
	return set_owner_and_mode(FAULT("fs.own") ? -1 : fd, mode, owner, group)
	    || fail_fd(why, "set owner and mode of", fd);
}

bool
fs_own_at(int dirfd, const char *name, mode_t mode, uid_t owner, gid_t group,
    struct str *why)
{
	int fd = FAULT("fs.own") ? -1 : open_below(dirfd, name);
	bool ok = set_owner_and_mode(fd, mode, owner, group);

	if (!ok)
		str_printf(why, "set owner and mode of %s: %m", name);
	if (fd >= 0)
		close(fd);
	return ok;
}

bool
fs_truncate(int fd, off_t size, struct str *why)
{
	bool ok;

	CHANGE_BEGINS();
	ok = !FAULT("fs.truncate") && ftruncate(fd, size) == 0;
	CHANGE_ENDS(ok, RECORD_TRUNCATE, .op = "truncate", .fd = fd,
	    .at = size);
	return ok || fail_fd(why, "truncate", fd);
}

bool
fs_set_mtime(int fd, time_t mtime, struct str *why)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = mtime } };

	bool ok;

	CHANGE_BEGINS();
	ok = !FAULT("fs.mtime") && futimens(fd, times) == 0;
	CHANGE_ENDS(ok, RECORD_MTIME, .op = "utimes", .fd = fd, .at = mtime);
	return ok || fail_fd(why, "set time of", fd);
}

/* --- Looking -------------------------------------------------------------*/

enum fs_presence
fs_look_at(int dirfd, const char *name, struct str *why)
{
	if (!FAULT("fs.look") &&
	    faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return FS_PRESENT;
	if (errno == ENOENT)
		return FS_ABSENT;
	fail_name(why, "look for", name);
	return FS_UNKNOWN;
}

/* The kernel stamps with its own clock, where a test has set ours. */
static bool
stamped(struct stat *st)
{
#ifdef FAULTS
	st->st_ctime += clock_off_us() / 1000000;
#else
	(void)st;
#endif
	return true;
}

bool
fs_stat_at(int dirfd, const char *name, struct stat *st_out, struct str *why)
{
	return (!FAULT("fs.stat") && fstatat(dirfd, name, st_out,
	    AT_SYMLINK_NOFOLLOW) == 0 && stamped(st_out)) ||
	    fail_name(why, "stat", name);
}

bool
fs_stat(int fd, struct stat *st_out, struct str *why)
{
	return (!FAULT("fs.stat") && fstat(fd, st_out) == 0 &&
	    stamped(st_out)) || fail_fd(why, "stat", fd);
}

/* By descriptor: holders besides the first. */
static struct {
	uint32_t *more;
	size_t room;
} held;

int
fs_hold(int fd)
{
	size_t at = (size_t)fd;

	CHECK(fd >= 0);
	if (at >= held.room) {
		size_t room = at + at / 2 + 64;

		held.more = mem_regrow(held.more, room, sizeof(*held.more));
		memset(held.more + held.room, 0,
		    (room - held.room) * sizeof(*held.more));
		held.room = room;
	}
	held.more[at]++;
	return fd;
}

void
fs_let_go(int fd)
{
	if (fd >= 0 && (size_t)fd < held.room && held.more[fd] > 0)
		held.more[fd]--;
	else
		close(fd);
}

DIR *
fs_open_dir(int dirfd, const char *name, struct str *why)
{
	int fd = FAULT("fs.opendir") ? -1 : openat(dirfd, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir != NULL)
		return dir;
	fail_name(why, "open directory", name);
	if (fd >= 0)
		close(fd);
	return NULL;
}

struct dirent *
fs_read_dir(DIR *dir)
{
	errno = 0;
	return FAULT("fs.readdir") ? NULL : readdir(dir);
}

/* What a thread is handed, and what it brings back. */
struct fd_job {
	int fd, operation, error;
};

static void
do_fsync(void *arg)
{
	struct fd_job *job = arg;

	/* EINTR too is an error: the caller cannot know what was written. */
	job->error = fsync(job->fd) == 0 ? 0 : errno;
}

static void
do_flock(void *arg)
{
	struct fd_job *job = arg;
	int result;

	do
		result = flock(job->fd, job->operation);
	while (result != 0 && errno == EINTR);
	job->error = result == 0 ? 0 : errno;
}

static bool
on_thread(void (*fn)(void *), struct fd_job *job)
{
	offload_call(fn, job);
	errno = job->error;
	return job->error == 0;
}

/* An error is never asked about again: the kernel forgets it. */
static bool
sync_wait(int fd, const char *op, struct str *why)
{
	bool is_dir = strcmp(op, "fsyncdir") == 0, ok = false;
	struct fd_job job = { .fd = fd };
	uint64_t number = SYNC_BEGINS(fd, RECORD_FSYNC);

	if (!(is_dir ? FAULT("fs.fsyncdir") : FAULT("fs.fsync")))
		ok = on_thread(do_fsync, &job);
	SYNC_ENDED(ok, fd, RECORD_FSYNC, number);
	if (!ok)
		return fail_fd(why, is_dir ? "fsync of directory" : op, fd);
	TELL(.op = op, .fd = fd);
	return true;
}

bool
fs_datasync(int fd, struct str *why)
{
	uint64_t number = SYNC_BEGINS(fd, RECORD_FDATASYNC);
	bool ok = !FAULT("fs.fdatasync") && fdatasync(fd) == 0;

	SYNC_ENDED(ok, fd, RECORD_FDATASYNC, number);
	if (!ok)
		return fail_fd(why, "fdatasync", fd);
	TELL(.op = "fdatasync", .fd = fd);
	return true;
}

bool
fs_sync_system(int fd, struct str *why)
{
	uint64_t number = SYNC_BEGINS(fd, RECORD_SYNCFS);
	bool ok = !FAULT("fs.syncfs") && syncfs(fd) == 0;

	SYNC_ENDED(ok, fd, RECORD_SYNCFS, number);
	if (!ok)
		return fail_fd(why, "syncfs", fd);
	TELL(.op = "syncfs", .fd = fd);
	return true;
}

bool
fs_sync_wait(int fd, struct str *why)
{
	return sync_wait(fd, "fsync", why);
}

bool
fs_sync_dir_wait(int dirfd, struct str *why)
{
	return sync_wait(dirfd, "fsyncdir", why);
}

bool
fs_sync_dir_now(int dirfd, struct str *why)
{
	uint64_t number = SYNC_BEGINS(dirfd, RECORD_FSYNC);
	bool ok = !FAULT("fs.fsyncdir") && fsync(dirfd) == 0;

	SYNC_ENDED(ok, dirfd, RECORD_FSYNC, number);
	if (!ok)
		return fail_fd(why, "fsync of directory", dirfd);
	TELL(.op = "fsyncdir", .fd = dirfd);
	return true;
}

bool
fs_kind_of(int fd, enum fs_kind *out, struct str *why)
{
	enum { EXT = 0xEF53, XFS = 0x58465342 };
	const uint32_t btrfs = 0x9123683E;
	struct statfs st;

	if (FAULT("fs.statfs") || fstatfs(fd, &st) != 0)
		return fail_fd(why, "statfs", fd);
	uint32_t type = (uint32_t)st.f_type;

	*out = type == EXT ? FS_EXT : type == XFS ? FS_XFS
	    : type == btrfs ? FS_BTRFS : FS_OTHER;
	return true;
}

/* Whether a name is durable after fsync of its file; dirfd may be O_PATH. */
static bool
look_whether_names_are_kept(int dirfd, bool *kept_out, struct str *why)
{
	enum fs_kind kind = FS_OTHER;

	if (!fs_kind_of(dirfd, &kind, why))
		return false;
	*kept_out = PRETENDED(kind != FS_OTHER);
	return true;
}

bool
fs_sync_dir_if_needed_wait(int dirfd, struct str *why)
{
	bool kept = false;

	return look_whether_names_are_kept(dirfd, &kept, why) &&
	    (kept || fs_sync_dir_wait(dirfd, why));
}

static void
close_keeping_errno(int fd)
{
	int error = errno;

	close(fd);
	errno = error;
}

/* maildrop lets its group write and not read, so postdrop cannot sync it alone:
 * then all of the file system, by way of the file. */
static bool
sync_name(int dirfd, const char *dir, const char *path, struct str *why)
{
	int fd = fs_open_at(dirfd, dir, O_RDONLY | O_DIRECTORY, why);
	bool closed = fd < 0 && errno == EACCES, ok;

	if (closed)
		fd = fs_open_at(dirfd, path, O_RDONLY, why);
	if (fd < 0)
		return false;
	ok = closed ? fs_sync_system(fd, why) : fs_sync_dir_wait(fd, why);
	close_keeping_errno(fd);
	return ok;
}

static void
directory_of(const char *path, struct str *dir)
{
	const char *slash = strrchr(path, '/');

	str_sets(dir, slash == NULL ? "." : slash == path ? "/" : path);
	if (slash != NULL && slash != path)
		str_truncate(dir, (size_t)(slash - path));
}

bool
fs_sync_name_if_needed_wait(int dirfd, const char *path, struct str *why)
{
	struct str dir = STR_EMPTY;
	bool kept = false, ok;
	int fd;

	directory_of(path, &dir);
	fd = fs_open_at(dirfd, str_cstr(&dir), O_PATH | O_DIRECTORY, why);
	ok = fd >= 0 && look_whether_names_are_kept(fd, &kept, why);
	if (fd >= 0)
		close_keeping_errno(fd);
	ok = ok && (kept || sync_name(dirfd, str_cstr(&dir), path, why));

	int error = errno;

	str_fini(&dir);
	errno = error;
	return ok;
}

/* The file is where its directory is. */
bool
fs_sync_name_of_wait(int fd, int dirfd, const char *path, struct str *why)
{
	bool kept = false;

	if (!look_whether_names_are_kept(fd, &kept, why))
		return false;
	if (kept)
		return true;

	struct str dir = STR_EMPTY;

	directory_of(path, &dir);
	bool ok = sync_name(dirfd, str_cstr(&dir), path, why);
	int error = errno;

	str_fini(&dir);
	errno = error;
	return ok;
}

bool
fs_flock(int fd, bool exclusive, bool wait)
{
	struct fd_job job = { .fd = fd,
		.operation = exclusive ? LOCK_EX : LOCK_SH };
	int result;

	if (FAULT("fs.flock"))
		return false;
	/* Most locks are free: a thread is asked only for those that are not. */
	do
		result = flock(fd, job.operation | LOCK_NB);
	while (result != 0 && errno == EINTR);
	if (result == 0 || !wait || errno != EWOULDBLOCK)
		return result == 0;
	return on_thread(do_flock, &job);
}

bool
fs_ofd_lock(int fd, bool exclusive)
{
	struct flock lock = { .l_type = exclusive ? F_WRLCK : F_RDLCK,
		.l_whence = SEEK_SET };

	return !FAULT("fs.ofd") && fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool
fs_ofd_locked_by_other(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return FAULT("fs.ofd") || fcntl(fd, F_OFD_GETLK, &lock) != 0 ||
	    lock.l_type != F_UNLCK;
}

static bool
read_whole(int fd, const char *name, size_t limit, struct str *out,
    struct str *why)
{
	size_t before = out->len;

	for (;;) {
		enum { STEP = 16384 };
		ssize_t n = FAULT("fs.read") ? -1 :
		    read(fd, str_reserve(out, STEP), STEP);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return true;
		if (n > 0)
			str_advance(out, (size_t)n);
		if (n > 0 && out->len - before > limit)
			errno = EFBIG;
		else if (n > 0)
			continue;
		fail_name(why, "read", name);
		str_truncate(out, before);
		return false;
	}
}

bool
fs_read_file_at(int dirfd, const char *name, size_t limit, struct str *out,
    struct str *why)
{
	int fd = fs_open_at(dirfd, name, O_RDONLY, why);

	if (fd < 0)
		return false;
	bool ok = read_whole(fd, name, limit, out, why);
	int saved = errno;

	close(fd);
	errno = saved;
	return ok;
}

bool
fs_free_space(int dirfd, uint64_t *bytes_out, uint64_t *inodes_out)
{
	struct statvfs st;

	if (FAULT("fs.space") || fstatvfs(dirfd, &st) != 0)
		return false;
	*bytes_out = (uint64_t)st.f_bavail * st.f_frsize;
	/* Some systems (btrfs) have no fixed number of inodes and say 0. */
	*inodes_out = st.f_files != 0 ? st.f_favail : UINT64_MAX;
	return true;
}
