/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/socket.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/loop.h"
#include "common/io/sock.h"
#include "common/io/stream.h"
#include "tests/harness/t.h"

static struct fiber_group group;
static int served, allowed;
static struct sock_peer last_peer;

static void
echo(int fd, const struct sock_peer *peer, void *arg)
{
	struct stream *s = stream_open(fd);
	struct span line;

	(void)arg;
	last_peer = *peer;
	served++;
	if (stream_read_line(s, 100, deadline_in(5), &line, NULL) == IO_OK) {
		stream_write(s, line, deadline_in(5));
		stream_write_flush(s, SPAN("!\n"), deadline_in(5));
	}
	stream_close(s);
}

static bool
may_accept(void *arg)
{
	(void)arg;
	return served < allowed;
}

static void
say(int fd, const char *text, const char *want)
{
	struct stream *s = stream_open(fd);
	struct span line;

	stream_write(s, SPAN(text), deadline_in(5));
	stream_write_flush(s, SPAN("\n"), deadline_in(5));
	T_EQ_INT(stream_read_line(s, 100, deadline_in(5), &line, NULL),
	    IO_OK);
	T_EQ_TEXT(line, want);
	stream_close(s);
}

static void
talk_inet(const char *address)
{
	struct ipaddr ip, local;
	struct str why = STR_EMPTY;
	uint16_t port;
	int fd;

	T_CASE(address);
	T_NEED(ipaddr_scan(SPAN(address), &ip));
	int listener = sock_listen_inet(&ip, 0, 10, &why);

	if (listener < 0 && errno == EADDRNOTAVAIL)
		return;			/* no IPv6 here */
	T_NEED(listener >= 0);
	T_NEED(sock_local_of(listener, &local, &port));
	T_CHECK(ipaddr_eq(&ip, &local));
	T_EQ_INT(sock_listen_inet(&ip, port, 10, &why), -1);
	T_HAS_STR(str_cstr(&why), "Address already in use");
	T_HAS_STR(str_cstr(&why), "bind to ");
	struct sock_server *server = sock_server_start(listener, &group,
	    "echo", echo, NULL, NULL);

	served = 0;
	for (int i = 0; i < 20; i++) {
		T_NEED(sock_connect_inet(&ip, port, i % 2 ? &ip : NULL,
		    deadline_in(5), &fd) == IO_OK);
		say(fd, "hi", "hi!");
	}
	T_EQ_INT(served, 20);
	T_CHECK(ipaddr_eq(&last_peer.ip, &ip));
	T_EQ_INT(last_peer.pid, -1);
	sock_server_stop(server);
	T_EQ_INT(sock_connect_inet(&ip, port, NULL, deadline_in(5), &fd),
	    IO_ERROR);
	T_EQ_INT(errno, ECONNREFUSED);
	T_EQ_INT(fd, -1);
	str_fini(&why);
}

static void
inet_main(void *arg)
{
	(void)arg;
	talk_inet("127.0.0.1");
	talk_inet("::1");
	fiber_group_close(&group);
}

T_TEST(inet_servers_serve)
{
	loop_start();
	fiber_group_init(&group);
	fiber_run_main(inet_main, NULL);
}

static void
unix_main(void *arg)
{
	const char *path = arg;
	struct str why = STR_EMPTY;
	struct stat st;
	int fd, first = sock_listen_unix(path, 10, 0660, &why);

	if (!T_CHECK(first >= 0))
		printf("%s\n", str_cstr(&why));
	T_CHECK(stat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    (st.st_mode & 07777) == 0660);
	/* Somebody listens: not replaced. */
	T_EQ_INT(sock_listen_unix(path, 10, 0660, &why), -1);
	T_HAS_STR(str_cstr(&why), "Address already in use");
	close(first);
	first = sock_listen_unix(path, 10, 0666, &why);
	T_NEED(first >= 0);

	struct sock_server *server = sock_server_start(first, &group, "echo",
	    echo, NULL, NULL);

	T_NEED(sock_connect_unix(path, deadline_in(5), &fd) == IO_OK);
	say(fd, "ho", "ho!");
	T_EQ_INT(last_peer.ip.family, 0);
	T_EQ_INT(last_peer.pid, getpid());
	T_EQ_INT(last_peer.uid, getuid());
	sock_server_stop(server);
	unlink(path);
	T_EQ_INT(sock_connect_unix(path, deadline_in(5), &fd), IO_ERROR);
	T_EQ_INT(errno, ENOENT);

	FILE *f = fopen(path, "w");	/* an ordinary file stays */

	fclose(f);
	T_EQ_INT(sock_listen_unix(path, 10, 0660, &why), -1);
	T_CHECK(stat(path, &st) == 0 && S_ISREG(st.st_mode));
	str_fini(&why);
	fiber_group_close(&group);
}

T_TEST(unix_sockets_are_replaced_only_when_stale)
{
	struct str path = STR_EMPTY;

	str_printf(&path, "%s/s", t_tmpdir());
	loop_start();
	fiber_group_init(&group);
	fiber_run_main(unix_main, (void *)(uintptr_t)str_cstr(&path));
	str_fini(&path);
}

T_TEST(unix_paths_may_be_long)
{
	struct str path = STR_EMPTY;

	str_printf(&path, "%s/", t_tmpdir());
	for (int i = 0; i < 150; i++)
		str_putc(&path, 'd');
	T_NEED(mkdir(str_cstr(&path), 0755) == 0);
	str_adds(&path, "/socket");
	loop_start();
	fiber_group_init(&group);
	fiber_run_main(unix_main, (void *)(uintptr_t)str_cstr(&path));
	str_fini(&path);
}

static void
backlog_main(void *arg)
{
	const char *path = arg;
	int listener = sock_listen_unix(path, 1, 0666, NULL), fds[20];

	allowed = 3;
	struct sock_server *server = sock_server_start(listener, &group,
	    "echo", echo, may_accept, NULL);
	size_t count = 0;

	/* Three are served, the backlog takes two more, then it is full. */
	while (count < 20 && sock_connect_unix(path, deadline_in_ms(100),
	    &fds[count]) == IO_OK) {
		count++;
		fiber_sleep(deadline_in_ms(1));
	}
	T_EQ_INT(count, 5);
	T_EQ_INT(served, 3);
	allowed = 10;
	sock_server_resume(server);
	T_EQ_INT(sock_connect_unix(path, deadline_in(5), &fds[count]), IO_OK);
	fiber_sleep(deadline_in_ms(50));
	T_EQ_INT(served, 6);
	sock_server_pause(server);
	sock_server_stop(server);
	for (size_t i = 0; i <= count; i++)
		close(fds[i]);
	fiber_group_close(&group);
}

T_TEST(a_server_stops_accepting_when_told)
{
	struct str path = STR_EMPTY;

	str_printf(&path, "%s/s", t_tmpdir());
	loop_start();
	fiber_group_init(&group);
	fiber_run_main(backlog_main, (void *)(uintptr_t)str_cstr(&path));
	str_fini(&path);
}

static void
faults_main(void *arg)
{
	const char *path = arg;
	int listener = sock_listen_unix(path, 10, 0666, NULL), fd;
	struct sock_server *server = sock_server_start(listener, &group,
	    "echo", echo, NULL, NULL);

	T_EACH_FAULT("sock.accept", EMFILE)
	{
		/* It pauses a second, then serves who waits. */
		T_NEED(sock_connect_unix(path, deadline_in(5), &fd) == IO_OK);
		say(fd, "a", "a!");
	}
	T_EACH_FAULT("sock.connect", ENETUNREACH)
	{
		enum io_status status =
		    sock_connect_unix(path, deadline_in(5), &fd);

		T_EQ_INT(status, T_FAULT_HIT() ? IO_ERROR : IO_OK);
		if (fd >= 0)
			close(fd);
	}
	sock_server_stop(server);
	fiber_group_close(&group);
}

T_TEST(a_server_survives_a_lack_of_descriptors)
{
	struct str path = STR_EMPTY;

	str_printf(&path, "%s/s", t_tmpdir());
	loop_start();
	fiber_group_init(&group);
	fiber_run_main(faults_main, (void *)(uintptr_t)str_cstr(&path));
	str_fini(&path);
}

static void
fill_backlog_main(void *arg)
{
	struct ipaddr ip;
	uint16_t port;
	int fd[5];

	(void)arg;
	ipaddr_scan(SPAN("127.0.0.1"), &ip);
	int listener = sock_listen_inet(&ip, 0, 0, NULL), on = 0;
	socklen_t len = sizeof(on);

	sock_local_of(listener, &ip, &port);
	enum io_status status = IO_OK;

	for (size_t i = 0; i < T_COUNT(fd) && status == IO_OK; i++) {
		status = sock_connect_inet(&ip, port, NULL,
		    deadline_in_ms(100), &fd[i]);
		if (status == IO_OK) {
			getsockopt(fd[i], IPPROTO_TCP, TCP_NODELAY, &on, &len);
			T_EQ_INT(on, 1);
		}
	}
	T_EQ_INT(status, IO_TIMEOUT);
	close(listener);
}

T_TEST(a_connect_can_time_out)
{
	loop_start();
	fiber_run_main(fill_backlog_main, NULL);
}
