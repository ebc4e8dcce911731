/*
 * peer - another service by name: kept connections, pipelined requests.
 *
 * Each connection has a fiber that reads replies; one more fiber per peer
 * connects while calls wait for it. A call that may be tried again keeps its
 * frame. Servers that are to leave say bye (rpc.h): such a connection takes no
 * new calls and is closed by us when its last reply is in.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fiber.h"
#include "common/io/fs.h"
#include "common/io/sock.h"
#include "common/mail/conf_core.h"
#include "common/service/peer_priv.h"
#include "common/service/rpc.h"

enum {
	BUCKETS = 64,			/* of calls in flight */
	REQUEST_AT = 8,			/* of the request number in a frame */
	CALLS_PER_CONNECTION = 256,
	CONNECTIONS = 8,
	OUTPUT_HIGH = 1 << 20,
	CONNECT_MS = 5000,
};

struct conn {
	struct list link;
	struct peer *peer;
	struct stream *stream;
	struct list calls[BUCKETS];
	size_t in_flight;
	uint32_t next_request;
	int64_t used_ns;
	bool leaving;			/* the server said bye, or it is lost */
	struct arena *arena;
};

struct peer_pending {
	struct list link;		/* of conn->calls or peer->waiting */
	struct peer *peer;
	struct conn *conn;		/* NULL: waits for one */
	uint32_t request;
	bool idempotent, again;		/* again: it has been lost once */
	const struct attr_form *request_form, *reply_form;
	struct str frame;		/* kept while it may be sent (again) */
	int fds[ATTR_FDS_MAX];
	size_t nfds;

	bool done;
	enum io_status status;
	struct fiber_queue waiters;
	void (*on_done)(void *arg);
	void *arg;

	/* Where the reply goes: the caller's places, or kept until it comes. */
	struct arena *target;
	void *reply_out;
	struct arena *own;
	struct attr_frame reply;
	void *decoded;			/* in own: replies with descriptors */
};

struct connector {
	struct list link;
	char *cls, *service;
	int (*connect_fn)(void *arg);
	void *arg;
};

struct list peer_all = LIST_HEAD(peer_all);
static struct list connectors = LIST_HEAD(connectors);
static struct fiber_group fibers = { .fibers = LIST_HEAD(fibers.fibers),
	.joiners = LIST_HEAD(fibers.joiners) };
static const char *root;

static void start_connecting(struct peer *peer);

/* --- Names ---------------------------------------------------------------*/

void
peer_set_root(const char *dir)
{
	root = dir;
}

bool
peer_socket_path(const char *cls, const char *service, char *buf, size_t room)
{
	const char *dir = root != NULL ? root : conf_core.queue_directory;
	bool here = dir == NULL || dir[0] == '\0';
	int n = snprintf(buf, room, "%s%s%s/%s", here ? "" : dir,
	    here ? "" : "/", cls, service);

	return n > 0 && (size_t)n < room;
}

struct peer *
peer_apart(const char *cls, const char *service, const char *protocol,
    unsigned version)
{
	struct peer *p = MEM_NEW(struct peer);

	*p = (struct peer){ .cls = mem_strdup(cls),
		.service = mem_strdup(service),
		.protocol = mem_strdup(protocol), .version = version,
		.calls_max = CALLS_PER_CONNECTION, .conns_max = CONNECTIONS,
		.apart = true };
	list_init(&p->conns);
	list_init(&p->waiting);
	list_init(&p->pool);
	list_append(&peer_all, &p->link);
	return p;
}

struct peer *
peer_named(const char *cls, const char *service, const char *protocol,
    unsigned version)
{
	LIST_EACH(item, &peer_all) {
		struct peer *p = LIST_ITEM(item, struct peer, link);

		if (!p->apart && strcmp(p->cls, cls) == 0 &&
		    strcmp(p->service, service) == 0 &&
		    strcmp(p->protocol, protocol) == 0)
			return p;
	}
	struct peer *p = peer_apart(cls, service, protocol, version);

	p->apart = false;
	return p;
}

void
peer_set_spread(struct peer *peer, size_t calls, size_t connections)
{
	peer->calls_max = calls > 0 ? calls : 1;
	peer->conns_max = connections > 0 ? connections : 1;
}

void
peer_set_patience(struct peer *peer, int64_t ms)
{
	peer->patience_ms = ms;
}

void
peer_set_kept(struct peer *peer)
{
	peer->kept = true;
}

void
peer_set_opening(struct peer *peer, void (*opening)(struct stream *s))
{
	peer->opening = opening;
}

const char *
peer_why(const struct peer *peer)
{
	return str_cstr(&peer->why);
}

void
peer_connect_by(const char *cls, const char *service,
    int (*connect_fn)(void *arg), void *arg)
{
	struct connector *t = MEM_NEW(struct connector);

	t->cls = mem_strdup(cls);
	t->service = mem_strdup(service);
	t->connect_fn = connect_fn;
	t->arg = arg;
	list_prepend(&connectors, &t->link);
}

/* --- Calls ---------------------------------------------------------------*/

static void
close_fds(struct peer_pending *p)
{
	for (size_t i = 0; i < p->nfds; i++)
		fs_let_go(p->fds[i]);
	p->nfds = 0;
}

/* Out of every list; what it still holds goes. */
static void
unlink_call(struct peer_pending *p)
{
	list_remove(&p->link);
	if (p->conn != NULL)
		p->conn->in_flight--;
	p->conn = NULL;
	close_fds(p);
	str_fini(&p->frame);
}

static void
finish_call(struct peer_pending *p, enum io_status status)
{
	unlink_call(p);
	p->done = true;
	p->status = status;
	fiber_queue_wake_all(&p->waiters);
	if (p->on_done != NULL)
		p->on_done(p->arg);	/* may free p */
}

/* The descriptors stay ours while the call might be sent again. */
static void
send_call(struct conn *c, struct peer_pending *p)
{
	bool keep = p->idempotent && !p->again;
	uint32_t n = c->next_request++;

	p->request = n;
	p->conn = c;
	for (int i = 0; i < 4; i++)
		p->frame.buf[REQUEST_AT + i] = (char)(n >> (24 - 8 * i));
	for (size_t i = 0; i < p->nfds; i++)
		stream_queue_fd(c->stream, keep ? fs_hold(p->fds[i])
		    : p->fds[i]);
	stream_queue(c->stream, str_span(&p->frame));
	if (!keep) {
		p->again = true;
		p->nfds = 0;
		str_fini(&p->frame);
	}
	list_append(&c->calls[n % BUCKETS], &p->link);
	c->in_flight++;
	c->used_ns = clock_now_ns();
}

static struct conn *
least_busy(const struct peer *peer)
{
	struct conn *best = NULL;

	LIST_EACH(item, &peer->conns) {
		struct conn *c = LIST_ITEM(item, struct conn, link);

		if (!c->leaving &&
		    (best == NULL || c->in_flight < best->in_flight))
			best = c;
	}
	return best;
}

static void
place_call(struct peer_pending *p)
{
	struct peer *peer = p->peer;
	struct conn *c = least_busy(peer);

	if (c != NULL) {
		if (c->in_flight >= peer->calls_max &&
		    peer->nconns < peer->conns_max) {
			peer->wanted = true;
			start_connecting(peer);
		}
		send_call(c, p);
		return;
	}
	list_append(&peer->waiting, &p->link);
	start_connecting(peer);
}

static void
prepare_call(struct peer_pending *p, struct peer *peer, bool idempotent,
    const struct attr_form *request_form, const void *request,
    const struct attr_form *reply_form)
{
	*p = (struct peer_pending){ .peer = peer, .idempotent = idempotent,
		.request_form = request_form, .reply_form = reply_form };
	list_init(&p->link);
	fiber_queue_init(&p->waiters);
	attr_encode(&p->frame, request_form, 0, request, p->fds, &p->nfds);
}

/* --- Replies -------------------------------------------------------------*/

static struct peer_pending *
find_call(struct conn *c, uint32_t request)
{
	LIST_EACH(item, &c->calls[request % BUCKETS]) {
		struct peer_pending *p =
		    LIST_ITEM(item, struct peer_pending, link);

		if (p->request == request)
			return p;
	}
	return NULL;
}

static void
drop_reply(struct conn *c, const struct attr_frame *frame)
{
	for (unsigned i = 0; i < frame->nfds; i++) {
		int fd = stream_take_fd(c->stream);

		if (fd >= 0)
			close(fd);
	}
}

static bool
decode_reply(struct peer_pending *p, const struct attr_frame *frame,
    struct stream *fds_from, struct arena *arena, void *reply_out)
{
	struct str why = STR_EMPTY;
	bool ok = frame->form == p->reply_form->id;

	if (!ok)
		str_printf(&why, "form %u in place of \"%s\"", frame->form,
		    p->reply_form->name);
	else
		ok = attr_decode(p->reply_form, frame, fds_from, arena,
		    reply_out, &why);
	if (!ok) {
		log_warn("%s/%s: bad reply to \"%s\": %s", p->peer->cls,
		    p->peer->service, p->request_form->name, str_cstr(&why));
		str_printf(&p->peer->why, "bad reply: %s", str_cstr(&why));
	}
	str_fini(&why);
	return ok;
}

/* False: the connection makes no sense any more. */
static bool
take_reply(struct conn *c, const struct attr_frame *frame)
{
	struct peer_pending *p = find_call(c, frame->request);
	bool ok = true;

	if (p == NULL) {
		drop_reply(c, frame);	/* the caller has given up */
		return true;
	}
	if (p->target != NULL) {
		ok = decode_reply(p, frame, c->stream, p->target,
		    p->reply_out);
	} else {
		p->own = c->arena;	/* the frame's body is in there */
		c->arena = arena_new();
		p->reply = *frame;
		if (frame->nfds > 0) {
			p->decoded = arena_zalloc(p->own, p->reply_form->size);
			ok = decode_reply(p, frame, c->stream, p->own,
			    p->decoded);
		}
	}
	finish_call(p, ok ? IO_OK : IO_ERROR);
	return ok;
}

/* --- Connections ---------------------------------------------------------*/

int64_t
peer_idle_ns(void)
{
	int64_t seconds = conf_core.ipc_idle > 0 ? conf_core.ipc_idle : 5;

	return seconds * 1000000000;
}

void
peer_queue_hello(struct peer *peer, struct stream *s)
{
	struct attr_hello hello = { .protocol = span_cstr(peer->protocol),
		.version = peer->version,
		.build = span_cstr(conf_core.mail_version) };

	attr_queue(s, &attr_hello_form, 0, &hello);
}

static void
lose_calls(struct conn *c)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		struct peer_pending *p;

		while ((p = LIST_FIRST(&c->calls[i], struct peer_pending,
		    link)) != NULL) {
			if (!p->idempotent || p->again) {
				finish_call(p, IO_ERROR);
				continue;
			}
			list_remove(&p->link);
			c->in_flight--;
			p->conn = NULL;
			p->again = true;
			place_call(p);
		}
	}
}

static void
close_conn(struct conn *c)
{
	struct peer *peer = c->peer;

	c->leaving = true;
	list_remove(&c->link);
	peer->nconns--;
	lose_calls(c);
	if (peer->kept) {
		peer->wanted = true;
		start_connecting(peer);
	}
	arena_free(&c->arena);
	stream_close(c->stream);
	mem_free(c);
}

/* True while there is something to read. Idle connections end here. */
static bool
await_reply(struct conn *c)
{
	for (;;) {
		struct deadline end = deadline_in_ms(peer_idle_ns() / 1000000);
		enum io_status status = stream_wait_input(c->stream, end);

		if (status != IO_TIMEOUT)
			return status == IO_OK;
		if (c->in_flight == 0 && (c->leaving || (!c->peer->kept &&
		    clock_now_ns() - c->used_ns >= peer_idle_ns())))
			return false;
	}
}

static bool
read_reply(struct conn *c)
{
	struct attr_frame frame;
	struct str why = STR_EMPTY;
	enum io_status status = attr_read_frame(c->stream, c->arena,
	    deadline_in(conf_core.ipc_timeout > 0 ? conf_core.ipc_timeout :
	    3600), &frame, &why);
	bool more = status == IO_OK;

	if (!more && c->in_flight > 0)
		str_printf(&c->peer->why, "%s", str_len(&why) > 0 ?
		    str_cstr(&why) : status == IO_ERROR ?
		    stream_why(c->stream) : io_status_name(status));
	if (more && frame.form == RPC_BYE)
		c->leaving = true;
	else if (more)
		more = take_reply(c, &frame);
	arena_reset(c->arena);
	str_fini(&why);
	return more && !(c->leaving && c->in_flight == 0);
}

static void
read_replies(void *arg)
{
	struct conn *c = arg;

	while (await_reply(c) && read_reply(c))
		continue;
	close_conn(c);
}

static bool
adopt_connection(struct peer *peer, int fd)
{
	struct conn *c = MEM_NEW(struct conn);

	*c = (struct conn){ .peer = peer, .stream = stream_open(fd),
		.used_ns = clock_now_ns(), .next_request = 1,
		.arena = arena_new() };
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&c->calls[i]);
	stream_accept_fds(c->stream, true);
	if (fiber_spawn(&fibers, "peer", read_replies, c) == NULL) {
		arena_free(&c->arena);
		stream_close(c->stream);
		mem_free(c);
		errno = ENOMEM;
		return false;
	}
	list_append(&peer->conns, &c->link);
	peer->nconns++;
	peer_queue_hello(peer, c->stream);
	if (peer->opening != NULL)
		peer->opening(c->stream);
	return true;
}

static int
connect_by_other(const struct peer *peer, bool *found_out)
{
	LIST_EACH(item, &connectors) {
		struct connector *t =
		    LIST_ITEM(item, struct connector, link);

		if (strcmp(t->cls, peer->cls) == 0 &&
		    strcmp(t->service, peer->service) == 0) {
			*found_out = true;
			return t->connect_fn(t->arg);
		}
	}
	return -1;
}

int
peer_connect_once(struct peer *peer, struct deadline deadline)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 512];
	bool found = false;
	int fd = connect_by_other(peer, &found);

	if (found) {
		if (fd < 0)
			str_printf(&peer->why, "no connection could be made");
		return fd;
	}
	if (!peer_socket_path(peer->cls, peer->service, path, sizeof(path))) {
		str_printf(&peer->why, "%s/%s: name too long", peer->cls,
		    peer->service);
		return -1;
	}
	enum io_status status = sock_connect_unix(path, deadline, &fd);

	if (status == IO_OK)
		return fd;
	str_printf(&peer->why, "connect to %s: %s", path,
	    status == IO_ERROR ? strerror(errno) : io_status_name(status));
	return -1;
}

static void
send_waiting(struct peer *peer)
{
	struct list now = LIST_HEAD(now);
	struct peer_pending *p;

	list_splice(&now, &peer->waiting);
	while ((p = LIST_FIRST(&now, struct peer_pending, link)) != NULL) {
		list_remove(&p->link);
		place_call(p);
	}
}

/* Those of peer_call have fibers that look after their deadlines. */
static void
fail_waiting(struct peer *peer)
{
	LIST_EACH(item, &peer->waiting) {
		struct peer_pending *p = LIST_ITEM(item, struct peer_pending,
		    link);

		if (p->on_done != NULL)
			finish_call(p, IO_TIMEOUT);
	}
}

/* Calls take themselves off the waiting list when their deadline passes. */
static void
connect_peer(void *arg)
{
	struct peer *peer = arg;
	int64_t wait_ms = PEER_RETRY_FIRST_MS, worked_ns = clock_now_ns();

	while (peer->wanted || !list_empty(&peer->waiting)) {
		int fd = peer_connect_once(peer, deadline_in_ms(CONNECT_MS));

		peer->wanted = false;
		if (fd >= 0 && adopt_connection(peer, fd)) {
			send_waiting(peer);
			wait_ms = PEER_RETRY_FIRST_MS;
			worked_ns = clock_now_ns();
			continue;
		}
		if (peer->patience_ms > 0 && clock_now_ns() - worked_ns
		    >= peer->patience_ms * 1000000)
			fail_waiting(peer);
		if (fiber_sleep(deadline_in_ms(wait_ms)) == IO_CANCELLED)
			break;
		wait_ms = wait_ms * 2 < PEER_RETRY_MAX_MS ? wait_ms * 2 :
		    PEER_RETRY_MAX_MS;
	}
	peer->connecting = false;
}

static void
start_connecting(struct peer *peer)
{
	if (peer->connecting)
		return;
	peer->connecting = fiber_spawn(&fibers, "peer connect", connect_peer,
	    peer) != NULL;
}

/* --- Calls, from outside -------------------------------------------------*/

/* A connection may have been impossible to start for want of a stack: look
 * again each second. */
static enum io_status
await_call(struct peer_pending *p, struct deadline deadline)
{
	while (!p->done) {
		enum io_status status = fiber_queue_wait(&p->waiters,
		    deadline_earlier(deadline, deadline_in_ms(1000)));

		if (p->done)
			break;
		if (status == IO_CANCELLED)
			return status;
		if (deadline_passed(deadline))
			return IO_TIMEOUT;
		if (p->conn == NULL)
			start_connecting(p->peer);
	}
	return p->status;
}

enum io_status
peer_call(struct peer *peer, bool idempotent,
    const struct attr_form *request_form, const void *request,
    const struct attr_form *reply_form, void *reply_out, struct arena *arena,
    struct deadline deadline)
{
	struct peer_pending p;

	prepare_call(&p, peer, idempotent, request_form, request, reply_form);
	p.target = arena;
	p.reply_out = reply_out;
	place_call(&p);
	enum io_status status = await_call(&p, deadline);

	if (!p.done) {
		if (status == IO_TIMEOUT && p.conn != NULL)
			str_printf(&peer->why, "no reply within the time limit");
		unlink_call(&p);
	}
	return status;
}

struct peer_pending *
peer_begin(struct peer *peer, bool idempotent,
    const struct attr_form *request_form, const void *request,
    const struct attr_form *reply_form, void (*done)(void *arg), void *arg)
{
	struct peer_pending *p = MEM_NEW(struct peer_pending);

	prepare_call(p, peer, idempotent, request_form, request, reply_form);
	p->on_done = done;
	p->arg = arg;
	place_call(p);
	return p;
}

bool
peer_is_done(const struct peer_pending *call)
{
	return call->done;
}

static void
free_arena(void *arg)
{
	struct arena *arena = arg;

	arena_free(&arena);
}

static enum io_status
give_reply(struct peer_pending *p, void *reply_out, struct arena *arena)
{
	if (p->decoded == NULL)
		return decode_reply(p, &p->reply, NULL, arena, reply_out) ?
		    IO_OK : IO_ERROR;
	memcpy(reply_out, p->decoded, p->reply_form->size);
	arena_on_free(arena, free_arena, p->own);
	p->decoded = NULL;
	p->own = NULL;
	return IO_OK;
}

enum io_status
peer_finish(struct peer_pending *call, void *reply_out, struct arena *arena,
    struct deadline deadline)
{
	enum io_status status = await_call(call, deadline);

	if (status == IO_OK)
		status = give_reply(call, reply_out, arena);
	else if (status == IO_TIMEOUT && call->conn != NULL)
		str_printf(&call->peer->why, "no reply within the time limit");
	call->on_done = NULL;
	peer_forget(call);
	return status;
}

void
peer_forget(struct peer_pending *call)
{
	if (call == NULL)
		return;
	unlink_call(call);
	if (call->decoded != NULL)
		attr_close_fds(call->reply_form, call->decoded);
	arena_free(&call->own);
	mem_free(call);
}

bool
peer_notify(struct peer *peer, const struct attr_form *form,
    const void *fields)
{
	struct conn *c = least_busy(peer);

	if (c == NULL) {
		peer->wanted = true;
		start_connecting(peer);
		return false;
	}
	if (stream_queued(c->stream) > OUTPUT_HIGH)
		return false;
	attr_queue(c->stream, form, 0, fields);
	c->used_ns = clock_now_ns();
	return true;
}
