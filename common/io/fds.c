/*
 * fds - see the header. The limit is read once: what raises it does so before
 * anything is served (common/service/jail.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/io/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/io/fault.h"

bool
fds_near_limit(int new_fd)
{
	static rlim_t limit, reserved = FDS_RESERVED;
	struct rlimit now;

	if (limit == 0) {
		limit = getrlimit(RLIMIT_NOFILE, &now) == 0 ? now.rlim_cur :
		    RLIM_INFINITY;
		/* What serves nobody waits for ever. */
		if (reserved > limit / 2)
			reserved = limit / 2;
	}
	return new_fd >= 0 && (rlim_t)new_fd + reserved >= limit;
}

bool
fds_are_short(void)
{
	int fd = FAULT("fds.dup") ? -1 : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC,
	    3);

	if (fd < 0)
		return errno != EBADF;
	close(fd);
	return fds_near_limit(fd);
}
