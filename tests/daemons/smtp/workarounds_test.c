/*
 * Settings of the conversation, each of which the server sees: what is done for
 * servers and firewalls that do not keep to the rules, what a
 * filter behind is told, and what tables make of replies and of outcomes: one
 * message for two recipients, one connection.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/daemons/smtp/world.h"

#define EHLO "> 220 mx.example ESMTP\n< EHLO client.example\n"
#define PIPE EHLO "> 250-mx.example\n> 250 PIPELINING\n"
#define QUIT "< QUIT\n> 221 bye\n=\n"
#define MAIL "< MAIL FROM:<me@client.example>\n"
#define RCPTS "< RCPT TO:<a@x.example>\n< RCPT TO:<b@x.example>\n"
#define GROUP MAIL RCPTS "< DATA\n"
#define GO GROUP "> 250 ok\n> 250 ok\n> 250 ok\n> 354 go\n"
#define IN_TURN MAIL "> 250 ok\n< RCPT TO:<a@x.example>\n> 250 ok\n" \
	"< RCPT TO:<b@x.example>\n> 250 ok\n< DATA\n> 354 go\n"
#define HOST "127.0.0.1[127.0.0.1]"
#define FILTER(rules) "smtp_reply_filter = regexp:{" rules "}\n"
#define STATUS(rules) "smtp_delivery_status_filter = regexp:{" rules "}\n"

#define CLIENT "XFORWARD NAME=client.lan ADDR=IPV6:2001:db8::5 PORT=1025\n"
#define MESSAGE "XFORWARD PROTO=ESMTP HELO=a+2Bb+3Dc IDENT=3QueueId " \
	"SOURCE=LOCAL\n"
#define OFFER "> 250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\n"
#define OFFERED EHLO "> 250-mx\n" OFFER "> 250 HELP\n"
#define FORWARD "smtp_send_xforward_command = yes\n"

static const struct row {
	const char *name, *settings, *script;
	enum outcome_kind a, b;
	const char *text;		/* in the log */
	const char *content;		/* as it came */
	int64_t age_s;
	bool local;			/* no client is known */
	bool lmtp;
	int64_t takes_s;		/* so long and no longer */
	const char *rcpt;		/* in place of the first one */
} rows[] = {
	{ "a reply made a good one", FILTER("{/^250-SIZE 1$$/ 250-X}, "
	    "{/^550 (5.1.1 .*)/ 450 4.2.0 was $$1}"),
	    EHLO "> 250-mx.example\n> 250-SIZE 1\n> 250 PIPELINING\n" GROUP
	    "> 250 ok\n> 550 5.1.1 unknown\n> 250 ok\n> 354 go\n.\n> 250 ok\n"
	    QUIT, OUTCOME_DEFERRED, OUTCOME_SENT, "dsn=4.2.0, status=deferred "
	    "(host " HOST " said: 450 4.2.0 was 5.1.1 unknown (in reply to "
	    "RCPT TO command))", "Subject: x||bye|" },
	{ "an offer that is made", FILTER("{/^250 8BITMIME/ "
	    "250 PIPELINING}"), EHLO "> 250-mx.example\n> 250 8BITMIME\n"
	    GO ".\n> 250 ok\n" QUIT, OUTCOME_SENT, OUTCOME_SENT, "status=sent",
	    NULL },
	{ "mail waits for a filter that fails", "smtp_reply_filter = "
	    "fail:x\n", "> 220 mx.example ESMTP\n=\n", OUTCOME_DEFERRED,
	    OUTCOME_DEFERRED, "dsn=4.3.0, status=deferred (local data error "
	    "while talking to " HOST ")", NULL },
	{ "a greeting of asterisks", NULL, "> 220 ****0*2**\n"
	    "< HELO client.example\n> 250 mx\n" IN_TURN ".\n> 250 ok\n" QUIT,
	    OUTCOME_SENT, OUTCOME_SENT, "3QueueId: enabling PIX workarounds: "
	    "disable_esmtp delay_dotcrlf for " HOST ":", "Subject: x||bye|",
	    .age_s = 400, .takes_s = 0 },
	{ "and a message that waits", "smtp_pix_workaround_delay_time = 20s\n",
	    "> 220 ****0*2**\n< HELO client.example\n> 250 mx\n" IN_TURN ".\n"
	    "> 250 ok\n" QUIT, OUTCOME_SENT, OUTCOME_SENT, "status=sent",
	    "Subject: x||bye|", .age_s = 500, .takes_s = 20 },
	{ "one that is old enough", "smtp_pix_workaround_threshold_time = "
	    "1h\n", "> 220 ****0*2**\n< HELO client.example\n> 250 mx\n" IN_TURN
	    ".\n> 250 ok\n" QUIT, OUTCOME_SENT, OUTCOME_SENT, "status=sent",
	    "Subject: x||bye|", .age_s = 3599 },
	{ "a wait that is not for the time limit",
	    "smtp_pix_workaround_delay_time = 200s\n"
	    "smtp_per_request_deadline = yes\n", "> 220 ****0*2**\n"
	    "< HELO client.example\n> 250 mx\n" IN_TURN ".\n> 250 ok\n" QUIT,
	    OUTCOME_SENT, OUTCOME_SENT, "status=sent", NULL, .age_s = 500,
	    .takes_s = 200 },
	{ "one workaround", "smtp_pix_workarounds = delay_dotcrlf\n",
	    "> 220 ***\n< EHLO client.example\n> 250-mx\n> 250 PIPELINING\n"
	    GO ".\n> 250 ok\n" QUIT, OUTCOME_SENT, OUTCOME_SENT,
	    "enabling PIX workarounds: delay_dotcrlf for", NULL,
	    .age_s = 500, .takes_s = 10 },
	{ "none for this server", "smtp_pix_workaround_maps = "
	    "regexp:{{/^127\\.0\\.0\\.1$$/ ,}}\n", "> 220 ***\n< EHLO client.example\n"
	    "> 250-mx\n> 250 PIPELINING\n" GO ".\n> 250 ok\n" QUIT,
	    OUTCOME_SENT, OUTCOME_SENT, "status=sent", NULL, .age_s = 500 },
	{ "one for this server", "smtp_pix_workarounds =\n"
	    "smtp_pix_workaround_maps = inline:{127.0.0.1=disable_esmtp}\n",
	    "> 220 ***\n< HELO client.example\n> 250 mx\n" IN_TURN ".\n"
	    "> 250 ok\n" QUIT, OUTCOME_SENT, OUTCOME_SENT, "status=sent",
	    NULL, .age_s = 500 },
	{ "a greeting without words", NULL, "> 220\n< EHLO client.example\n"
	    "> 250-mx\n> 250 PIPELINING\n" GO ".\n> 250 ok\n" QUIT,
	    OUTCOME_SENT, OUTCOME_SENT, "status=sent", NULL, .age_s = 500 },
	{ "a client is forwarded in one group", FORWARD, EHLO "> 250-mx\n"
	    OFFER "> 250 PIPELINING\n< " CLIENT "< " MESSAGE GROUP
	    "> 250 ok\n> 250 ok\n> 250 ok\n> 250 ok\n> 250 ok\n> 354 go\n.\n"
	    "> 250 ok\n" QUIT, OUTCOME_SENT, OUTCOME_SENT, "status=sent",
	    "Subject: x||bye|" },
	{ "a client is forwarded in turn", FORWARD, OFFERED "< "
	    CLIENT "> 250 ok\n< " MESSAGE "> 250 ok\n" IN_TURN ".\n> 250 ok\n"
	    QUIT, OUTCOME_SENT, OUTCOME_SENT, "status=sent",
	    "Subject: x||bye|" },
	{ "a server that does not want it", FORWARD, OFFERED "< "
	    CLIENT "> 550 no\n< " MESSAGE "> 450 no\n" IN_TURN ".\n> 250 ok\n"
	    QUIT, OUTCOME_SENT, OUTCOME_SENT, "warning: 3QueueId: host " HOST
	    " said: 450 no (in reply to XFORWARD command)", NULL },
	{ "part of it is offered", FORWARD, EHLO "> 250-mx\n> 250 XFORWARD "
	    "ADDR SOURCE\n< XFORWARD ADDR=IPV6:2001:db8::5\n> 250 ok\n"
	    "< XFORWARD SOURCE=LOCAL\n> 250 ok\n" IN_TURN ".\n> 250 ok\n" QUIT,
	    OUTCOME_SENT, OUTCOME_SENT, "status=sent", NULL },
	{ "nothing is known of the client", FORWARD, OFFERED
	    "< XFORWARD PROTO=[UNAVAILABLE] HELO=[UNAVAILABLE] "
	    "IDENT=3QueueId SOURCE=REMOTE\n> 250 ok\n" IN_TURN ".\n> 250 ok\n"
	    QUIT, OUTCOME_SENT, OUTCOME_SENT, "status=sent", NULL,
	    .local = true },
	{ "nobody asked for XFORWARD", NULL, OFFERED IN_TURN
	    ".\n> 250 ok\n" QUIT, OUTCOME_SENT, OUTCOME_SENT, "status=sent",
	    NULL },
	{ "an offer of XFORWARD is passed over", FORWARD
	    "smtp_discard_ehlo_keywords = xforward\n", OFFERED
	    IN_TURN ".\n> 250 ok\n" QUIT, OUTCOME_SENT, OUTCOME_SENT,
	    "status=sent", NULL },
	{ "no answer to XFORWARD", FORWARD "smtp_xforward_timeout = 7s\n",
	    OFFERED "< " CLIENT "~ 8\n=\n", OUTCOME_DEFERRED,
	    OUTCOME_DEFERRED, "(conversation with " HOST " timed out while "
	    "sending XFORWARD)", NULL, .takes_s = 7 },
	{ "LMTP: DATA is taken for nobody", NULL, "> 220 mx.example LMTP\n"
	    "< LHLO client.example\n> 250-mx.example\n> 250 PIPELINING\n"
	    GROUP "> 250 ok\n> 550 no\n> 450 no\n> 354 go\n=\n",
	    OUTCOME_BOUNCED, OUTCOME_DEFERRED, "said: 450 no (in reply to "
	    "RCPT TO command)", "", .lmtp = true },
	{ "LMTP: DATA is refused for nobody", NULL, "> 220 mx.example LMTP\n"
	    "< LHLO client.example\n> 250-mx.example\n> 250 PIPELINING\n"
	    GROUP "> 250 ok\n> 550 no\n> 450 no\n> 503 no\n" QUIT,
	    OUTCOME_BOUNCED, OUTCOME_DEFERRED, "said: 450 no (in reply to "
	    "RCPT TO command)", "", .lmtp = true },
	/* names and greetings */
	{ "no EHLO without ESMTP", "smtp_always_send_ehlo = no\n",
	    "> 220 mx.example\n< HELO client.example\n> 250 mx\n" IN_TURN
	    ".\n> 250 ok\n" QUIT, OUTCOME_SENT, OUTCOME_SENT, "status=sent",
	    NULL },
	{ "EHLO with ESMTP", "smtp_always_send_ehlo = no\n", PIPE GO
	    ".\n> 250 ok\n" QUIT, OUTCOME_SENT, OUTCOME_SENT, "status=sent",
	    NULL },
	{ "never EHLO", "smtp_never_send_ehlo = yes\n", "> 220 mx ESMTP\n"
	    "< HELO client.example\n> 250 mx\n" IN_TURN ".\n> 250 ok\n" QUIT,
	    OUTCOME_SENT, OUTCOME_SENT, "status=sent", NULL },
	{ "a name of its own", "smtp_helo_name = out.example\n",
	    "> 220 mx ESMTP\n< EHLO out.example\n> 250-mx\n"
	    "> 250 PIPELINING\n" GO ".\n> 250 ok\n" QUIT, OUTCOME_SENT,
	    OUTCOME_SENT, "status=sent", NULL },
	{ "LMTP: a name of its own", "lmtp_lhlo_name = in.example\n"
	    "lmtp_discard_lhlo_keywords = pipelining\n", "> 220 mx LMTP\n"
	    "< LHLO in.example\n> 250-mx\n> 250 PIPELINING\n" IN_TURN
	    ".\n> 250 ok\n> 250 ok\n" QUIT, OUTCOME_SENT, OUTCOME_SENT,
	    "status=sent", NULL, .lmtp = true },
	/* the envelope */
	{ "quoted where it has to be", NULL, EHLO "> 250 mx\n" MAIL
	    "> 250 ok\n< RCPT TO:<\"a b\"@x.example>\n> 550 no\n"
	    "< RCPT TO:<b@x.example>\n> 550 no\n" QUIT, OUTCOME_BOUNCED,
	    OUTCOME_BOUNCED, "said: 550 no", NULL, .rcpt = "a b@x.example" },
	{ "not quoted", "smtp_quote_rfc821_envelope = no\n", EHLO "> 250 mx\n"
	    MAIL "> 250 ok\n< RCPT TO:<a b@x.example>\n> 550 no\n"
	    "< RCPT TO:<b@x.example>\n> 550 no\n" QUIT, OUTCOME_BOUNCED,
	    OUTCOME_BOUNCED, "said: 550 no", NULL, .rcpt = "a b@x.example" },
	{ "a sender that authenticated nobody", "smtp_send_dummy_mail_auth = "
	    "yes\n", EHLO "> 250-mx\n> 250 AUTH PLAIN\n"
	    "< MAIL FROM:<me@client.example> AUTH=<>\n> 550 no\n" QUIT,
	    OUTCOME_BOUNCED, OUTCOME_BOUNCED, "said: 550 no", NULL },
	{ "no AUTH unless asked", NULL, EHLO "> 250-mx\n> 250 AUTH PLAIN\n"
	    "< MAIL FROM:<me@client.example>\n> 550 no\n" QUIT,
	    OUTCOME_BOUNCED, OUTCOME_BOUNCED, "said: 550 no", NULL },
	{ "short lines", "smtp_line_length_limit = 9\n", PIPE GO
	    ".\n> 250 ok\n" QUIT, OUTCOME_SENT, OUTCOME_SENT, "3QueueId: "
	    "breaking line > 9 bytes with <CR><LF>SPACE", "Subject: | x||"
	    "bye|" },
	/* how long it waits */
	{ "no greeting", "smtp_helo_timeout = 3s\n", "~ 4\n=\n",
	    OUTCOME_DEFERRED, OUTCOME_DEFERRED, "timed out while receiving "
	    "the initial server greeting", NULL, .takes_s = 3 },
	{ "no answer to MAIL", "smtp_mail_timeout = 4s\n", EHLO "> 250 mx\n"
	    MAIL "~ 5\n=\n", OUTCOME_DEFERRED, OUTCOME_DEFERRED, "timed out "
	    "while sending MAIL FROM", NULL, .takes_s = 4 },
	{ "no answer to RCPT", "smtp_rcpt_timeout = 5s\n", EHLO "> 250 mx\n"
	    MAIL "> 250 ok\n< RCPT TO:<a@x.example>\n~ 6\n=\n",
	    OUTCOME_DEFERRED, OUTCOME_DEFERRED, "timed out while sending RCPT "
	    "TO", NULL, .takes_s = 5 },
	{ "no answer to DATA", "smtp_data_init_timeout = 6s\n", PIPE GROUP
	    "> 250 ok\n> 250 ok\n> 250 ok\n~ 7\n=\n", OUTCOME_DEFERRED,
	    OUTCOME_DEFERRED, "timed out while sending DATA command", NULL,
	    .takes_s = 6 },
	{ "no answer to the dot", "smtp_data_done_timeout = 7s\n", PIPE GO
	    ".\n~ 8\n=\n", OUTCOME_DEFERRED, OUTCOME_DEFERRED, "timed out "
	    "while sending end of data", NULL, .takes_s = 7 },
	{ "LMTP: no answer to LHLO", "lmtp_lhlo_timeout = 8s\n",
	    "> 220 mx LMTP\n< LHLO client.example\n~ 9\n=\n",
	    OUTCOME_DEFERRED, OUTCOME_DEFERRED, "timed out while performing "
	    "the LHLO handshake", NULL, .lmtp = true, .takes_s = 8 },
	{ "LMTP: its own names", "lmtp_reply_filter = regexp:{{/^250 what/ "
	    "250 PIPELINING}}\nlmtp_delivery_status_filter = regexp:{{/^2/ "
	    "2.9.9 in}}\nlmtp_send_xforward_command = yes\n"
	    "lmtp_send_dummy_mail_auth = yes\nlmtp_line_length_limit = 9\n",
	    "> 220 mx LMTP\n< LHLO client.example\n> 250-mx\n> 250-AUTH X\n"
	    "> 250-XFORWARD SOURCE\n> 250 what\n< XFORWARD SOURCE=LOCAL\n"
	    "< MAIL FROM:<me@client.example> AUTH=<>\n" RCPTS "< DATA\n"
	    "> 250 ok\n> 250 ok\n> 250 ok\n> 250 ok\n> 354 go\n.\n> 250 ok\n"
	    "> 250 ok\n" QUIT, OUTCOME_SENT, OUTCOME_SENT, "dsn=2.9.9, "
	    "status=sent (in)", "Subject: | x||bye|", .lmtp = true },
	{ "LMTP: asterisks", "lmtp_pix_workarounds =\n"
	    "lmtp_pix_workaround_maps = inline:{127.0.0.1=delay_dotcrlf}\n"
	    "lmtp_pix_workaround_threshold_time = 9s\n"
	    "lmtp_pix_workaround_delay_time = 11s\n", "> 220 ***\n"
	    "< LHLO client.example\n> 250-mx\n> 250 PIPELINING\n" GO
	    ".\n> 250 ok\n> 250 ok\n" QUIT, OUTCOME_SENT, OUTCOME_SENT,
	    "enabling PIX workarounds: delay_dotcrlf for", NULL, .age_s = 9,
	    .lmtp = true, .takes_s = 11 },
	{ "an outcome is made final", STATUS("{/^4(\\.1\\.8 .*)/ 5$$1}"), PIPE
	    GROUP "> 250 ok\n> 450 4.1.8 no\n> 250 ok\n> 354 go\n.\n> 250 ok\n"
	    QUIT, OUTCOME_BOUNCED, OUTCOME_SENT, "dsn=5.1.8, status=bounced "
	    "(host " HOST " said: 450 4.1.8 no (in reply to RCPT TO "
	    "command))", NULL },
	{ "an outcome is made to wait", STATUS("{/^5\\.1\\.1 .*/ "
	    "4.9.9 not yet}"), PIPE GROUP "> 250 ok\n> 550 5.1.1 no\n> 250 ok\n"
	    "> 354 go\n.\n> 250 ok\n" QUIT, OUTCOME_DEFERRED, OUTCOME_SENT,
	    "dsn=4.9.9, status=deferred (not yet)", NULL },
	{ "words of a delivery are left out", STATUS("{/^2/ 2.9.9 gone}"),
	    PIPE GO ".\n> 250 2.0.0 as 123\n" QUIT, OUTCOME_SENT, OUTCOME_SENT,
	    "dsn=2.9.9, status=sent (gone)", NULL },
	{ "what is delivered stays so", STATUS("{/^2/ 5.9.9 gone}"), PIPE GO
	    ".\n> 250 2.0.0 as 123\n" QUIT, OUTCOME_SENT, OUTCOME_SENT,
	    "warning: 3QueueId: smtp_delivery_status_filter: \"5.9.9 gone\" "
	    "cannot take the place of \"2.0.0 250 2.0.0 as 123\"", NULL },
	{ "what is not delivered stays so", STATUS("{/^5/ 2.0.0 good}"), PIPE
	    GROUP "> 250 ok\n> 550 5.1.1 no\n> 250 ok\n> 354 go\n.\n> 250 ok\n"
	    QUIT, OUTCOME_BOUNCED, OUTCOME_SENT, "dsn=5.1.1, status=bounced "
	    "(host", NULL },
	{ "a code is needed", STATUS("{/^5/ no}"), PIPE GROUP "> 250 ok\n"
	    "> 550 5.1.1 no\n> 250 ok\n> 354 go\n.\n> 250 ok\n" QUIT,
	    OUTCOME_BOUNCED, OUTCOME_SENT, "dsn=5.1.1, status=bounced (host",
	    NULL },
	{ "nothing bounces while the filter fails",
	    "default_delivery_status_filter = fail:x\n", PIPE GROUP
	    "> 250 ok\n> 550 5.1.1 no\n> 250 ok\n> 354 go\n.\n> 250 ok\n" QUIT,
	    OUTCOME_DEFERRED, OUTCOME_SENT, "dsn=4.1.1, status=deferred (host",
	    NULL },
	{ "soft_bounce has the last word", "soft_bounce = yes\n"
	    STATUS("{/^4(\\.1\\.8 .*)/ 5$$1}"), PIPE GROUP "> 250 ok\n"
	    "> 450 4.1.8 no\n> 250 ok\n> 354 go\n.\n> 250 ok\n" QUIT,
	    OUTCOME_DEFERRED, OUTCOME_SENT, "dsn=4.1.8, status=SOFTBOUNCE",
	    NULL },
};

static const struct row *row;
static struct str log_of_row;

static void
run_row(struct world *w)
{
	struct world_mail mail = { .sender = "me@client.example",
		.rcpts = { row->rcpt != NULL ? row->rcpt : "a@x.example",
		    "b@x.example" },
		.content = "Subject: x\n\nbye\n", .age_s = row->age_s,
		.from_client = !row->local };
	int64_t began_ns = clock_now_ns();
	struct world_result r;

	world_deliver(w, "[127.0.0.1]:@", &mail, &r);
	T_EQ_INT(r.kinds[0], row->a);
	T_EQ_INT(r.kinds[1], row->b);
	T_EQ_INT((clock_now_ns() - began_ns) / 1000000000, row->takes_s);
	T_HAS_STR(str_cstr(&w->log), row->text);
	if (row->content != NULL)
		T_EQ_TEXT(str_span(&w->content), row->content);
	str_set(&log_of_row, str_span(&w->log));
}

static void
check_row(size_t i)
{
	struct world w = { .run = run_row, .scripts = { rows[i].script },
		.settings = rows[i].settings, .lmtp = rows[i].lmtp };

	row = &rows[i];
	world_run(&w);
	if (!t_failed())
		fprintf(stderr, "row passed\n");
	else
		fprintf(stderr, "%s", str_cstr(&log_of_row));
	exit(0);
}

/* A loop starts once per process: each row has its own. */
T_TEST(odd_servers_and_tables_are_met_half_way)
{
	for (size_t i = 0; i < T_COUNT(rows); i++) {
		T_CASE(rows[i].name);
		if (t_failed())
			return;
		T_DIES(0, "row passed", check_row(i));
	}
}
