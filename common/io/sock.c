/*
 * sock - sockets for fibers: inet, inet6 and unix.
 *
 * Accepted inet sockets inherit TCP_NODELAY from the listener. Paths longer
 * than sun_path are reached through the directory's descriptor in /proc.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/io/fault.h"
#include "common/io/fiber_priv.h"
#include "common/io/loop.h"
#include "common/io/sock.h"

enum { ACCEPTS_PER_TURN = 8, PAUSE_MS = 1000, RETRY_MS = 20 };

/* --- Small things --------------------------------------------------------*/

static int
close_keeping_errno(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return -1;
}

void
sock_set_nodelay(int fd)
{
	int on = 1;

	/* Fails on unix sockets, which have no delay. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void
set_flag(int fd, int get, int set, int flag, bool yes)
{
	int flags = fcntl(fd, get);

	CHECK(flags >= 0);
	int wanted = yes ? flags | flag : flags & ~flag;

	if (wanted != flags)
		CHECK(fcntl(fd, set, wanted) == 0);
}

void
sock_set_nonblock(int fd, bool yes)
{
	set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, yes);
}

void
sock_set_cloexec(int fd, bool yes)
{
	set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, yes);
}

bool
sock_pair(int fds_out[2])
{
	return !FAULT("sock.pair") && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0, fds_out) == 0;
}

static void
unix_credentials(int fd, struct sock_peer *out)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return;
	out->pid = cred.pid;
	out->uid = cred.uid;
}

static void
fill_peer(int fd, const struct sockaddr_storage *address, struct sock_peer *out)
{
	*out = (struct sock_peer){ .pid = -1, .uid = (uid_t)-1 };
	if (address->ss_family == AF_INET || address->ss_family == AF_INET6)
		ipaddr_from_sockaddr((const struct sockaddr *)address,
		    &out->ip, &out->port);
	else
		unix_credentials(fd, out);
}

bool
sock_peer_of(int fd, struct sock_peer *out)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(address);

	if (getpeername(fd, (struct sockaddr *)&address, &len) != 0)
		return false;
	fill_peer(fd, &address, out);
	return true;
}

bool
sock_local_of(int fd, struct ipaddr *ip_out, uint16_t *port_out)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(address);

	return getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
	    ipaddr_from_sockaddr((struct sockaddr *)&address, ip_out, port_out);
}

/* --- Listening -----------------------------------------------------------*/

static int
refuse_inet(int fd, const char *what, const struct ipaddr *ip, uint16_t port,
    struct str *why)
{
	char text[IPADDR_TEXT_MAX];
	int saved = errno;

	if (why != NULL) {
		ipaddr_print(ip, text);
		str_printf(why, "%s %s port %u: %s", what, text, port,
		    strerror(saved));
	}
	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

int
sock_listen_inet(const struct ipaddr *ip, uint16_t port, int backlog,
    struct str *why)
{
	struct sockaddr_storage address;
	socklen_t len = ipaddr_to_sockaddr(ip, port, &address);
	int on = 1;
	int fd = FAULT("sock.listen") ? -1 : socket(address.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return refuse_inet(fd, "create socket for", ip, port, why);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		    sizeof(on));
	sock_set_nodelay(fd);
	if (bind(fd, (struct sockaddr *)&address, len) != 0)
		return refuse_inet(fd, "bind to", ip, port, why);
	if (listen(fd, backlog) != 0)
		return refuse_inet(fd, "listen on", ip, port, why);
	return fd;
}

/* Fills in an address for the path. *dir_out is a descriptor to close after
 * use, or -1. */
static bool
unix_address(const char *path, struct sockaddr_un *out, int *dir_out)
{
	size_t len = strlen(path);

	*dir_out = -1;
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len < sizeof(out->sun_path)) {
		memcpy(out->sun_path, path, len + 1);
		return true;
	}
	const char *slash = strrchr(path, '/');

	if (slash == NULL) {
		errno = ENAMETOOLONG;
		return false;
	}
	char *folder = mem_strndup(path, (size_t)(slash - path) + 1);

	*dir_out = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	mem_free(folder);
	if (*dir_out < 0)
		return false;
	int n = snprintf(out->sun_path, sizeof(out->sun_path),
	    "/proc/self/fd/%d/%s", *dir_out, slash + 1);

	if ((size_t)n < sizeof(out->sun_path))
		return true;
	close(*dir_out);
	errno = ENAMETOOLONG;
	return false;
}

static int
new_unix_socket(void)
{
	return FAULT("sock.socket") ? -1 : socket(AF_UNIX,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Nobody listens behind this name, and it is a socket. */
static bool
is_stale(const char *path, const struct sockaddr_un *address)
{
	struct stat st;

	if (lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	int fd = new_unix_socket();

	if (fd < 0)
		return false;
	bool stale = connect(fd, (const struct sockaddr *)address,
	    sizeof(*address)) != 0 && errno == ECONNREFUSED;

	close(fd);
	return stale;
}

static bool
bind_unix(int fd, const char *path, const struct sockaddr_un *address)
{
	const struct sockaddr *to = (const struct sockaddr *)address;

	if (bind(fd, to, sizeof(*address)) == 0)
		return true;
	if (errno != EADDRINUSE)
		return false;
	if (!is_stale(path, address)) {
		errno = EADDRINUSE;
		return false;
	}
	return unlink(path) == 0 && bind(fd, to, sizeof(*address)) == 0;
}

int
sock_listen_unix(const char *path, int backlog, mode_t mode, struct str *why)
{
	struct sockaddr_un address;
	int dir = -1, fd = -1;

	if (unix_address(path, &address, &dir) &&
	    (fd = new_unix_socket()) >= 0 &&
	    (!bind_unix(fd, path, &address) || chmod(path, mode) != 0 ||
	    listen(fd, backlog) != 0))
		fd = (close_keeping_errno(fd), -1);
	if (dir >= 0)
		close_keeping_errno(dir);
	if (fd < 0 && why != NULL)
		str_printf(why, "listen on %s: %m", path);
	return fd;
}

/* --- Connecting ----------------------------------------------------------*/

struct connecting {
	struct loop_fd lfd;
	struct fiber *fiber;
};

static void
on_connect_event(struct loop_fd *lfd, unsigned events)
{
	if (events & (LOOP_OUT | LOOP_HUP))
		fiber_ready(container_of(lfd, struct connecting, lfd)->fiber);
}

static enum io_status
finish_connect(int fd, struct deadline deadline)
{
	struct connecting c = { .fiber = fiber_self(),
		.lfd = { .fd = fd, .notify = on_connect_event } };
	enum io_status status = IO_OK;
	int error = 0;
	socklen_t len = sizeof(error);

	CHECK(c.fiber != NULL);
	if (!loop_add(&c.lfd))
		return IO_ERROR;
	while (status == IO_OK &&
	    (c.lfd.ready & (LOOP_OUT | LOOP_HUP)) == 0)
		status = fiber_wait(deadline, true);
	loop_remove(&c.lfd);
	if (status != IO_OK || (c.lfd.ready & LOOP_HUP) == 0)
		return status;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return IO_ERROR;
	errno = error;
	return error == 0 ? IO_OK : IO_ERROR;
}

static bool
bind_source(int fd, const struct ipaddr *from)
{
	struct sockaddr_storage address;
	socklen_t len = ipaddr_to_sockaddr(from, 0, &address);
	int on = 1;

	/* The port is chosen at connect, when the whole pair is known. */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
	    sizeof(on));
	return bind(fd, (struct sockaddr *)&address, len) == 0;
}

enum io_status
sock_connect_inet(const struct ipaddr *ip, uint16_t port,
    const struct ipaddr *from, struct deadline deadline, int *fd_out)
{
	struct sockaddr_storage address;
	socklen_t len = ipaddr_to_sockaddr(ip, port, &address);
	enum io_status status = IO_ERROR;

	*fd_out = -1;
	if (FAULT("sock.connect"))
		return IO_ERROR;
	int fd = FAULT("sock.socket") ? -1 : socket(address.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return IO_ERROR;
	sock_set_nodelay(fd);
	if (from == NULL || bind_source(fd, from)) {
		if (connect(fd, (struct sockaddr *)&address, len) == 0)
			status = IO_OK;
		else if (errno == EINPROGRESS || errno == EINTR)
			status = finish_connect(fd, deadline);
	}
	if (status == IO_OK)
		*fd_out = fd;
	else
		close_keeping_errno(fd);
	return status;
}

/* A full backlog says EAGAIN and tells nobody when it empties: try again. */
static enum io_status
connect_unix_retrying(int fd, const struct sockaddr_un *address,
    struct deadline deadline)
{
	for (;;) {
		if (connect(fd, (const struct sockaddr *)address,
		    sizeof(*address)) == 0)
			return IO_OK;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return IO_ERROR;
		if (deadline_passed(deadline))
			return IO_TIMEOUT;
		if (fiber_sleep(deadline_earlier(deadline,
		    deadline_in_ms(RETRY_MS))) == IO_CANCELLED)
			return IO_CANCELLED;
	}
}

enum io_status
sock_connect_unix(const char *path, struct deadline deadline, int *fd_out)
{
	struct sockaddr_un address;
	enum io_status status = IO_ERROR;
	int dir;

	*fd_out = -1;
	if (FAULT("sock.connect") || !unix_address(path, &address, &dir))
		return IO_ERROR;
	int fd = new_unix_socket();

	if (fd >= 0)
		status = connect_unix_retrying(fd, &address, deadline);
	if (dir >= 0)
		close_keeping_errno(dir);
	if (status == IO_OK)
		*fd_out = fd;
	else if (fd >= 0)
		close_keeping_errno(fd);
	return status;
}

/* --- Serving -------------------------------------------------------------*/

struct sock_server {
	struct loop_fd lfd;
	struct loop_timer pause;	/* out of resources: again after this */
	struct fiber_group *group;
	const char *fiber_name;
	sock_serve_fn *serve;
	bool (*may_accept)(void *arg);
	void *arg;
	bool warned, held;		/* held: by the owner, or may_accept */
};

struct arrival {
	sock_serve_fn *serve;
	void *arg;
	int fd;
	struct sock_peer peer;
};

static void
serve_one(void *arg)
{
	struct arrival a = *(struct arrival *)arg;

	mem_free(arg);
	a.serve(a.fd, &a.peer, a.arg);
}

static void
pause_for_resources(struct sock_server *server, const char *what)
{
	if (!server->warned)
		log_warn("%s: %s: %m; new connections wait", server->fiber_name,
		    what);
	server->warned = true;
	loop_pause(&server->lfd);
	loop_timer_set(&server->pause, deadline_in_ms(PAUSE_MS).at_ns);
}

static bool
start_arrival(struct sock_server *server, int fd,
    const struct sockaddr_storage *address)
{
	struct arrival *a = mem_alloc(sizeof(*a));

	*a = (struct arrival){ .serve = server->serve, .arg = server->arg,
		.fd = fd };
	fill_peer(fd, address, &a->peer);
	if (fiber_spawn(server->group, server->fiber_name, serve_one, a) !=
	    NULL)
		return true;
	close_keeping_errno(fd);
	mem_free(a);
	return false;
}

/* False when there is no more to accept now. */
static bool
accept_one(struct sock_server *server)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(address);
	int fd = -1;

	if (!FAULT("sock.accept"))
		fd = accept4(server->lfd.fd, (struct sockaddr *)&address, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		server->warned = false;
		if (start_arrival(server, fd, &address))
			return true;
		pause_for_resources(server, "no stack for a connection");
		return false;
	}
	switch (errno) {
	case EAGAIN:
		return false;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		pause_for_resources(server, "accept");
		return false;
	default:
		/* The peer left before we came, or its network did. */
		return true;
	}
}

static void
on_arrivals(struct loop_fd *lfd, unsigned events)
{
	struct sock_server *server =
	    container_of(lfd, struct sock_server, lfd);

	(void)events;
	lfd->ready = 0;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		if (server->may_accept != NULL &&
		    !server->may_accept(server->arg)) {
			sock_server_pause(server);
			return;
		}
		/* may_accept can have paused it. */
		if (lfd->paused || !accept_one(server))
			return;
	}
}

static void
resume_after_pause(struct loop_timer *timer)
{
	struct sock_server *server =
	    container_of(timer, struct sock_server, pause);

	if (!server->held)
		loop_resume(&server->lfd);
}

struct sock_server *
sock_server_start(int listen_fd, struct fiber_group *group,
    const char *fiber_name, sock_serve_fn *serve, bool (*may_accept)(void *arg),
    void *arg)
{
	struct sock_server *server = MEM_NEW(struct sock_server);

	*server = (struct sock_server){ .group = group,
		.fiber_name = fiber_name, .serve = serve,
		.may_accept = may_accept, .arg = arg,
		.lfd = { .fd = listen_fd, .level = true,
		    .notify = on_arrivals } };
	loop_timer_init(&server->pause, resume_after_pause);
	sock_set_nonblock(listen_fd, true);
	sock_set_nodelay(listen_fd);
	if (!loop_add(&server->lfd))
		fatal("watch listener %d: %m", listen_fd);
	return server;
}

void
sock_server_pause(struct sock_server *server)
{
	server->held = true;
	loop_pause(&server->lfd);
}

void
sock_server_resume(struct sock_server *server)
{
	server->held = false;
	if (!heap_has(&server->pause.node))
		loop_resume(&server->lfd);
}

void
sock_server_stop(struct sock_server *server)
{
	if (server == NULL)
		return;
	loop_timer_stop(&server->pause);
	loop_remove(&server->lfd);
	close(server->lfd.fd);
	mem_free(server);
}
