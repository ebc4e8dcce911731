/*
 * Each call that can fail fails once while pickup takes a file: as long as its
 * message, or the notice about it, is not somewhere else, it stays in maildrop,
 * and goes from there the next time; nothing stays open.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/deadline.h"
#include "common/io/fault.h"
#include "common/service/service.h"
#include "daemons/pickup/pickup_conf.h"
#include "daemons/pickup/pickup_priv.h"
#include "daemons/shared/bounce_proto.h"
#include "daemons/shared/cleanup_proto.h"
#include "queue/message.h"
#include "tests/harness/t.h"
#include "tests/harness/t_double.h"

static const struct {
	const char *name;
	size_t lines;
	uint64_t verdict;
	bool requeued;			/* a file of the queue, sent through again */
	int least;			/* calls that can fail */
} ways[] = {
	{ "a small message", 1, CLEANUP_OK, false, 25 },
	{ "a large message", 8000, CLEANUP_OK, false, 40 },
	{ "one that is sent through again", 1, CLEANUP_OK, true, 25 },
	{ "one that is returned", 1, CLEANUP_CONTENT, false, 40 },
};

#define LINE "a line of content, one of many\n"

static unsigned noted, told;		/* recipients, notices at bounce */

/* ---- doubles ---- */

static bool
double_append(struct rpc_call *call, void *request, void *reply_out)
{
	(void)call;
	noted += (unsigned)((struct bounce_append *)request)->outcomes.count;
	((struct bounce_reply *)reply_out)->ok = true;
	return true;
}

static bool
double_send(struct rpc_call *call, void *request, void *reply_out)
{
	const struct bounce_send *rq = request;

	(void)call;
	T_EQ_INT(rq->what, BOUNCE_FAILED);
	T_EQ_TEXT(rq->queue_name, "maildrop");
	T_CHECK(rq->fd >= 0);
	told++;
	((struct bounce_reply *)reply_out)->ok = true;
	return true;
}

static const struct rpc_method bounce_methods[] = {
	{ .request = &bounce_append_form, .reply = &bounce_reply_form,
	    .handle = double_append },
	{ .request = &bounce_send_form, .reply = &bounce_reply_form,
	    .handle = double_send },
};
static const struct rpc_protocol bounce_protocol = {
	.name = BOUNCE_PROTOCOL, .version = BOUNCE_VERSION,
	.methods = bounce_methods, .nmethods = T_COUNT(bounce_methods),
	.accepts_fds = true };

/* ---- files ---- */

/* With a sender of its own each time, which no cache has. */
static void
drop_one(size_t way, char *id)
{
	static unsigned number;
	struct arena *arena = arena_new();
	struct envelope e = { .arrival_us = 1700000000000000,
		.rewrite_context = SPAN("local"), .sender = SPAN(arena_printf(
		    arena, "s%u@a.example", ++number)) };
	struct envelope_rcpt rcpt = { .address = SPAN("a@b.example") };
	struct str why = STR_EMPTY;
	struct queue_writer *w;

	queue_id_make(id, 1, false);
	w = queue_writer_new(arena, service_queue_dir(), id);
	queue_writer_to_maildrop(w);
	queue_writer_envelope(w, &e);
	queue_writer_rcpt(w, &rcpt);
	for (size_t i = 0; i < ways[way].lines; i++)
		queue_writer_content(w, SPAN(LINE));
	T_EQ_INT(queue_writer_commit(w, QUEUE_MAILDROP, &why), QUEUE_OK);
	if (ways[way].requeued)
		T_EQ_INT(fchmodat(service_queue_dir(), arena_printf(arena,
		    "maildrop/%s", id), 0700, 0), 0);
	str_fini(&why);
	arena_free(&arena);
}

static bool
waits_in_maildrop(const char *id)
{
	char path[QUEUE_ID_MAX + 10];

	snprintf(path, sizeof(path), "maildrop/%s", id);
	return faccessat(service_queue_dir(), path, F_OK, 0) == 0;
}

static bool
arrived_whole(size_t way)
{
	struct span text = str_span(&t_mails[0].text);
	ssize_t at;
	size_t lines = 0;

	if (t_mail_count == 0)
		return false;
	while ((at = span_search(text, SPAN(LINE))) >= 0) {
		text = span_skip(text, (size_t)at + strlen(LINE));
		lines++;
	}
	return lines == ways[way].lines && text.len == 0
	    && span_is(str_span(&t_mails[0].rcpt), "a@b.example");
}

static bool
is_settled(size_t way)
{
	return ways[way].verdict == CLEANUP_OK ? arrived_whole(way)
	    : noted > 0 && told > 0;
}

/* ---- each call ---- */

static void
take(const char *id)
{
	pickup_take(id);
	fiber_sleep(deadline_in(4000));	/* also what was kept open */
}

static void
each_call_fails(void *arg)
{
	size_t way = *(size_t *)arg, before = 0, stayed = 0;
	char id[QUEUE_ID_MAX], name[60];
	int nth;

	t_cleanup_status = ways[way].verdict;
	for (nth = 1; !t_failed(); nth++) {
		bool hit;

		drop_one(way, id);
		t_mail_count = noted = told = 0;
		fault_arm(NULL, nth, EIO);
		take(id);
		hit = fault_was_hit();
		snprintf(name, sizeof(name), "%s", fault_hit_name());
		fault_disarm();
		T_CASEF("%s, pass %d, %s", ways[way].name, nth, name);
		if (waits_in_maildrop(id)) {
			T_CHECK(hit);
			stayed++;
			take(id);
		}
		T_CHECK(!waits_in_maildrop(id));
		T_CHECK(is_settled(way));
		/* What only could not be removed does not come again. */
		if (!hit || strcmp(name, "fs.unlink") == 0)
			T_EQ_INT(t_mail_count, 1);
		T_CHECK(t_mail_count <= 2);
		if (before == 0)
			before = t_open_fds();
		T_EQ_INT(t_open_fds(), before);
		if (!hit)
			break;
	}
	printf("%s: %d calls, stayed %zu times\n", ways[way].name, nth - 1,
	    stayed);
	T_CHECK(nth > ways[way].least);
	T_CHECK(stayed > 5);
}

static void
run(size_t way)
{
	struct str why = STR_EMPTY;

	t_double_conf("", &pickup_params);
	queue_names_setup("", 1);
	T_NEED(queue_directories_make(service_queue_dir(), (uid_t)-1,
	    (gid_t)-1, &why));
	T_NEED(queue_sync_setup("fsync", 0, service_queue_dir(), &why));
	pickup_setup();
	t_double("public", "cleanup", t_cleanup_serve, NULL);
	t_double_rpc("private", "rewrite", &t_rewrite_protocol);
	t_double_rpc("private", "bounce", &bounce_protocol);
	t_double_run(each_call_fails, &way);
	str_fini(&why);
}

T_TEST(any_call_may_fail_for_a_small_message)
{
	run(0);
}

T_TEST(any_call_may_fail_for_a_large_message)
{
	run(1);
}

T_TEST(any_call_may_fail_for_one_that_is_sent_through_again)
{
	run(2);
}

T_TEST(any_call_may_fail_for_one_that_is_returned)
{
	run(3);
}
