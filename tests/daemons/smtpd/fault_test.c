/*
 * Each call that can fail fails once while a message comes in: a client that
 * hears 250 has its message in cleanup, whole; another hears 4xx or the connection
 * ends; nothing stays open, and the next client is served. The same for a message
 * that waits here for a filter before the queue.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/io/deadline.h"
#include "common/io/fault.h"
#include "common/io/fiber.h"
#include "tests/daemons/smtpd/world.h"
#include "tests/harness/t.h"

#define LINE "a line of content, one of many\n"
#define LAST "the last line\n"

enum { WAITS = 4 };			/* of these: */

static const struct {
	const char *name;
	size_t chunk;			/* bytes of one BDAT; 0: DATA */
	size_t lines;
	size_t least;			/* calls that can fail */
	bool later;			/* speed_adjust */
} ways[] = {
	{ "a small message", 0, 1, 50, false },
	{ "a large message", 0, 6000, 90, false }, /* more than waits in us */
	{ "a message in one chunk", 100000, 600, 50, false },
	{ "a message in many chunks", 20000, 6000, 90, false },
	{ "a message that waits", 0, 6000, 60, true },	/* also on disk */
};

/* The first digit of the reply, or 0 when the connection is over. */
static char
hear(struct stream *s)
{
	struct span line;
	char class;

	do {
		if (stream_read_line(s, 1000, deadline_in(4000), &line, NULL)
		    != IO_OK || line.len < 4)
			return 0;
		class = line.p[0];
	} while (line.p[3] == '-');
	return class;
}

static char
say(struct stream *s, const char *text)
{
	if (stream_write_flush(s, SPAN(text), deadline_in(4000)) != IO_OK)
		return 0;
	return hear(s);
}

/* False with *answer_out when the server said something else. */
static bool
says(struct stream *s, const char *text, char wanted, char *answer_out)
{
	*answer_out = text[0] == '\0' ? hear(s) : say(s, text);
	return *answer_out == wanted;
}

/* And an empty one at the end. */
static char
send_chunks(struct stream *s, struct span rest, size_t most)
{
	struct str chunk = STR_EMPTY;
	char answer = '2';

	while (answer == '2' && rest.len > 0) {
		struct span part = span_sub(rest, 0, most);

		str_printf(&chunk, "BDAT %zu\r\n", part.len);
		str_add(&chunk, part);
		answer = say(s, str_cstr(&chunk));
		rest = span_skip(rest, part.len);
	}
	str_fini(&chunk);
	return answer == '2' ? say(s, "BDAT 0 LAST\r\n") : answer;
}

static char
send_content(struct stream *s, size_t way)
{
	struct str all = STR_EMPTY;
	char answer;

	for (size_t i = 0; i < ways[way].lines; i++)
		str_adds(&all, "a line of content, one of many\r\n");
	str_adds(&all, "the last line\r\n");
	if (ways[way].chunk != 0) {
		answer = send_chunks(s, str_span(&all), ways[way].chunk);
	} else if (says(s, "DATA\r\n", '3', &answer)) {
		str_adds(&all, ".\r\n");
		answer = say(s, str_cstr(&all));
	}
	str_fini(&all);
	return answer;
}

/* What the client heard last that decided about the message; 0: nothing. */
static char
send_one(size_t way)
{
	struct stream *s = world_try_connect();
	char answer = 0;

	if (s == NULL)
		return 0;
	if (says(s, "", '2', &answer)
	    && says(s, "EHLO me.example\r\n", '2', &answer)
	    && says(s, "MAIL FROM:<a@b.example>\r\n", '2', &answer)
	    && says(s, "RCPT TO:<a@local.test>\r\n", '2', &answer)
	    && says(s, "RCPT TO:<b@relay.test>\r\n", '2', &answer)) {
		answer = send_content(s, way);
		(void)say(s, "QUIT\r\n");
	} else if (answer == '2') {
		answer = 0;
	}
	stream_close(s);
	fiber_sleep(deadline_in(400));	/* also what was kept open */
	return answer;
}

static bool
arrived_whole(size_t way)
{
	struct span text = str_span(&world.got);
	ssize_t at;
	size_t lines = 0;

	if (!span_ends(text, SPAN(LAST "end\n"))
	    || span_search(text, SPAN("rcpt <a@local.test>")) < 0
	    || span_search(text, SPAN("rcpt <b@relay.test>")) < 0)
		return false;
	while ((at = span_search(text, SPAN(LINE))) >= 0) {
		text = span_skip(text, (size_t)at + strlen(LINE));
		lines++;
	}
	return lines == ways[way].lines;
}

static bool
filter_has_it_whole(size_t way)
{
	struct str all = STR_EMPTY;
	bool whole;

	for (size_t i = 0; i < ways[way].lines; i++)
		str_adds(&all, "F| " LINE);
	str_adds(&all, "F| " LAST "F| .\n");
	whole = span_search(str_span(&world.got), str_span(&all)) > 0
	    && span_search(str_span(&world.got),
		SPAN("F: RCPT TO:<a@local.test>\nF: RCPT TO:<b@relay.test>\n")) > 0;
	str_fini(&all);
	return whole;
}

static bool
filter_heard_the_end(void)
{
	return span_search(str_span(&world.got), SPAN("F| .\n")) >= 0;
}

static void
each_call_fails(struct stream *unused, void *arg)
{
	size_t way = *(size_t *)arg, before = 0, refused = 0;
	int nth;

	(void)unused;
	T_EQ_INT(send_one(way), '2');	/* brings what is made only once */
	for (nth = 1; !t_failed(); nth++) {
		char answer, name[60];
		bool hit;

		str_clear(&world.got);
		world.messages = 0;
		fault_arm(NULL, nth, EIO);
		answer = send_one(way);
		hit = fault_was_hit();
		snprintf(name, sizeof(name), "%s", fault_hit_name());
		fault_disarm();
		T_CASEF("%s, pass %d, %s", ways[way].name, nth, name);
		T_CHECK(answer == '2' || (hit
		    && (answer == '4' || answer == 0)));
		if (answer == '2' && !ways[way].later)
			T_CHECK(world.messages == 1 && arrived_whole(way));
		if (ways[way].later && (answer == '2' || filter_heard_the_end()))
			T_CHECK(filter_has_it_whole(way));
		refused += answer != '2';
		/* The message reached cleanup at most once. */
		T_CHECK(world.messages <= 1);
		if (before == 0)
			before = t_open_fds();
		T_EQ_INT(t_open_fds(), before);
		if (!hit)
			break;
	}
	T_CHECK(nth > (int)ways[way].least);
	T_CHECK(refused > 20);
}

static void
wait_for_filter(void)
{
	world_reset();
	world.filter = true;
	str_adds(&world.conf, "smtpd_proxy_options = speed_adjust\n");
}

#define EACH_CALL(what, way) \
	T_TEST(what) \
	{ \
		size_t number = way; \
		world_reset(); \
		world_run(each_call_fails, &number); \
	}

EACH_CALL(any_call_may_fail_for_a_small_message, 0)
EACH_CALL(any_call_may_fail_for_a_large_message, 1)
EACH_CALL(any_call_may_fail_for_a_message_in_one_chunk, 2)
EACH_CALL(any_call_may_fail_for_a_message_in_many_chunks, 3)

T_TEST(any_call_may_fail_for_a_message_that_waits)
{
	size_t number = WAITS;

	wait_for_filter();
	world_run(each_call_fails, &number);
}

/* The disk alone: the client hears why, and what could not be written is not
 * spoken of to the filter. */
static void
each_write_and_read_fails(struct stream *unused, void *arg)
{
	static const struct {
		const char *point;
		int error;
		bool told;		/* the filter knows of it */
	} cases[] = {
		{ "fs.pwrite", ENOSPC, false }, { "fs.pwrite", EIO, false },
		{ "fs.read", EIO, true },
	};

	(void)unused;
	(void)arg;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		unsigned hits = 0;

		T_EACH_FAULT(cases[i].point, cases[i].error) {
			char answer;

			T_CASEF("%s, error %d", cases[i].point,
			    cases[i].error);
			str_clear(&world.got);
			str_clear(&world.log);
			answer = send_one(WAITS);
			world_take_log();
			if (!T_FAULT_HIT()) {
				T_CHECK(answer == '2' && filter_has_it_whole(WAITS));
				continue;
			}
			hits++;
			T_EQ_INT(answer, '4');
			T_CHECK(span_search(str_span(&world.log),
			    SPAN("451 4.3.0 Error: queue file write error"))
			    > 0);
			T_CHECK(!filter_heard_the_end());
			T_EQ_INT(span_search(str_span(&world.got), SPAN("F: MAIL"))
			    >= 0, cases[i].told);
		}
		T_EQ_INT(hits, 2);	/* pieces that are in the file */
	}
}

T_TEST(a_message_that_the_disk_loses_is_not_taken)
{
	wait_for_filter();
	world_run(each_write_and_read_fails, NULL);
}
