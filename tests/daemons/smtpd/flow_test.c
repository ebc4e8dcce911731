/*
 * A slow service holds back the client that waits for it and nobody else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/pages.h"
#include "common/io/deadline.h"
#include "tests/daemons/smtpd/world.h"
#include "tests/harness/t.h"

static bool
hear(struct stream *s, const char *code)
{
	struct span line = SPAN_NONE;

	if (stream_read_line(s, 1000, deadline_in(30), &line, NULL) != IO_OK)
		return T_CHECK(!"a reply");
	return T_EQ_TEXT(span_sub(line, 0, 3), code);
}

static bool
say(struct stream *s, const char *text, const char *code)
{
	return T_EQ_INT(stream_write_flush(s, SPAN(text), deadline_in(30)),
	    IO_OK) && (code == NULL || hear(s, code));
}

static void
start_content(struct stream *s)
{
	hear(s, "220");
	say(s, "HELO me.example\r\n", "250");
	say(s, "MAIL FROM:<a@b.example>\r\n", "250");
	say(s, "RCPT TO:<a@local.test>\r\n", "250");
	say(s, "DATA\r\n", "354");
}

static void
wait_for_verdict(struct stream *s, void *arg)
{
	struct stream *other = world_connect();
	struct span bytes;

	start_content(s);
	say(s, "x\r\n.\r\n", NULL);
	hear(other, "220");
	say(other, "HELO you.example\r\n", "250");
	T_EQ_INT(stream_peek(s, deadline_in(600), &bytes), IO_TIMEOUT);
	/* smtpd_timeout does not hurry cleanup, but it ended the other one. */
	hear(other, "421");
	stream_close(other);
}

T_TEST(the_verdict_of_cleanup_is_waited_for)
{
	world_reset();
	world.cleanup_stalls = true;
	world_run(wait_for_verdict, NULL);
	T_EQ_INT(world.messages, 1);
}

static void
flood(struct stream *s, void *arg)
{
	struct str piece = STR_EMPTY;
	uint64_t sent = 0;

	while (str_len(&piece) < 8000)
		str_adds(&piece, "a line of content that goes nowhere\r\n");
	start_content(s);
	while (sent < 100 * 1000 * 1000
	    && stream_write_flush(s, str_span(&piece), deadline_in(60))
	    == IO_OK)
		sent += str_len(&piece);
	/* What the kernel and a few buffers hold. */
	T_CHECK(sent > 8000);
	T_CHECK(sent < 2 * 1000 * 1000);
	str_fini(&piece);
}

T_TEST(a_client_is_read_only_while_cleanup_reads)
{
	world_reset();
	str_adds(&world.conf, "message_size_limit = 0\n");
	world.cleanup_deaf = true;
	world_run(flood, NULL);
	T_EQ_INT(world.messages, 0);
}

static void
leave_in_content(struct stream *s, void *arg)
{
	start_content(s);
	say(s, "Subject: half\r\n\r\n", NULL);
	for (int i = 0; i < 400; i++)	/* more than smtpd keeps to itself */
		say(s, "--------------------------------------------------"
		    "------------\r\n", NULL);
}

static void
leave_before_content(struct stream *s, void *arg)
{
	start_content(s);
	say(s, "Subject: none\r\n", NULL);
}

T_TEST(half_a_message_is_dropped_by_cleanup)
{
	world_reset();
	world_run(leave_in_content, NULL);
	T_EQ_INT(world.messages, 0);
	T_EQ_INT(world.lost, 1);
}

/* What a client holds that waits, long enough for kept connections to end. */
static size_t
held_when_idle(struct stream *s)
{
	T_EQ_INT(stream_wait_input(s, deadline_in(30)), IO_TIMEOUT);
	world_take_log();
	str_fini(&world.log);		/* what the test itself collects */
	str_fini(&world.got);
	return pages_in_use();
}

static void
send_some(struct stream *s)
{
	start_content(s);
	say(s, ".\r\n", "250");
	for (int i = 0; i < 3; i++) {
		say(s, "MAIL FROM:<a@b.example>\r\n", "250");
		for (int k = 0; k < 20; k++)
			say(s, "RCPT TO:<a@local.test>\r\n", "250");
		say(s, "DATA\r\n", "354");
		for (int k = 0; k < 400; k++)
			say(s, "a line of content, one of many\r\n", NULL);
		say(s, ".\r\n", "250");
	}
}

/* The first one also brings what the process keeps for all. */
static void
send_and_wait(struct stream *s, void *arg)
{
	struct stream *other;
	size_t before, *more_out = arg;

	send_some(s);
	before = held_when_idle(s);
	other = world_connect();
	send_some(other);
	*more_out = held_when_idle(other) - before;
	stream_close(other);
}

T_TEST(a_client_that_has_sent_its_messages_holds_no_buffer)
{
	size_t more = 1;

	world_reset();
	world_run(send_and_wait, &more);
	T_EQ_INT(world.messages, 8);
	T_EQ_INT(more, 0);
}

/* Each recipient sets off the restrictions of the client anew. */
static void
many_rcpts(struct stream *s, void *arg)
{
	hear(s, "220");
	say(s, "HELO me.example\r\n", "250");
	say(s, "MAIL FROM:<a@b.example>\r\n", "250");
	for (int i = 0; i < 1000; i++)
		say(s, "RCPT TO:<a@local.test>\r\n", "250");
	say(s, "DATA\r\n", "354");
	say(s, "x: y\r\n.\r\n", "250");
}

T_TEST(thousands_of_prepended_headers_need_no_deep_stack)
{
	struct span first = SPAN("X-Count: 1\nX-Count: 2\nX-Count: 3\n");
	struct span text;
	ssize_t at;
	size_t count = 0;

	world_reset();
	str_adds(&world.conf, "smtpd_client_restrictions ="
	    " check_client_access inline:{{client.example=PREPEND X-Count: 1}}"
	    " check_client_access inline:{{client.example=PREPEND X-Count: 2}}"
	    " check_client_access inline:{{client.example=PREPEND X-Count: 3}}"
	    "\n");
	world_run(many_rcpts, NULL);
	T_EQ_INT(world.messages, 1);
	text = str_span(&world.got);
	T_CHECK(span_search(text, first) > 0);
	while ((at = span_search(text, SPAN("X-Count:"))) >= 0) {
		text = span_skip(text, (size_t)at + 1);
		count++;
	}
	T_EQ_INT(count, 3000);
}

T_TEST(cleanup_hears_nothing_of_a_message_without_content)
{
	world_reset();
	world_run(leave_before_content, NULL);
	T_EQ_INT(world.messages, 0);
	T_EQ_INT(world.lost, 0);
}
