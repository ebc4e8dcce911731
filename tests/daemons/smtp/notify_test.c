/*
 * Sessions that the postmaster hears of: the server says that we do not know our
 * SMTP, or what it says is none; or a table of ours fails.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/daemons/smtp/world.h"
#include "tests/harness/t_double.h"

#define PLAIN "> 220 mx.example ESMTP\n< EHLO client.example\n> 250 mx.example\n"
#define MAIL PLAIN "< MAIL FROM:<me@client.example>\n"
#define RCPT MAIL "> 250 ok\n< RCPT TO:<a@x.example>\n"
#define DATA RCPT "> 250 ok\n< DATA\n"
#define QUIT "< QUIT\n> 221 bye\n=\n"

static const struct row {
	const char *name, *classes, *script;
	const char *in_it;		/* NULL: nobody is told */
	const char *settings;
} rows[] = {
	{ "all is well", "protocol, data", DATA "> 354 go\n.\n> 250 ok\n"
	    QUIT, NULL, "" },
	{ "a refusal by policy", "protocol, data",
	    RCPT "> 550 5.7.1 no\n" QUIT, NULL, "" },
	{ "later", "protocol, data", RCPT "> 450 4.7.1 later\n" QUIT, NULL,
	    "" },
	{ "a syntax error", "protocol", RCPT "> 501 5.5.4 syntax\n" QUIT,
	    " Out: RCPT TO:<a@x.example>\n In:  501 5.5.4 syntax\n", "" },
	{ "a syntax error, and nobody wants to know", "data, policy",
	    RCPT "> 501 5.5.4 syntax\n" QUIT, NULL, "" },
	{ "an option that it does not know", "protocol",
	    MAIL "> 555 5.5.4 what\n" QUIT, " In:  555 5.5.4 what\n", "" },
	{ "one command too early", "protocol", MAIL "> 503 5.5.1 no\n" QUIT,
	    " In:  503 5.5.1 no\n", "" },
	{ "go on, where there is nothing", "protocol", MAIL "> 354 go\n"
	    QUIT, " In:  354 go\n", "" },
	{ "DATA is done before it began", "protocol", DATA "> 250 ok\n" QUIT,
	    " Out: DATA\n In:  250 ok\n", "" },
	{ "no SMTP at all", "protocol", MAIL "> what?\n> 450 no\n" QUIT,
	    " In:  what?\n In:  450 no\n", "" },
	{ "HELO is refused, EHLO was", "protocol", "> 220 mx.example ESMTP\n"
	    "< EHLO client.example\n> 502 what\n< HELO client.example\n"
	    "> 500 what\n" QUIT, " Out: HELO client.example\n", "" },
	{ "EHLO alone is refused", "protocol", "> 220 mx.example ESMTP\n"
	    "< EHLO client.example\n> 502 what\n< HELO client.example\n"
	    "> 250 mx\n< MAIL FROM:<me@client.example>\n> 450 no\n" QUIT,
	    NULL, "" },
	{ "a table fails", "data", "> 220 mx.example\n=\n",
	    "SMTP client", "smtp_reply_filter = fail:x\n" },
};

static void
deliver(struct world *w, const char *sender)
{
	struct world_mail mail = { .sender = sender,
		.content = "Subject: secret\n\nbody\n",
		.rcpts = { "a@x.example" } };
	struct world_result result;

	t_mail_count = 0;
	world_deliver(w, "[127.0.0.1]:@", &mail, &result);
}

static void
is_about(const struct row *row)
{
	const char *text;

	T_EQ_INT(t_mail_count, row->in_it != NULL);
	if (t_mail_count == 0 || row->in_it == NULL)
		return;
	text = str_cstr(&t_mails[0].text);
	T_EQ_SPAN(str_span(&t_mails[0].sender),
	    SPAN("double-bounce@client.example"));
	T_EQ_SPAN(str_span(&t_mails[0].rcpt), SPAN("ops@client.example"));
	T_CHECK(strstr(text, "\nSubject: Postfix SMTP client: errors from "
	    "127.0.0.1[127.0.0.1]:") != NULL);
	T_CHECK(strstr(text, row->in_it) != NULL);
	T_CHECK(strstr(text, "secret") == NULL);
}

static void
each_row(struct world *w)
{
	for (size_t i = 0; i < T_COUNT(rows); i++) {
		char settings[300];

		T_CASE(rows[i].name);
		snprintf(settings, sizeof(settings), "notify_classes = %s\n"
		    "smtp_connection_cache_on_demand = no\n"
		    "error_notice_recipient = ops\n%s", rows[i].classes,
		    rows[i].settings);
		world_configure(w, settings);
		deliver(w, "me@client.example");
		is_about(&rows[i]);
	}
	world_configure(w, "");
}

T_TEST(the_postmaster_hears_of_sessions)
{
	struct world w = { .run = each_row };

	for (size_t i = 0; i < T_COUNT(rows); i++)
		w.scripts[i] = rows[i].script;
	world_run(&w);
}

static void
about_a_notice(struct world *w)
{
	deliver(w, "double-bounce@client.example");
	T_EQ_INT(t_mail_count, 0);
}

T_TEST(a_notice_begets_no_notice)
{
	struct world w = { .settings = "notify_classes = protocol\n",
		.run = about_a_notice, .scripts = { PLAIN
		    "< MAIL FROM:<double-bounce@client.example>\n"
		    "> 501 5.5.4 syntax\n" QUIT } };

	world_run(&w);
}

/* debug_peer_list: servers by name or address, and nobody else. */
static const struct {
	const char *name, *list;
	bool followed;
} lists[] = {
	{ "by address", "127.0.0.0/24", true },
	{ "by name", "127.0.0.1", true },
	{ "another", "192.0.2.0/24, example.org", false },
};

static void
follow(struct world *w)
{
	for (size_t i = 0; i < T_COUNT(lists); i++) {
		char settings[200];

		T_CASE(lists[i].name);
		snprintf(settings, sizeof(settings), "debug_peer_list = %s\n"
		    "smtp_connection_cache_on_demand = no\n"
		    "smtp_skip_quit_response = no\n", lists[i].list);
		world_configure(w, settings);
		str_clear(&w->log);
		deliver(w, "me@client.example");
		world_wait(1);
		if (!lists[i].followed) {
			T_CHECK(strstr(str_cstr(&w->log), "\n< ") == NULL);
			T_CHECK(strstr(str_cstr(&w->log), "\n> ") == NULL);
			continue;
		}
		T_HAS_STR(str_cstr(&w->log), "< 127.0.0.1[127.0.0.1]:");
		T_HAS_STR(str_cstr(&w->log), ": 220 mx.example ESMTP\n");
		T_HAS_STR(str_cstr(&w->log), ": EHLO client.example\n");
		T_HAS_STR(str_cstr(&w->log), "> 127.0.0.1[127.0.0.1]:");
		T_HAS_STR(str_cstr(&w->log), ": RCPT TO:<a@x.example>\n");
		T_HAS_STR(str_cstr(&w->log), ": 354 go\n");
		T_HAS_STR(str_cstr(&w->log), ": QUIT\n");
		T_HAS_STR(str_cstr(&w->log), ": 221 bye\n");
		T_CHECK(strstr(str_cstr(&w->log), "Subject") == NULL);
	}
	world_configure(w, "");
}

T_TEST(the_log_follows_listed_servers)
{
	static const char script[] = DATA "> 354 go\n.\n> 250 ok\n" QUIT;
	struct world w = { .run = follow,
		.scripts = { script, script, script } };

	world_run(&w);
}
