/*
 * Each call that can fail fails once while a message goes through cleanup: the
 * client hears 4xx and nothing is left, or 250 and the message is there, whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/io/fault.h"
#include "common/io/fs.h"
#include "common/service/service.h"
#include "queue/scan.h"
#include "tests/daemons/cleanup/world.h"
#include "tests/harness/t_maps.h"

#define ID "4F0A1B2C3D"

/* The class of the answer: 2, 4 or 5. */
static char
send_one(size_t length)
{
	struct arena *arena = arena_new();
	struct envelope e = { .sender = SPAN("s@a"),
		.rewrite_context = SPAN("remote") };
	struct cleanup_begin begin = { .queue_id = SPAN(ID),
		.flags = CLEANUP_EXTERNAL, .envelope = { &e, 1 } };
	struct envelope_rcpt rcpt = { .address = SPAN("a@b"),
		.notify = DSN_NOTIFY_SUCCESS };
	struct cleanup_result result;
	struct cleanup_client *c = cleanup_client_begin(arena, &begin,
	    deadline_in(10));
	const char *code = "451", *dsn, *text;
	struct str content = STR_EMPTY;

	str_adds(&content, "A: b\n\n");
	while (str_len(&content) < length)
		str_adds(&content, "A line of some length.\n");
	if (c != NULL) {
		cleanup_client_rcpt(c, &rcpt);
		(void)cleanup_client_data(c, str_span(&content),
		    deadline_in(10));
		cleanup_client_finish(c, &result, deadline_in(100));
		cleanup_status_reply(result.status, &code, &dsn, &text);
	}
	str_fini(&content);
	arena_free(&arena);
	return code[0];
}

/* True when the message is whole and was so when it was answered. */
static bool
is_queued(void)
{
	struct arena *arena = arena_new();
	struct queue_message q;
	struct str why = STR_EMPTY;
	bool whole = queue_message_open(service_queue_dir(), QUEUE_INCOMING,
	    SPAN(ID), false, true, arena, &q, &why) == QUEUE_OK;

	if (whole)
		queue_message_close(&q);
	str_fini(&why);
	arena_free(&arena);
	return whole;
}

/* Entries of its trace log; -1: there is none. */
static int
traced(void)
{
	struct arena *arena = arena_new();
	struct outcome *outcomes;
	struct str why = STR_EMPTY;
	size_t n;
	enum queue_result found = outcome_log_read(service_queue_dir(),
	    QUEUE_TRACE, SPAN(ID), arena, &outcomes, &n, &why);

	T_CHECK(found == QUEUE_OK || found == QUEUE_GONE);
	str_fini(&why);
	arena_free(&arena);
	return found == QUEUE_OK ? (int)n : -1;
}

static void
remove_message(void)
{
	struct str why = STR_EMPTY;

	queue_remove(service_queue_dir(), QUEUE_INCOMING, SPAN(ID), &why);
	T_CHECK(outcome_log_remove(service_queue_dir(), QUEUE_TRACE, SPAN(ID),
	    &why));
	str_fini(&why);
}

static size_t
left_in_incoming(void)
{
	struct queue_scan scan;
	char id[QUEUE_ID_MAX];
	size_t n = 0;

	queue_scan_start(&scan, service_queue_dir(), QUEUE_INCOMING);
	while (queue_scan_next(&scan, id))
		n++;
	queue_scan_stop(&scan);
	return n;
}

static void
each_call_fails(void *arg)
{
	static const size_t lengths[] = { 100, 200000 };
	bool expanded = *(bool *)arg;
	size_t before = 0, refused = 0;

	if (expanded)
		world_conf("virtual_alias_maps = inline:{{a@b=c@d,e@f}}");
	T_EQ_INT(send_one(100), '2');
	T_EQ_INT(traced(), expanded ? 1 : -1);
	remove_message();
	/* Of a long one, nothing else is told. */
	for (size_t i = 0; i < (expanded ? 1 : T_COUNT(lengths)); i++)
		for (int nth = 1; !t_failed(); nth++) {
			fault_arm(NULL, nth, EIO);
			char answer = send_one(lengths[i]);
			bool hit = fault_was_hit();
			char name[60];

			snprintf(name, sizeof(name), "%s", fault_hit_name());
			fault_disarm();
			T_CASEF("%zu bytes, pass %d, %s", lengths[i], nth,
			    name);
			T_CHECK(answer == '2' || (answer == '4' && hit));
			if (answer == '2')
				T_CHECK(is_queued());
			refused += answer != '2';
			/* Who did not hear the 250 may find it there; it was
			 * whole then. What is not is removed. */
			fiber_sleep(deadline_in(200));
			size_t left = left_in_incoming();

			T_EQ_INT(left, is_queued());
			T_EQ_INT(traced(), expanded && is_queued() ? 1 : -1);
			remove_message();
			if (before == 0)
				before = t_open_fds();
			T_EQ_INT(t_open_fds(), before);
			if (!hit) {
				T_CHECK(nth > 20);
				break;
			}
		}
	T_CHECK(refused > 10);
}

T_TEST(any_call_may_fail_and_250_stays_true)
{
	bool expanded = false;

	keep_log();
	world_run(each_call_fails, &expanded);
}

T_TEST(what_its_sender_is_to_be_told_stays_with_the_message_or_goes_with_it)
{
	bool expanded = true;

	keep_log();
	world_run(each_call_fails, &expanded);
}
