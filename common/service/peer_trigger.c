/*
 * peer_trigger - wakes a service with some bytes, without a reply.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/io/fault.h"
#include "common/service/peer_priv.h"

static int
open_trigger(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode))
		return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	memcpy(address.sun_path, path, strlen(path));
	fd = FAULT("sock.socket") ? -1 : socket(AF_UNIX, SOCK_STREAM |
	    SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address,
	    sizeof(address)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

bool
peer_trigger_bytes(const char *cls, const char *service, struct span bytes)
{
	char path[512];

	if (!peer_socket_path(cls, service, path, sizeof(path)))
		return false;
	int fd = open_trigger(path);

	if (fd < 0)
		return false;
	ssize_t n = send(fd, bytes.p, bytes.len, MSG_NOSIGNAL);

	if (n < 0 && errno == ENOTSOCK)
		n = write(fd, bytes.p, bytes.len);
	close(fd);
	return n == (ssize_t)bytes.len;
}

bool
peer_trigger(const char *cls, const char *service)
{
	return peer_trigger_bytes(cls, service, span_cstr("W"));
}
