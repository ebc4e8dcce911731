/*
 * Calls between a peer and a server of forms, over a socket pair and simulated
 * time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/io/sock.h"
#include "common/mail/conf.h"
#include "common/mail/conf_core.h"
#include "common/service/peer.h"
#include "common/service/rpc.h"
#include "common/service/rpc_priv.h"
#include "tests/harness/t.h"

struct ask {
	struct span text;
	uint64_t wait_ms;
	int fd;
};
struct told {
	struct span text;
	uint64_t calls;
	int fd;
};
struct nudge {
	uint64_t n;
};

static const struct attr_field ask_fields[] = {
	ATTR_FIELD(struct ask, text, 1, ATTR_SPAN, .required = true),
	ATTR_FIELD(struct ask, wait_ms, 2, ATTR_U64),
	ATTR_FIELD(struct ask, fd, 3, ATTR_FD),
};
static const struct attr_field told_fields[] = {
	ATTR_FIELD(struct told, text, 1, ATTR_SPAN),
	ATTR_FIELD(struct told, calls, 2, ATTR_U64),
	ATTR_FIELD(struct told, fd, 3, ATTR_FD),
};
static const struct attr_field nudge_fields[] = {
	ATTR_FIELD(struct nudge, n, 1, ATTR_U64),
};
static const struct attr_form ask_form =
    ATTR_FORM("ask", 1, struct ask, ask_fields);
static const struct attr_form told_form =
    ATTR_FORM("told", 2, struct told, told_fields);
static const struct attr_form nudge_form =
    ATTR_FORM("nudge", 3, struct nudge, nudge_fields);

static unsigned calls, nudged, at_once, at_once_most;

static bool
handle_ask(struct rpc_call *call, void *request, void *reply_out)
{
	struct ask *ask = request;
	struct told *told = reply_out;

	calls++;
	if (++at_once > at_once_most)
		at_once_most = at_once;
	if (ask->wait_ms > 0)
		fiber_sleep(deadline_in_ms((int64_t)ask->wait_ms));
	at_once--;
	if (span_is(ask->text, "nonsense"))
		return false;
	told->text = span_cstr(arena_printf(call->arena, "told %.*s",
	    SPAN_ARG(ask->text)));
	told->calls = calls;
	told->fd = ask->fd;
	ask->fd = -1;
	return true;
}

static bool
handle_nudge(struct rpc_call *call, void *request, void *reply_out)
{
	(void)call;
	(void)reply_out;
	nudged += (unsigned)((struct nudge *)request)->n;
	return true;
}

static const struct rpc_method methods[] = {
	{ &ask_form, &told_form, handle_ask, true },
	{ &nudge_form, NULL, handle_nudge, false },
};
static struct rpc_protocol protocol = { .name = "test", .version = 1,
	.methods = methods, .nmethods = T_COUNT(methods), .accepts_fds = true };

static struct fiber_group servers;
static unsigned connections, refuse;
static struct stream *last_served;

static void
serve(void *arg)
{
	struct sock_peer peer = { .pid = 1, .uid = 2 };
	struct stream *s = stream_open((int)(intptr_t)arg);

	last_served = s;
	rpc_serve(&protocol, s, &peer);
	if (last_served == s)
		last_served = NULL;
}

static int
connect_here(void *arg)
{
	int pair[2];

	(void)arg;
	if (refuse > 0) {
		refuse--;
		return -1;
	}
	T_NEED(sock_pair(pair));
	connections++;
	T_NEED(fiber_spawn(&servers, "server", serve,
	    (void *)(intptr_t)pair[1]) != NULL);
	return pair[0];
}

static struct peer *
test_peer(void)
{
	peer_connect_by("private", "test", connect_here, NULL);
	return peer_named("private", "test", "test", 1);
}

static void
run(fiber_fn *fn)
{
	fiber_group_init(&servers);
	loop_start();
	fiber_run_main(fn, NULL);
}

static enum io_status
ask(struct peer *peer, bool idempotent, const char *text, uint64_t wait_ms,
    struct told *told)
{
	struct ask request = { .text = span_cstr(text), .wait_ms = wait_ms,
		.fd = -1 };

	return peer_call(peer, idempotent, &ask_form, &request, &told_form,
	    told, fiber_arena(), deadline_in(10));
}

static void
one_call(void *arg)
{
	struct told told;
	struct peer *peer = test_peer();

	(void)arg;
	T_EQ_INT(ask(peer, false, "a", 0, &told), IO_OK);
	T_EQ_TEXT(told.text, "told a");
	T_EQ_INT(ask(peer, false, "b", 500, &told), IO_OK);
	T_EQ_TEXT(told.text, "told b");
	T_EQ_INT(connections, 1);
}

T_TEST(a_call_gets_its_reply_and_the_connection_is_kept)
{
	run(one_call);
}

static void
call_slowly(void *arg)
{
	struct told told;

	T_EQ_INT(ask(test_peer(), false, arg, 1000, &told), IO_OK);
	T_CHECK(span_ends(told.text, span_cstr(arg)));
}

static void
many_calls(void *arg)
{
	struct fiber_group group;
	int64_t before = clock_now_ns();

	(void)arg;
	fiber_group_init(&group);
	for (int i = 0; i < 50; i++)
		fiber_spawn(&group, "caller", call_slowly,
		    arena_printf(fiber_arena(), "%d", i));
	fiber_group_join(&group, DEADLINE_NEVER);
	T_EQ_INT(connections, 1);
	T_EQ_INT(at_once_most, 50);
	T_CHECK(clock_now_ns() - before < 1500000000);
}

T_TEST(calls_are_pipelined_on_one_connection)
{
	run(many_calls);
}

static void
spread_calls(void *arg)
{
	struct fiber_group group;

	(void)arg;
	peer_set_spread(test_peer(), 10, 3);
	fiber_group_init(&group);
	for (int i = 0; i < 50; i++) {
		fiber_spawn(&group, "caller", call_slowly,
		    arena_printf(fiber_arena(), "%d", i));
		fiber_yield();
		fiber_sleep(deadline_in_ms(1));
	}
	fiber_group_join(&group, DEADLINE_NEVER);
	T_EQ_INT(connections, 3);
}

T_TEST(many_calls_open_more_connections_up_to_the_bound)
{
	run(spread_calls);
}

static void
few_at_once(void *arg)
{
	struct fiber_group group;

	(void)arg;
	protocol.calls_per_connection = 7;
	fiber_group_init(&group);
	for (int i = 0; i < 20; i++)
		fiber_spawn(&group, "caller", call_slowly,
		    arena_printf(fiber_arena(), "%d", i));
	fiber_group_join(&group, DEADLINE_NEVER);
	T_EQ_INT(at_once_most, 7);
	T_EQ_INT(calls, 20);
}

T_TEST(a_server_reads_no_more_than_it_may_have_in_flight)
{
	run(few_at_once);
}

static void
late_server(void *arg)
{
	struct told told;
	int64_t before = clock_now_ns();

	(void)arg;
	refuse = 5;
	T_EQ_INT(ask(test_peer(), false, "late", 0, &told), IO_OK);
	T_CHECK(clock_now_ns() - before >= 1500000000);
	T_EQ_INT(connections, 1);
}

T_TEST(a_service_that_is_not_there_is_asked_again)
{
	run(late_server);
}

static void
no_server(void *arg)
{
	struct told told;
	struct peer *peer = test_peer();

	(void)arg;
	refuse = 1000;
	T_EQ_INT(ask(peer, true, "never", 0, &told), IO_TIMEOUT);
	T_HAS_STR(peer_why(peer), "could be made");
}

T_TEST(a_service_that_never_comes_is_a_timeout_with_a_reason)
{
	run(no_server);
}

static void
cut_when_asked(void *arg)
{
	(void)arg;
	fiber_sleep(deadline_in_ms(100));
	T_NEED(last_served != NULL);
	shutdown(stream_fd(last_served), SHUT_RDWR);
}

static void
lost_connection(void *arg)
{
	struct told told;
	struct fiber_group group;
	struct peer *peer = test_peer();

	(void)arg;
	fiber_group_init(&group);
	fiber_spawn(&group, "cutter", cut_when_asked, NULL);
	T_EQ_INT(ask(peer, true, "again", 500, &told), IO_OK);
	T_EQ_INT(connections, 2);
	fiber_spawn(&group, "cutter", cut_when_asked, NULL);
	T_EQ_INT(ask(peer, false, "once", 500, &told), IO_ERROR);
	T_EQ_INT(ask(peer, false, "next", 0, &told), IO_OK);
	T_EQ_INT(connections, 3);
	fiber_group_join(&group, DEADLINE_NEVER);
}

T_TEST(a_lost_call_is_tried_again_if_it_may_be)
{
	run(lost_connection);
}

static void
quit_politely(void *arg)
{
	struct told told;
	struct peer *peer = test_peer();
	struct fiber_group group;

	(void)arg;
	fiber_group_init(&group);
	T_EQ_INT(ask(peer, false, "first", 0, &told), IO_OK);
	fiber_spawn(&group, "slow", call_slowly, "slow");
	fiber_sleep(deadline_in_ms(10));
	rpc_say_bye(last_served);
	fiber_sleep(deadline_in_ms(10));
	/* The slow one is still answered; new ones go elsewhere. */
	T_EQ_INT(ask(peer, false, "second", 0, &told), IO_OK);
	T_EQ_INT(connections, 2);
	fiber_group_join(&group, DEADLINE_NEVER);
	T_EQ_INT(calls, 3);
	fiber_sleep(deadline_in_ms(10));
	T_EQ_INT(servers.count, 1);
}

T_TEST(a_server_that_says_bye_loses_no_call)
{
	run(quit_politely);
}

static void
idle_connection(void *arg)
{
	struct peer *peer = test_peer();
	struct told told;

	(void)arg;
	T_EQ_INT(ask(peer, false, "x", 0, &told), IO_OK);
	T_EQ_INT(servers.count, 1);
	fiber_sleep(deadline_in(18));
	T_EQ_INT(servers.count, 1);
	fiber_sleep(deadline_in(4));
	T_EQ_INT(servers.count, 0);

	T_CASE("one of the pool");
	peer_give_connection(peer, peer_take_connection(peer, deadline_in(1)),
	    true);
	fiber_sleep(deadline_in(18));
	T_EQ_INT(servers.count, 1);
	fiber_sleep(deadline_in(4));
	T_EQ_INT(servers.count, 0);
}

T_TEST(an_idle_connection_is_closed)
{
	struct str why = STR_EMPTY;

	T_NEED(conf_load_text("main.cf", SPAN("ipc_idle = 20s\n"), &why));
	conf_register(&conf_core_params);
	T_NEED(conf_fill(&conf_core_params, &why));
	run(idle_connection);
}

static bool done_called;

static void
on_done(void *arg)
{
	(void)arg;
	done_called = true;
}

static void
begin_finish(void *arg)
{
	struct ask request = { .text = span_cstr("x"), .fd = -1 };
	struct told told;
	struct peer *peer = test_peer();
	struct peer_pending *p = peer_begin(peer, false, &ask_form, &request,
	    &told_form, on_done, NULL);

	(void)arg;
	T_CHECK(!peer_is_done(p));
	fiber_sleep(deadline_in(1));
	T_CHECK(done_called && peer_is_done(p));
	T_EQ_INT(peer_finish(p, &told, fiber_arena(), deadline_in(1)), IO_OK);
	T_EQ_TEXT(told.text, "told x");

	p = peer_begin(peer, false, &ask_form, &request, &told_form, NULL,
	    NULL);
	peer_forget(p);
	fiber_sleep(deadline_in(1));
	T_EQ_INT(calls, 2);
	request.wait_ms = 60000;
	p = peer_begin(peer, false, &ask_form, &request, &told_form, NULL,
	    NULL);
	T_EQ_INT(peer_finish(p, &told, fiber_arena(), deadline_in(1)),
	    IO_TIMEOUT);
}

T_TEST(a_call_in_two_steps)
{
	run(begin_finish);
}

static void
pass_descriptor(void *arg)
{
	struct peer *peer = test_peer();
	struct told told;
	char c = 0;
	int pipes[2];

	(void)arg;
	T_NEED(pipe(pipes) == 0);
	T_NEED(write(pipes[1], "z", 1) == 1);
	for (int idempotent = 0; idempotent < 2; idempotent++) {
		struct ask request = { .text = span_cstr("x"),
			.fd = fcntl(pipes[0], F_DUPFD_CLOEXEC, 3) };

		T_EQ_INT(peer_call(peer, idempotent, &ask_form, &request,
		    &told_form, &told, fiber_arena(), deadline_in(1)), IO_OK);
		T_NEED(told.fd >= 0);
		if (idempotent == 0) {
			close(told.fd);
			continue;
		}
		T_EQ_INT(read(told.fd, &c, 1), 1);
		T_EQ_INT(c, 'z');
		close(told.fd);
	}
	struct ask request = { .text = span_cstr("x"),
		.fd = fcntl(pipes[0], F_DUPFD_CLOEXEC, 3) };
	struct peer_pending *p = peer_begin(peer, false, &ask_form, &request,
	    &told_form, NULL, NULL);

	T_EQ_INT(peer_finish(p, &told, fiber_arena(), deadline_in(1)), IO_OK);
	T_CHECK(told.fd >= 0);
	T_EQ_TEXT(told.text, "told x");
	close(told.fd);
}

T_TEST(descriptors_go_both_ways)
{
	run(pass_descriptor);
}

static void
notices(void *arg)
{
	struct peer *peer = test_peer();
	struct nudge nudge = { .n = 5 };

	(void)arg;
	T_CHECK(!peer_notify(peer, &nudge_form, &nudge));
	fiber_sleep(deadline_in_ms(10));
	T_CHECK(peer_notify(peer, &nudge_form, &nudge));
	T_CHECK(peer_notify(peer, &nudge_form, &nudge));
	fiber_sleep(deadline_in_ms(10));
	T_EQ_INT(nudged, 10);
}

T_TEST(a_notice_goes_once_there_is_a_connection)
{
	run(notices);
}

static void
nonsense(void *arg)
{
	struct told told;
	struct peer *peer = test_peer();

	(void)arg;
	T_EQ_INT(ask(peer, false, "nonsense", 0, &told), IO_ERROR);
	T_EQ_INT(ask(peer, false, "sense", 0, &told), IO_OK);
	T_EQ_INT(connections, 2);
}

T_TEST(nonsense_costs_the_connection)
{
	run(nonsense);
}

static void
wrong_version(void *arg)
{
	struct told told;
	struct peer *peer;

	(void)arg;
	peer_connect_by("private", "test", connect_here, NULL);
	peer = peer_named("private", "test", "test", 2);
	T_EQ_INT(ask(peer, false, "x", 0, &told), IO_ERROR);
	T_EQ_INT(calls, 0);
}

T_TEST(another_version_is_refused)
{
	run(wrong_version);
}

static void
own_connections(void *arg)
{
	struct peer *peer = test_peer();
	struct stream *a = peer_take_connection(peer, deadline_in(1)), *b;

	(void)arg;
	T_NEED(a != NULL);
	b = peer_take_connection(peer, deadline_in(1));
	T_NEED(b != NULL);
	fiber_sleep(deadline_in_ms(1));
	T_EQ_INT(servers.count, 2);
	peer_give_connection(peer, a, true);
	T_CHECK(peer_take_connection(peer, deadline_in(1)) == a);
	peer_give_connection(peer, a, false);
	rpc_say_bye(last_served);
	fiber_sleep(deadline_in_ms(1));
	peer_give_connection(peer, b, true);
	fiber_sleep(deadline_in(30));
	T_EQ_INT(servers.count, 0);
}

T_TEST(connections_of_ones_own_are_pooled)
{
	run(own_connections);
}

static void
bad_frames(void *arg)
{
	static const struct {
		const char *name, *bytes;
		size_t len;
	} cases[] = {
		{ "no hello", "\0\0\0\10\0\1\0\0\0\0\0\1", 12 },
		{ "text", "HELO there\r\n", 12 },
		{ "giant", "\177\377\377\377\0\0\0\0\0\0\0\0", 12 },
		{ "cut", "\0\0\0", 3 },
		{ "nothing", "", 0 },
	};

	(void)arg;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		int fd = connect_here(NULL);

		T_CASE(cases[i].name);
		T_NEED(write(fd, cases[i].bytes, cases[i].len) ==
		    (ssize_t)cases[i].len);
		fiber_sleep(deadline_in_ms(1));
		shutdown(fd, SHUT_WR);
		fiber_sleep(deadline_in_ms(1));
		T_EQ_INT(servers.count, 0);
		close(fd);
	}
}

T_TEST(a_server_survives_bad_frames)
{
	run(bad_frames);
}
