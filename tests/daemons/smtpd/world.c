/*
 * world - see the header.
 *
 * Domains tell the rewrite double what to answer: local.test and mail.test are
 * local, virtual.test, alias.test and relay.test their class, tempfail.test
 * fails, bad.test is a bad address; anything else is elsewhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/daemons/smtpd/world.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/io/fault.h"
#include "common/io/loop.h"
#include "common/io/sock.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/service/peer.h"
#include "common/service/service.h"
#include "daemons/anvil/counts.h"
#include "daemons/shared/cleanup_proto.h"
#include "daemons/shared/flush_proto.h"
#include "daemons/shared/rewrite_proto.h"
#include "daemons/shared/verify_proto.h"
#include "daemons/smtpd/clients.h"
#include "daemons/smtpd/footer.h"
#include "daemons/smtpd/limits.h"
#include "daemons/smtpd/proxy.h"
#include "daemons/smtpd/restrict.h"
#include "tests/harness/t_maps.h"

struct world world;
static struct fiber_group fibers;

static const char base_conf[] =
    "compatibility_level = 3.9\n"
    "myhostname = mail.test\n"
    "mydestination = mail.test, local.test\n"
    "mynetworks = 127.0.0.0/8 192.0.2.0/28\n"
    "inet_interfaces = 127.0.0.1\n"
    "local_recipient_maps =\n"
    "smtpd_error_sleep_time = 1s\n"
    "notify_classes =\n";

/* ---- rewrite ---- */

static uint64_t
class_of(struct span domain)
{
	static const struct {
		const char *domain;
		uint64_t flags;
	} classes[] = {
		{ "local.test", RESOLVE_LOCAL }, { "mail.test", RESOLVE_LOCAL },
		{ "virtual.test", RESOLVE_VIRTUAL },
		{ "alias.test", RESOLVE_ALIAS },
		{ "relay.test", RESOLVE_RELAY },
		{ "tempfail.test", RESOLVE_FAIL },
		{ "bad.test", RESOLVE_ERROR },
	};

	for (size_t i = 0; i < T_COUNT(classes); i++)
		if (span_is_nocase(domain, classes[i].domain))
			return classes[i].flags;
	return RESOLVE_DEFAULT;
}

/* Standard form of what has no domain, routes of old times included. */
static struct span
complete(struct arena *arena, struct span address)
{
	ssize_t bang = span_find(address, '!');
	ssize_t percent = span_rfind(address, '%');

	if (bang > 0)
		return SPAN(arena_printf(arena, "%.*s@%.*s",
		    SPAN_ARG(span_skip(address, (size_t)bang + 1)),
		    SPAN_ARG(span_sub(address, 0, (size_t)bang))));
	if (percent > 0)
		return SPAN(arena_printf(arena, "%.*s@%.*s",
		    SPAN_ARG(span_sub(address, 0, (size_t)percent)),
		    SPAN_ARG(span_skip(address, (size_t)percent + 1))));
	return SPAN(arena_printf(arena, "%.*s@mail.test", SPAN_ARG(address)));
}

static void
answer_one(struct arena *arena, struct span address,
    struct rewrite_answer *out)
{
	struct address_parts parts = address_split(address);

	if (!parts.has_domain) {
		address = complete(arena, address);
		parts = address_split(address);
	}
	out->address = out->recipient = address;
	out->flags = class_of(parts.domain);
	if (span_has(parts.local, '%') || span_has(parts.local, '@')
	    || span_has(parts.local, '!'))
		out->flags |= RESOLVE_ROUTED;
	out->transport = out->flags & RESOLVE_LOCAL ? SPAN("local")
	    : out->flags & RESOLVE_VIRTUAL ? SPAN("virtual")
	    : out->flags & RESOLVE_ALIAS ? SPAN("error")
	    : out->flags & RESOLVE_RELAY ? SPAN("relay") : SPAN("smtp");
	out->nexthop = parts.domain;
	if (span_is(parts.local, "moved")) {
		out->transport = SPAN("error");
		out->nexthop = SPAN("5.1.6 User has moved to x@y.example");
	}
}

static bool
handle_rewrite(struct rpc_call *call, void *request, void *reply_out)
{
	struct rewrite_request *rq = request;
	struct rewrite_reply *reply = reply_out;
	struct rewrite_answer *answers = arena_array(call->arena,
	    rq->items.count + 1, sizeof(*answers));

	for (size_t i = 0; i < rq->items.count; i++)
		answer_one(call->arena, ATTR_AT(rq->items,
		    struct rewrite_item, i)->address, &answers[i]);
	reply->generation = 1;
	reply->answers = (struct attr_list){ answers, rq->items.count };
	return true;
}

/* ---- resolver ---- */

static bool
handle_resolve(struct rpc_call *call, void *request, void *reply_out)
{
	struct resolver_request *rq = request;
	struct resolver_reply *reply = reply_out;
	struct resolver_record *record = arena_zalloc(call->arena,
	    sizeof(*record));
	char text[IPADDR_TEXT_MAX];

	reply->status = world.dns;
	if (world.dns != RESOLVER_FOUND)
		return true;
	if (world.name[0] == '\0') {
		reply->status = RESOLVER_NO_NAME;
		return true;
	}
	ipaddr_print(&world.ip, text);
	record->type = rq->type;
	record->ttl = 60;
	record->name = rq->name;
	record->target = SPAN(world.name);
	record->address = world.mismatch ? SPAN("198.51.100.99")
	    : SPAN(arena_strdup(call->arena, text));
	reply->records = (struct attr_list){ record, 1 };
	return true;
}

/* ---- cleanup ---- */

static void
note_rcpts(const struct attr_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct envelope_rcpt *r =
		    ATTR_AT(*list, struct envelope_rcpt, i);

		str_addf(&world.got, "rcpt <%.*s> %.*s:%.*s",
		    SPAN_ARG(r->address), SPAN_ARG(r->transport),
		    SPAN_ARG(r->nexthop));
		if (r->notify != 0)
			str_addf(&world.got, " notify=%u",
			    (unsigned)r->notify);
		if (!span_empty(r->orcpt))
			str_addf(&world.got, " orcpt=%.*s",
			    SPAN_ARG(r->orcpt));
		str_putc(&world.got, '\n');
	}
}

static void
note_begin(const struct cleanup_begin *rq)
{
	const struct envelope *e = rq->envelope.items;

	str_addf(&world.got, "begin <%.*s> %s%s%s%s", SPAN_ARG(e->sender),
	    span_is(e->rewrite_context, "local") ? "local" : "remote",
	    rq->flags & CLEANUP_HOLD ? " hold" : "",
	    rq->flags & CLEANUP_DISCARD ? " discard" : "",
	    rq->flags & CLEANUP_MAP_OK ? "" : " nomap");
	if (rq->flags & CLEANUP_FILTER && span_is(e->origin, "local"))
		str_adds(&world.got, " checked");
	if (!span_empty(e->filter))
		str_addf(&world.got, " filter=%.*s", SPAN_ARG(e->filter));
	if (!span_empty(e->dsn_envid))
		str_addf(&world.got, " envid=%.*s ret=%u",
		    SPAN_ARG(e->dsn_envid), (unsigned)e->dsn_ret);
	str_addf(&world.got, "\nclient %.*s [%.*s] %.*s %.*s\n",
	    SPAN_ARG(e->client_name), SPAN_ARG(e->client_address),
	    SPAN_ARG(e->protocol), SPAN_ARG(e->helo));
	note_rcpts(&rq->rcpts);
}

/* One message; false when the connection is over. */
static bool
take_message(struct stream *s, struct arena *arena, struct str *why)
{
	struct cleanup_result result = { .status = world.cleanup_status,
		.text = SPAN(world.cleanup_text) };
	struct attr_frame frame;
	bool begun = false;

	for (;;) {
		struct cleanup_begin begin;
		struct cleanup_rcpts rcpts;
		struct cleanup_data data;

		if (attr_read_frame(s, arena, DEADLINE_NEVER, &frame, why)
		    != IO_OK) {
			world.lost += begun;
			return false;
		}
		begun = true;
		if (frame.form == cleanup_begin_form.id) {
			T_NEED(attr_decode(&cleanup_begin_form, &frame, s,
			    arena, &begin, why));
			note_begin(&begin);
			if (world.cleanup_deaf)
				fiber_sleep(DEADLINE_NEVER);
		} else if (frame.form == cleanup_rcpts_form.id) {
			T_NEED(attr_decode(&cleanup_rcpts_form, &frame, s,
			    arena, &rcpts, why));
			note_rcpts(&rcpts.rcpts);
		} else if (frame.form == cleanup_data_form.id) {
			T_NEED(attr_decode(&cleanup_data_form, &frame, s,
			    arena, &data, why));
			str_add(&world.got, data.bytes);
		} else {
			break;
		}
	}
	str_adds(&world.got, "end\n");
	world.messages++;
	if (world.cleanup_stalls)
		fiber_sleep(DEADLINE_NEVER);
	attr_queue(s, &cleanup_result_form, 0, &result);
	return true;
}

static void
serve_cleanup(struct stream *s)
{
	struct arena *arena = arena_new();
	struct str why = STR_EMPTY;

	if (rpc_read_hello(s, CLEANUP_PROTOCOL, CLEANUP_VERSION, arena,
	    DEADLINE_NEVER))
		while (take_message(s, arena, &why))
			arena_reset(arena);
	str_fini(&why);
	arena_free(&arena);
	stream_close(s);
}

/* ---- anvil: the real counts ---- */

static struct counts *counts;
static struct {
	const struct stream *stream;
	struct counts_holder *holder;
} holders[8];

static struct counts_holder *
holder_of(const struct stream *stream)
{
	for (size_t i = 0; i < T_COUNT(holders); i++)
		if (holders[i].stream == stream)
			return holders[i].holder;
	return NULL;
}

static void
serve_anvil(const struct rpc_protocol *protocol, struct stream *s,
    const struct sock_peer *peer)
{
	size_t i = 0;

	while (i < T_COUNT(holders) && holders[i].stream != NULL)
		i++;
	T_NEED(i < T_COUNT(holders));
	holders[i].stream = s;
	holders[i].holder = counts_holder_new(counts);
	rpc_serve(protocol, s, peer);
	counts_holder_free(&holders[i].holder);
	holders[i].stream = NULL;
}

static bool
handle_event(struct rpc_call *call, void *request, void *reply_out)
{
	const struct anvil_event *event = request;
	struct anvil_answer *answer = reply_out;

	answer->sessions = counts_hold(holder_of(call->stream), event->key,
	    event->held, clock_now_ns(), 0);
	answer->happened = counts_add(counts, event->key, event->rate, 1,
	    clock_now_ns(), 0);
	return true;
}

static bool
handle_note(struct rpc_call *call, void *request, void *reply_out)
{
	const struct anvil_note *note = request;

	counts_hold(holder_of(call->stream), note->key, note->held,
	    clock_now_ns(), 0);
	str_addf(&world.told, "%.*s held=%u", SPAN_ARG(note->key),
	    (unsigned)note->held);
	if (note->connections > 0)
		str_adds(&world.told, " connected");
	if (note->messages > 0)
		str_addf(&world.told, " messages=%u",
		    (unsigned)note->messages);
	if (note->rcpts > 0)
		str_addf(&world.told, " rcpts=%u", (unsigned)note->rcpts);
	str_putc(&world.told, '\n');
	return true;
}

/* ---- flush: relay.test alone, and fail.test cannot be searched ---- */

static bool
handle_flush(struct rpc_call *call, void *request, void *reply_out)
{
	const struct flush_request *rq = request;
	struct flush_reply *reply = reply_out;

	str_addf(&world.told, "flush %.*s\n", SPAN_ARG(rq->site));
	reply->status = span_is(rq->site, "relay.test") ? FLUSH_BEGUN
	    : span_is(rq->site, "fail.test") ? FLUSH_FAILED
	    : FLUSH_NOT_SERVED;
	return true;
}

/* ---- verify: the local part says what is known; slowN after N more asks ---- */

static unsigned asks;

static bool
handle_verify(struct rpc_call *call, void *request, void *reply_out)
{
	const struct verify_query *query = request;
	struct verify_answer *answer = reply_out;
	struct span local = address_split(query->address).local;

	str_addf(&world.told, "verify %.*s\n", SPAN_ARG(query->address));
	answer->text = SPAN("Address verification in progress");
	answer->status = VERIFY_OPEN;
	if (span_starts(local, SPAN("no"))) {
		answer->status = VERIFY_BOUNCE;
		answer->text = SPAN("host x said: 550 nobody");
	} else if (span_starts(local, SPAN("later"))) {
		answer->status = VERIFY_DEFER;
		answer->text = SPAN("connect to x: Connection refused");
	} else if (span_starts(local, SPAN("garbled"))) {
		answer->status = 9;
	} else if (span_starts(local, SPAN("slow"))) {
		if (++asks > 6)
			answer->status = VERIFY_OK;
	} else if (!span_starts(local, SPAN("never"))) {
		answer->status = VERIFY_OK;
	}
	return true;
}

static const struct rpc_method verify_methods[] = {
	{ &verify_query_form, &verify_answer_form, handle_verify, false },
};
static const struct rpc_protocol verify = { .name = VERIFY_PROTOCOL,
	.version = VERIFY_VERSION, .methods = verify_methods, .nmethods = 1 };

/* ---- a filter before the queue ---- */

static const char *
filter_reply(const char *step, const char *usual)
{
	for (size_t i = 0; i < world.nfilter_says; i++)
		if (strcmp(world.filter_says[i].step, step) == 0)
			return world.filter_says[i].reply;
	return usual;
}

/* False: it is over. */
static bool
filter_say(struct stream *s, const char *step, const char *usual)
{
	const char *reply = filter_reply(step, usual);

	if (strcmp(reply, "stall") == 0)
		fiber_sleep(DEADLINE_NEVER);
	if (strcmp(reply, "close") == 0)
		return false;
	return stream_print(s, DEADLINE_NEVER, "%s\r\n", reply) == IO_OK
	    && stream_flush(s, DEADLINE_NEVER) == IO_OK;
}

static bool
filter_content(struct stream *s)
{
	struct span line;

	while (stream_read_line(s, 4000, DEADLINE_NEVER, &line,
	    NULL) == IO_OK) {
		str_addf(&world.got, "F| %.*s\n", SPAN_ARG(line));
		if (span_is(line, "."))
			return filter_say(s, "DOT",
			    "250 2.0.0 Ok: queued as F1");
	}
	str_adds(&world.got, "F| broken off\n");
	return false;
}

static bool
filter_offer(struct stream *s)
{
	struct span rest = SPAN(world.filter_offers), word;

	if (strcmp(filter_reply("EHLO", ""), "") != 0)
		return filter_say(s, "EHLO", "");
	stream_print(s, DEADLINE_NEVER, "250-filter.test\r\n");
	while (span_token(&rest, ",", &word))
		stream_print(s, DEADLINE_NEVER, "250-%.*s\r\n",
		    SPAN_ARG(word));
	return filter_say(s, "", "250 OK");
}

static void
serve_filter(int fd, const struct sock_peer *peer, void *arg)
{
	struct stream *s = stream_open(fd);
	bool more = filter_say(s, "CONNECT", "220 filter.test");
	struct span line;

	while (more && stream_read_line(s, 4000, DEADLINE_NEVER, &line, NULL)
	    == IO_OK) {
		char verb[16] = "";

		str_addf(&world.got, "F: %.*s\n", SPAN_ARG(line));
		snprintf(verb, sizeof(verb), "%.*s", (int)strcspn(line.p, " \r"),
		    line.p);
		if (strcmp(verb, "EHLO") == 0)
			more = filter_offer(s);
		else if (strcmp(verb, "DATA") == 0)
			more = filter_say(s, verb, "354 go")
			    && (filter_reply(verb, "3")[0] != '3'
			    || filter_content(s));
		else if (strcmp(verb, "QUIT") == 0)
			more = false;
		else
			more = filter_say(s, verb, "250 2.1.0 fine");
	}
	stream_close(s);
}

static const char *
filter_path(void)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/filter", t_tmpdir());
	return path;
}

static void
start_filter(void)
{
	struct str why = STR_EMPTY;
	int fd;

	if (!world.filter || world.filter_down)
		return;
	fd = sock_listen_unix(filter_path(), 10, 0600, &why);
	T_NEED(fd >= 0);
	T_NEED(sock_server_start(fd, &fibers, "filter", serve_filter, NULL,
	    NULL) != NULL);
	str_fini(&why);
}

/* ---- connections to the doubles ---- */

static const struct rpc_method rewrite_methods[] = {
	{ &rewrite_request_form, &rewrite_reply_form, handle_rewrite, false },
};
static const struct rpc_method resolver_methods[] = {
	{ &resolver_request_form, &resolver_reply_form, handle_resolve,
	    false },
};
static const struct rpc_method anvil_methods[] = {
	{ &anvil_event_form, &anvil_answer_form, handle_event, false },
	{ &anvil_note_form, NULL, handle_note, false },
};
static const struct rpc_protocol anvil = { .name = ANVIL_PROTOCOL,
	.version = ANVIL_VERSION, .methods = anvil_methods, .nmethods = 2 };
static const struct rpc_method flush_methods[] = {
	{ &flush_request_form, &flush_reply_form, handle_flush, false },
};
static const struct rpc_protocol flush = { .name = FLUSH_PROTOCOL,
	.version = FLUSH_VERSION, .methods = flush_methods, .nmethods = 1 };
static const struct rpc_protocol rewrite = { .name = REWRITE_PROTOCOL,
	.version = REWRITE_VERSION, .methods = rewrite_methods,
	.nmethods = 1 };
static const struct rpc_protocol resolver = { .name = RESOLVER_PROTOCOL,
	.version = RESOLVER_VERSION, .methods = resolver_methods,
	.nmethods = 1 };

enum double_kind { DOUBLE_REWRITE, DOUBLE_RESOLVER, DOUBLE_CLEANUP,
	DOUBLE_ANVIL, DOUBLE_FLUSH, DOUBLE_VERIFY };

static void
serve_double(void *arg)
{
	int fd = (int)((intptr_t)arg >> 3);
	struct sock_peer peer = { .pid = 1 };
	struct stream *s = stream_open(fd);

	switch ((enum double_kind)((intptr_t)arg & 7)) {
	case DOUBLE_REWRITE:
		rpc_serve(&rewrite, s, &peer);
		break;
	case DOUBLE_RESOLVER:
		rpc_serve(&resolver, s, &peer);
		break;
	case DOUBLE_CLEANUP:
		serve_cleanup(s);
		break;
	case DOUBLE_ANVIL:
		serve_anvil(&anvil, s, &peer);
		break;
	case DOUBLE_FLUSH:
		rpc_serve(&flush, s, &peer);
		break;
	case DOUBLE_VERIFY:
		rpc_serve(&verify, s, &peer);
		break;
	}
}

/* A fiber at the other end of a connection, told its descriptor, moved up, and
 * a number. False where a fault kept it from being. */
static bool
start(int pair[2], const char *name, fiber_fn *fn, int up, int number)
{
	if (!sock_pair(pair)) {
		T_CHECK(fault_was_hit());
		return false;
	}
	if (fiber_spawn(&fibers, name, fn,
	    (void *)(((intptr_t)pair[1] << up) | number)) != NULL)
		return true;
	T_CHECK(fault_was_hit());
	close(pair[0]);
	close(pair[1]);
	return false;
}

static int
connect_double(void *arg)
{
	enum double_kind kind = (enum double_kind)(intptr_t)arg;
	int pair[2];

	if ((kind == DOUBLE_REWRITE && world.no_rewrite)
	    || (kind == DOUBLE_ANVIL && world.no_anvil)
	    || (kind == DOUBLE_VERIFY && world.no_verify)
	    || (kind == DOUBLE_CLEANUP && world.no_cleanup))
		return -1;
	return start(pair, "double", serve_double, 3, (int)kind) ? pair[0] : -1;
}

/* ---- the server under test ---- */

static const struct service service = { .name = "smtpd" };

static void
serve_session(void *arg)
{
	struct sock_peer peer = { .ip = world.ip, .port = world.port };

	session_serve(stream_open((int)(intptr_t)arg), &peer);
}

struct stream *
world_try_connect(void)
{
	int pair[2];

	return start(pair, "session", serve_session, 0, 0)
	    ? stream_open(pair[0]) : NULL;
}

struct stream *
world_connect(void)
{
	struct stream *s = world_try_connect();

	T_NEED(s != NULL);
	return s;
}

void
world_reset(void)
{
	world = (struct world){ .port = 40000, .name = "client.example" };
	(void)ipaddr_scan(SPAN("198.51.100.7"), &world.ip);
}

/* Where a message may wait for it, too. */
static void
add_filter(struct str *conf)
{
	struct str incoming = STR_EMPTY;

	str_printf(&incoming, "%s/incoming", t_tmpdir());
	if (!world.no_incoming)
		T_EQ_INT(mkdir(str_cstr(&incoming), 0700), 0);
	str_addf(conf, "smtpd_proxy_filter = unix:%s\nqueue_directory = %s\n",
	    filter_path(), t_tmpdir());
	str_fini(&incoming);
}

static void
configure(void)
{
	struct str text = STR_EMPTY, why = STR_EMPTY;

	str_sets(&text, base_conf);
	if (world.filter)
		add_filter(&text);
	str_add(&text, str_span(&world.conf));
	if (!conf_load_text("main.cf", str_span(&text), &why))
		t_fail(T_HERE, "%s", str_cstr(&why));
	conf_register(&conf_core_params);
	conf_register(&smtpd_params);
	if (!conf_fill(&conf_core_params, &why)
	    || !conf_fill(&smtpd_params, &why))
		t_fail(T_HERE, "%s", str_cstr(&why));
	service_double(&service, world.refusal);
	postmaster_setup();
	clients_setup();
	limits_setup();
	footer_setup();
	proxy_setup();
	proxy_prepare();
	restrict_setup();
	restrict_warn();
	unlisted_setup();
	compat_setup();
	str_fini(&text);
	str_fini(&why);
}

struct client {
	void (*fn)(struct stream *s, void *arg);
	void *arg;
};

static void
run_client(void *arg)
{
	struct client *c = arg;
	struct stream *s;

	start_filter();
	s = world_connect();

	c->fn(s, c->arg);
	stream_close(s);
	/* The server writes its last lines when it sees that. */
	fiber_sleep(deadline_in(30));
	fiber_group_close(&fibers);
	world_take_log();
}

void
world_run(void (*fn)(struct stream *to_server, void *arg), void *arg)
{
	struct client client = { fn, arg };

	keep_log();
	configure();
	peer_connect_by("private", "rewrite", connect_double,
	    (void *)(intptr_t)DOUBLE_REWRITE);
	peer_connect_by("private", "resolver", connect_double,
	    (void *)(intptr_t)DOUBLE_RESOLVER);
	peer_connect_by("private", "anvil", connect_double,
	    (void *)(intptr_t)DOUBLE_ANVIL);
	peer_connect_by("public", "flush", connect_double,
	    (void *)(intptr_t)DOUBLE_FLUSH);
	peer_connect_by("private", "verify", connect_double,
	    (void *)(intptr_t)DOUBLE_VERIFY);
	peer_connect_by("public", "cleanup", connect_double,
	    (void *)(intptr_t)DOUBLE_CLEANUP);
	counts = counts_new(60, 1000);
	fiber_group_init(&fibers);
	loop_start();
	fiber_run_main(run_client, &client);
	world_take_log();
}

void
world_take_log(void)
{
	str_adds(&world.log, logged());
}
