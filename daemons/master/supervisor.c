/*
 * supervisor - tells whoever supervises master how it is doing, if that is what
 * NOTIFY_SOCKET asks for: READY=1, STOPPING=1 and the like, see sd_notify(3).
 *
 * Children do not inherit the variable: master alone speaks for the system.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/log.h"
#include "daemons/master/master.h"

/* False when nobody asked, or with a name that cannot be one. */
static bool
find_address(struct sockaddr_un *sun, socklen_t *len_out)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t len = name != NULL ? strlen(name) : 0;

	if (len < 2 || len >= sizeof(sun->sun_path) ||
	    (name[0] != '/' && name[0] != '@'))
		return false;
	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(sun->sun_path, name, len);
	/* A name without a file begins with a NUL, and ends with its length. */
	if (name[0] == '@')
		sun->sun_path[0] = '\0';
	*len_out = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return true;
}

void
supervisor_tell(const char *lines)
{
	struct sockaddr_un sun;
	socklen_t len;

	if (!find_address(&sun, &len))
		return;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || sendto(fd, lines, strlen(lines), MSG_NOSIGNAL,
	    (struct sockaddr *)&sun, len) < 0)
		log_warn("the supervisor at NOTIFY_SOCKET = %s cannot be told: "
		    "%m", getenv("NOTIFY_SOCKET"));
	if (fd >= 0)
		close(fd);
}
