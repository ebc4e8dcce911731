/*
 * Probes: what the server says of the recipient is the verdict, and nothing
 * follows it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/envelope.h"
#include "tests/daemons/smtp/world.h"

#define EHLO "> 220 mx.example ESMTP\n< EHLO client.example\n"
#define PIPE EHLO "> 250-mx.example\n> 250 PIPELINING\n"
#define PLAIN EHLO "> 250 mx.example\n"
#define MAIL "< MAIL FROM:<me@client.example>\n"
#define QUIT "< QUIT\n> 221 bye\n=\n"

static const struct world_mail probe = { .sender = "me@client.example",
	.rcpts = { "a@x.example", "b@x.example", "c@x.example" },
	.content = "", .flags = ENVELOPE_VERIFY };

static void
ask(struct world *w)
{
	struct world_result r;

	world_deliver(w, "[127.0.0.1]:@", &probe, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_SENT);
	T_EQ_INT(r.kinds[1], OUTCOME_BOUNCED);
	T_EQ_INT(r.kinds[2], OUTCOME_DEFERRED);
	for (int i = 0; i < 3; i++)
		T_CHECK(r.done[i]);
	T_EQ_INT(w->contents, 0);
	T_HAS_STR(str_cstr(&w->log), "to=<a@x.example>, ");
	T_HAS_STR(str_cstr(&w->log), "status=deliverable (250 2.1.5 here)");
	T_HAS_STR(str_cstr(&w->log), "status=undeliverable (host "
	    "127.0.0.1[127.0.0.1] said: 550 5.1.1 nobody");
	T_HAS_STR(str_cstr(&w->log), "said: 450 4.2.0 later");
}

T_TEST(a_probe_ends_before_data)
{
	struct world in_turn = { .run = ask, .scripts = { PLAIN MAIL
	    "> 250 ok\n< RCPT TO:<a@x.example>\n> 250 2.1.5 here\n"
	    "< RCPT TO:<b@x.example>\n> 550 5.1.1 nobody\n"
	    "< RCPT TO:<c@x.example>\n> 450 4.2.0 later\n" QUIT } };

	world_run(&in_turn);
}

T_TEST(a_probe_in_one_group_ends_before_data)
{
	struct world w = { .run = ask, .scripts = { PIPE MAIL
	    "< RCPT TO:<a@x.example>\n< RCPT TO:<b@x.example>\n"
	    "< RCPT TO:<c@x.example>\n> 250 ok\n> 250 2.1.5 here\n"
	    "> 550 5.1.1 nobody\n> 450 4.2.0 later\n" QUIT } };

	world_run(&w);
}

T_TEST(soft_bounce_is_not_for_probes)
{
	struct world w = { .run = ask, .settings = "soft_bounce = yes\n",
	    .scripts = { PIPE MAIL
	    "< RCPT TO:<a@x.example>\n< RCPT TO:<b@x.example>\n"
	    "< RCPT TO:<c@x.example>\n> 250 ok\n> 250 2.1.5 here\n"
	    "> 550 5.1.1 nobody\n> 450 4.2.0 later\n" QUIT } };

	world_run(&w);
}

static void
ask_at_data(struct world *w)
{
	struct world_mail one = probe;
	struct world_result r;

	one.rcpts[1] = NULL;
	world_deliver(w, "[127.0.0.1]:@", &one, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_SENT);
	T_HAS_STR(str_cstr(&w->log), "status=deliverable (354 go on)");
	world_deliver(w, "[127.0.0.1]:@", &one, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_BOUNCED);
	T_HAS_STR(str_cstr(&w->log), "said: 554 5.7.1 not you (in reply to "
	    "DATA command)");
	T_EQ_INT(w->contents, 0);
}

T_TEST(a_probe_may_go_as_far_as_data_and_no_message_follows)
{
	struct world w = { .run = ask_at_data,
	    .settings = "smtp_address_verify_target = data\n", .scripts = {
	    PIPE MAIL "< RCPT TO:<a@x.example>\n> 250 ok\n> 250 ok\n"
	    "< DATA\n> 354 go on\n=\n",
	    PIPE MAIL "< RCPT TO:<a@x.example>\n> 250 ok\n> 250 ok\n"
	    "< DATA\n> 554 5.7.1 not you\n" QUIT } };

	world_run(&w);
}
