/*
 * SMTP replies and EHLO lines, as servers really send them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/io/loop.h"
#include "common/io/fiber.h"
#include "common/mail/ehlo.h"
#include "common/mail/smtp_reply.h"
#include "tests/harness/t.h"

static const struct reply_case {
	const char *name, *input;
	enum io_status status;
	unsigned code;
	const char *dsn, *text;
	bool garbage;
} replies[] = {
	{ "one line", "250 2.1.0 Ok\r\n", IO_OK, 250, "2.1.0",
	    "250 2.1.0 Ok", false },
	{ "code alone", "250\r\n", IO_OK, 250, "", "250", false },
	{ "LF alone", "354 go\n", IO_OK, 354, "", "354 go", false },
	{ "several lines", "550-5.1.1 no\r\n550 5.1.2 user\r\n", IO_OK, 550,
	    "5.1.2", "550-5.1.1 no\n550 5.1.2 user", false },
	{ "hyphen at the end of a code", "250-\r\n250 \r\n", IO_OK, 250, "",
	    "250-\n250 ", false },
	{ "enhanced code of another class", "250 5.0.0 what\r\n", IO_OK, 250,
	    "", "250 5.0.0 what", false },
	{ "not quite an enhanced code", "550 5.1.1x no\r\n", IO_OK, 550, "",
	    "550 5.1.1x no", false },
	{ "garbage before it", "hello\r\n250 ok\r\n", IO_OK, 250, "",
	    "hello\n250 ok", true },
	{ "four digits", "2500 ok\r\n250 ok\r\n", IO_OK, 250, "",
	    "2500 ok\n250 ok", true },
	{ "two digits", "25 ok\r\n250 ok\r\n", IO_OK, 250, "",
	    "25 ok\n250 ok", true },
	{ "end in the middle", "250-a\r\n250", IO_EOF, 0, "", "250-a",
	    false },
	{ "nothing", "", IO_EOF, 0, "", "", false },
};

static void
read_replies(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < T_COUNT(replies); i++) {
		const struct reply_case *c = &replies[i];
		struct stream *s = stream_open_mem(SPAN(c->input));
		struct smtp_reply reply;

		T_CASE(c->name);
		smtp_reply_init(&reply);
		T_EQ_INT(smtp_reply_read(&reply, s, DEADLINE_NEVER, 0),
		    c->status);
		T_EQ_INT(reply.code, c->code);
		T_EQ_STR(reply.dsn, c->dsn);
		T_EQ_TEXT(str_span(&reply.text), c->text);
		T_EQ_INT(reply.garbage, c->garbage);
		smtp_reply_fini(&reply);
		stream_close(s);
	}
}

T_TEST(replies_are_read)
{
	loop_start();
	fiber_run_main(read_replies, NULL);
}

static void
read_endless(void *arg)
{
	struct str input = STR_EMPTY;
	struct smtp_reply reply;

	(void)arg;
	for (int i = 0; i < 5000; i++)
		str_adds(&input, "250-more and more and more of it\r\n");
	struct stream *s = stream_open_mem(str_span(&input));

	smtp_reply_init(&reply);
	T_EQ_INT(smtp_reply_read(&reply, s, DEADLINE_NEVER, 0), IO_LIMIT);
	T_CHECK(str_len(&reply.text) <= SMTP_REPLY_TEXT_MAX);
	smtp_reply_fini(&reply);
	stream_close(s);
	str_fini(&input);
}

T_TEST(a_reply_without_end_is_given_up)
{
	loop_start();
	fiber_run_main(read_endless, NULL);
}

T_TEST(lines_of_a_reply_in_turn)
{
	struct smtp_reply reply;
	struct span line;
	size_t at = 0;

	smtp_reply_init(&reply);
	T_EQ_INT(smtp_reply_add_line(&reply, SPAN("250-mx hello")),
	    SMTP_REPLY_MORE);
	T_EQ_INT(smtp_reply_add_line(&reply, SPAN("250-")), SMTP_REPLY_MORE);
	T_EQ_INT(smtp_reply_add_line(&reply, SPAN("250 SIZE")),
	    SMTP_REPLY_LAST);
	T_CHECK(smtp_reply_next_line(&reply, &at, &line));
	T_EQ_TEXT(line, "mx hello");
	T_CHECK(smtp_reply_next_line(&reply, &at, &line));
	T_EQ_TEXT(line, "");
	T_CHECK(smtp_reply_next_line(&reply, &at, &line));
	T_EQ_TEXT(line, "SIZE");
	T_CHECK(!smtp_reply_next_line(&reply, &at, &line));
	smtp_reply_fini(&reply);
}

static const struct offer_case {
	const char *name, *line;
	unsigned discard, want;
	uint64_t size;
	const char *auth;
} offers[] = {
	{ "a word", "PIPELINING", 0, EHLO_PIPELINING, 0, "" },
	{ "in any case", "pipelining", 0, EHLO_PIPELINING, 0, "" },
	{ "unknown", "X-ANONYMOUSTLS", 0, 0, 0, "" },
	{ "size", "SIZE 35882577", 0, EHLO_SIZE, 35882577, "" },
	{ "size without a number", "SIZE", 0, EHLO_SIZE, 0, "" },
	{ "size of nonsense", "SIZE lots", 0, EHLO_SIZE, 0, "" },
	{ "size above all", "SIZE 99999999999999999999", 0, EHLO_SIZE, 0,
	    "" },
	{ "mechanisms", "AUTH PLAIN LOGIN", 0, EHLO_AUTH, 0, "PLAIN LOGIN" },
	{ "mechanisms, old form", "AUTH=PLAIN", 0, EHLO_AUTH, 0, "PLAIN" },
	{ "passed over", "SIZE 10", EHLO_SIZE, 0, 0, "" },
	{ "empty", "", 0, 0, 0, "" },
	{ "a list word is no offer", "SILENT-DISCARD", 0, 0, 0, "" },
};

T_TEST(offers_are_read)
{
	for (size_t i = 0; i < T_COUNT(offers); i++) {
		const struct offer_case *c = &offers[i];
		struct ehlo_offer offer = { 0 };

		T_CASE(c->name);
		ehlo_read_line(&offer, SPAN(c->line), c->discard);
		T_EQ_INT(offer.keywords, c->want);
		T_EQ_INT(offer.size_limit, c->size);
		T_EQ_TEXT(offer.auth, c->auth);
	}
}

T_TEST(lists_of_keywords)
{
	struct str why = STR_EMPTY;
	unsigned mask;

	T_CHECK(ehlo_keyword_list(SPAN("starttls, AUTH silent-discard"), &mask,
	    &why));
	T_EQ_INT(mask, EHLO_STARTTLS | EHLO_AUTH | EHLO_SILENT_DISCARD);
	T_CHECK(!ehlo_keyword_list(SPAN("dsn, dsm"), &mask, &why));
	T_EQ_INT(mask, EHLO_DSN);
	T_EQ_TEXT(str_span(&why), "unknown EHLO keyword \"dsm\"");
	T_CHECK(ehlo_keyword_list(SPAN_NONE, &mask, &why));
	T_EQ_INT(mask, 0);
	str_fini(&why);
}
