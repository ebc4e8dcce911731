/*
 * sock - sockets for fibers: inet, inet6 and unix; all non-blocking, CLOEXEC.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_SOCK_H
#define COMMON_IO_SOCK_H

#include "common/base/ipaddr.h"
#include "common/io/deadline.h"
#include "common/io/fiber.h"
#include "common/io/io_status.h"

struct sock_peer {
	struct ipaddr ip;		/* family 0 for unix */
	uint16_t port;
	pid_t pid;			/* unix peers: SO_PEERCRED, else -1 */
	uid_t uid;
};

/* Listeners. -1 with a reason ("bind to 0.0.0.0 port 25: Address already in
 * use"). */
int sock_listen_inet(const struct ipaddr *ip, uint16_t port, int backlog,
    struct str *why);
/* A stale socket file of the same name is replaced, and nothing else. */
int sock_listen_unix(const char *path, int backlog, mode_t mode,
    struct str *why);

/* Connected descriptor in *fd_out, with TCP_NODELAY. `from` may be NULL. On
 * IO_ERROR errno is set. Suspends. */
enum io_status sock_connect_inet(const struct ipaddr *ip, uint16_t port,
    const struct ipaddr *from, struct deadline deadline, int *fd_out);
enum io_status sock_connect_unix(const char *path, struct deadline deadline,
    int *fd_out);

/*
 * Serves a listener: accepts a few connections per turn and starts
 * serve(fd, peer, arg), which owns the fd, in a fiber of `group` for each.
 * may_accept (or NULL) is asked before each; false pauses the listener until
 * sock_server_resume. When descriptors or stacks run out it pauses a second.
 */
struct sock_server;
typedef void sock_serve_fn(int fd, const struct sock_peer *peer, void *arg);
struct sock_server *sock_server_start(int listen_fd, struct fiber_group *group,
    const char *fiber_name, sock_serve_fn *serve, bool (*may_accept)(void *arg),
    void *arg);
void sock_server_pause(struct sock_server *server);
void sock_server_resume(struct sock_server *server);
void sock_server_stop(struct sock_server *server);	/* closes the fd, frees */

bool sock_peer_of(int fd, struct sock_peer *out);
bool sock_local_of(int fd, struct ipaddr *ip_out, uint16_t *port_out);
void sock_set_nodelay(int fd);
void sock_set_nonblock(int fd, bool yes);
void sock_set_cloexec(int fd, bool yes);
bool sock_pair(int fds_out[2]);			/* unix stream, non-blocking */

#endif
