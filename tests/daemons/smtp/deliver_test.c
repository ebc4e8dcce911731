/*
 * Deliveries to scripted servers: who is told what, and what the log says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/daemons/smtp/world.h"

#define EHLO "> 220 mx.example ESMTP\n< EHLO client.example\n"
#define PIPE EHLO "> 250-mx.example\n> 250-PIPELINING\n> 250 SIZE 1000\n"
#define PLAIN EHLO "> 250 mx.example\n"
#define QUIT "< QUIT\n> 221 bye\n=\n"

static const struct world_mail hello = { .sender = "me@client.example",
	.rcpts = { "a@x.example" }, .content = "Subject: x\n\n.dot\nbye\n" };
static const struct world_mail three = { .sender = "",
	.rcpts = { "a@x.example", "b@x.example", "c@x.example" },
	.content = "Subject: x\n\nbye\n" };

static void
deliver_hello(struct world *w)
{
	struct world_result r;

	world_deliver(w, "[127.0.0.1]:@", &hello, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_SENT);
	T_CHECK(r.done[0]);
	T_EQ_STR(r.dead, "");
	T_EQ_TEXT(str_span(&w->content), "Subject: x||..dot|bye|");
	T_HAS_STR(str_cstr(&w->log), "3QueueId: to=<a@x.example>, "
	    "relay=127.0.0.1[127.0.0.1]:");
	T_HAS_STR(str_cstr(&w->log), ", dsn=2.0.0, status=sent "
	    "(250 2.0.0 Ok: queued as 1)\n");
}

T_TEST(a_message_is_relayed_in_turn)
{
	struct world w = { .run = deliver_hello, .scripts = {
		PLAIN "< MAIL FROM:<me@client.example>\n> 250 2.1.0 ok\n"
		"< RCPT TO:<a@x.example>\n> 250 2.1.5 ok\n< DATA\n> 354 go\n"
		".\n> 250 2.0.0 Ok: queued as 1\n" QUIT } };

	world_run(&w);
}

T_TEST(a_message_is_relayed_in_one_group)
{
	struct world w = { .run = deliver_hello, .scripts = {
		PIPE "< MAIL FROM:<me@client.example> SIZE=21\n"
		"< RCPT TO:<a@x.example>\n< DATA\n> 250 2.1.0 ok\n"
		"> 250 2.1.5 ok\n> 354 go\n"
		".\n> 250 2.0.0 Ok: queued as 1\n" QUIT } };

	world_run(&w);
}

static void
each_own_verdict(struct world *w)
{
	struct world_result r;

	world_deliver(w, "[127.0.0.1]:@", &three, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_SENT);
	T_EQ_INT(r.kinds[1], OUTCOME_BOUNCED);
	T_CHECK(r.done[1]);
	T_EQ_INT(r.kinds[2], OUTCOME_DEFERRED);
	T_CHECK(!r.done[2]);
	T_EQ_STR(r.dead, "");
	T_HAS_STR(str_cstr(&w->log), "dsn=5.1.1, status=bounced (host "
	    "127.0.0.1[127.0.0.1] said: 550-5.1.1 nobody 550 5.1.1 here (in "
	    "reply to RCPT TO command))");
	T_HAS_STR(str_cstr(&w->log), "dsn=4.0.0, status=deferred (host "
	    "127.0.0.1[127.0.0.1] said: 552 too many (in reply to RCPT TO "
	    "command))");
}

T_TEST(each_recipient_has_its_own_verdict)
{
	struct world w = { .run = each_own_verdict, .scripts = {
		PIPE "< MAIL FROM:<> SIZE=16\n< RCPT TO:<a@x.example>\n"
		"< RCPT TO:<b@x.example>\n< RCPT TO:<c@x.example>\n< DATA\n"
		"> 250 ok\n> 250 ok\n> 550-5.1.1 nobody\n> 550 5.1.1 here\n"
		"> 552 too many\n> 354 go\n.\n> 250 done\n" QUIT } };

	world_run(&w);
}

T_TEST(each_recipient_has_its_own_verdict_without_pipelining)
{
	struct world w = { .run = each_own_verdict, .scripts = {
		PLAIN "< MAIL FROM:<>\n> 250 ok\n< RCPT TO:<a@x.example>\n"
		"> 250 ok\n< RCPT TO:<b@x.example>\n> 550-5.1.1 nobody\n"
		"> 550 5.1.1 here\n< RCPT TO:<c@x.example>\n> 552 too many\n"
		"< DATA\n> 354 go\n.\n> 250 done\n" QUIT } };

	world_run(&w);
}

static void
full_mailboxes(struct world *w)
{
	static const char *const full[] = { "127.0.0.1[127.0.0.1] said: 552 ",
		"552 5.2.2 full" };
	struct world_result r;

	for (size_t i = 0; i < T_COUNT(full); i++) {
		str_clear(&w->log);
		world_deliver(w, "[127.0.0.1]:@", &three, &r);
		T_EQ_INT(r.kinds[0], i == 0 ? OUTCOME_BOUNCED : OUTCOME_SENT);
		T_EQ_INT(r.kinds[1], OUTCOME_BOUNCED);
		T_HAS_STR(str_cstr(&w->log), full[i]);
	}
}

T_TEST(a_full_mailbox_is_not_too_many_recipients)
{
	static const char first[] = PIPE
		"< MAIL FROM:<> SIZE=16\n< RCPT TO:<a@x.example>\n"
		"< RCPT TO:<b@x.example>\n< RCPT TO:<c@x.example>\n< DATA\n"
		"> 250 ok\n> 552 full\n> 552 full\n> 552 full\n> 503 no\n" QUIT;
	static const char second[] = PIPE
		"< MAIL FROM:<> SIZE=16\n< RCPT TO:<a@x.example>\n"
		"< RCPT TO:<b@x.example>\n< RCPT TO:<c@x.example>\n< DATA\n"
		"> 250 ok\n> 250 ok\n> 552 5.2.2 full\n> 250 ok\n"
		"> 354 go\n.\n> 250 done\n" QUIT;
	struct world w = { .run = full_mailboxes,
		.scripts = { first, second } };

	world_run(&w);
}
