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
	struct envelope_rcpt rcpt = { .address = SPAN("a@b") };
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
	struct str why = STR_EMPTY;
	size_t before = 0, refused = 0;

	(void)arg;
	T_EQ_INT(send_one(100), '2');
	queue_remove(service_queue_dir(), QUEUE_INCOMING, SPAN(ID), &why);
	for (size_t i = 0; i < T_COUNT(lengths); i++)
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
			queue_remove(service_queue_dir(), QUEUE_INCOMING,
			    SPAN(ID), &why);
			if (before == 0)
				before = t_open_fds();
			T_EQ_INT(t_open_fds(), before);
			if (!hit) {
				T_CHECK(nth > 20);
				break;
			}
		}
	T_CHECK(refused > 10);
	str_fini(&why);
}

T_TEST(any_call_may_fail_and_250_stays_true)
{
	keep_log();
	world_run(each_call_fails, NULL);
}
