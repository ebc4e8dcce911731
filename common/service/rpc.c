/*
 * rpc - serving forms: a table of requests, each with one handler.
 *
 * The connection's own fiber reads; calls that suspend get fibers of their own
 * in a group that ends before the stream is closed, so that an answer always
 * has a stream to go to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/socket.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/io/fds.h"
#include "common/mail/conf_core.h"
#include "common/service/rpc.h"
#include "common/service/rpc_priv.h"

enum { CALLS_DEFAULT = 1000, OUTPUT_HIGH = 1 << 20, SPARE_ARENAS = 64,
	SHORT_MS = 100 };

struct connection {
	const struct rpc_protocol *protocol;
	struct stream *stream;
	const struct sock_peer *peer;
	struct fiber_group calls;
	struct fiber_queue room;
	bool nonsense;
};

struct call {
	struct rpc_call call;
	struct connection *connection;
	const struct rpc_method *method;
	void *request;
};

static const struct rpc_hooks no_hooks;
static const struct rpc_hooks *hooks = &no_hooks;

static const struct attr_form bye_form = {
	.name = "bye", .id = RPC_BYE, .size = 0, .fields = NULL, .nfields = 0,
};

void
rpc_set_hooks(const struct rpc_hooks *new_hooks)
{
	hooks = new_hooks;
}

void
rpc_say_bye(struct stream *client)
{
	attr_queue(client, &bye_form, 0, NULL);
}

/* --- Arenas of calls -----------------------------------------------------*/

static struct arena *spare[SPARE_ARENAS];
static size_t spares;

static struct arena *
take_arena(void)
{
	return spares > 0 ? spare[--spares] : arena_new();
}

static void
give_arena(struct arena *arena)
{
	if (spares == SPARE_ARENAS) {
		arena_free(&arena);
		return;
	}
	arena_reset(arena);
	spare[spares++] = arena;
}

/* --- One call ------------------------------------------------------------*/

static struct deadline
ipc_deadline(void)
{
	return conf_core.ipc_timeout > 0 ? deadline_in(conf_core.ipc_timeout) :
	    deadline_in(3600);
}

static void
no_descriptors(const struct attr_form *form, void *fields)
{
	for (size_t i = 0; i < form->nfields; i++)
		if (form->fields[i].kind == ATTR_FD)
			*(int *)(void *)((char *)fields +
			    form->fields[i].offset) = -1;
}

static const char *
describe(const struct sock_peer *peer)
{
	return arena_printf(fiber_arena(), "process %ld of uid %ld",
	    (long)(peer != NULL ? peer->pid : -1),
	    (long)(peer != NULL ? (long)peer->uid : -1L));
}

static void
answer(struct call *c)
{
	const struct attr_form *form = c->method->reply;
	struct connection *connection = c->connection;
	void *reply = NULL;

	if (form != NULL) {
		reply = arena_zalloc(c->call.arena, form->size);
		no_descriptors(form, reply);
	}
	bool sense = c->method->handle(&c->call, c->request, reply);

	attr_close_fds(c->method->request, c->request);
	if (sense && form != NULL)
		attr_queue(connection->stream, form, c->call.request, reply);
	if (sense)
		return;
	if (form != NULL)
		attr_close_fds(form, reply);
	log_warn("%s: refused a \"%s\" request of %s",
	    connection->protocol->name, c->method->request->name,
	    describe(connection->peer));
	connection->nonsense = true;
	/* The reader waits for more: wake it. */
	if (stream_fd(connection->stream) >= 0)
		shutdown(stream_fd(connection->stream), SHUT_RD);
}

static void
run_call(void *arg)
{
	struct call *c = arg;
	struct connection *connection = c->connection;

	if (hooks->enter == NULL || hooks->enter()) {
		answer(c);
		if (hooks->leave != NULL)
			hooks->leave();
	} else {
		attr_close_fds(c->method->request, c->request);
	}
	give_arena(c->call.arena);
	fiber_queue_wake_one(&connection->room);
}

/* --- One connection ------------------------------------------------------*/

static const struct rpc_method *
find_method(const struct rpc_protocol *protocol, uint16_t form)
{
	for (size_t i = 0; i < protocol->nmethods; i++)
		if (protocol->methods[i].request->id == form)
			return &protocol->methods[i];
	return NULL;
}

/* What the kernel could not hand us would be lost, and the connection with it:
 * while descriptors are short, the peer's wait in its socket. */
static bool
wait_for_descriptors(struct connection *c)
{
	static bool said;

	while (!c->protocol->sheds_fds && stream_fds_are_high(c->stream)
	    && fds_are_short()) {
		if (!said)
			log_warn("%s: too many open files; new requests wait",
			    c->protocol->name);
		said = true;
		if (fiber_queue_wait(&c->room, deadline_in_ms(SHORT_MS))
		    == IO_CANCELLED)
			return false;
	}
	return true;
}

static bool
wait_for_room(struct connection *c)
{
	size_t limit = c->protocol->calls_per_connection > 0 ?
	    c->protocol->calls_per_connection : CALLS_DEFAULT;

	while (c->calls.count >= limit)
		if (fiber_queue_wait(&c->room, DEADLINE_NEVER) != IO_OK)
			return false;
	if (!wait_for_descriptors(c))
		return false;
	if (stream_queued(c->stream) < OUTPUT_HIGH)
		return true;
	return stream_flush(c->stream, ipc_deadline()) == IO_OK;
}

static bool
refuse_frame(struct connection *c, const char *why)
{
	log_warn("%s: bad request of %s: %s", c->protocol->name,
	    describe(c->peer), why);
	return false;
}

static bool
start_call(struct connection *c, struct arena *arena,
    const struct attr_frame *frame, bool *kept_out)
{
	const struct rpc_method *method = find_method(c->protocol, frame->form);
	struct str why = STR_EMPTY;
	bool ok;

	if (method == NULL)
		return refuse_frame(c, "unknown form");
	struct call *call = arena_zalloc(arena, sizeof(*call));

	*call = (struct call){ .connection = c, .method = method,
		.request = arena_zalloc(arena, method->request->size),
		.call = { .peer = c->peer, .arena = arena,
		    .form = method->request, .request = frame->request,
		    .stream = c->stream } };
	ok = attr_decode(method->request, frame, c->stream, arena,
	    call->request, &why);
	if (!ok)
		refuse_frame(c, str_cstr(&why));
	str_fini(&why);
	if (!ok)
		return false;
	if (!method->suspends) {
		answer(call);
	} else if (fiber_spawn(&c->calls, c->protocol->name, run_call, call) !=
	    NULL) {
		*kept_out = true;
	} else {
		attr_close_fds(method->request, call->request);
		return refuse_frame(c, "no stack for one more");
	}
	return !c->nonsense;
}

static enum io_status
wait_idle(struct stream *s)
{
	if (stream_buffered(s) > 0)
		return IO_OK;
	return hooks->wait_idle != NULL ?
	    hooks->wait_idle(s, DEADLINE_NEVER) :
	    stream_wait_input(s, DEADLINE_NEVER);
}

/* False when the connection has ended. */
static bool
serve_one(struct connection *c)
{
	struct attr_frame frame;
	struct str why = STR_EMPTY;
	bool kept = false, more = false;

	if (!wait_for_room(c) || wait_idle(c->stream) != IO_OK)
		return false;
	struct arena *arena = take_arena();
	enum io_status status = attr_read_frame(c->stream, arena,
	    ipc_deadline(), &frame, &why);

	if (status == IO_OK)
		more = start_call(c, arena, &frame, &kept);
	else if (status == IO_ERROR && str_len(&why) > 0)
		refuse_frame(c, str_cstr(&why));
	if (!kept)
		give_arena(arena);
	str_fini(&why);
	return more;
}

bool
rpc_read_hello(struct stream *client, const char *protocol, unsigned version,
    struct arena *arena, struct deadline deadline)
{
	struct attr_frame frame;
	struct attr_hello hello;
	struct str why = STR_EMPTY;
	bool ok = false;
	enum io_status status = attr_read_frame(client, arena, deadline,
	    &frame, &why);

	if (status != IO_OK && str_len(&why) == 0)
		goto done;		/* it left, which is no news */
	if (status != IO_OK)
		log_warn("%s: bad greeting of a client: %s", protocol,
		    str_cstr(&why));
	else if (frame.form != attr_hello_form.id)
		log_warn("%s: a client began with form %u", protocol,
		    frame.form);
	else if (!attr_decode(&attr_hello_form, &frame, client, arena, &hello,
	    &why))
		log_warn("%s: bad hello of a client: %s", protocol,
		    str_cstr(&why));
	else if (!span_is(hello.protocol, protocol) || hello.version != version)
		log_warn("%s: a client of version %.*s speaks protocol %.*s/%llu, "
		    "here it is %u", protocol, SPAN_ARG(hello.build),
		    SPAN_ARG(hello.protocol), (unsigned long long)hello.version,
		    version);
	else
		ok = true;
done:
	str_fini(&why);
	return ok;
}

void
rpc_serve(const struct rpc_protocol *protocol, struct stream *client,
    const struct sock_peer *peer)
{
	struct connection c = { .protocol = protocol, .stream = client,
		.peer = peer };
	struct arena *arena = take_arena();

	fiber_group_init(&c.calls);
	fiber_queue_init(&c.room);
	stream_accept_fds(client, protocol->accepts_fds);
	bool more = rpc_read_hello(client, protocol->name, protocol->version,
	    arena, ipc_deadline());

	give_arena(arena);
	while (more)
		more = serve_one(&c);
	if (fiber_group_join(&c.calls, DEADLINE_NEVER) != IO_OK)
		fiber_group_close(&c.calls);
	if (!c.nonsense)
		stream_flush(client, ipc_deadline());
	stream_close(client);
}
