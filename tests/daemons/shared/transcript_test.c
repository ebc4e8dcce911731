/*
 * What is kept of a session: enough, and not more than that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/transcript.h"

#include "common/base/mem.h"
#include "daemons/shared/postmaster.h"
#include "tests/harness/t.h"

static const struct {
	const char *name, *line, *want;
} commands[] = {
	{ "a command", "MAIL FROM:<a@b>\r\n", " In:  MAIL FROM:<a@b>\n" },
	{ "no line end", "NOOP", " In:  NOOP\n" },
	{ "UTF-8", "RCPT TO:<\303\251@b>", " In:  RCPT TO:<\303\251@b>\n" },
	{ "other bytes", "RCPT TO:<\351@b>\t\1", " In:  RCPT TO:<?@b>??\n" },
	{ "a password", "AUTH PLAIN AGEAYg==\r\n",
	    " In:  AUTH PLAIN (not shown)\n" },
	{ "small letters", "auth plain AGEAYg==",
	    " In:  AUTH plain (not shown)\n" },
	{ "blanks before", "  \tAUTH  LOGIN\tc2VjcmV0",
	    " In:  AUTH LOGIN (not shown)\n" },
	{ "no password yet", "AUTH LOGIN\r\n", " In:  AUTH LOGIN\n" },
	{ "no mechanism", "AUTH\r\n", " In:  AUTH\n" },
	{ "no blank between", "AUTH=AGEAYg==", " In:  AUTH (not shown)\n" },
	{ "a long mechanism", "AUTH 0123456789012345678secret",
	    " In:  AUTH (not shown)\n" },
};

T_TEST(a_command_is_kept_without_its_password)
{
	for (size_t i = 0; i < T_COUNT(commands); i++) {
		struct transcript t = { .lines = 0 };

		T_CASE(commands[i].name);
		transcript_in(&t, SPAN(commands[i].line));
		T_EQ_STR(str_cstr(&t.text), commands[i].want);
		transcript_forget(&t);
	}
}

T_TEST(answers_to_a_challenge_are_not_kept)
{
	struct transcript t = { .lines = 0 };

	transcript_in(&t, SPAN("AUTH LOGIN"));
	transcript_out(&t, SPAN("334 "), SPAN("VXNlcm5hbWU6"));
	transcript_in(&t, SPAN("am9l"));
	transcript_in(&t, SPAN("c2VjcmV0"));
	transcript_in(&t, SPAN("NOOP"));
	transcript_in(&t, SPAN("something"));
	T_EQ_STR(str_cstr(&t.text), " In:  AUTH LOGIN\n"
	    " Out: 334 VXNlcm5hbWU6\n In:  (not shown)\n In:  (not shown)\n"
	    " In:  NOOP\n In:  something\n");
	transcript_forget(&t);
}

T_TEST(several_lines_are_several_lines)
{
	struct transcript t = { .lines = 0 };

	transcript_out_lines(&t, SPAN("AUTH PLAIN x\r\nRSET\r\n"));
	transcript_in_lines(&t, SPAN("250-a\n250 b\n"));
	T_EQ_STR(str_cstr(&t.text), " Out: AUTH PLAIN (not shown)\n"
	    " Out: RSET\n In:  250-a\n In:  250 b\n");
	T_EQ_INT(t.lines, 4);
	transcript_forget(&t);
}

static void
say_often(struct transcript *t, unsigned times)
{
	char line[40];

	for (unsigned i = 0; i < times; i++) {
		snprintf(line, sizeof(line), "NOOP %06u", i);
		transcript_in(t, SPAN(line));
	}
}

/* The last lines without trouble, all that follow on it, neither without end. */
T_TEST(memory_has_a_bound)
{
	struct transcript t = { .lines = 0 };
	char *line = mem_alloc(5000);
	struct span text;

	say_often(&t, 10000);
	text = str_span(&t.text);
	T_CHECK(text.len < TRANSCRIPT_QUIET_MOST + 100
	    && text.len > TRANSCRIPT_QUIET_MOST / 3);
	T_CHECK(span_ends(text, SPAN(" In:  NOOP 009999\n")));
	T_CHECK(span_starts(text, SPAN(" In:  NOOP 00")));
	T_CHECK(t.left_out > 9000);

	transcript_trouble(&t, TROUBLE_POLICY);
	say_often(&t, 10000);
	text = str_span(&t.text);
	T_CHECK(text.len > TRANSCRIPT_MOST
	    && text.len < TRANSCRIPT_MOST + 100);
	T_CHECK(t.text.room <= 2 * TRANSCRIPT_MOST + 1000);
	T_CHECK(strstr(str_cstr(&t.text), "NOOP 009999\n In:  NOOP 000000\n")
	    != NULL);

	memset(line, 'x', 5000);
	transcript_forget(&t);
	T_EQ_INT(t.text.room, 0);
	transcript_in(&t, span_of(line, 5000));
	T_EQ_INT(str_len(&t.text), 6 + TRANSCRIPT_LINE_MOST + 5);
	transcript_forget(&t);
	mem_free(line);
}

T_TEST(without_one_nothing_is_kept)
{
	struct transcript *none = NULL;

	transcript_in(none, SPAN("x"));
	transcript_out(none, SPAN("x"), SPAN("y"));
	transcript_in_lines(none, SPAN("x"));
	transcript_out_lines(none, SPAN("x"));
	transcript_trouble(none, TROUBLE_DATA);
	transcript_forget(none);
	transcript_free(&none);
	T_CHECK(none == NULL);
}

T_TEST(what_went_well_is_not_kept)
{
	struct transcript t = { .lines = 0 };

	transcript_in(&t, SPAN("EHLO a"));
	transcript_out(&t, SPAN("250 2.0.0 "), SPAN("Ok: queued as A"));
	transcript_settle(&t);
	T_EQ_INT(t.text.room, 0);
	transcript_in(&t, SPAN("VRFY \x01"));
	transcript_out(&t, SPAN("421 "), SPAN(""));
	T_EQ_STR(str_cstr(&t.text), " In:  VRFY ?\n Out: 421\n");
	T_EQ_INT(t.left_out, 2);
	transcript_trouble(&t, TROUBLE_POLICY);
	transcript_settle(&t);
	T_EQ_INT(t.trouble, 0);
	T_EQ_STR(str_cstr(&t.text), " In:  VRFY ?\n Out: 421\n");
	transcript_settle(&t);
	T_EQ_INT(t.left_out, 4);
	transcript_forget(&t);
}
