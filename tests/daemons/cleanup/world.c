/*
 * world - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <unistd.h>

#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/service/service.h"
#include "daemons/shared/qmgr_proto.h"
#include "tests/daemons/cleanup/world.h"
#include "tests/harness/t_double.h"

struct world_note world_note;
bool world_rewrite_fails;
struct str world_trace;

/* ---- doubles ---- */

static void
rewrite(const struct rewrite_request *rq, struct arena *arena,
    struct rewrite_answer *answer)
{
	struct span a = answer->address;

	if (!span_has(a, '@') && !span_empty(a))
		answer->address = SPAN(arena_printf(arena, "%.*s@%s",
		    SPAN_ARG(a), span_is(rq->context, "remote")
		    ? "dom.invalid" : "example.com"));
	if (rq->wants & REWRITE_RESOLVE) {
		answer->transport = SPAN("smtp");
		answer->nexthop = address_split(a).domain;
		answer->recipient = answer->address;
	}
	if (world_rewrite_fails)
		answer->flags = RESOLVE_FAIL;
}

static bool
double_qmgr(struct rpc_call *call, void *request, void *reply_out)
{
	struct qmgr_note *note = request;
	struct str rcpts = STR_EMPTY;
	const struct envelope *e = note->envelope.items;

	(void)call;
	(void)reply_out;
	world_note.count++;
	memcpy(world_note.id, note->queue_id.p, note->queue_id.len);
	world_note.id[note->queue_id.len] = '\0';
	world_note.data_size = e->data_size;
	world_note.flags = e->flags;
	world_note.rcpt_count = note->rcpt_count;
	world_note.claimed = note->fd >= 0;
	world_note.has_log = note->has_log;
	for (size_t i = 0; i < note->rcpts.count; i++) {
		const struct envelope_rcpt *r = ATTR_AT(note->rcpts,
		    struct envelope_rcpt, i);

		str_addf(&rcpts, "%.*s %.*s:%.*s;", SPAN_ARG(r->address),
		    SPAN_ARG(r->transport), SPAN_ARG(r->nexthop));
	}
	snprintf(world_note.rcpts, sizeof(world_note.rcpts), "%s",
	    str_cstr(&rcpts));
	str_fini(&rcpts);
	return true;
}

static const struct rpc_method qmgr_methods[] = {
	{ .request = &qmgr_note_form, .handle = double_qmgr },
};
static const struct rpc_protocol qmgr_protocol = {
	.name = QMGR_PROTOCOL, .version = QMGR_VERSION,
	.methods = qmgr_methods, .nmethods = 1, .accepts_fds = true };

static void
serve_cleanup(struct stream *client, void *arg)
{
	static const struct sock_peer peer;

	(void)arg;
	transaction_serve(client, &peer);
}

/* ---- the world ---- */

static void
close_all(void)
{
	map_close_all();
	masquerade_close_all();
	checks_close_all();
}

void
world_conf(const char *conf)
{
	static bool open;
	struct str text = STR_EMPTY;

	if (open)
		close_all();
	str_printf(&text, "myorigin = example.com\n"
	    "mydestination = example.com\nmynetworks =\n%s", conf);
	t_double_conf(str_cstr(&text), &cleanup_params);
	map_setup();
	masquerade_setup();
	checks_setup();
	headers_setup();
	chars_setup();
	open = true;
	str_fini(&text);
}

void
world_run(fiber_fn *fn, void *arg)
{
	struct str why = STR_EMPTY;
	int dir;

	world_conf("");
	queue_names_setup(conf_core.hash_queue_names,
	    conf_core.hash_queue_depth);
	dir = service_queue_dir();
	T_NEED(dir >= 0);
	T_NEED(queue_directories_make(dir, (uid_t)-1, (gid_t)-1, &why));
	T_NEED(queue_sync_setup("fsync", 0, dir, &why));
	t_rewrite = rewrite;
	t_double("public", "cleanup", serve_cleanup, NULL);
	t_double_rpc("private", "rewrite", &t_rewrite_protocol);
	t_double_rpc("public", "qmgr", &qmgr_protocol);
	t_double_run(fn, arg);
	str_fini(&why);
}

/* ---- messages ---- */

static void
add_wishes(struct str *out, uint64_t notify, struct span orcpt)
{
	char words[40];

	dsn_notify_print((unsigned)notify, words);
	if (notify != 0)
		str_addf(out, " %s", words);
	if (!span_empty(orcpt))
		str_addf(out, " ORCPT=%.*s", SPAN_ARG(orcpt));
}

/* Of this message; then it is gone. */
static void
print_trace(struct span id)
{
	struct arena *arena = arena_new();
	struct outcome *o;
	struct str why = STR_EMPTY;
	size_t n;
	enum queue_result found = outcome_log_read(service_queue_dir(),
	    QUEUE_TRACE, id, arena, &o, &n, &why);

	str_clear(&world_trace);
	T_CHECK(found == QUEUE_OK || found == QUEUE_GONE);
	if (found == QUEUE_OK && n == 0)
		str_adds(&world_trace, "empty");
	for (size_t i = 0; i < n; i++) {
		str_addf(&world_trace, "%.*s(%.*s)%s %.*s",
		    SPAN_ARG(o[i].rcpt), SPAN_ARG(o[i].original),
		    o[i].action == DSN_EXPANDED ? " expanded" : " ?",
		    SPAN_ARG(o[i].dsn));
		add_wishes(&world_trace, o[i].notify, o[i].orcpt);
		str_putc(&world_trace, ';');
	}
	T_CHECK(outcome_log_remove(service_queue_dir(), QUEUE_TRACE, id,
	    &why));
	str_fini(&why);
	arena_free(&arena);
}

static void
print_stored(struct span id, bool wishes, struct str *out)
{
	struct arena *arena = arena_new();
	struct queue_message q;
	struct str why = STR_EMPTY;
	struct envelope_rcpt rcpts[100];
	enum queue_name where;
	uint64_t cursor = 0;
	size_t n = 0;
	char *content;

	if (queue_find(service_queue_dir(), id, 1u << QUEUE_INCOMING
	    | 1u << QUEUE_HOLD, &where) != QUEUE_OK) {
		str_adds(out, "not queued");
		arena_free(&arena);
		return;
	}
	T_NEED(queue_message_open(service_queue_dir(), where, id, false, true,
	    arena, &q, &why) == QUEUE_OK);
	if (where == QUEUE_HOLD)
		str_adds(out, "(hold) ");
	str_addf(out, "%.*s ->", SPAN_ARG(q.envelope.sender));
	T_EQ_INT(queue_message_rcpts(&q, &cursor, T_COUNT(rcpts), arena, rcpts,
	    &n, &why), QUEUE_OK);
	for (size_t i = 0; i < n; i++) {
		str_addf(out, " %.*s", SPAN_ARG(rcpts[i].address));
		if (!span_empty(rcpts[i].original)
		    && !span_eq(rcpts[i].original, rcpts[i].address))
			str_addf(out, "(%.*s)", SPAN_ARG(rcpts[i].original));
		if (wishes)
			add_wishes(out, rcpts[i].notify, rcpts[i].orcpt);
	}
	if (!span_empty(q.envelope.filter))
		str_addf(out, " {%.*s}", SPAN_ARG(q.envelope.filter));
	content = arena_alloc(arena, q.layout.content_length + 1);
	T_EQ_INT(pread(q.fd, content, q.layout.content_length,
	    (off_t)q.layout.content_offset), q.layout.content_length);
	str_putc(out, '\n');
	str_add(out, span_of(content, q.layout.content_length));
	queue_message_close(&q);
	str_fini(&why);
	arena_free(&arena);
}

static void
send_rcpts(struct cleanup_client *c, const struct world_message *m)
{
	struct span list = span_cstr(m->rcpts), word;

	while (span_token(&list, " ", &word)) {
		struct envelope_rcpt rcpt = { .address = word,
			.notify = m->notify, .orcpt = m->orcpt != NULL
			    ? span_cstr(m->orcpt) : SPAN_NONE };

		cleanup_client_rcpt(c, &rcpt);
	}
}

void
world_send(const struct world_message *m, struct str *reply_out,
    struct str *stored_out)
{
	struct arena *arena = arena_new();
	struct envelope e = { .sender = span_cstr(m->sender),
		.arrival_us = 1700000000000000, .flags = m->envelope_flags,
		.client_address = m->client != NULL ? span_cstr(m->client)
		    : SPAN_NONE,
		.full_name = m->full_name != NULL ? span_cstr(m->full_name)
		    : SPAN_NONE,
		.rewrite_context = m->context != NULL
		    ? span_cstr(m->context) : SPAN("remote") };
	struct cleanup_begin begin = { .queue_id = SPAN("4F0A1B2C3D"),
		.flags = m->flags != 0 ? m->flags : CLEANUP_EXTERNAL,
		.envelope = { &e, 1 } };
	struct cleanup_result result;
	struct cleanup_client *c = cleanup_client_begin(arena, &begin,
	    deadline_in(10));
	struct span content = span_cstr(m->content);
	const char *code, *dsn, *text;
	struct str why = STR_EMPTY;

	T_NEED(c != NULL);
	send_rcpts(c, m);
	while (content.len > 0) {
		struct span part = span_sub(content, 0,
		    m->chunk != 0 ? m->chunk : content.len);

		T_EQ_INT(cleanup_client_data(c, part, deadline_in(10)), IO_OK);
		content = span_skip(content, part.len);
	}
	cleanup_client_finish(c, &result, deadline_in(100));
	cleanup_status_reply(result.status, &code, &dsn, &text);
	str_printf(reply_out, "%s", code);
	if (!span_empty(result.text))
		str_addf(reply_out, " %.*s", SPAN_ARG(result.text));
	str_clear(stored_out);
	print_stored(result.queue_id, m->notify != 0, stored_out);
	print_trace(result.queue_id);
	/* The next one may have the same name. */
	queue_remove(service_queue_dir(), QUEUE_INCOMING, result.queue_id,
	    &why);
	queue_remove(service_queue_dir(), QUEUE_HOLD, result.queue_id, &why);
	str_fini(&why);
	arena_free(&arena);
}
