/*
 * fdpass - bytes with descriptors over unix stream sockets.
 *
 * The control buffer always has room for the kernel's maximum, so that the
 * kernel never drops descriptors of its own accord: those that the caller has
 * no room for are closed here. It does drop those that this process may not
 * have; then nobody knows which frame the others belong to, and all go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/base/panic.h"
#include "common/io/fault.h"
#include "common/io/fdpass.h"

union control {
	char bytes[CMSG_SPACE(FDPASS_MAX * sizeof(int))];
	struct cmsghdr align;
};

ssize_t
fdpass_sendv(int sock, struct iovec *iov, size_t count, const int *fds,
    size_t nfds)
{
	union control control;
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = count };

	CHECK(nfds <= FDPASS_MAX);
	if (nfds > 0) {
		struct cmsghdr *head;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		memset(control.bytes, 0, msg.msg_controllen);
		head = CMSG_FIRSTHDR(&msg);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(head), fds, nfds * sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ssize_t
fdpass_send(int sock, const void *buf, size_t len, const int *fds, size_t nfds)
{
	struct iovec iov = { (void *)(uintptr_t)buf, len };

	/* Descriptors travel with a byte, never alone. */
	CHECK(len > 0);
	return fdpass_sendv(sock, &iov, 1, fds, nfds);
}

/* Some were lost on the way. */
static ssize_t
refuse_all(int *fds, size_t *nfds)
{
	while (*nfds > 0)
		close(fds[--*nfds]);
	errno = EMFILE;
	return -1;
}

ssize_t
fdpass_recv(int sock, void *buf, size_t len, int *fds_out, size_t room,
    size_t *nfds_out)
{
	union control control;
	struct iovec iov = { buf, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*nfds_out = 0;
	if (n < 0)
		return n;
	for (struct cmsghdr *head = CMSG_FIRSTHDR(&msg); head != NULL;
	     head = CMSG_NXTHDR(&msg, head)) {
		if (head->cmsg_level != SOL_SOCKET ||
		    head->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(head) + i * sizeof(int),
			    sizeof(fd));
			if (*nfds_out < room)
				fds_out[(*nfds_out)++] = fd;
			else
				close(fd);
		}
	}
	if ((msg.msg_flags & MSG_CTRUNC) != 0 ||
	    (*nfds_out > 0 && FAULT("fdpass.receive")))
		return refuse_all(fds_out, nfds_out);
	return n;
}
