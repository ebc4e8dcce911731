/*
 * t_double - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/harness/t_double.h"

#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/fault.h"
#include "common/io/loop.h"
#include "common/io/sock.h"
#include "common/mail/conf_core.h"
#include "common/service/peer.h"
#include "daemons/shared/cleanup_proto.h"
#include "tests/harness/t.h"

/* ---- connections ---- */

struct served {
	int fd;
	t_serve_fn *fn;
	void *arg;
};

static void
serve(void *arg)
{
	struct served served = *(struct served *)arg;

	mem_free(arg);
	served.fn(stream_open(served.fd), served.arg);
}

int
t_double_connect(struct fiber_group *fibers, t_serve_fn *fn, void *arg)
{
	struct served *served;
	int ends[2];

	if (!sock_pair(ends)) {
		T_CHECK(fault_was_hit());
		return -1;
	}
	served = MEM_NEW(struct served);
	*served = (struct served){ ends[0], fn, arg };
	if (fiber_spawn(fibers, "double", serve, served) != NULL)
		return ends[1];
	T_CHECK(fault_was_hit());
	mem_free(served);
	close(ends[0]);
	close(ends[1]);
	return -1;
}

/* ---- all doubles of a test ---- */

static struct fiber_group doubles;
static struct double_of {
	t_serve_fn *fn;
	void *arg;
} known[16];
static size_t nknown;

static int
connect_double(void *arg)
{
	const struct double_of *d = arg;

	return t_double_connect(&doubles, d->fn, d->arg);
}

void
t_double(const char *cls, const char *service, t_serve_fn *fn, void *arg)
{
	T_NEED(nknown < T_COUNT(known));
	known[nknown] = (struct double_of){ fn, arg };
	peer_connect_by(cls, service, connect_double, &known[nknown++]);
}

static void
serve_rpc(struct stream *client, void *protocol)
{
	static const struct sock_peer peer;

	rpc_serve(protocol, client, &peer);
}

void
t_double_rpc(const char *cls, const char *service,
    const struct rpc_protocol *protocol)
{
	t_double(cls, service, serve_rpc, (void *)(uintptr_t)protocol);
}

struct run {
	fiber_fn *fn;
	void *arg;
};

static void
run_and_end(void *arg)
{
	const struct run *run = arg;

	run->fn(run->arg);
	fiber_group_cancel(&doubles);
	fiber_group_join(&doubles, DEADLINE_NEVER);
}

void
t_double_run(fiber_fn *fn, void *arg)
{
	struct run run = { fn, arg };

	fiber_group_init(&doubles);
	loop_start();
	fiber_run_main(run_and_end, &run);
}

void
t_double_conf(const char *more, const struct param_set *role)
{
	struct str text = STR_EMPTY, why = STR_EMPTY;

	conf_unload();
	str_printf(&text, "compatibility_level = 3.6\n"
	    "myhostname = mail.example.com\nqueue_directory = %s\n%s",
	    t_tmpdir(), more);
	if (!conf_load_text("main.cf", str_span(&text), &why))
		t_fail(T_HERE, "%s", str_cstr(&why));
	conf_register(&conf_core_params);
	conf_register(role);
	if (!conf_fill(&conf_core_params, &why) || !conf_fill(role, &why))
		t_fail(T_HERE, "%s", str_cstr(&why));
	str_fini(&text);
	str_fini(&why);
}

/* ---- trivial-rewrite ---- */

void (*t_rewrite)(const struct rewrite_request *rq, struct arena *arena,
    struct rewrite_answer *answer);

static bool
answer_rewrite(struct rpc_call *call, void *request, void *reply_out)
{
	struct rewrite_request *rq = request;
	struct rewrite_reply *reply = reply_out;
	struct rewrite_answer *answers = arena_array(call->arena,
	    rq->items.count + 1, sizeof(*answers));

	reply->generation = 7;
	reply->answers = (struct attr_list){ answers, rq->items.count };
	for (size_t i = 0; i < rq->items.count; i++) {
		answers[i] = (struct rewrite_answer){ .address = ATTR_AT(
			rq->items, struct rewrite_item, i)->address };
		if (t_rewrite != NULL)
			t_rewrite(rq, call->arena, &answers[i]);
	}
	return true;
}

static const struct rpc_method rewrite_methods[] = {
	{ .request = &rewrite_request_form, .reply = &rewrite_reply_form,
	    .handle = answer_rewrite },
};
const struct rpc_protocol t_rewrite_protocol = {
	.name = REWRITE_PROTOCOL, .version = REWRITE_VERSION,
	.methods = rewrite_methods, .nmethods = T_COUNT(rewrite_methods) };

/* ---- cleanup ---- */

struct t_mail t_mails[16];
size_t t_mail_count;
uint64_t t_cleanup_status = CLEANUP_OK;

static void
take_rcpts(struct t_mail *n, const struct attr_list *rcpts)
{
	for (size_t i = 0; i < rcpts->count; i++) {
		const struct envelope_rcpt *rcpt = ATTR_AT(*rcpts,
		    struct envelope_rcpt, i);

		T_EQ_TEXT(str_span(&n->rcpt), "");
		str_set(&n->rcpt, rcpt->address);
		n->notify = rcpt->notify;
	}
}

static void
take_begin(struct t_mail *n, const struct cleanup_begin *begin)
{
	const struct envelope *e = begin->envelope.items;

	T_EQ_INT(begin->envelope.count, 1);
	str_set(&n->sender, e->sender);
	str_clear(&n->rcpt);
	str_clear(&n->text);
	n->flags = begin->flags;
	n->envelope_flags = e->flags;
	take_rcpts(n, &begin->rcpts);
}

/* One message; false when the connection is over. */
static bool
take_message(struct stream *client, struct arena *arena)
{
	struct t_mail *n = NULL;
	struct attr_frame frame;
	struct cleanup_result result = { .queue_id = SPAN("NEW") };
	struct str why = STR_EMPTY;

	while (attr_read_frame(client, arena, DEADLINE_NEVER, &frame, &why)
	    == IO_OK) {
		struct cleanup_begin begin;
		struct cleanup_rcpts rcpts;
		struct cleanup_data data;

		if (frame.form == cleanup_begin_form.id) {
			T_CHECK(attr_decode(&cleanup_begin_form, &frame,
			    client, arena, &begin, &why));
			T_NEED(t_mail_count < T_COUNT(t_mails));
			n = &t_mails[t_mail_count];
			take_begin(n, &begin);
		} else if (frame.form == cleanup_rcpts_form.id) {
			T_CHECK(attr_decode(&cleanup_rcpts_form, &frame, NULL,
			    arena, &rcpts, &why));
			take_rcpts(n, &rcpts.rcpts);
		} else if (frame.form == cleanup_data_form.id) {
			T_CHECK(attr_decode(&cleanup_data_form, &frame, NULL,
			    arena, &data, &why));
			str_add(&n->text, data.bytes);
		} else if (frame.form == cleanup_end_form.id) {
			T_CHECK(str_len(&n->rcpt) > 0);
			t_mail_count++;
			result.status = t_cleanup_status;
			attr_queue(client, &cleanup_result_form, 0, &result);
			str_fini(&why);
			return stream_flush(client, DEADLINE_NEVER) == IO_OK;
		}
	}
	str_fini(&why);
	return false;
}

void
t_cleanup_serve(struct stream *client, void *unused)
{
	struct arena *arena = arena_new();

	(void)unused;
	if (rpc_read_hello(client, CLEANUP_PROTOCOL, CLEANUP_VERSION, arena,
	    DEADLINE_NEVER))
		while (take_message(client, arena))
			arena_reset(arena);
	arena_free(&arena);
	stream_close(client);
}
