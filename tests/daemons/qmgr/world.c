/*
 * world - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/stat.h>
#include <unistd.h>

#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/service/service.h"
#include "daemons/shared/bounce_proto.h"
#include "queue/outcome_log.h"
#include "tests/daemons/qmgr/world.h"
#include "tests/harness/t_double.h"
#include "tests/harness/t_maps.h"

/* What qmgr.c has. */
struct schedule *schedule;
int queue_dir;
bool dispatching;

size_t world_at_once;
bool world_rewrite_fails, world_notice_fails;
void (*world_handed)(const struct delivery_request *rq);
void (*world_told)(const struct bounce_send *rq);
int world_age_days;
const char *world_verp;
size_t world_content_bytes;

static struct str deliveries, bounces;
static size_t at_once;
static bool crashed_once, was_late;

const char *
world_deliveries(void)
{
	static struct str kept;

	str_set(&kept, str_span(&deliveries));
	str_clear(&deliveries);
	return str_cstr(&kept);
}

const char *
world_bounces(void)
{
	static struct str kept;

	str_set(&kept, str_span(&bounces));
	str_clear(&bounces);
	return str_cstr(&kept);
}

/* ---- doubles ---- */

static bool
keep_bounce(struct span id, const struct envelope_rcpt *rcpt)
{
	struct outcome o = { .rcpt = rcpt->address, .action = DSN_FAILED,
		.dsn = SPAN("5.1.1"), .reason = SPAN("no such user") };
	struct str why = STR_EMPTY;

	bool ok = outcome_log_append(queue_dir, QUEUE_BOUNCE, id, &o, 1,
	    &why);

	T_CHECK(ok || T_FAULT_HIT());
	str_fini(&why);
	return ok;
}

/* False: the agent is lost. */
static bool
deliver_one(const struct delivery_request *rq, struct delivery_result *result,
    const struct envelope_rcpt *rcpt, int64_t *wait_ms)
{
	struct address_parts parts = address_split(rcpt->address);

	result->done = DELIVERY_DONE;
	result->outcome = OUTCOME_SENT;
	if (span_is(rq->transport, "retry") || span_starts(parts.local, SPAN("defer"))
	    || span_starts(parts.domain, SPAN("dead"))
	    || span_starts(parts.domain, SPAN("unable"))) {
		result->done = DELIVERY_KEEP;
		result->outcome = OUTCOME_DEFERRED;
	} else if (span_is(parts.local, "bounce")) {
		result->outcome = OUTCOME_BOUNCED;
		if (!keep_bounce(rq->queue_id, rcpt))
			result->done = DELIVERY_KEEP;
	} else if (span_is(parts.local, "slow")) {
		*wait_ms = 60000;
	} else if (span_is(parts.local, "late") && !was_late) {
		was_late = true;
		*wait_ms = 2000000;
	} else if (span_is(parts.local, "crash1") && !crashed_once) {
		crashed_once = true;
		return false;
	} else if (span_is(parts.local, "crash")) {
		return false;
	}
	return true;
}

static bool
double_agent(struct rpc_call *call, void *request, void *reply_out)
{
	struct delivery_request *rq = request;
	struct delivery_reply *reply = reply_out;
	struct delivery_result *results = arena_array(call->arena,
	    rq->rcpts.count, sizeof(*results));
	int64_t wait_ms = 100;
	bool lives = true;

	T_CHECK(rq->fd >= 0);
	T_CHECK(rq->envelope.count == 1);
	if (world_handed != NULL)
		world_handed(rq);
	str_addf(&deliveries, "%s%.*s/%.*s", rq->suspect ? "!" : "",
	    SPAN_ARG(rq->transport), SPAN_ARG(rq->nexthop));
	if (++at_once > world_at_once)
		world_at_once = at_once;
	reply->results = (struct attr_list){ results, rq->rcpts.count };
	for (size_t i = 0; i < rq->rcpts.count; i++) {
		const struct envelope_rcpt *rcpt = ATTR_AT(rq->rcpts,
		    struct envelope_rcpt, i);

		str_addf(&deliveries, " %.*s", SPAN_ARG(rcpt->address));
		results[i] = (struct delivery_result){ .done = 0 };
		if (!deliver_one(rq, &results[i], rcpt, &wait_ms))
			lives = false;
	}
	str_putc(&deliveries, ';');
	if (span_starts(rq->nexthop, SPAN("dead"))) {
		reply->dead_dsn = SPAN("4.4.1");
		reply->dead_reason = SPAN("connection refused");
	}
	reply->agent_unable = span_starts(rq->nexthop, SPAN("unable"));
	fiber_sleep(deadline_in_ms(wait_ms));
	at_once--;
	return lives;
}

static bool
double_alone(struct rpc_call *call, void *request, void *reply_out)
{
	(void)call;
	(void)request;
	((struct delivery_alone_reply *)reply_out)->pid = 7;
	str_adds(&deliveries, "alone;");
	return true;
}

static bool
double_append(struct rpc_call *call, void *request, void *reply_out)
{
	struct bounce_append *rq = request;
	struct str text = STR_EMPTY;
	bool ok = true;

	(void)call;
	str_addf(&text, "append %.*s", SPAN_ARG(rq->queue_id));
	for (size_t i = 0; i < rq->outcomes.count; i++) {
		const struct outcome *o = ATTR_AT(rq->outcomes,
		    struct outcome, i);
		struct envelope_rcpt rcpt = { .address = o->rcpt };

		str_addf(&text, " %.*s %.*s %.*s", SPAN_ARG(o->rcpt),
		    SPAN_ARG(o->dsn), SPAN_ARG(o->reason));
		ok = keep_bounce(rq->queue_id, &rcpt) && ok;
	}
	str_addf(&bounces, "%s;", str_cstr(&text));
	str_fini(&text);
	((struct bounce_reply *)reply_out)->ok = ok;
	return true;
}

static bool
double_send(struct rpc_call *call, void *request, void *reply_out)
{
	struct bounce_send *rq = request;
	struct str why = STR_EMPTY;
	bool ok;

	(void)call;
	T_CHECK(rq->fd >= 0);
	if (!world_notice_fails && world_told != NULL)
		world_told(rq);		/* while there is a log to read */
	ok = !world_notice_fails && (rq->what != BOUNCE_FAILED ||
	    outcome_log_remove(queue_dir, QUEUE_BOUNCE, rq->queue_id, &why));
	T_CHECK(ok || world_notice_fails || T_FAULT_HIT());
	if (ok)
		str_addf(&bounces, "%s %.*s;", rq->what == BOUNCE_FAILED
		    ? "failed" : rq->what == BOUNCE_TRACE ? "trace"
		    : "delayed", SPAN_ARG(rq->queue_id));
	((struct bounce_reply *)reply_out)->ok = ok;
	str_fini(&why);
	return true;
}

static bool
double_drop(struct rpc_call *call, void *request, void *reply_out)
{
	struct bounce_drop *rq = request;

	(void)call;
	str_addf(&bounces, "drop %.*s;", SPAN_ARG(rq->queue_id));
	((struct bounce_reply *)reply_out)->ok = true;
	return true;
}

static void
resolve(const struct rewrite_request *rq, struct arena *arena,
    struct rewrite_answer *a)
{
	struct address_parts parts = address_split(a->address);
	ssize_t via = span_rfind(parts.domain, '.');

	(void)rq;
	a->transport = SPAN("smtp");
	a->nexthop = parts.domain;
	a->recipient = a->address;
	if (via > 0 && span_is(span_skip(parts.domain, (size_t)via),
	    ".via")) {
		struct span rest = span_sub(parts.domain, 0, (size_t)via);
		ssize_t dot = span_rfind(rest, '.');

		a->transport = arena_span(arena,
		    span_skip(rest, (size_t)dot + 1));
		a->nexthop = span_sub(rest, 0, (size_t)dot);
	}
	if (world_rewrite_fails)
		a->flags = RESOLVE_FAIL;
}

static const struct rpc_method agent_methods[] = {
	{ &delivery_request_form, &delivery_reply_form, double_agent, true },
	{ &delivery_alone_form, &delivery_alone_reply_form, double_alone,
	    true },
};
static const struct rpc_protocol agent_protocol = {
	.name = DELIVERY_PROTOCOL, .version = DELIVERY_VERSION,
	.methods = agent_methods, .nmethods = 2, .accepts_fds = true };
static const struct rpc_method bounce_methods[] = {
	{ &bounce_append_form, &bounce_reply_form, double_append, true },
	{ &bounce_send_form, &bounce_reply_form, double_send, true },
	{ &bounce_drop_form, &bounce_reply_form, double_drop, true },
};
static const struct rpc_protocol bounce_protocol = {
	.name = BOUNCE_PROTOCOL, .version = BOUNCE_VERSION,
	.methods = bounce_methods, .nmethods = 3, .accepts_fds = true };
static const struct {
	const char *service;
	const struct rpc_protocol *protocol;
} doubles[] = {
	{ "smtp", &agent_protocol }, { "lmtp", &agent_protocol },
	{ "local", &agent_protocol }, { "retry", &agent_protocol },
	{ "error", &agent_protocol }, { "bounce", &bounce_protocol },
	{ "defer", &bounce_protocol }, { "trace", &bounce_protocol },
	{ "rewrite", &t_rewrite_protocol },
};

/* ---- the world ---- */

struct run {
	fiber_fn *fn;
	void *arg;
};

static void
run_and_leave(void *arg)
{
	struct run *run = arg;

	intake_setup();
	dispatching = true;
	run->fn(run->arg);
	dispatching = false;
	intake_leave();
	fiber_group_cancel(service_fibers());
	fiber_group_join(service_fibers(), DEADLINE_NEVER);
}

void
world_run(const char *conf, unsigned smtp_limit, fiber_fn *fn, void *arg)
{
	struct run run = { fn, arg };
	struct str text = STR_EMPTY, why = STR_EMPTY;

	keep_log();
	str_printf(&text, "compatibility_level = 3.6\n"
	    "myhostname = mail.example.com\nmynetworks =\n"
	    "inet_interfaces = 127.0.0.1\nhash_queue_names =\n"
	    "queue_directory = %s\n%s", t_tmpdir(), conf);
	write_file("main.cf", str_cstr(&text));
	str_printf(&text, "smtp unix - - n - %u smtp\n"
	    "lmtp unix - - n - 20 lmtp\nlocal unix - n n - 20 local\n"
	    "retry unix - - n - - error\nerror unix - - n - - error\n",
	    smtp_limit);
	write_file("master.cf", str_cstr(&text));
	if (!conf_load(t_tmpdir(), &why))
		t_fail(T_HERE, "%s", str_cstr(&why));
	conf_register(&conf_core_params);
	conf_register(&qmgr_params);
	if (!conf_fill(&conf_core_params, &why)
	    || !conf_fill(&qmgr_params, &why))
		t_fail(T_HERE, "%s", str_cstr(&why));
	queue_names_setup(conf_core.hash_queue_names,
	    conf_core.hash_queue_depth);
	queue_dir = service_queue_dir();
	T_NEED(queue_dir >= 0);
	T_NEED(queue_directories_make(queue_dir, (uid_t)-1, (gid_t)-1, &why));
	T_NEED(queue_sync_setup("fsync", 0, queue_dir, &why));
	for (size_t i = 0; i < T_COUNT(doubles); i++)
		t_double_rpc("private", doubles[i].service,
		    doubles[i].protocol);
	t_rewrite = resolve;
	transport_setup();
	schedule = schedule_new();
	t_double_run(run_and_leave, &run);
	str_fini(&text);
	str_fini(&why);
}

/* ---- messages ---- */

void
world_message(enum queue_name where, const char *id, const char *sender,
    const char *rcpts)
{
	struct arena *arena = arena_new();
	struct queue_writer *w = queue_writer_new(arena, queue_dir, id);
	struct envelope e = { .sender = span_cstr(sender),
		.verp = span_cstr(world_verp), .arrival_us =
		clock_wall_us() - world_age_days * INT64_C(86400000000) };
	struct span list = span_cstr(rcpts), word;
	struct str why = STR_EMPTY;

	queue_writer_envelope(w, &e);
	while (span_token(&list, " ", &word)) {
		struct envelope_rcpt rcpt = { .address = word };

		queue_writer_rcpt(w, &rcpt);
	}
	queue_writer_content(w, SPAN("Subject: x\n\nbody\n"));
	while (queue_writer_content_length(w) < world_content_bytes)
		queue_writer_content(w, SPAN("more of it, and more, and m\n"));
	T_EQ_INT(queue_writer_commit(w, QUEUE_INCOMING, &why), QUEUE_OK);
	arena_free(&arena);
	if (where == QUEUE_DEFERRED)
		T_CHECK(queue_defer(queue_dir, span_cstr(id), QUEUE_INCOMING,
		    (time_t)clock_wall(), &why));
	else if (where != QUEUE_INCOMING)
		T_CHECK(queue_move(queue_dir, span_cstr(id), QUEUE_INCOMING,
		    where, &why));
	str_fini(&why);
}

void
world_settle(int64_t most_seconds)
{
	int64_t end = clock_now_ns() + most_seconds * 1000000000;

	do
		fiber_sleep(deadline_in_ms(50));
	while ((intake_count() > 0 || dispatch_in_flight() > 0)
	    && clock_now_ns() < end);
}

static bool
find(const char *id, enum queue_name *where)
{
	return queue_find(queue_dir, span_cstr(id), 1u << QUEUE_INCOMING
	    | 1u << QUEUE_ACTIVE | 1u << QUEUE_DEFERRED | 1u << QUEUE_HOLD
	    | 1u << QUEUE_CORRUPT, where) == QUEUE_OK;
}

const char *
world_find(const char *id)
{
	static struct str text;
	struct arena *arena = arena_new();
	struct queue_message q;
	struct str why = STR_EMPTY;
	enum queue_name where;
	enum queue_result result;

	str_sets(&text, "gone");
	if (find(id, &where)) {
		result = queue_message_open(queue_dir, where, span_cstr(id),
		    false, true, arena, &q, &why);
		if (result != QUEUE_OK) {
			str_printf(&text, "%s, not readable (%s)",
			    queue_name_text(where), str_cstr(&why));
		} else {
			struct envelope_rcpt rcpts[200];
			uint64_t cursor = 0;
			size_t n = 0;

			T_EQ_INT(queue_message_rcpts(&q, &cursor, 200, arena,
			    rcpts, &n, &why), QUEUE_OK);
			str_printf(&text, "%s %zu of %llu",
			    queue_name_text(where), n,
			    (unsigned long long)q.layout.rcpt_count);
			queue_message_close(&q);
		}
	}
	str_fini(&why);
	arena_free(&arena);
	return str_cstr(&text);
}

int64_t
world_due_in(const char *id)
{
	struct str path = STR_EMPTY;
	struct stat st;

	queue_path(QUEUE_DEFERRED, span_cstr(id), &path);
	T_NEED(fstatat(queue_dir, str_cstr(&path), &st, 0) == 0);
	str_fini(&path);
	return st.st_mtime - clock_wall();
}
