/*
 * fs - the door to the disk: every change to queue and mailbox files goes
 * through here, so that recorders and fault points see it.
 *
 * Functions return false or -1 with errno and, where given, a reason that
 * names the path. Those with _wait in their name run in an offload thread and
 * suspend only the fiber; they may also be called from the loop's stack or a
 * process without a loop, and then block.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_FS_H
#define COMMON_IO_FS_H

#include <dirent.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "common/base/span.h"
#include "common/base/str.h"

/* O_EXCL | O_NOFOLLOW | O_CLOEXEC, read-write. */
int fs_create_at(int dirfd, const char *name, mode_t mode, struct str *why);
int fs_open_at(int dirfd, const char *name, int flags, struct str *why);
/* A file without a name, in memory, read-write. */
int fs_memory_file(const char *what, struct str *why);
/* Read, append; made if it is not there. Never waits for a FIFO's other end. */
int fs_open_append_at(int dirfd, const char *name, mode_t mode,
    struct str *why);
bool fs_write_all(int fd, struct span bytes, struct str *why);
bool fs_pwrite_all(int fd, struct span bytes, off_t at, struct str *why);
/* All pieces, none of them empty, one behind the other; the list is used up. */
bool fs_pwritev_all(int fd, struct iovec *iov, size_t count, off_t at,
    struct str *why);
/* Exactly len bytes or false; short files set errno to ENODATA. */
bool fs_pread_all(int fd, void *buf, size_t len, off_t at, struct str *why);
ssize_t fs_pread(int fd, void *buf, size_t len, off_t at);
bool fs_chmod(int fd, mode_t mode, struct str *why);
bool fs_rename_at(int from_dir, const char *from, int to_dir, const char *to,
    struct str *why);
bool fs_link_at(int from_dir, const char *from, int to_dir, const char *to,
    struct str *why);
bool fs_unlink_at(int dirfd, const char *name, struct str *why);
bool fs_mkdir_at(int dirfd, const char *name, mode_t mode, struct str *why);
/* Mode, and owner and group unless -1, of an open file. */
bool fs_own(int fd, mode_t mode, uid_t owner, gid_t group, struct str *why);
/* The same of a directory; the name is relative,
 * and no part of it may be a symbolic link. */
bool fs_own_at(int dirfd, const char *name, mode_t mode, uid_t owner,
    gid_t group, struct str *why);
bool fs_truncate(int fd, off_t size, struct str *why);
bool fs_set_mtime(int fd, time_t mtime, struct str *why);

/* Is there such a name? FS_UNKNOWN when that could not be asked: no answer for
 * a decision that loses mail. */
enum fs_presence { FS_ABSENT, FS_PRESENT, FS_UNKNOWN };
enum fs_presence fs_look_at(int dirfd, const char *name, struct str *why);
/* Symbolic links are not followed. */
bool fs_stat_at(int dirfd, const char *name, struct stat *st_out,
    struct str *why);
bool fs_stat(int fd, struct stat *st_out, struct str *why);
/*
 * One more holder of fd in this process, without a copy. Each holder calls
 * fs_let_go in place of close, and the last one closes it. What travels in
 * forms (attr.h), peers and streams is let go there. For the loop's thread.
 */
int fs_hold(int fd);
void fs_let_go(int fd);
/* Directories; links are not followed. fs_read_dir returns NULL at the end with
 * errno 0, and NULL with another errno when the rest cannot be read. */
DIR *fs_open_dir(int dirfd, const char *name, struct str *why);
struct dirent *fs_read_dir(DIR *dir);

/* What the file system of this file is; false with errno and a reason. */
enum fs_kind { FS_EXT, FS_XFS, FS_BTRFS, FS_OTHER };	/* FS_EXT: 2, 3 or 4 */
bool fs_kind_of(int fd, enum fs_kind *out, struct str *why);

/* fsync, never retried after an error: the caller gives the file up. */
bool fs_sync_wait(int fd, struct str *why);
/* fsync of the directory, only where the file system needs it for a name to
 * be durable after fsync of the file (not ext4, XFS, btrfs; by statfs). */
bool fs_sync_dir_if_needed_wait(int dirfd, struct str *why);
/* The same for the directory that the path's last part is in. */
bool fs_sync_name_if_needed_wait(int dirfd, const char *path,
    struct str *why);
/* The same for the name of an open file. */
bool fs_sync_name_of_wait(int fd, int dirfd, const char *path,
    struct str *why);
bool fs_sync_dir_wait(int dirfd, struct str *why);
/* The same in the calling thread: for processes that may have no other. */
bool fs_sync_dir_now(int dirfd, struct str *why);

/* For threads that do nothing else: the data of this file, without times and
 * modes; all of its file system. Never retried either. */
bool fs_datasync(int fd, struct str *why);
bool fs_sync_system(int fd, struct str *why);

/* Whole-file locks. flock belongs to the open description and travels with a
 * passed descriptor; ofd is the fcntl kind, independent of flock. */
bool fs_flock(int fd, bool exclusive, bool wait);	/* wait: suspends */
bool fs_ofd_lock(int fd, bool exclusive);	/* never waits */
/* Also true when it cannot be asked. */
bool fs_ofd_locked_by_other(int fd);

/* Whole file up to limit bytes, appended to out. */
bool fs_read_file_at(int dirfd, const char *name, size_t limit,
    struct str *out, struct str *why);
/* Free bytes and inodes for unprivileged users at this path. */
bool fs_free_space(int dirfd, uint64_t *bytes_out, uint64_t *inodes_out);

#ifdef FAULTS
/* Crash tests: told of each change after it succeeded, by whoever made it, one
 * at a time. What does not apply is zero, NULL or -1; write has at = -1. */
struct fs_change {
	const char *op;		/* create open write pwrite chmod rename link */
	int dir, to_dir;	/* unlink mkdir fsync fsyncdir truncate
				   utimes fdatasync syncfs */
	const char *name, *to;
	int fd;
	off_t at;
	struct span bytes;
	mode_t mode;
};
typedef void fs_recorder_fn(const struct fs_change *change);
void fs_set_recorder(fs_recorder_fn *fn);	/* NULL: none */
#endif

#endif
