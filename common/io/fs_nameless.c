/*
 * fs_nameless - see the header. Where the file system cannot make one (NFS),
 * a file has a name for a moment. A crash may leave that behind, empty; the
 * next process with that number takes it away.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/io/fs_nameless.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/io/fs.h"

static int
named_for_a_moment(int dirfd, const char *dir, struct str *why)
{
	struct str name = STR_EMPTY;
	int fd, error;

	str_printf(&name, "%s/nameless.%ld", dir, (long)getpid());
	(void)fs_unlink_at(dirfd, str_cstr(&name), NULL);
	fd = fs_create_at(dirfd, str_cstr(&name), 0600, why);
	error = errno;
	if (fd >= 0 && !fs_unlink_at(dirfd, str_cstr(&name), why)) {
		error = errno;
		close(fd);
		fd = -1;
	}
	str_fini(&name);
	errno = error;
	return fd;
}

int
fs_nameless_at(int dirfd, const char *dir, struct str *why)
{
	int fd = fs_open_at(dirfd, dir, O_TMPFILE | O_RDWR, why);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	return named_for_a_moment(dirfd, dir, why);
}
