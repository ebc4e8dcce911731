/*
 * fdpass - bytes with descriptors over unix stream sockets (SCM_RIGHTS).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_FDPASS_H
#define COMMON_IO_FDPASS_H

#include <stddef.h>
#include <sys/types.h>

#define FDPASS_MAX 253			/* the kernel's SCM_MAX_FD */

/* As send/recv, not suspending; -1 with errno (EAGAIN included). Received
 * descriptors are CLOEXEC; more than room are closed. EMFILE: this process may
 * not have all that came; they and the bytes are gone. The sender keeps its
 * own. */
ssize_t fdpass_send(int sock, const void *buf, size_t len, const int *fds,
    size_t nfds);
struct iovec;
ssize_t fdpass_sendv(int sock, struct iovec *iov, size_t count, const int *fds,
    size_t nfds);
ssize_t fdpass_recv(int sock, void *buf, size_t len, int *fds_out,
    size_t room, size_t *nfds_out);

#endif
