/*
 * Sessions that serve several messages, several servers for one message, LMTP,
 * extensions, and time limits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/daemons/smtp/world.h"

#define EHLO "> 220 mx.example ESMTP\n< EHLO client.example\n"
#define PIPE EHLO "> 250-mx.example\n> 250 PIPELINING\n"
#define QUIT "< QUIT\n> 221 bye\n=\n"
#define MAIL "< MAIL FROM:<me@client.example>\n< RCPT TO:<a@x.example>\n" \
	"< DATA\n"
#define MAIL_OK MAIL "> 250 ok\n> 250 ok\n> 354 go\n.\n> 250 ok\n"
#define HOST "127.0.0.1[127.0.0.1]"

static const struct world_mail mail = { .sender = "me@client.example",
	.rcpts = { "a@x.example" }, .content = "Subject: x\n\nbye\n" };

static size_t
count(const struct world *w, const char *text)
{
	size_t n = 0;

	for (const char *p = str_cstr(&w->log); (p = strstr(p, text)) != NULL;
	    p++)
		n++;
	return n;
}

static void
deliver(struct world *w, const char *nexthop, enum outcome_kind want)
{
	struct world_result r;

	world_deliver(w, nexthop, &mail, &r);
	T_EQ_INT(r.kinds[0], want);
}

/* --- Sessions that are kept ----------------------------------------------*/

static void
deliver_four(struct world *w)
{
	deliver(w, "[127.0.0.1]:@", OUTCOME_SENT);
	for (int i = 0; i < 3; i++)
		deliver(w, "[127.0.0.1]:@", OUTCOME_SENT);
	T_EQ_INT(w->connections, 2);
	T_HAS_STR(str_cstr(&w->log), ", conn_use=2, delay=");
	T_HAS_STR(str_cstr(&w->log), ", conn_use=3, delay=");
}

T_TEST(a_session_is_kept_once_deliveries_follow_one_another)
{
	struct world w = { .run = deliver_four, .scripts = {
		PIPE MAIL_OK QUIT, PIPE MAIL_OK MAIL_OK MAIL_OK QUIT } };

	world_run(&w);
}

static void
deliver_two_slowly(struct world *w)
{
	deliver(w, "[127.0.0.1]:@", OUTCOME_SENT);
	world_wait(3);
	deliver(w, "[127.0.0.1]:@", OUTCOME_SENT);
}

T_TEST(nothing_is_kept_for_a_lone_message)
{
	struct world w = { .run = deliver_two_slowly, .scripts = {
		PIPE MAIL_OK QUIT, PIPE MAIL_OK QUIT } };

	world_run(&w);
}

T_TEST(a_listed_destination_is_kept_at_once)
{
	struct world w = { .run = deliver_two_slowly, .scripts = {
		PIPE MAIL_OK MAIL_OK QUIT },
		.settings = "smtp_connection_cache_destinations = 127.0.0.1\n"
		"smtp_connection_cache_time_limit = 10s\n" };

	world_run(&w);
}

static void
deliver_after_loss(struct world *w)
{
	deliver(w, "[127.0.0.1]:@", OUTCOME_SENT);
	deliver(w, "[127.0.0.1]:@", OUTCOME_SENT);
	deliver(w, "[127.0.0.1]:@", OUTCOME_SENT);
	T_EQ_INT(w->connections, 3);
	T_EQ_INT(count(w, "status=sent"), 3);
	T_EQ_INT(count(w, "lost connection"), 0);
}

static const char *const half_dead[] = {
	PIPE MAIL_OK "!\n",
	PIPE MAIL_OK "> 421 idle for too long\n!\n",
	PIPE MAIL_OK MAIL "!\n",
	PIPE MAIL_OK MAIL "> 250 ok\n!\n",
	PIPE MAIL_OK MAIL "> 421 busy\n!\n",
	PIPE MAIL_OK MAIL "> 250 ok\n> 421 busy\n!\n",
	PIPE MAIL_OK MAIL "> 250 ok\n> 250 ok\n!\n",
};

static void
check_half_dead(size_t i)
{
	struct world w = { .run = deliver_after_loss, .scripts = {
		PIPE MAIL_OK QUIT, half_dead[i], PIPE MAIL_OK QUIT } };

	world_run(&w);
	if (!t_failed())
		fprintf(stderr, "row passed\n");
	exit(0);
}

T_TEST(a_kept_session_that_died_costs_nothing)
{
	for (size_t i = 0; i < T_COUNT(half_dead); i++) {
		T_CASEF("%zu", i);
		T_DIES(0, "row passed", check_half_dead(i));
	}
}

static void
deliver_after_refusal(struct world *w)
{
	deliver(w, "[127.0.0.1]:@", OUTCOME_SENT);
	deliver(w, "[127.0.0.1]:@", OUTCOME_BOUNCED);
	deliver(w, "[127.0.0.1]:@", OUTCOME_SENT);
	T_EQ_INT(w->connections, 2);
}

T_TEST(a_transaction_that_was_left_open_is_reset)
{
	struct world w = { .run = deliver_after_refusal, .scripts = {
		PIPE MAIL_OK QUIT,
		PIPE MAIL "> 250 ok\n> 550 no\n> 554 no\n"
		"< RSET\n" MAIL "> 250 ok\n> 250 ok\n> 250 ok\n> 354 go\n.\n"
		"> 250 ok\n" QUIT } };

	world_run(&w);
}

T_TEST(a_session_is_used_so_often_and_no_more)
{
	struct world w = { .run = deliver_after_loss, .scripts = {
		PIPE MAIL_OK QUIT, PIPE MAIL_OK QUIT, PIPE MAIL_OK QUIT },
		.settings = "smtp_connection_reuse_count_limit = 1\n" };

	world_run(&w);
}

static void
deliver_four_slowly(struct world *w)
{
	for (int i = 0; i < 4; i++) {
		deliver(w, "[127.0.0.1]:@", OUTCOME_SENT);
		world_wait(2);
	}
	T_EQ_INT(w->connections, 2);
}

/* After four seconds it is not kept any more. */
T_TEST(a_session_is_used_so_long_and_no_longer)
{
	struct world w = { .run = deliver_four_slowly, .scripts = {
		PIPE MAIL_OK MAIL_OK MAIL_OK QUIT, PIPE MAIL_OK QUIT },
		.settings = "smtp_connection_cache_destinations = 127.0.0.1\n"
		"smtp_connection_cache_time_limit = 10s\n"
		"smtp_connection_reuse_time_limit = 3s\n" };

	world_run(&w);
}

static void
deliver_after_silence(struct world *w)
{
	int64_t began_ns;

	deliver(w, "[127.0.0.1]:@", OUTCOME_SENT);
	deliver(w, "[127.0.0.1]:@", OUTCOME_BOUNCED);
	began_ns = clock_now_ns();
	deliver(w, "[127.0.0.1]:@", OUTCOME_SENT);
	T_EQ_INT((clock_now_ns() - began_ns) / 1000000000, 5);
	T_EQ_INT(w->connections, 3);
}

T_TEST(who_does_not_answer_rset_is_left)
{
	struct world w = { .run = deliver_after_silence, .scripts = {
		PIPE MAIL_OK QUIT,
		PIPE MAIL "> 250 ok\n> 550 no\n> 554 no\n"
		"< RSET\n" MAIL "~ 6\n=\n", PIPE MAIL_OK QUIT },
		.settings = "smtp_rset_timeout = 5s\n" };

	world_run(&w);
}

/* More than sockets hold, to a server that does not read it; the seconds until
 * it is left. */
enum { IN_VAIN = 200000 * 63 };

static int64_t
deliver_much_in_vain(struct world *w)
{
	static char content[IN_VAIN + 16] = "Subject: x\n\n";
	struct world_mail large = mail;
	int64_t began_ns = clock_now_ns();
	struct world_result r;
	char *to = content + strlen(content);

	for (int i = 0; i < IN_VAIN / 63; i++, to += 63)
		snprintf(to, 64, "%062d\n", i);
	large.content = content;
	world_deliver(w, "[127.0.0.1]:@", &large, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_DEFERRED);
	T_HAS_STR(str_cstr(&w->log), "timed out while sending message body");
	return (clock_now_ns() - began_ns) / 1000000000;
}

static void
deliver_in_vain(struct world *w)
{
	T_EQ_INT(deliver_much_in_vain(w), 7);
}

T_TEST(who_does_not_read_the_content_is_left)
{
	struct world w = { .run = deliver_in_vain, .scripts = {
		PIPE MAIL "> 250 ok\n> 250 ok\n> 354 go\n~ 20\n!\n" },
		.settings = "smtp_data_xfer_timeout = 7s\n" };

	world_run(&w);
}

/* What has been sent gives it time, at 100 bytes for each second; that is more
 * than a step may take, and less than all of the content would give. */
static void
deliver_at_a_rate(struct world *w)
{
	int64_t seconds = deliver_much_in_vain(w);

	T_CHECK(seconds > 7 + 1000);
	T_CHECK(seconds < 7 + IN_VAIN / 100);
}

static void
deliver_at_a_high_rate(struct world *w)
{
	T_EQ_INT(deliver_much_in_vain(w), 7);
}

static const char unread[] = PIPE MAIL
    "> 250 ok\n> 250 ok\n> 354 go\n~ 900000\n!\n";

T_TEST(time_for_the_content_grows_with_what_was_sent)
{
	struct world w = { .run = deliver_at_a_rate, .scripts = { unread },
		.settings = "smtp_data_xfer_timeout = 7s\n"
		"smtp_per_request_deadline = yes\n"
		"smtp_min_data_rate = 100\n" };

	world_run(&w);
}

T_TEST(at_a_high_rate_it_grows_by_nothing)
{
	struct world w = { .run = deliver_at_a_high_rate, .scripts = { unread },
		.settings = "smtp_data_xfer_timeout = 7s\n"
		"smtp_per_request_deadline = yes\n"
		"smtp_min_data_rate = 1000000000\n" };

	world_run(&w);
}

/* --- Several servers -----------------------------------------------------*/

static void
deliver_to_second(struct world *w)
{
	deliver(w, "[127.0.0.1]:@, [127.0.0.1]:@", OUTCOME_SENT);
	T_EQ_INT(count(w, "status="), 1);
	T_HAS_STR(str_cstr(&w->log), "3QueueId: host " HOST
	    " refused to talk to me: 450 busy\n");
}

T_TEST(the_next_server_is_tried)
{
	struct world w = { .run = deliver_to_second, .scripts = {
		"> 450 busy\n" QUIT, PIPE MAIL_OK QUIT } };

	world_run(&w);
}

static void
deliver_behind_closed_port(struct world *w)
{
	deliver(w, "[127.0.0.1]:1 [127.0.0.1]:@", OUTCOME_SENT);
	T_HAS_STR(str_cstr(&w->log), "3QueueId: connect to " HOST
	    ":1: Connection refused\n");
	T_EQ_INT(count(w, "status="), 1);
}

T_TEST(a_closed_port_leads_to_the_next_server)
{
	struct world w = { .run = deliver_behind_closed_port,
		.scripts = { PIPE MAIL_OK QUIT } };

	world_run(&w);
}

static void
deliver_some_later(struct world *w)
{
	static const struct world_mail two = { .sender = "me@client.example",
		.rcpts = { "a@x.example", "b@x.example", "c@x.example" },
		.content = "x\n" };
	struct world_result r;

	world_deliver(w, "[127.0.0.1]:@,[127.0.0.1]:@", &two, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_SENT);
	T_EQ_INT(r.kinds[1], OUTCOME_BOUNCED);
	T_EQ_INT(r.kinds[2], OUTCOME_SENT);
	T_EQ_STR(r.dead, "");
	T_HAS_STR(str_cstr(&w->log), "3QueueId: host " HOST
	    " said: 450 later (in reply to RCPT TO command)\n");
}

T_TEST(recipients_refused_for_now_go_to_the_next_server)
{
	struct world w = { .run = deliver_some_later, .scripts = {
		PIPE "< MAIL FROM:<me@client.example>\n"
		"< RCPT TO:<a@x.example>\n< RCPT TO:<b@x.example>\n"
		"< RCPT TO:<c@x.example>\n< DATA\n> 250 ok\n> 250 ok\n"
		"> 550 no\n> 450 later\n> 354 go\n.\n> 250 ok\n" QUIT,
		PIPE "< MAIL FROM:<me@client.example>\n"
		"< RCPT TO:<c@x.example>\n< DATA\n> 250 ok\n> 250 ok\n"
		"> 354 go\n.\n> 250 ok\n" QUIT } };

	world_run(&w);
}

static void
deliver_in_doubt(struct world *w)
{
	deliver(w, "[127.0.0.1]:@,[127.0.0.1]:@", OUTCOME_DEFERRED);
	T_EQ_INT(w->connections, 1);
	T_HAS_STR(str_cstr(&w->log), "may be sent more than once)");
}

T_TEST(a_message_that_may_have_been_taken_is_not_sent_elsewhere)
{
	struct world w = { .run = deliver_in_doubt, .scripts = {
		PIPE MAIL "> 250 ok\n> 250 ok\n> 354 go\n.\n!\n" } };

	world_run(&w);
}

static void
deliver_cut_short(struct world *w)
{
	struct world_mail cut = mail;
	struct world_result r;

	cut.short_file = true;
	world_deliver(w, "[127.0.0.1]:@", &cut, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_DEFERRED);
	T_HAS_STR(str_cstr(&w->log), "dsn=4.3.0, status=deferred (mail queue "
	    "file read error)");
}

T_TEST(no_dot_ends_a_message_that_is_not_whole)
{
	struct world w = { .run = deliver_cut_short, .scripts = {
		PIPE MAIL "> 250 ok\n> 250 ok\n> 354 go\n%\n" } };

	world_run(&w);
}

/* --- LMTP ----------------------------------------------------------------*/

#define LHLO "> 220 lmtp\n< LHLO client.example\n> 250-lmtp\n" \
	"> 250 PIPELINING\n"

static void
deliver_by_lmtp(struct world *w)
{
	static const struct world_mail four = { .sender = "",
		.rcpts = { "a", "b", "c", "d" }, .content = "x\n" };
	struct world_result r;
	struct str want = STR_EMPTY;

	world_deliver(w, "unix:@", &four, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_SENT);
	T_EQ_INT(r.kinds[1], OUTCOME_BOUNCED);
	T_EQ_INT(r.kinds[2], OUTCOME_DEFERRED);
	T_EQ_INT(r.kinds[3], OUTCOME_SENT);
	str_printf(&want, "to=<d>, relay=client.example[%s], delay=0, "
	    "delays=0/0/0/0, dsn=2.1.5, status=sent (250 2.1.5 d Saved)",
	    w->path);
	T_HAS_STR(str_cstr(&w->log), str_cstr(&want));
	T_HAS_STR(str_cstr(&w->log), "said: 452 4.2.2 full (in reply to end "
	    "of DATA command)");
	str_fini(&want);
}

T_TEST(lmtp_answers_for_each_recipient)
{
	struct world w = { .run = deliver_by_lmtp, .lmtp = true,
		.unix_socket = true, .scripts = {
		LHLO "< MAIL FROM:<>\n< RCPT TO:<a>\n< RCPT TO:<b>\n"
		"< RCPT TO:<c>\n< RCPT TO:<d>\n< DATA\n> 250 ok\n> 250 ok\n"
		"> 550 no\n> 250 ok\n> 250 ok\n> 354 go\n.\n> 250 ok\n"
		"> 452 4.2.2 full\n> 250 2.1.5 d Saved\n" QUIT } };

	world_run(&w);
}

/* --- Extensions ----------------------------------------------------------*/

static void
deliver_with_dsn(struct world *w)
{
	static const struct world_mail dsn = { .sender = "m e@client.example",
		.rcpts = { "a@x.example" }, .content = "x\n", .dsn_ret =
		DSN_RET_HDRS, .envid = "i d", .orcpt = "rfc822;a+b@y.example",
		.notify = DSN_NOTIFY_SUCCESS | DSN_NOTIFY_DELAY,
		.flags = ENVELOPE_8BIT };
	struct world_result r;

	world_deliver(w, "[127.0.0.1]:@", &dsn, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_SENT);
}

T_TEST(what_was_asked_for_is_passed_on_when_it_is_offered)
{
	struct world w = { .run = deliver_with_dsn, .scripts = {
		EHLO "> 250-mx\n> 250-DSN\n> 250 8bitmime\n"
		"< MAIL FROM:<\"m e\"@client.example> BODY=8BITMIME RET=HDRS "
		"ENVID=i+20d\n> 250 ok\n< RCPT TO:<a@x.example> "
		"NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@y.example\n"
		"> 250 ok\n< DATA\n> 354 go\n.\n> 250 ok\n" QUIT } };

	world_run(&w);
}

T_TEST(what_was_asked_for_is_left_out_when_it_is_not_offered)
{
	struct world w = { .run = deliver_with_dsn, .scripts = {
		EHLO "> 250 mx\n"
		"< MAIL FROM:<\"m e\"@client.example>\n> 250 ok\n"
		"< RCPT TO:<a@x.example>\n> 250 ok\n< DATA\n> 354 go\n.\n"
		"> 250 ok\n" QUIT } };

	world_run(&w);
}

static enum outcome_kind utf8_outcome;

static void
deliver_utf8(struct world *w)
{
	static const struct world_mail utf8 = { .sender = "me@client.example",
		.rcpts = { "gr\303\274n@x.example" }, .content = "x\n" };
	struct world_result r;

	world_deliver(w, "[127.0.0.1]:@", &utf8, &r);
	T_EQ_INT(r.kinds[0], utf8_outcome);
	if (utf8_outcome == OUTCOME_BOUNCED)
		T_HAS_STR(str_cstr(&w->log), "dsn=5.6.7, status=bounced "
		    "(SMTPUTF8 is required, but was not offered by host "
		    HOST ")");
}

T_TEST(an_address_in_utf8_needs_a_server_that_takes_it)
{
	struct world w = { .run = deliver_utf8, .scripts = {
		PIPE QUIT } };

	utf8_outcome = OUTCOME_BOUNCED;
	world_run(&w);
}

T_TEST(an_address_in_utf8_is_announced)
{
	struct world w = { .run = deliver_utf8, .scripts = {
		EHLO "> 250-mx\n> 250 SMTPUTF8\n"
		"< MAIL FROM:<me@client.example> SMTPUTF8\n> 250 ok\n"
		"< RCPT TO:<gr\303\274n@x.example>\n> 250 ok\n< DATA\n"
		"> 354 go\n.\n> 250 ok\n" QUIT } };

	utf8_outcome = OUTCOME_SENT;
	world_run(&w);
}

static void
deliver_line_breaks(struct world *w)
{
	static const struct world_mail evil = {
		.sender = "me@client.example", .rcpts = { "a@x.example",
		"b\r\nRCPT TO:<x@y>@x.example" }, .content = "x\n" };
	struct world_result r;

	world_deliver(w, "[127.0.0.1]:@", &evil, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_SENT);
	T_EQ_INT(r.kinds[1], OUTCOME_BOUNCED);
}

T_TEST(an_address_cannot_smuggle_a_command)
{
	struct world w = { .run = deliver_line_breaks, .scripts = {
		PIPE MAIL_OK QUIT } };

	world_run(&w);
}

static void
deliver_to_self(struct world *w)
{
	deliver(w, "[127.0.0.1]:@", OUTCOME_SENT);
	deliver(w, "127.0.0.1:@", OUTCOME_BOUNCED);
	T_HAS_STR(str_cstr(&w->log), "warning: 3QueueId: host " HOST);
	T_HAS_STR(str_cstr(&w->log), "replied to HELO/EHLO with my own "
	    "hostname client.example");
	T_HAS_STR(str_cstr(&w->log), "dsn=5.4.6, status=bounced (mail for "
	    "127.0.0.1 loops back to myself)");
}

T_TEST(a_loop_is_seen)
{
	struct world w = { .run = deliver_to_self, .scripts = {
		EHLO "> 250-Client.example\n> 250 PIPELINING\n" MAIL_OK QUIT,
		EHLO "> 250 client.example hello\n" QUIT } };

	world_run(&w);
}

/* --- Time ----------------------------------------------------------------*/

static void
deliver_to_slow(struct world *w)
{
	deliver(w, "[127.0.0.1]:@", OUTCOME_SENT);
}

#define SLOW EHLO "> 250-mx\n~ 200\n> 250-DSN\n~ 200\n> 250 PIPELINING\n"

T_TEST(each_line_of_a_reply_may_take_its_time)
{
	struct world w = { .run = deliver_to_slow, .scripts = {
		SLOW MAIL_OK QUIT } };

	world_run(&w);
}

static void
deliver_too_slowly(struct world *w)
{
	deliver(w, "[127.0.0.1]:@", OUTCOME_DEFERRED);
	T_HAS_STR(str_cstr(&w->log), "timed out while performing the EHLO "
	    "handshake)");
}

T_TEST(a_deadline_per_request_is_for_the_whole_reply)
{
	struct world w = { .run = deliver_too_slowly, .scripts = {
		EHLO "> 250-mx\n~ 200\n> 250-DSN\n~ 200\n=\n" },
		.settings = "smtp_per_request_deadline = yes\n" };

	world_run(&w);
}
