/*
 * server - the other end of tcp: and socketmap: tables, and the connections to
 * it that are kept between questions.
 *
 * One question at a time on each connection: servers of these protocols do not
 * expect more. Kept ones are closed after ten idle seconds, and not used when
 * they are older than a hundred, so that a server can be moved.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/server_priv.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/io/fiber.h"
#include "common/io/offload.h"
#include "common/io/sock.h"
#include "common/service/jail.h"
#include "common/service/service.h"

enum {
	ANSWER_S = 100,			/* connecting included */
	CONNECT_S = 30,			/* to one address */
	IDLE_S = 10,
	LIFE_S = 100,
	CONNECTIONS_MAX = 32,
	ADDRESSES_MAX = 16,
};
#define SECOND_NS INT64_C(1000000000)

struct connection {
	struct list link;
	struct stream *stream;
	int64_t made_ns, used_ns;
	bool kept;			/* it has answered before */
};

/* --- Names ---------------------------------------------------------------*/

static bool
read_port(struct span text, uint16_t *port_out)
{
	uint32_t number;

	if (scan_u32(text, &number)) {
		*port_out = (uint16_t)number;
		return number > 0 && number <= UINT16_MAX;
	}
	char *name = mem_strndup(text.p, text.len);
	const struct servent *service = getservbyname(name, "tcp");

	mem_free(name);
	if (service != NULL)
		*port_out = ntohs((uint16_t)service->s_port);
	return service != NULL;
}

/* --- Addresses -----------------------------------------------------------*/

struct names_job {
	const char *host;
	struct ipaddr *out;
	size_t count;
	int error;
};

static void
ask_library(void *arg)
{
	struct names_job *job = arg;
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_ADDRCONFIG };
	struct addrinfo *found = NULL;
	uint16_t port;

	job->error = getaddrinfo(job->host, NULL, &hints, &found);
	for (const struct addrinfo *a = found; job->error == 0 && a != NULL &&
	    job->count < ADDRESSES_MAX; a = a->ai_next)
		job->count += ipaddr_from_sockaddr(a->ai_addr,
		    &job->out[job->count], &port);
	if (found != NULL)
		freeaddrinfo(found);
}

static size_t
resolve_by_library(const char *host, struct ipaddr *out, size_t room,
    struct deadline deadline, struct str *why)
{
	struct names_job job = { .host = host, .out = out };

	(void)room;
	(void)deadline;
	offload_call(ask_library, &job);
	if (job.count == 0)
		str_printf(why, "host %s not found: %s", host, job.error != 0 ?
		    gai_strerror(job.error) : "no address");
	return job.count;
}

static map_resolve_fn *resolve = resolve_by_library;

void
map_set_resolver(map_resolve_fn *fn)
{
	resolve = fn != NULL ? fn : resolve_by_library;
}

/* --- Connections ---------------------------------------------------------*/

static void
drop(struct server *server, struct connection *c)
{
	list_remove(&c->link);
	stream_close(c->stream);
	mem_free(c);
	server->connections--;
	fiber_queue_wake_one(&server->turn);
}

static bool
is_stale(const struct connection *c, int64_t now)
{
	return now - c->used_ns >= IDLE_S * SECOND_NS ||
	    now - c->made_ns >= LIFE_S * SECOND_NS;
}

static struct connection *
oldest_idle(struct server *server)
{
	return list_empty(&server->idle) ? NULL :
	    LIST_ITEM(server->idle.prev, struct connection, link);
}

static void
sweep(struct loop_timer *timer)
{
	struct server *server = LIST_ITEM(timer, struct server, sweeper);
	struct connection *c;

	while ((c = oldest_idle(server)) != NULL &&
	    is_stale(c, clock_now_ns()))
		drop(server, c);
	if (c != NULL)
		loop_timer_set(timer, c->used_ns + IDLE_S * SECOND_NS);
}

static void
keep(struct server *server, struct connection *c)
{
	c->used_ns = clock_now_ns();
	c->kept = true;
	if (list_empty(&server->idle))
		loop_timer_set(&server->sweeper,
		    c->used_ns + IDLE_S * SECOND_NS);
	list_prepend(&server->idle, &c->link);
	fiber_queue_wake_one(&server->turn);
}

static void
drop_idle(struct server *server)
{
	struct connection *c;

	while ((c = oldest_idle(server)) != NULL)
		drop(server, c);
	loop_timer_stop(&server->sweeper);
}

static void
init(struct server *server, struct span shown)
{
	*server = (struct server){ .shown = mem_strndup(shown.p, shown.len) };
	list_init(&server->idle);
	fiber_queue_init(&server->turn);
	loop_timer_init(&server->sweeper, sweep);
}

bool
server_init_inet(struct server *server, struct span text, struct str *why)
{
	ssize_t colon = span_rfind(text, ':');
	struct span host = span_sub(text, 0, colon < 0 ? 0 : (size_t)colon);
	struct span port = span_skip(text, (size_t)(colon + 1));
	uint16_t number;

	if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']')
		host = span_sub(host, 1, host.len - 2);
	else if (span_has(host, ':') || span_has(host, '['))
		host.len = 0;
	if (host.len == 0 || port.len == 0) {
		str_printf(why, "need host:port instead of \"%.*s\"",
		    SPAN_ARG(text));
		return false;
	}
	if (!read_port(port, &number)) {
		str_printf(why, "unknown port or service \"%.*s\" in "
		    "\"%.*s\"", SPAN_ARG(port), SPAN_ARG(text));
		return false;
	}
	init(server, text);
	server->host = mem_strndup(host.p, host.len);
	server->port = number;
	jail_also_needs(NEEDS_NETWORK_OUT);
	return true;
}

void
server_init_unix(struct server *server, struct span path)
{
	init(server, path);
}

void
server_fini(struct server *server)
{
	drop_idle(server);
	mem_free(server->shown);
	mem_free(server->host);
}

/* One that has something to say before it is asked has lost its place. */
static struct connection *
take_idle(struct server *server)
{
	while (!list_empty(&server->idle)) {
		struct connection *c = LIST_ITEM(server->idle.next,
		    struct connection, link);

		if (!is_stale(c, clock_now_ns()) &&
		    !stream_input_waits(c->stream)) {
			list_remove(&c->link);
			list_init(&c->link);
			return c;
		}
		drop(server, c);
	}
	return NULL;
}

/* errno says why not. */
static enum io_status
connect_inet(const struct server *server, struct deadline deadline,
    int *fd_out, struct str *why)
{
	struct ipaddr addresses[ADDRESSES_MAX];
	size_t count = 1;
	enum io_status status = IO_ERROR;

	if (!ipaddr_scan(span_cstr(server->host), &addresses[0]))
		count = resolve(server->host, addresses, ADDRESSES_MAX,
		    deadline, why);
	for (size_t i = 0; i < count; i++) {
		struct deadline end = deadline_earlier(deadline,
		    deadline_in(CONNECT_S));

		status = sock_connect_inet(&addresses[i], server->port, NULL,
		    end, fd_out);
		if (status == IO_OK)
			sock_set_nodelay(*fd_out);
		if (status == IO_OK || status == IO_CANCELLED)
			return status;
	}
	return status;
}

static struct connection *
connect_to(struct server *server, struct deadline deadline, struct str *why)
{
	int fd;

	server->connections++;
	enum io_status status = server->host != NULL ?
	    connect_inet(server, deadline, &fd, why) :
	    sock_connect_unix(server->shown, deadline, &fd);

	if (status == IO_OK) {
		struct connection *c = MEM_NEW(struct connection);

		list_init(&c->link);
		c->stream = stream_open(fd);
		c->made_ns = clock_now_ns();
		return c;
	}
	if (str_len(why) == 0)
		str_printf(why, "connect to %s: %s", server->shown,
		    status == IO_ERROR ? strerror(errno) :
		    io_status_name(status));
	server->connections--;
	fiber_queue_wake_one(&server->turn);
	return NULL;
}

static struct connection *
take(struct server *server, struct deadline deadline, struct str *why)
{
	struct connection *c;

	while ((c = take_idle(server)) == NULL &&
	    server->connections >= CONNECTIONS_MAX) {
		enum io_status status = fiber_queue_wait(&server->turn,
		    deadline);

		if (status != IO_OK) {
			str_printf(why, "%d questions wait for %s: %s",
			    CONNECTIONS_MAX, server->shown,
			    io_status_name(status));
			return NULL;
		}
	}
	return c != NULL ? c : connect_to(server, deadline, why);
}

/* --- Questions -----------------------------------------------------------*/

static void
explain(const struct connection *c, enum io_status status, struct str *why)
{
	str_sets(why, status == IO_ERROR ? stream_why(c->stream) :
	    status == IO_EOF ? "lost connection while waiting for the answer" :
	    io_status_name(status));
}

static enum io_status
ask_once(struct connection *c, struct span question, server_read_fn *read,
    struct server_answer *answer, struct deadline deadline, struct str *why)
{
	enum io_status status = stream_write_flush(c->stream, question,
	    deadline);

	return status != IO_OK ? status : read(c->stream, deadline, answer,
	    why);
}

static bool
ask(struct server *server, struct span question, server_read_fn *read,
    struct server_answer *answer, struct str *why)
{
	struct deadline deadline = deadline_in(ANSWER_S);

	for (;;) {
		struct connection *c = take(server, deadline, why);

		if (c == NULL)
			return false;
		enum io_status status = ask_once(c, question, read, answer,
		    deadline, why);

		if (status == IO_OK) {
			keep(server, c);
			return true;
		}
		bool again = c->kept && str_len(why) == 0 &&
		    (status == IO_EOF || status == IO_ERROR);

		if (!again && str_len(why) == 0)
			explain(c, status, why);
		drop(server, c);
		if (!again)
			return false;
		drop_idle(server);	/* as old as this one */
	}
}

enum map_status
server_lookup(struct map *map, struct server *server, struct span question,
    server_read_fn *read, struct str *value_out)
{
	struct server_answer answer = { .status = MAP_FAILED,
		.value_out = value_out };
	struct str why = STR_EMPTY;

	if (fiber_self() == NULL)
		return map_fail(map, "%s cannot be asked before the process "
		    "serves", map->label);
	if (!ask(server, question, read, &answer, &why))
		answer.status = MAP_FAILED;
	if (answer.status == MAP_FAILED)
		(void)map_fail(map, "%s: %s", map->label, str_cstr(&why));
	str_fini(&why);
	return answer.status;
}

struct map *
server_not_trusted(const struct map_spec *spec)
{
	struct str reason = STR_EMPTY;

	str_printf(&reason, "%s:%s map is not allowed for security sensitive "
	    "data", spec->type, spec->name);
	struct map *map = map_unavailable(spec, str_cstr(&reason));

	str_fini(&reason);
	return map;
}
