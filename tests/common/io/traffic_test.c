/*
 * Random traffic over TCP: many connections, every way to write and read,
 * peers that go away in the middle.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/io/sock.h"
#include "common/io/stream.h"
#include "tests/harness/t.h"

enum { CONNECTIONS = 24 };

static struct fiber_group servers, clients;
static char pattern[65536];
static uint64_t state;
static size_t moved;
static int finished, dropped;

static uint32_t
any(uint32_t below)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(state >> 33) % below;
}

/* Reads what the pattern says must come, in a way chosen each time. */
static enum io_status
read_some(struct stream *s, uint64_t at)
{
	char buf[3000];
	struct span bytes;
	enum io_status status;

	switch (any(3)) {
	case 0:
		status = stream_peek(s, deadline_in(10), &bytes);
		break;
	case 1:
		status = stream_peek_more(s, any(2000), deadline_in(10),
		    &bytes);
		if (status == IO_EOF && bytes.len > 0)
			status = IO_OK;
		break;
	default:
		bytes = span_of(buf, 1 + any(sizeof(buf) - 1));
		status = stream_read_exact(s, buf, bytes.len, deadline_in(10));
		if (status == IO_OK && memcmp(buf, pattern + at % 251,
		    bytes.len) != 0)
			T_FAIL("bytes differ after %llu",
			    (unsigned long long)at);
		return status;
	}
	if (status != IO_OK)
		return status;
	if (memcmp(bytes.p, pattern + at % 251, bytes.len) != 0)
		T_FAIL("bytes differ after %llu", (unsigned long long)at);
	stream_consume(s, 1 + any((uint32_t)bytes.len));
	return status;
}

static void
serve(int fd, const struct sock_peer *peer, void *arg)
{
	struct stream *s = stream_open(fd);
	enum io_status status = IO_OK;

	(void)peer;
	(void)arg;
	while (status == IO_OK) {
		status = read_some(s, stream_bytes_in(s) - stream_buffered(s));
		if (any(50) == 0)
			fiber_sleep(deadline_in_ms(any(3)));
		if (any(3000) == 0)
			break;			/* goes away */
	}
	moved += stream_bytes_in(s);
	if (status == IO_OK)
		dropped++;
	stream_close(s);
}

static void
send_traffic(void *arg)
{
	const uint16_t *port = arg;
	struct ipaddr ip;
	uint64_t at = 0;
	enum io_status status = IO_OK;
	int fd;

	ipaddr_scan(SPAN("127.0.0.1"), &ip);
	T_NEED(sock_connect_inet(&ip, *port, NULL, deadline_in(10), &fd) ==
	    IO_OK);
	struct stream *s = stream_open(fd);

	for (int i = 0; i < 300 && status == IO_OK; i++) {
		struct span piece = span_of(pattern + at % 251,
		    any(20) == 0 ? any(60000) : any(300));

		switch (any(4)) {
		case 0:
			status = stream_write(s, piece, deadline_in(10));
			break;
		case 1:
			status = stream_write_flush(s, piece, deadline_in(10));
			break;
		case 2:
			stream_queue(s, piece);
			status = stream_status(s);
			break;
		case 3:
			fiber_yield();
			piece.len = 0;
			status = stream_flush(s, deadline_in(10));
			break;
		}
		at += piece.len;
	}
	if (status == IO_OK && stream_flush(s, deadline_in(10)) == IO_OK) {
		T_EQ_INT(stream_bytes_out(s), at);
		finished++;
	}
	stream_close(s);
}

static void
traffic_main(void *arg)
{
	struct ipaddr ip;
	uint16_t port;

	(void)arg;
	ipaddr_scan(SPAN("127.0.0.1"), &ip);
	int listener = sock_listen_inet(&ip, 0, 100, NULL);

	T_NEED(listener >= 0 && sock_local_of(listener, &ip, &port));
	struct sock_server *server = sock_server_start(listener, &servers,
	    "server", serve, NULL, NULL);

	for (int i = 0; i < CONNECTIONS; i++)
		fiber_spawn(&clients, "client", send_traffic, &port);
	T_EQ_INT(fiber_group_join(&clients, deadline_in(30)), IO_OK);
	T_EQ_INT(fiber_group_join(&servers, deadline_in(30)), IO_OK);
	T_CHECK(moved > 1000000 && finished > 0);
	/* And some are cancelled in the middle. */
	for (int i = 0; i < CONNECTIONS; i++)
		fiber_spawn(&clients, "client", send_traffic, &port);
	fiber_sleep(deadline_in_ms(3));
	fiber_group_close(&clients);
	fiber_group_close(&servers);
	sock_server_stop(server);
}

T_TEST(random_traffic_arrives_in_order)
{
	state = t_seed();
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)(i % 251);
	loop_start();
	fiber_group_init(&servers);
	fiber_group_init(&clients);
	fiber_run_main(traffic_main, NULL);
}
