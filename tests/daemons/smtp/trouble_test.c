/*
 * What goes wrong at a server, and what is made of it: one message for two
 * recipients, one connection (or none), a row per kind of trouble.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/daemons/smtp/world.h"

#define EHLO "> 220 mx.example ESMTP\n< EHLO client.example\n"
#define PIPE EHLO "> 250-mx.example\n> 250 PIPELINING\n"
#define PLAIN EHLO "> 250 mx.example\n"
#define PLAIN_OFFER EHLO "> 250-mx\n> 250 SIZE 10\n"
#define QUIT "< QUIT\n> 221 bye\n=\n"
#define GROUP PIPE "< MAIL FROM:<me@client.example>\n" \
	"< RCPT TO:<a@x.example>\n< RCPT TO:<b@x.example>\n< DATA\n"
#define TURN PLAIN "< MAIL FROM:<me@client.example>\n> 250 ok\n" \
	"< RCPT TO:<a@x.example>\n> 250 ok\n< RCPT TO:<b@x.example>\n"
#define GO GROUP "> 250 ok\n> 250 ok\n> 250 ok\n> 354 go\n"
#define HOST "127.0.0.1[127.0.0.1]"

static const struct row {
	const char *name;
	const char *script;		/* NULL: nobody listens */
	enum outcome_kind a, b;
	const char *text;		/* in the log */
	const char *dead;		/* dsn, "" for none */
	const char *settings;
} rows[] = {
	{ "server refuses at once", "> 554 5.7.1 go away\n" QUIT,
	    OUTCOME_DEFERRED, OUTCOME_DEFERRED, "dsn=4.7.1, status=deferred "
	    "(host " HOST " refused to talk to me: 554 5.7.1 go away)", "5.7.1",
	    NULL },
	{ "server refuses at once, and that counts",
	    "> 554 5.7.1 go away\n" QUIT, OUTCOME_BOUNCED, OUTCOME_BOUNCED,
	    "dsn=5.7.1, status=bounced (host " HOST " refused to talk to me: "
	    "554 5.7.1 go away)", "", "smtp_skip_5xx_greeting = no\n" },
	{ "server is busy", "> 421 busy\n=\n", OUTCOME_DEFERRED,
	    OUTCOME_DEFERRED, "relay=" HOST ":", "4.0.0", NULL },
	{ "server leaves before it greets", "!\n", OUTCOME_DEFERRED,
	    OUTCOME_DEFERRED, "dsn=4.4.2, status=deferred (lost connection "
	    "with " HOST " while receiving the initial server greeting)",
	    "4.4.2", NULL },
	{ "no greeting within the time limit", "~ 301\n=\n", OUTCOME_DEFERRED,
	    OUTCOME_DEFERRED, "(conversation with " HOST " timed out while "
	    "receiving the initial server greeting)", "4.4.2", NULL },
	{ "EHLO is refused, HELO is not", EHLO "> 502 what\n"
	    "< HELO client.example\n> 250 mx\n"
	    "< MAIL FROM:<me@client.example>\n> 550 5.7.0 no\n" QUIT,
	    OUTCOME_BOUNCED, OUTCOME_BOUNCED, "dsn=5.7.0, status=bounced (host "
	    HOST " said: 550 5.7.0 no (in reply to MAIL FROM command))", "",
	    NULL },
	{ "EHLO ends with a lost connection", EHLO "!\n", OUTCOME_DEFERRED,
	    OUTCOME_DEFERRED, "while performing the EHLO handshake)", "4.4.2",
	    NULL },
	{ "HELO is refused", EHLO "> 502 what\n< HELO client.example\n"
	    "> 450 4.3.2 later\n" QUIT, OUTCOME_DEFERRED, OUTCOME_DEFERRED,
	    "refused to talk to me: 450 4.3.2 later)", "4.3.2", NULL },
	{ "sender is refused for now", GROUP "> 451 4.7.1 grey\n"
	    "> 503 no\n> 503 no\n> 503 no\n" QUIT, OUTCOME_DEFERRED,
	    OUTCOME_DEFERRED, "dsn=4.7.1, status=deferred (host " HOST
	    " said: 451 4.7.1 grey (in reply to MAIL FROM command))", "",
	    NULL },
	{ "all recipients are refused, and yet DATA is taken", GROUP
	    "> 250 ok\n> 550 no\n> 450 no\n> 354 go\n< .\n> 554 nobody\n" QUIT,
	    OUTCOME_BOUNCED, OUTCOME_DEFERRED, "said: 450 no (in reply to "
	    "RCPT TO command)", "", NULL },
	{ "all recipients are refused one by one", TURN
	    "> 550 no\n< DATA\n> 354 go\n.\n> 250 ok\n" QUIT, OUTCOME_SENT,
	    OUTCOME_BOUNCED, "status=bounced", "", NULL },
	{ "DATA is refused", GROUP
	    "> 250 ok\n> 250 ok\n> 250 ok\n> 554 5.6.0 no\n" QUIT,
	    OUTCOME_BOUNCED, OUTCOME_BOUNCED, "said: 554 5.6.0 no (in reply "
	    "to DATA command))", "", NULL },
	{ "the end of data is refused", GO ".\n> 554 5.7.1 spam\n" QUIT,
	    OUTCOME_BOUNCED, OUTCOME_BOUNCED, "dsn=5.7.1, status=bounced (host "
	    HOST " said: 554 5.7.1 spam (in reply to end of DATA command))",
	    "", NULL },
	{ "a code of the other class is ignored", GO
	    ".\n> 452 5.7.1 full\n" QUIT, OUTCOME_DEFERRED, OUTCOME_DEFERRED,
	    "dsn=4.0.0, status=deferred", "", NULL },
	{ "lost after the dot", GO ".\n!\n", OUTCOME_DEFERRED,
	    OUTCOME_DEFERRED, "dsn=4.4.2, status=deferred (lost connection "
	    "with " HOST " while sending end of data -- message may be sent "
	    "more than once)", "4.4.2", NULL },
	{ "no answer to the dot in ten minutes", GO ".\n~ 601\n=\n",
	    OUTCOME_DEFERRED, OUTCOME_DEFERRED, "(conversation with " HOST
	    " timed out while sending end of data -- message may be sent more "
	    "than once)", "4.4.2", NULL },
	{ "lost among the recipients", GROUP "> 250 ok\n> 550 no\n!\n",
	    OUTCOME_BOUNCED, OUTCOME_DEFERRED, "while sending RCPT TO)",
	    "4.4.2", NULL },
	{ "a reply that is none, in a group", GROUP "> 250 ok\n> what?\n"
	    "> 250 ok\n> 250 ok\n> 354 go\n=\n", OUTCOME_DEFERRED,
	    OUTCOME_DEFERRED, "dsn=4.5.0, status=deferred (Protocol error: "
	    "host " HOST " said: what? 250 ok (in reply to RCPT TO command))",
	    "", NULL },
	{ "a reply that is none, in turn", TURN "> what?\n> 250 ok\n"
	    "< DATA\n> 354 go\n.\n> 250 ok\n" QUIT, OUTCOME_SENT, OUTCOME_SENT,
	    "warning: 3QueueId: non-SMTP response from " HOST ":", "",
	    NULL },
	{ "a 2xx answer to DATA", GROUP
	    "> 250 ok\n> 250 ok\n> 250 ok\n> 250 ok\n" QUIT, OUTCOME_DEFERRED,
	    OUTCOME_DEFERRED, "dsn=4.5.0, status=deferred (Protocol error: "
	    "host " HOST " said: 250 ok (in reply to DATA command))", "",
	    NULL },
	{ "message too large", EHLO "> 250-mx\n> 250 SIZE 10\n" QUIT,
	    OUTCOME_BOUNCED, OUTCOME_BOUNCED, "dsn=5.3.4, status=bounced "
	    "(message size 16 exceeds size limit 10 of server " HOST ")", "",
	    NULL },
	{ "an offer that is to be passed over", EHLO "> 250-mx\n"
	    "> 250-PIPELINING\n> 250 SIZE 10\n"
	    "< MAIL FROM:<me@client.example>\n> 250 ok\n"
	    "< RCPT TO:<a@x.example>\n> 250 ok\n< RCPT TO:<b@x.example>\n"
	    "> 250 ok\n< DATA\n> 354 go\n.\n> 250 ok\n" QUIT, OUTCOME_SENT,
	    OUTCOME_SENT, "status=sent", "",
	    "smtp_discard_ehlo_keywords = pipelining, size\n" },
	{ "an offer to be passed over from this server", PLAIN_OFFER
	    "< MAIL FROM:<me@client.example>\n> 550 no\n" QUIT,
	    OUTCOME_BOUNCED, OUTCOME_BOUNCED, "status=bounced", "",
	    "smtp_discard_ehlo_keyword_address_maps = "
	    "inline:{127.0.0.1=size}\n" },
	{ "nobody listens", NULL, OUTCOME_DEFERRED, OUTCOME_DEFERRED,
	    "relay=none, delay=0, delays=0/0/0/0, dsn=4.4.1, status=deferred "
	    "(connect to " HOST ":1: Connection refused)", "4.4.1", NULL },
	{ "bounces are made soft", GO ".\n> 554 5.7.1 spam\n" QUIT,
	    OUTCOME_DEFERRED, OUTCOME_DEFERRED, "dsn=4.7.1, status=SOFTBOUNCE",
	    "", "soft_bounce = yes\n" },
};

static const struct row *row;
static struct str log_of_row;

static void
run_row(struct world *w)
{
	static const struct world_mail mail = { .sender = "me@client.example",
		.rcpts = { "a@x.example", "b@x.example" },
		.content = "Subject: x\n\nbye\n" };
	struct world_result r;

	world_deliver(w, row->script != NULL ? "[127.0.0.1]:@"
	    : "[127.0.0.1]:1", &mail, &r);
	T_EQ_INT(r.kinds[0], row->a);
	T_EQ_INT(r.kinds[1], row->b);
	T_EQ_STR(r.dead, row->dead);
	T_HAS_STR(str_cstr(&w->log), row->text);
	str_set(&log_of_row, str_span(&w->log));
}

static void
check_row(size_t i)
{
	struct world w = { .run = run_row, .scripts = { rows[i].script },
		.settings = rows[i].settings };

	row = &rows[i];
	world_run(&w);
	/* What failed is shown with this word's absence. */
	if (!t_failed())
		fprintf(stderr, "row passed\n");
	else
		fprintf(stderr, "%s", str_cstr(&log_of_row));
	exit(0);
}

/* A loop starts once per process: each row has its own. */
T_TEST(trouble_is_told_to_the_right_recipients)
{
	for (size_t i = 0; i < T_COUNT(rows); i++) {
		T_CASE(rows[i].name);
		if (t_failed())
			return;
		T_DIES(0, "row passed", check_row(i));
	}
}
