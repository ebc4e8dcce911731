/*
 * tcp: and socketmap: against a server that does as the key says; a hundred
 * seconds take no time here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/io/sock.h"
#include "common/io/stream.h"
#include "common/mail/conf_core.h"
#include "maps/maps.h"
#include "tests/harness/t_maps.h"

#define SECOND INT64_C(1000000000)

/* --- A server ------------------------------------------------------------*/

static unsigned connections, questions, at_once, most_at_once;
static bool netstrings;
static struct fiber_group serving, clients;
static struct sock_server *server;
static char spec[400];

static bool
read_question(struct stream *s, struct span *key_out)
{
	if (!netstrings)
		return stream_read_line(s, 100000, DEADLINE_NEVER, key_out,
		    NULL) == IO_OK && span_starts(*key_out, SPAN("get ")) &&
		    (*key_out = span_skip(*key_out, 4), true);
	static struct str text;
	struct span head = SPAN_NONE;
	ssize_t colon;
	size_t len = 0;

	while ((colon = span_find(head, ':')) < 0)
		if (stream_peek_more(s, head.len, DEADLINE_NEVER, &head) !=
		    IO_OK)
			return false;
	for (ssize_t i = 0; i < colon; i++)
		len = len * 10 + (size_t)(head.p[i] - '0');
	stream_consume(s, (size_t)colon + 1);
	str_clear(&text);
	if (stream_read_exact(s, str_reserve(&text, len + 1), len + 1,
	    DEADLINE_NEVER) != IO_OK)
		return false;
	str_advance(&text, len);
	T_CHECK(span_starts(str_span(&text), SPAN("box ")));
	*key_out = span_skip(str_span(&text), 4);
	return true;
}

static void
say(struct stream *s, const char *text)
{
	if (netstrings)
		(void)stream_print(s, DEADLINE_NEVER, "%zu:%s,",
		    strlen(text), text);
	else
		(void)stream_print(s, DEADLINE_NEVER, "%s\n", text);
	(void)stream_flush(s, DEADLINE_NEVER);
}

static void
say_found(struct stream *s, struct span value)
{
	struct str text = STR_EMPTY;

	str_printf(&text, "%s %.*s", netstrings ? "OK" : "200",
	    SPAN_ARG(value));
	say(s, str_cstr(&text));
	str_fini(&text);
}

/* False: hang up. */
static bool
answer(struct stream *s, struct span key)
{
	if (span_is(key, "silent")) {
		(void)fiber_sleep(DEADLINE_NEVER);
		return false;
	}
	if (span_is(key, "close"))
		return false;
	if (span_is(key, "slow"))
		(void)fiber_sleep(deadline_in(1));
	if (span_is(key, "absent")) {
		say(s, netstrings ? "NOTFOUND " : "500 never%20heard");
	} else if (span_is(key, "later")) {
		say(s, netstrings ? "TEMP not now" : "400 not%20now");
	} else if (span_is(key, "nonsense")) {
		(void)stream_print(s, DEADLINE_NEVER, "nonsense, says he\n");
		(void)stream_flush(s, DEADLINE_NEVER);
		(void)fiber_sleep(deadline_in(500));
	} else if (span_is(key, "half")) {
		(void)stream_print(s, DEADLINE_NEVER, netstrings ? "9:OK ab" :
		    "200 ab");
		(void)stream_flush(s, DEADLINE_NEVER);
		return false;
	} else if (span_is(key, "long")) {
		char text[5000];

		memset(text, 'x', sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		say_found(s, span_cstr(text));
	} else if (span_is(key, "twice")) {
		say_found(s, key);
		say_found(s, SPAN("of another question"));
	} else {
		say_found(s, key);
	}
	return !span_is(key, "last");
}

static void
serve(int fd, const struct sock_peer *peer, void *arg)
{
	struct stream *s = stream_open(fd);
	struct span key;
	bool more = true;

	(void)peer;
	(void)arg;
	connections++;
	while (more && read_question(s, &key)) {
		questions++;
		if (++at_once > most_at_once)
			most_at_once = at_once;
		more = answer(s, key);
		at_once--;
	}
	stream_close(s);
}

static void
start_server(bool socketmap)
{
	struct ipaddr ip;
	uint16_t port = 0;
	char path[300];
	int fd;

	netstrings = socketmap;
	connections = questions = at_once = most_at_once = 0;
	if (socketmap) {
		snprintf(path, sizeof(path), "%s/socket", t_tmpdir());
		snprintf(spec, sizeof(spec), "socketmap:unix:%s:box", path);
		fd = sock_listen_unix(path, 100, 0666, NULL);
	} else {
		T_NEED(ipaddr_scan(SPAN("127.0.0.1"), &ip));
		fd = sock_listen_inet(&ip, 0, 100, NULL);
		T_NEED(fd >= 0 && sock_local_of(fd, &ip, &port));
		snprintf(spec, sizeof(spec), "tcp:localhost:%u", port);
	}
	T_NEED(fd >= 0);
	server = sock_server_start(fd, &serving, "server", serve, NULL, NULL);
}

static void
stop_server(void)
{
	sock_server_stop(server);
	fiber_group_close(&serving);
}

static void
run_both(fiber_fn *fn)
{
	static bool kinds[] = { false, true };

	keep_log();
	loop_start();
	for (size_t i = 0; i < T_COUNT(kinds); i++) {
		T_CASE(kinds[i] ? "socketmap" : "tcp");
		fiber_group_init(&serving);
		fiber_group_init(&clients);
		fiber_run_main(fn, &kinds[i]);
	}
}

/* --- What holds ----------------------------------------------------------*/

static void
three_answers(void *arg)
{
	start_server(*(bool *)arg);
	struct map *m = map_open(spec, MAP_FOLD, NULL);

	T_EQ_STR(look(m, "Ann@Example.org"), "Ann@Example.org");
	T_EQ_STR(look(m, "absent"), "absent");
	T_EQ_STR(look(m, "later"), "failed");
	T_HAS_STR(map_why(m), spec);
	T_HAS_STR(map_why(m), "not now");
	T_EQ_STR(look(m, "after"), "after");
	T_EQ_INT(connections, 1);
	T_EQ_INT(questions, 4);
	map_close(m);
	stop_server();
}

T_TEST(three_answers_over_one_connection)
{
	run_both(three_answers);
}

static void
lost(void *arg)
{
	start_server(*(bool *)arg);
	struct map *m = map_open(spec, 0, NULL);

	/* The server hangs up behind its answer: asked anew, unnoticed. */
	T_EQ_STR(look(m, "last"), "last");
	T_EQ_STR(look(m, "a"), "a");
	T_EQ_INT(connections, 2);
	/* Without an answer on a new connection too: failed, after two. */
	questions = 0;
	T_EQ_STR(look(m, "close"), "failed");
	T_HAS_STR(map_why(m), "lost connection while waiting for the answer");
	T_EQ_INT(questions, 2);
	T_EQ_INT(connections, 3);
	T_EQ_STR(look(m, "half"), "failed");
	T_HAS_STR(map_why(m), "lost connection while waiting for the answer");
	T_EQ_STR(look(m, "b"), "b");
	map_close(m);
	stop_server();
}

T_TEST(a_lost_connection_is_made_anew_once)
{
	run_both(lost);
}

static void
nonsense(void *arg)
{
	bool socketmap = *(bool *)arg;

	start_server(socketmap);
	struct map *m = map_open(spec, 0, NULL);

	T_EQ_STR(look(m, "nonsense"), "failed");
	T_HAS_STR(map_why(m), socketmap ? "input format error" :
	    "malformed reply: \"nonsense, says he\"");
	T_EQ_STR(look(m, "a"), "a");
	T_EQ_INT(connections, 2);
	/* What comes unasked is not the answer to the next question. */
	T_EQ_STR(look(m, "twice"), "twice");
	T_EQ_STR(look(m, "b"), "b");
	T_EQ_STR(look(m, "c"), "c");
	if (!socketmap) {
		T_EQ_STR(look(m, "long"), "failed");
		T_HAS_STR(map_why(m), "reply of more than 4096 bytes");
		T_EQ_STR(look(m, "d"), "d");
	} else {
		conf_core.socketmap_max_reply_size = 4000;
		T_EQ_STR(look(m, "long"), "failed");
		T_HAS_STR(map_why(m), "reply of more than 4000 bytes "
		    "(socketmap_max_reply_size)");
		conf_core.socketmap_max_reply_size = 0;
		T_EQ_INT(strlen(look(m, "long")), 4999);
		conf_core.socketmap_max_query_size = 20;
		T_EQ_STR(look(m, "1234567890123456"), "1234567890123456");
		T_EQ_STR(look(m, "12345678901234567"), "failed");
		T_HAS_STR(map_why(m), "query of more than 20 bytes "
		    "(socketmap_max_query_size)");
		conf_core.socketmap_max_query_size = 0;
	}
	map_close(m);
	stop_server();
}

T_TEST(nonsense_ends_the_connection_and_is_never_an_answer)
{
	run_both(nonsense);
}

static void
silence(void *arg)
{
	start_server(*(bool *)arg);
	struct map *m = map_open(spec, 0, NULL);
	int64_t start = clock_now_ns();

	T_EQ_STR(look(m, "silent"), "failed");
	T_HAS_STR(map_why(m), "timed out");
	T_CHECK(clock_now_ns() - start >= 100 * SECOND);
	T_CHECK(clock_now_ns() - start < 101 * SECOND);
	T_EQ_STR(look(m, "a"), "a");
	T_EQ_INT(connections, 2);
	map_close(m);
	stop_server();
}

T_TEST(a_silent_server_fails_a_lookup_after_a_hundred_seconds)
{
	run_both(silence);
}

static void
look_slowly(void *arg)
{
	T_EQ_STR(look(arg, "slow"), "slow");
}

static void
crowd(void *arg)
{
	start_server(*(bool *)arg);
	struct map *m = map_open(spec, 0, NULL);

	/* `look` has one place for values; all of these are the same. */
	for (int i = 0; i < 100; i++)
		T_NEED(fiber_spawn(&clients, "client", look_slowly, m));
	T_EQ_INT(fiber_group_join(&clients, deadline_in(20)), IO_OK);
	T_EQ_INT(questions, 100);
	T_EQ_INT(connections, 32);
	T_EQ_INT(most_at_once, 32);
	map_close(m);
	stop_server();
}

T_TEST(many_questions_share_a_bounded_number_of_connections)
{
	run_both(crowd);
}

static void
give_up(void *arg)
{
	T_EQ_STR(look(arg, "silent"), "failed");
}

static void
cancelled(void *arg)
{
	start_server(*(bool *)arg);
	struct map *m = map_open(spec, 0, NULL);

	for (int i = 0; i < 40; i++)
		T_NEED(fiber_spawn(&clients, "client", give_up, m));
	T_EQ_INT(fiber_sleep(deadline_in(5)), IO_TIMEOUT);
	T_EQ_INT(connections, 32);
	fiber_group_close(&clients);
	T_EQ_STR(look(m, "a"), "a");
	map_close(m);
	stop_server();
}

T_TEST(cancelled_questions_give_their_connections_back)
{
	run_both(cancelled);
}

static void
idle(void *arg)
{
	start_server(*(bool *)arg);
	struct map *m = map_open(spec, 0, NULL);

	T_EQ_STR(look(m, "a"), "a");
	T_EQ_INT(fiber_sleep(deadline_in(9)), IO_TIMEOUT);
	T_EQ_STR(look(m, "b"), "b");
	T_EQ_INT(connections, 1);
	T_EQ_INT(serving.count, 1);
	T_EQ_INT(fiber_sleep(deadline_in(11)), IO_TIMEOUT);
	T_EQ_INT(serving.count, 0);	/* we hung up */
	T_EQ_STR(look(m, "c"), "c");
	T_EQ_INT(connections, 2);
	/* Used all the time, but only for a hundred seconds. */
	for (int i = 0; i < 40; i++) {
		T_EQ_INT(fiber_sleep(deadline_in(5)), IO_TIMEOUT);
		T_EQ_STR(look(m, "d"), "d");
	}
	T_EQ_INT(connections, 4);
	map_close(m);
	stop_server();
}

T_TEST(kept_connections_end_when_idle_or_old)
{
	run_both(idle);
}

static void
nobody(void *arg)
{
	struct str value = STR_EMPTY;
	bool socketmap = *(bool *)arg;

	start_server(socketmap);
	stop_server();
	struct maps *maps = maps_open("transport_maps", spec, MAP_FOLD, NULL);

	T_EQ_INT(maps_lookup(maps, SPAN("key"), 0, &value, NULL), MAP_FAILED);
	const char *log = logged(), *end = strchr(log, '\n');

	T_HAS_STR(log, spec);
	T_HAS_STR(log, "lookup error for \"key\"");
	T_HAS_STR(log, "connect to ");
	T_HAS_STR(log, ": Connection refused");
	T_CHECK(end != NULL && end[1] == '\0');	/* once */
	maps_close(maps);
	str_fini(&value);
}

T_TEST(a_server_that_is_not_there_fails_at_once_and_is_logged_once)
{
	run_both(nobody);
}

static size_t
no_addresses(const char *host, struct ipaddr *out, size_t room,
    struct deadline deadline, struct str *why)
{
	(void)out;
	(void)room;
	(void)deadline;
	str_printf(why, "host %s not found: so there", host);
	return 0;
}

/* One where nothing listens first. */
static size_t
two_addresses(const char *host, struct ipaddr *out, size_t room,
    struct deadline deadline, struct str *why)
{
	(void)deadline;
	(void)why;
	T_EQ_STR(host, "localhost");
	T_NEED(room >= 2 && ipaddr_scan(SPAN("127.1.2.3"), &out[0]) &&
	    ipaddr_scan(SPAN("127.0.0.1"), &out[1]));
	return 2;
}

static void
names(void *arg)
{
	(void)arg;
	start_server(false);
	struct map *m = map_open(spec, 0, NULL);

	map_set_resolver(no_addresses);
	T_EQ_STR(look(m, "a"), "failed");
	T_HAS_STR(map_why(m), "host localhost not found: so there");
	map_set_resolver(two_addresses);
	T_EQ_STR(look(m, "a"), "a");
	map_set_resolver(NULL);
	map_close(m);
	stop_server();
}

T_TEST(host_names_are_asked_of_whoever_resolves_here)
{
	keep_log();
	loop_start();
	fiber_group_init(&serving);
	fiber_run_main(names, NULL);
}

T_TEST(a_network_table_waits_in_a_fiber_only)
{
	struct map *m = map_open("tcp:127.0.0.1:1", 0, NULL);

	T_EQ_STR(look(m, "k"), "failed");
	T_HAS_STR(map_why(m), "cannot be asked before the process serves");
	/* A command has no other work: its loop runs as long as that takes. */
	map_for_command();
	T_EQ_STR(look(m, "k"), "failed");
	T_HAS_STR(map_why(m), "connect to 127.0.0.1:1: Connection refused");
	T_EQ_STR(look(m, "k"), "failed");
	map_close(m);
}
