/*
 * world - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/daemons/smtp/world.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fault.h"
#include "common/io/loop.h"
#include "common/io/sock.h"
#include "common/service/peer.h"
#include "daemons/shared/bounce_proto.h"
#include "tests/harness/t_double.h"

static struct world *world;
static struct fiber_group servers;

/* --- The log -------------------------------------------------------------*/

static void
keep_line(struct log_sink *sink, const struct log_record *record)
{
	(void)sink;
	str_add(&world->log, record->text);
	str_putc(&world->log, '\n');
}

static struct log_sink keeper = { .write = keep_line };

/* --- Logs of outcomes ----------------------------------------------------*/

/* A fiber at the other end of a connection; -1 where a fault keeps it from
 * being. */
static int
connect_to(const char *name, fiber_fn *fn)
{
	int pair[2];

	if (!sock_pair(pair)) {
		T_CHECK(fault_was_hit());
		return -1;
	}
	if (fiber_spawn(&servers, name, fn, (void *)(intptr_t)pair[1])
	    != NULL)
		return pair[0];
	T_CHECK(fault_was_hit());
	close(pair[0]);
	close(pair[1]);
	return -1;
}

static bool
take_outcomes(struct rpc_call *call, void *request, void *reply_out)
{
	struct bounce_append *append = request;

	(void)call;
	for (size_t i = 0; i < append->outcomes.count; i++) {
		uint64_t action = ATTR_AT(append->outcomes, struct outcome,
		    i)->action;

		world->bounced += action == DSN_FAILED;
		world->delivered += action == DSN_DELIVERED;
		world->relayed += action == DSN_RELAYED;
	}
	((struct bounce_reply *)reply_out)->ok = true;
	return true;
}

static void
serve_bounce(void *arg)
{
	static const struct rpc_method methods[] = {
		{ &bounce_append_form, &bounce_reply_form, take_outcomes,
		    false },
	};
	static const struct rpc_protocol protocol = { .name = BOUNCE_PROTOCOL,
		.version = BOUNCE_VERSION, .methods = methods, .nmethods = 1 };
	struct sock_peer peer = { .pid = 1 };

	rpc_serve(&protocol, stream_open((int)(intptr_t)arg), &peer);
}

static int
connect_bounce(void *arg)
{
	(void)arg;
	return connect_to("bounce", serve_bounce);
}

/* --- Names ---------------------------------------------------------------*/

static bool
resolve(struct rpc_call *call, void *request, void *reply_out)
{
	struct resolver_request *rq = request;
	struct resolver_reply *reply = reply_out;
	struct resolver_record *list = arena_array(call->arena, 20,
	    sizeof(*list));
	struct span rest = SPAN(world->addresses), word;
	size_t n = 0;

	world->asked_flags = rq->flags;
	reply->status = world->resolver;
	while (n < 20 && span_token(&rest, " ", &word))
		if (span_has(word, ':') == (rq->type == RESOLVER_AAAA))
			list[n++] = (struct resolver_record){
				.type = rq->type, .address = word };
	if (world->addresses != NULL)
		reply->status = n > 0 ? RESOLVER_FOUND : RESOLVER_NO_DATA;
	reply->records = (struct attr_list){ list, n };
	return true;
}

static void
serve_names(void *arg)
{
	static const struct rpc_method methods[] = {
		{ &resolver_request_form, &resolver_reply_form, resolve,
		    false },
	};
	static const struct rpc_protocol protocol = {
		.name = RESOLVER_PROTOCOL, .version = RESOLVER_VERSION,
		.methods = methods, .nmethods = 1 };
	struct sock_peer peer = { .pid = 1 };

	rpc_serve(&protocol, stream_open((int)(intptr_t)arg), &peer);
}

static int
connect_names(void *arg)
{
	(void)arg;
	return connect_to("resolver", serve_names);
}

/* --- Servers -------------------------------------------------------------*/

static bool
fits(struct span line, struct span pattern)
{
	if (span_ends(pattern, SPAN("*")))
		return span_starts(line, span_sub(pattern, 0,
		    pattern.len - 1));
	return span_eq(line, pattern);
}

/* True: the script cannot go on, and that may be. */
static bool
gives_up(void)
{
	return world->every != NULL;
}

static bool
expect_line(struct stream *s, struct span pattern)
{
	struct span line;
	bool crlf = false;
	enum io_status status = stream_read_line(s, 4096, deadline_in(100000),
	    &line, &crlf);

	if (status == IO_OK && crlf && fits(line, pattern))
		return true;
	if (gives_up())
		return false;
	if (status != IO_OK)
		T_FAIL("wanted \"%.*s\", the connection %s", SPAN_ARG(pattern),
		    io_status_name(status));
	else
		T_FAIL("wanted \"%.*s\", got \"%.*s\"", SPAN_ARG(pattern),
		    SPAN_ARG(line));
	return true;
}

static bool
take_content(struct stream *s)
{
	struct str content = STR_EMPTY;
	struct span line;
	bool ended = false;

	while (!ended && stream_read_line(s, 100000, deadline_in(100000),
	    &line, NULL) == IO_OK) {
		ended = span_is(line, ".");
		if (!ended) {
			str_add(&content, line);
			str_adds(&content, "|");
		}
	}
	if (!ended && !gives_up())
		T_FAIL("the content has no end");
	if (ended && gives_up())
		str_clear(&world->content);
	if (ended)
		str_add(&world->content, str_span(&content));
	world->contents += ended;
	str_fini(&content);
	return ended;
}

static bool
perform(struct stream *s, struct span step)
{
	struct span rest = span_ltrim(span_skip(step, 1)), bytes;
	uint64_t n = 0;

	switch (step.len > 0 ? step.p[0] : '=') {
	case '>':
		(void)stream_write(s, rest, deadline_in(60));
		(void)stream_write_flush(s, SPAN("\r\n"), deadline_in(60));
		return true;
	case '<':
		return expect_line(s, rest);
	case '.':
		return take_content(s);
	case '~':
		for (; rest.len > 0; rest = span_skip(rest, 1))
			n = n * 10 + (uint64_t)(rest.p[0] - '0');
		fiber_sleep(deadline_in((int64_t)n));
		return true;
	case '%':
		while (stream_read_line(s, 100000, deadline_in(100000), &bytes,
		    NULL) == IO_OK)
			T_CHECK(!span_is(bytes, "."));
		return false;
	case '=':
		if (stream_peek(s, deadline_in(100000), &bytes) == IO_OK
		    && !gives_up())
			T_FAIL("wanted the end, got \"%.*s\"",
			    SPAN_ARG(bytes));
		return false;
	default:
		return false;
	}
}

static void
serve(int fd, const struct sock_peer *peer, void *arg)
{
	struct stream *s = stream_open(fd);
	unsigned n = world->connections++;
	struct span script, step;

	(void)peer;
	(void)arg;
	if (world->every == NULL && (n >= T_COUNT(world->scripts)
	    || world->scripts[n] == NULL)) {
		T_FAIL("connection %u was not wanted", n + 1);
		stream_close(s);
		return;
	}
	script = SPAN(world->every != NULL ? world->every : world->scripts[n]);
	while (span_split(&script, '\n', &step) && perform(s, step))
		;
	world->ended_ns = clock_now_ns();
	stream_close(s);
}

static struct sock_server *
listen_here(void)
{
	struct str why = STR_EMPTY;
	struct ipaddr ip;
	int fd;

	if (world->unix_socket) {
		world->path = arena_printf(fiber_arena(), "%s/lmtp",
		    t_tmpdir());
		fd = sock_listen_unix(world->path, 10, 0600, &why);
	} else {
		T_NEED(ipaddr_scan(SPAN("127.0.0.1"), &ip));
		fd = sock_listen_inet(&ip, 0, 10, &why);
	}
	T_NEED(fd >= 0);
	if (!world->unix_socket)
		T_NEED(sock_local_of(fd, &ip, &world->port));
	return sock_server_start(fd, &servers, "server", serve, NULL, NULL);
}

/* --- Deliveries ----------------------------------------------------------*/

static int
queue_file(const struct world_mail *mail)
{
	int fd = memfd_create("queue", MFD_CLOEXEC);
	size_t len = strlen(mail->content);

	T_NEED(fd >= 0);
	T_NEED(write(fd, "head", 4) == 4);
	T_NEED(write(fd, mail->content, len) == (ssize_t)len);
	return fd;
}

static struct span
with_port(struct arena *arena, const char *nexthop)
{
	struct str *out = str_in_arena(arena);

	for (; *nexthop != '\0'; nexthop++) {
		if (*nexthop != '@')
			str_putc(out, *nexthop);
		else if (world->unix_socket)
			str_adds(out, world->path);
		else
			str_addf(out, "%u", world->port);
	}
	return str_span(out);
}

static void
read_result(const struct delivery_reply *reply, struct world_result *out)
{
	*out = (struct world_result){ .dead = "" };
	for (size_t i = 0; i < reply->results.count; i++) {
		const struct delivery_result *r =
		    ATTR_AT(reply->results, struct delivery_result, i);

		out->kinds[i] = (enum outcome_kind)r->outcome;
		out->done[i] = r->done == DELIVERY_DONE;
	}
	snprintf(out->dead, sizeof(out->dead), "%.*s",
	    SPAN_ARG(reply->dead_dsn));
	snprintf(out->dead_reason, sizeof(out->dead_reason), "%.*s",
	    SPAN_ARG(reply->dead_reason));
}

void
world_deliver(struct world *w, const char *nexthop,
    const struct world_mail *mail, struct world_result *out)
{
	struct arena *arena = arena_new();
	struct envelope envelope = { .sender = SPAN(mail->sender),
		.arrival_us = clock_wall_us() - mail->age_s * 1000000,
		.flags = mail->flags,
		.data_size = strlen(mail->content), .dsn_ret = mail->dsn_ret,
		.dsn_envid = SPAN(mail->envid) };
	if (mail->from_client) {
		envelope.client_name = SPAN("client.lan");
		envelope.client_address = SPAN("2001:db8::5");
		envelope.client_port = SPAN("1025");
		envelope.helo = SPAN("a+b=c");
		envelope.protocol = SPAN("ESMTP");
		envelope.rewrite_context = SPAN("local");
	}
	struct envelope_rcpt rcpts[80];
	size_t n = 0;

	for (; mail->rcpts[n] != NULL; n++)
		rcpts[n] = (struct envelope_rcpt){
			.address = SPAN(mail->rcpts[n]),
			.notify = mail->notify, .orcpt = SPAN(mail->orcpt) };

	struct delivery_request request = { .queue_id = SPAN("3QueueId"),
		.queue_name = SPAN("active"), .transport = SPAN("smtp"),
		.nexthop = with_port(arena, nexthop), .content_offset = 4,
		.content_length = strlen(mail->content) +
		    (mail->short_file ? 10 : 0),
		.active_us = clock_wall_us(), .handed_us = clock_wall_us(),
		.envelope = { &envelope, 1 }, .rcpts = { rcpts, n },
		.fd = queue_file(mail) };
	struct delivery_reply reply = { .agent_unable = false };
	struct rpc_call call = { .arena = arena };

	(void)w;
	T_NEED(delivery_protocol.methods[0].handle(&call, &request, &reply));
	T_EQ_INT(reply.results.count, n);
	log_flush();
	read_result(&reply, out);
	close(request.fd);
	arena_free(&arena);
}

void
world_wait(int64_t seconds)
{
	fiber_sleep(deadline_in(seconds));
}

static void
configure(void)
{
	struct str text = STR_EMPTY, why = STR_EMPTY;

	str_printf(&text, "myhostname = client.example\n"
	    "compatibility_level = 3.11\nmail_owner = nobody\n%s",
	    world->settings != NULL ? world->settings : "");
	if (!conf_load_text("test", str_span(&text), &why))
		T_FAIL("%s", str_cstr(&why));
	const struct param_set *own = world->lmtp ? &lmtp_params
	    : &smtp_params;

	conf_register(&conf_core_params);
	conf_register(own);
	if (!conf_fill(&conf_core_params, &why) || !conf_fill(own, &why))
		T_FAIL("%s", str_cstr(&why));
	str_fini(&text);
	str_fini(&why);
	smtp_setup_prepare(world->lmtp);
	delivery_agent_setup(smtp_deliver, "none");
	delivery_agent_answers_probes();
}

void
world_configure(struct world *w, const char *settings)
{
	w->settings = settings;
	smtp_setup_close_all();
	conf_unload();
	configure();
}

static int
connect_cleanup(void *arg)
{
	return t_double_connect(&servers, t_cleanup_serve, arg);
}

static void
main_fiber(void *arg)
{
	struct sock_server *server = listen_here();

	(void)arg;
	world->run(world);
	world_wait(1000);		/* farewells, sessions that were kept */
	smtp_idle_close_all();
	sock_server_stop(server);
	fiber_group_close(service_fibers());
	fiber_group_close(&servers);
	for (size_t i = 0; i < T_COUNT(world->scripts); i++)
		if (world->scripts[i] != NULL && i >= world->connections)
			T_FAIL("connection %zu never came", i + 1);
	log_flush();
	log_remove_sinks();
	str_fini(&world->log);
	str_fini(&world->content);
}

void
world_run(struct world *w)
{
	world = w;
	log_add_sink(&keeper);
	configure();
	fiber_group_init(&servers);
	loop_start();
	peer_connect_by("private", "bounce", connect_bounce, NULL);
	peer_connect_by("private", "defer", connect_bounce, NULL);
	peer_connect_by("private", "trace", connect_bounce, NULL);
	peer_connect_by("private", conf_core.resolver_service_name,
	    connect_names, NULL);
	peer_connect_by("public", "cleanup", connect_cleanup, NULL);
	fiber_run_main(main_fiber, NULL);
}
