/*
 * Time-outs over the simulated loop: hours pass in no time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/io/offload.h"
#include "common/io/sock.h"
#include "common/io/stream.h"
#include "tests/harness/t.h"

static struct fiber_group group;
static struct stream *a, *b;

#define SIM_TEST(what) \
	static void what##_body(void *arg); \
	T_TEST(what) \
	{ \
		time_t start = time(NULL); \
		loop_start(); \
		fiber_group_init(&group); \
		fiber_run_main(what##_body, NULL); \
		T_CHECK(time(NULL) - start < 5); \
	} \
	static void what##_body(__attribute__((unused)) void *arg)

static void
open_pair(void)
{
	int fds[2];

	T_NEED(sock_pair(fds));
	a = stream_open(fds[0]);
	b = stream_open(fds[1]);
}

static int64_t
seconds_since(int64_t start_ns)
{
	return (clock_now_ns() - start_ns) / 1000000000;
}

static void
sleep_seconds(void *arg)
{
	fiber_sleep(deadline_in((intptr_t)arg));
}

SIM_TEST(sleeping_moves_the_clock)
{
	int64_t start = clock_now_ns(), wall = clock_wall();

	fiber_spawn(&group, "s", sleep_seconds, (void *)7200);
	T_EQ_INT(fiber_sleep(deadline_in(300)), IO_TIMEOUT);
	T_EQ_INT(seconds_since(start), 300);
	T_EQ_INT(fiber_group_join(&group, deadline_in(60)), IO_TIMEOUT);
	T_EQ_INT(seconds_since(start), 360);
	T_EQ_INT(fiber_group_join(&group, DEADLINE_NEVER), IO_OK);
	T_EQ_INT(seconds_since(start), 7200);
	T_EQ_INT(clock_wall() - wall, 7200);
}

SIM_TEST(a_deadline_covers_many_small_reads)
{
	int64_t start = clock_now_ns();
	struct deadline end = deadline_in(300);
	struct span bytes;
	enum io_status status = IO_OK;
	int reads = 0;

	open_pair();
	while (status == IO_OK) {
		fiber_sleep(deadline_in(40));
		if (reads < 5)
			stream_write_flush(a, SPAN("x"), deadline_in(1));
		status = stream_peek(b, end, &bytes);
		if (status == IO_OK) {
			stream_consume(b, bytes.len);
			reads++;
		}
	}
	T_EQ_INT(status, IO_TIMEOUT);
	T_EQ_INT(reads, 5);
	T_EQ_INT(seconds_since(start), 300);
	stream_close(a);
	stream_close(b);
}

SIM_TEST(a_stuck_writer_times_out)
{
	int64_t start = clock_now_ns();
	static char much[1 << 20];

	open_pair();
	T_EQ_INT(stream_write_flush(a, span_of(much, sizeof(much)),
	    deadline_in(180)), IO_TIMEOUT);
	T_EQ_INT(seconds_since(start), 180);
	T_EQ_STR(stream_why(a), "timed out");
	stream_close(a);
	stream_close(b);
}

static int slept;

static void
sleep_really(void *arg)
{
	usleep(30000);
	++*(int *)arg;
}

SIM_TEST(threads_are_waited_for_in_real_time)
{
	int64_t start = clock_now_ns();

	fiber_spawn(&group, "s", sleep_seconds, (void *)100);
	offload_call(sleep_really, &slept);
	T_EQ_INT(slept, 1);
	T_EQ_INT(seconds_since(start), 0);
	fiber_group_join(&group, DEADLINE_NEVER);
	T_EQ_INT(seconds_since(start), 100);
	offload_stop();
}

static void
answer_slowly(int fd, const struct sock_peer *peer, void *arg)
{
	struct stream *s = stream_open(fd);

	(void)peer;
	(void)arg;
	fiber_sleep(deadline_in(250));
	stream_write_flush(s, SPAN("220\n"), deadline_in(1));
	stream_close(s);
}

SIM_TEST(servers_work_over_real_sockets)
{
	struct ipaddr ip;
	uint16_t port;
	struct span line;
	int fd;

	ipaddr_scan(SPAN("127.0.0.1"), &ip);
	int listener = sock_listen_inet(&ip, 0, 10, NULL);

	T_NEED(sock_local_of(listener, &ip, &port));
	struct sock_server *server = sock_server_start(listener, &group,
	    "slow", answer_slowly, NULL, NULL);
	int64_t start = clock_now_ns();

	T_NEED(sock_connect_inet(&ip, port, NULL, deadline_in(30), &fd) ==
	    IO_OK);
	struct stream *s = stream_open(fd);

	T_EQ_INT(stream_read_line(s, 100, deadline_in(300), &line, NULL),
	    IO_OK);
	T_EQ_TEXT(line, "220");
	T_EQ_INT(seconds_since(start), 250);
	T_EQ_INT(stream_read_line(s, 100, deadline_in(300), &line, NULL),
	    IO_EOF);
	stream_close(s);
	sock_server_stop(server);
}
