/*
 * Messages through qmgr: delivered, deferred, bounced, expired, held.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/fs.h"
#include "common/io/offload.h"
#include "common/mail/conf_core.h"
#include "queue/outcome_log.h"
#include "tests/daemons/qmgr/world.h"
#include "tests/harness/t_maps.h"

#define ID1 "4F0A1B2C01"
#define ID2 "4F0A1B2C02"
#define ID3 "4F0A1B2C03"

static const struct {
	const char *name, *rcpts, *deliveries, *bounces, *left;
} fates[] = {
	{ "delivered", "ok@b", "smtp/b ok@b;", "", "gone" },
	{ "by next hop", "ok@b ok@c ok2@b", "smtp/b ok@b ok2@b;smtp/c ok@c;",
	    "", "gone" },
	{ "by transport", "ok@b ok@x.lmtp.via",
	    "smtp/b ok@b;lmtp/x ok@x.lmtp.via;", "", "gone" },
	{ "deferred", "defer@b", "smtp/b defer@b;", "", "deferred 1 of 1" },
	{ "in part", "ok@b defer@b ok2@b", "smtp/b ok@b defer@b ok2@b;", "",
	    "deferred 1 of 3" },
	{ "bounced", "bounce@b", "smtp/b bounce@b;", "failed " ID1 ";",
	    "gone" },
	{ "bounced in part", "bounce@b defer@b", "smtp/b bounce@b defer@b;",
	    "failed " ID1 ";", "deferred 1 of 2" },
	{ "slow", "slow@b", "smtp/b slow@b;", "", "gone" },
	{ "a destination that is dead", "ok@dead1", "smtp/dead1 ok@dead1;",
	    "", "deferred 1 of 1" },
};

static void
run_fates(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < T_COUNT(fates); i++) {
		enum queue_name where;
		struct str why = STR_EMPTY;

		T_CASE(fates[i].name);
		world_message(QUEUE_INCOMING, ID1, "s@a", fates[i].rcpts);
		intake_scan(true, false, false);
		world_settle(100);
		T_EQ_INT(intake_count(), 0);
		T_EQ_STR(world_deliveries(), fates[i].deliveries);
		T_EQ_STR(world_bounces(), fates[i].bounces);
		T_EQ_STR(world_find(ID1), fates[i].left);
		if (queue_find(queue_dir, SPAN(ID1), ~0u, &where) == QUEUE_OK)
			queue_remove(queue_dir, where, SPAN(ID1), &why);
		str_fini(&why);
	}
}

T_TEST(recipients_decide_what_becomes_of_a_message)
{
	world_run("", 20, run_fates, NULL);
}

static void
lines(void *arg)
{
	(void)arg;
	world_message(QUEUE_INCOMING, ID1, "s@a", "ok@b ok@c");
	logged();
	intake_scan(true, false, false);
	world_settle(10);
	T_EQ_STR(logged(), ID1 ": from=<s@a>, size=17, nrcpt=2 (queue active)\n"
	    ID1 ": removed\n");
}

T_TEST(a_message_is_logged_when_it_comes_and_when_it_goes)
{
	world_run("", 20, lines, NULL);
}

static void
retries(void *arg)
{
	(void)arg;
	world_message(QUEUE_INCOMING, ID1, "s@a", "ok@b defer@b");
	intake_scan(true, false, false);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "smtp/b ok@b defer@b;");
	T_EQ_STR(world_find(ID1), "deferred 1 of 2");
	T_CHECK(world_due_in(ID1) > 290 && world_due_in(ID1) <= 300);
	/* Not yet; then only who is left; then at once when asked for. */
	intake_scan(false, true, false);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "");
	fiber_sleep(deadline_in(301));
	intake_scan(false, true, false);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "smtp/b defer@b;");
	T_CHECK(world_due_in(ID1) > 290);
	intake_scan(false, true, true);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "smtp/b defer@b;");
}

T_TEST(deferred_mail_is_tried_again_when_it_is_due)
{
	world_run("", 20, retries, NULL);
}

/* Many files that are not due, and in the last directory one that is. */
static void
many_deferred(unsigned count)
{
	struct str from = STR_EMPTY, to = STR_EMPTY, why = STR_EMPTY;
	char id[QUEUE_ID_MAX];

	world_message(QUEUE_INCOMING, "0F0A1B2C00", "s@a", "ok@never");
	T_CHECK(queue_defer(queue_dir, SPAN("0F0A1B2C00"), QUEUE_INCOMING,
	    (time_t)clock_wall() + 1000, &why));
	queue_path(QUEUE_DEFERRED, SPAN("0F0A1B2C00"), &from);
	for (unsigned i = 1; i <= count; i++) {
		snprintf(id, sizeof(id), "0F0A1B%04X", i);
		queue_path(QUEUE_DEFERRED, SPAN(id), &to);
		T_CHECK(fs_link_at(queue_dir, str_cstr(&from), queue_dir,
		    str_cstr(&to), &why));
	}
	world_message(QUEUE_DEFERRED, "FF0A1B2C00", "s@a", "ok@late");
	str_fini(&from);
	str_fini(&to);
	str_fini(&why);
}

static void
new_first(void *arg)
{
	(void)arg;
	many_deferred(6000);
	intake_scan(false, true, false);
	fiber_yield();
	world_message(QUEUE_INCOMING, ID1, "s@a", "ok@new");
	intake_scan(true, false, false);
	for (int i = 0; i < 400 && offload_in_flight() > 0; i++)
		world_settle(1);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "smtp/new ok@new;smtp/late ok@late;");
}

T_TEST(new_mail_does_not_wait_for_a_look_at_what_is_deferred)
{
	world_run("", 20, new_first, NULL);
}

static void
back_off(void *arg)
{
	static const struct {
		int days;
		int64_t due;
	} ages[] = { { 0, 300 }, { 1, 4000 }, { 4, 4000 } };

	(void)arg;
	for (size_t i = 0; i < T_COUNT(ages); i++) {
		struct str why = STR_EMPTY;

		T_CASEF("%d days", ages[i].days);
		world_age_days = ages[i].days;
		world_message(QUEUE_DEFERRED, ID1, "s@a", "defer@b");
		intake_scan(false, true, false);
		world_settle(10);
		T_EQ_STR(world_find(ID1), "deferred 1 of 1");
		T_CHECK(world_due_in(ID1) > ages[i].due - 10
		    && world_due_in(ID1) <= ages[i].due);
		queue_remove(queue_dir, QUEUE_DEFERRED, SPAN(ID1), &why);
		str_fini(&why);
	}
}

T_TEST(older_mail_is_tried_less_often)
{
	world_run("", 20, back_off, NULL);
}

static void
expiry(void *arg)
{
	(void)arg;
	world_age_days = 6;
	world_message(QUEUE_DEFERRED, ID1, "s@a", "ok@b defer@b defer@c");
	world_message(QUEUE_DEFERRED, ID2, "", "defer@b");
	logged();
	intake_scan(false, true, false);
	world_settle(10);
	T_EQ_STR(world_find(ID1), "gone");
	T_EQ_STR(world_find(ID2), "gone");
	const char *log = logged(), *told = world_bounces();

	T_HAS_STR(log, ID1 ": from=<s@a>, status=expired, returned to "
	    "sender\n");
	T_HAS_STR(log, ID2 ": from=<>, status=expired, returned to sender\n");
	T_HAS_STR(told, "append " ID1 " defer@b 4.4.7 delivery time expired "
	    "defer@c 4.4.7 delivery time expired;");
	T_HAS_STR(told, "failed " ID1 ";");
	T_HAS_STR(told, "failed " ID2 ";");
}

T_TEST(mail_that_is_too_old_goes_back)
{
	world_run("", 20, expiry, NULL);
}

static void
expiry_untold(void *arg)
{
	(void)arg;
	world_age_days = 6;
	world_message(QUEUE_DEFERRED, ID1, "s@a", "defer@b defer@c");
	world_notice_fails = true;
	intake_scan(false, true, false);
	world_settle(10);
	T_EQ_STR(world_find(ID1), "deferred 0 of 2");
	world_deliveries();
	world_notice_fails = false;
	intake_scan(false, true, true);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "");
	T_HAS_STR(world_bounces(), "failed " ID1 ";");
	T_EQ_STR(world_find(ID1), "gone");
}

T_TEST(mail_that_went_back_is_not_tried_again_when_the_notice_is_late)
{
	world_run("", 20, expiry_untold, NULL);
}

/* ---- trouble ---- */

static void
dead(void *arg)
{
	(void)arg;
	world_message(QUEUE_INCOMING, ID1, "s@a", "ok@dead");
	intake_scan(true, false, false);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "smtp/dead ok@dead;");
	/* The next one is not even tried. */
	world_message(QUEUE_INCOMING, ID2, "s@a", "ok@dead ok@b");
	intake_scan(true, false, false);
	world_settle(10);
	const char *got = world_deliveries();

	T_HAS_STR(got, "retry/4.4.1 delivery temporarily suspended: "
	    "connection refused ok@dead;");
	T_HAS_STR(got, "smtp/b ok@b;");
	T_EQ_STR(world_find(ID2), "deferred 1 of 2");
	/* After a while, or a flush, it is. */
	fiber_sleep(deadline_in(301));
	intake_scan(false, true, true);
	world_settle(10);
	T_HAS_STR(world_deliveries(), "smtp/dead ok@dead;");
	transport_forget_trouble();
	world_message(QUEUE_INCOMING, ID3, "s@a", "ok@dead");
	intake_scan(true, false, false);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "smtp/dead ok@dead;");
}

T_TEST(a_dead_destination_is_left_alone_for_a_while)
{
	world_run("initial_destination_concurrency = 1", 20, dead, NULL);
}

static void
unable(void *arg)
{
	(void)arg;
	world_message(QUEUE_INCOMING, ID1, "s@a", "ok@unable");
	logged();
	intake_scan(true, false, false);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "smtp/unable ok@unable;");
	T_HAS_STR(logged(), "warning: transport smtp failure: mail system "
	    "configuration error\n");
	world_message(QUEUE_INCOMING, ID2, "s@a", "ok@b ok@x.lmtp.via");
	intake_scan(true, false, false);
	world_settle(10);
	const char *got = world_deliveries();

	T_HAS_STR(got, "retry/4.3.5 mail system configuration error ok@b;");
	T_HAS_STR(got, "lmtp/x ok@x.lmtp.via;");
	fiber_sleep(deadline_in(61));
	intake_scan(false, true, true);
	world_settle(10);
	T_HAS_STR(world_deliveries(), "smtp/b ok@b;");
}

T_TEST(an_agent_that_is_unable_gets_nothing_for_a_while)
{
	world_run("", 20, unable, NULL);
}

static void
missing(void *arg)
{
	(void)arg;
	world_message(QUEUE_INCOMING, ID1, "s@a", "ok@x.nosuch.via ok@b");
	logged();
	intake_scan(true, false, false);
	world_settle(100);
	const char *got = world_deliveries(), *log = logged();

	T_HAS_STR(got, "smtp/b ok@b;");
	T_HAS_STR(got, "retry/4.3.0 mail transport unavailable "
	    "ok@x.nosuch.via;");
	T_HAS_STR(log, "warning: connect to ");
	T_HAS_STR(log, "warning: transport nosuch failure: mail transport "
	    "unavailable\n");
	T_EQ_STR(world_find(ID1), "deferred 1 of 2");
}

T_TEST(mail_for_an_agent_that_does_not_exist_waits)
{
	world_run("", 20, missing, NULL);
}

static void
deferred_transport(void *arg)
{
	(void)arg;
	world_message(QUEUE_INCOMING, ID1, "s@a", "ok@x.lmtp.via ok@b");
	intake_scan(true, false, false);
	world_settle(10);
	const char *got = world_deliveries();

	T_HAS_STR(got, "retry/4.3.2 deferred transport ok@x.lmtp.via;");
	T_HAS_STR(got, "smtp/b ok@b;");
	world_rewrite_fails = true;
	world_message(QUEUE_INCOMING, ID2, "s@a", "ok@c");
	intake_scan(true, false, false);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "retry/4.3.0 address resolver failure "
	    "ok@c;");
	T_EQ_STR(world_find(ID2), "deferred 1 of 1");
}

T_TEST(deferred_transports_and_unknown_routes_wait)
{
	world_run("defer_transports = lmtp", 20, deferred_transport, NULL);
}

static void
crashes(void *arg)
{
	(void)arg;
	/* One message of many kills its agent: the others are delivered. */
	world_message(QUEUE_INCOMING, ID1, "s@a", "crash@b");
	world_message(QUEUE_INCOMING, ID2, "s@a", "ok@b");
	world_message(QUEUE_INCOMING, ID3, "s@a", "ok@c");
	logged();
	intake_scan(true, false, false);
	world_settle(30);
	const char *log = logged();

	T_EQ_STR(world_find(ID1), "hold 1 of 1");
	T_EQ_STR(world_find(ID2), "gone");
	T_EQ_STR(world_find(ID3), "gone");
	T_HAS_STR(log, "warning: " ID1 ": lost the delivery agent for "
	    "transport smtp: ");
	T_HAS_STR(log, "warning: " ID1 ": delivery agent for transport smtp "
	    "died 2 times with this message -- placed on hold\n");
	/* Both were lost; nothing runs beside what may be it. */
	T_EQ_STR(world_deliveries(), "smtp/b crash@b;smtp/b ok@b;smtp/c ok@c;"
	    "alone;!smtp/b crash@b;");
	/* A restart is no fault of the message. */
	world_message(QUEUE_INCOMING, ID2, "s@a", "crash1@b");
	intake_scan(true, false, false);
	world_settle(30);
	T_EQ_STR(world_find(ID2), "gone");
	T_EQ_STR(world_deliveries(), "smtp/b crash1@b;alone;"
	    "!smtp/b crash1@b;");
}

/* What was with the agent when it died is tried alone; an innocent message with
 * many recipients is then trusted again, and the guilty one has had its two. */
static void
crashes_with_many(void *arg)
{
	(void)arg;
	world_message(QUEUE_INCOMING, ID1, "s@a", "crash@a crash@b crash@c "
	    "crash@d crash@e crash@f");
	world_message(QUEUE_INCOMING, ID2, "s@a", "ok@k ok@l ok@m ok@n ok@o "
	    "ok@p ok@q ok@r");
	logged();
	intake_scan(true, false, false);
	world_settle(60);
	T_EQ_STR(world_find(ID1), "hold 6 of 6");
	T_EQ_STR(world_find(ID2), "gone");

	const char *did = world_deliveries();
	size_t suspects = 0, crashes = 0;

	for (const char *p = did; (p = strstr(p, "crash@")) != NULL; p++)
		crashes++;
	for (const char *p = did; (p = strstr(p, "!smtp/")) != NULL; p++)
		suspects++;
	/* The four that one process had, and the one that was tried alone. */
	T_EQ_INT(crashes, 5);
	T_EQ_INT(suspects, 1);
	T_EQ_INT(world_at_once <= 4, true);
}

T_TEST(a_poisoned_message_takes_others_down_once)
{
	world_run("", 4, crashes_with_many, NULL);
}

T_TEST(a_message_that_kills_its_agent_is_held_and_no_other)
{
	world_run("", 20, crashes, NULL);
}

static void
never_answers(void *arg)
{
	(void)arg;
	world_message(QUEUE_INCOMING, ID1, "s@a", "late@b");
	world_message(QUEUE_INCOMING, ID2, "s@a", "ok@b");
	logged();
	intake_scan(true, false, false);
	fiber_sleep(deadline_in(99));
	T_EQ_STR(world_find(ID1), "active 1 of 1");
	world_settle(10);
	T_HAS_STR(logged(), "warning: " ID1 ": transport smtp: no answer "
	    "within 100 s -- trying again later\n");
	T_EQ_STR(world_find(ID1), "deferred 1 of 1");
	T_EQ_STR(world_find(ID2), "gone");
	T_HAS_STR(world_deliveries(), "retry/4.3.0 delivery agent did not "
	    "answer within 100 seconds late@b;");
	/* Its agent may yet deliver it: nobody else begins meanwhile. */
	intake_scan(false, true, true);
	world_settle(10);
	T_HAS_STR(logged(), ID1 ": skipped, still being delivered\n");
	T_EQ_STR(world_deliveries(), "");
	fiber_sleep(deadline_in(2000));
	intake_scan(false, true, true);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "smtp/b late@b;");
	T_EQ_STR(world_find(ID1), "gone");
}

T_TEST(an_agent_that_never_answers_does_not_keep_the_message_for_ever)
{
	world_run("daemon_timeout = 100", 20, never_answers, NULL);
}

/* ---- senders are warned ---- */

static uint64_t handed_flags;
static int64_t told_since_us;

static void
note_flags(const struct delivery_request *rq)
{
	const struct envelope *e = rq->envelope.items;

	handed_flags = e->flags;
}

static void
note_since(const struct bounce_send *rq)
{
	told_since_us = rq->since_us;
}

static void
put_off_before(const char *id)
{
	struct outcome o = { .rcpt = SPAN("defer@b"), .action = DSN_DELAYED,
		.dsn = SPAN("4.0.0"), .reason = SPAN("later") };
	struct str why = STR_EMPTY;

	T_CHECK(outcome_log_append(queue_dir, QUEUE_DEFER, span_cstr(id), &o,
	    1, &why));
	str_fini(&why);
}

static void
warnings(void *arg)
{
	bool on = *(const bool *)arg;

	world_told = note_since;
	world_handed = note_flags;
	world_age_days = 1;
	world_message(QUEUE_DEFERRED, ID1, "s@a", "defer@b ok@c");
	put_off_before(ID1);
	world_age_days = 0;
	world_message(QUEUE_DEFERRED, ID2, "s@a", "defer@b");
	put_off_before(ID2);
	intake_scan(false, true, true);
	world_settle(10);
	T_CASE("once, of the last attempt alone; not for the young one");
	T_EQ_STR(world_bounces(), on ? "delayed " ID1 ";" : "");
	T_EQ_INT(handed_flags, 0);
	T_EQ_INT(told_since_us > 0, on);
	T_CASE("not again, and the file knows");
	intake_scan(false, true, true);
	world_settle(10);
	T_EQ_STR(world_bounces(), "");
	T_EQ_INT(handed_flags & ~(uint64_t)(ENVELOPE_WARNED
	    | ENVELOPE_CONFIRM), 0);
	T_CASE("agents are told that success is to be confirmed");
	handed_flags = 0;
	intake_file(QUEUE_DEFERRED, SPAN(ID1));
	world_settle(10);
	T_EQ_INT(handed_flags, on ? ENVELOPE_WARNED | ENVELOPE_CONFIRM : 0);
	world_handed = NULL;
	world_told = NULL;
}

T_TEST(a_sender_is_warned_once_when_mail_is_late)
{
	bool on = true;

	world_run("delay_warning_time = 2h\nconfirm_delay_cleared = yes", 20,
	    warnings, &on);
}

T_TEST(nobody_is_warned_by_default)
{
	bool on = false;

	world_run("", 20, warnings, &on);
}

static void
warning_fails(void *arg)
{
	(void)arg;
	world_age_days = 1;
	world_message(QUEUE_DEFERRED, ID1, "s@a", "defer@b");
	world_age_days = 0;
	put_off_before(ID1);
	world_notice_fails = true;
	intake_scan(false, true, true);
	world_settle(10);
	T_EQ_STR(world_bounces(), "");
	T_EQ_STR(world_find(ID1), "deferred 1 of 1");
	world_notice_fails = false;
	intake_scan(false, true, true);
	world_settle(10);
	T_EQ_STR(world_bounces(), "delayed " ID1 ";");
}

T_TEST(a_warning_that_cannot_be_queued_is_sent_after_the_next_attempt)
{
	world_run("delay_warning_time = 2", 20, warning_fails, NULL);
}

/* ---- senders that name recipients ---- */

static struct str senders;

static void
note_sender(const struct delivery_request *rq)
{
	const struct envelope *e = rq->envelope.items;

	str_addf(&senders, "%.*s:%zu;", SPAN_ARG(e->sender), rq->rcpts.count);
	T_CHECK(span_empty(e->verp));
}

static void
verp(void *arg)
{
	(void)arg;
	world_handed = note_sender;
	logged();
	world_verp = "+=";
	world_message(QUEUE_INCOMING, ID1, "own@a.test", "ok@b ok2@b ok3@c");
	intake_scan(true, false, false);
	world_settle(10);
	T_EQ_STR(str_cstr(&senders), "own+ok=b@a.test:1;own+ok3=c@a.test:1;"
	    "own+ok2=b@a.test:1;");
	T_HAS_STR(logged(), ID1 ": enabling VERP for sender \"own@a.test\"\n");
	T_CASE("nobody to name");
	str_clear(&senders);
	world_message(QUEUE_INCOMING, ID2, "", "ok@b ok2@b");
	world_verp = NULL;
	world_message(QUEUE_INCOMING, ID3, "own@a.test", "ok3@b ok4@b");
	intake_scan(true, false, false);
	world_settle(10);
	T_HAS_STR(str_cstr(&senders), "own@a.test:2;");
	T_CHECK(strstr(str_cstr(&senders), "+") == NULL);
	world_handed = NULL;
	str_fini(&senders);
}

T_TEST(the_sender_of_each_copy_names_its_recipient)
{
	world_run("", 20, verp, NULL);
}

/* ---- many ---- */

static void
limits(void *arg)
{
	struct str rcpts = STR_EMPTY;

	(void)arg;
	for (int i = 0; i < 120; i++)
		str_addf(&rcpts, "slow@d%d ", i);
	world_message(QUEUE_INCOMING, ID1, "s@a", str_cstr(&rcpts));
	world_message(QUEUE_INCOMING, ID2, "s@a",
	    "ok@x.lmtp.via ok1@x.lmtp.via ok2@x.lmtp.via slow@x.lmtp.via");
	intake_scan(true, false, false);
	world_settle(30);
	/* 20 at once by smtp; by lmtp each mailbox for itself, so 3 are done. */
	T_EQ_INT(world_at_once, 24);
	T_EQ_STR(world_find(ID2), "active 1 of 4");
	world_settle(600);
	T_EQ_STR(world_find(ID1), "gone");
	T_EQ_STR(world_find(ID2), "gone");
	str_fini(&rcpts);
}

T_TEST(the_process_limit_bounds_deliveries)
{
	world_run("lmtp_destination_recipient_limit = 1\n"
	    "lmtp_destination_concurrency_limit = 1", 20, limits, NULL);
}

static void
large(void *arg)
{
	struct str rcpts = STR_EMPTY;

	(void)arg;
	for (int i = 0; i < 150; i++)
		str_addf(&rcpts, "slow%s@d%d ", i % 2 ? "x" : "", i);
	world_message(QUEUE_INCOMING, ID1, "s@a", str_cstr(&rcpts));
	world_message(QUEUE_INCOMING, ID2, "s@a", "ok@b");
	intake_scan(true, false, false);
	world_settle(2);
	T_EQ_STR(world_find(ID2), "gone");
	world_settle(2000);
	T_EQ_STR(world_find(ID1), "gone");
	T_CHECK(world_at_once <= 20);
	str_fini(&rcpts);
}

T_TEST(a_large_message_is_read_in_pieces_and_stops_no_other)
{
	world_run("qmgr_message_recipient_limit = 20\n"
	    "qmgr_message_recipient_minimum = 5", 20, large, NULL);
}

static void
many(void *arg)
{
	char id[QUEUE_ID_MAX];

	(void)arg;
	for (int i = 0; i < 60; i++) {
		snprintf(id, sizeof(id), "4F0A1B3C%02X", (unsigned)i);
		world_message(QUEUE_INCOMING, id, "s@a", "ok@b");
	}
	intake_scan(true, false, false);
	fiber_sleep(deadline_in_ms(10));
	T_EQ_INT(intake_count(), 7);
	world_settle(100);
	fiber_sleep(deadline_in(2));
	for (int i = 0; i < 60; i++) {
		snprintf(id, sizeof(id), "4F0A1B3C%02X", (unsigned)i);
		T_EQ_STR(world_find(id), "gone");
	}
}

static void
clogged(void *arg)
{
	char id[QUEUE_ID_MAX];

	(void)arg;
	world_message(QUEUE_INCOMING, ID1, "s@a", "slow@other");
	for (int i = 0; i < 8; i++) {
		snprintf(id, sizeof(id), "4F0A1B3C%02X", (unsigned)i);
		world_message(QUEUE_INCOMING, id, "s@a", "slow@b");
	}
	logged();
	intake_scan(true, false, false);
	fiber_sleep(deadline_in(5));
	const char *log = logged();

	T_HAS_STR(log, "warning: mail for b is using up ");
	T_HAS_STR(log, " of 6 active queue entries\nwarning: you may need to "
	    "increase the main.cf smtp_destination_concurrency_limit from "
	    "2\nwarning: please avoid flushing the whole queue when you have");
	fiber_sleep(deadline_in(40));
	T_CHECK(strstr(logged(), "using up") == NULL);
	world_settle(900);
	T_EQ_STR(world_find(ID1), "gone");
}

static void
clogged_without_help(void *arg)
{
	char id[QUEUE_ID_MAX];
	const char *log;

	(void)arg;
	for (int i = 0; i < 8; i++) {
		snprintf(id, sizeof(id), "4F0A1B3C%02X", (unsigned)i);
		world_message(QUEUE_INCOMING, id, "s@a", "slow@b");
	}
	logged();
	intake_scan(true, false, false);
	fiber_sleep(deadline_in(5));
	log = logged();
	T_HAS_STR(log, "warning: mail for b is using up 6 of 6 active queue "
	    "entries\n");
	T_CHECK(strstr(log, "you may need") == NULL);
	T_CHECK(strstr(log, "please avoid") == NULL);
	world_settle(900);
}

/* How often that is said of a destination that takes none for a minute. */
static void
clogged_for_a_minute(void *arg)
{
	unsigned wanted = *(const unsigned *)arg, count = 0;
	char id[QUEUE_ID_MAX];

	for (int i = 0; i < 8; i++) {
		snprintf(id, sizeof(id), "4F0A1B3C%02X", (unsigned)i);
		world_message(QUEUE_INCOMING, id, "s@a", "slow@b");
	}
	logged();
	intake_scan(true, false, false);
	fiber_sleep(deadline_in(55));
	for (const char *p = logged(); (p = strstr(p, "using up")) != NULL; p++)
		count++;
	T_EQ_INT(count, wanted);
	world_settle(900);
}

T_TEST(how_often_it_is_said_is_set)
{
	unsigned wanted = 3;

	world_run("qmgr_message_active_limit = 6\nqmgr_clog_warn_time = 20s\n"
	    "smtp_destination_concurrency_limit = 2", 20,
	    clogged_for_a_minute, &wanted);
}

T_TEST(it_may_go_unsaid)
{
	unsigned wanted = 0;

	world_run("qmgr_message_active_limit = 6\nqmgr_clog_warn_time = 0\n"
	    "smtp_destination_concurrency_limit = 2", 20,
	    clogged_for_a_minute, &wanted);
}

T_TEST(helpful_warnings_may_be_turned_off)
{
	world_run("qmgr_message_active_limit = 6\nhelpful_warnings = no\n"
	    "smtp_destination_concurrency_limit = 2", 20,
	    clogged_without_help, NULL);
}

T_TEST(mail_that_fills_the_queue_is_said_now_and_then)
{
	world_run("qmgr_message_active_limit = 6\n"
	    "smtp_destination_concurrency_limit = 2", 20, clogged, NULL);
}

T_TEST(no_more_messages_are_active_than_allowed)
{
	world_run("qmgr_message_active_limit = 7", 20, many, NULL);
}

/* ---- coming and going ---- */

static void
notices(void *arg)
{
	struct arena *arena = arena_new();
	struct envelope e = { .sender = SPAN("s@a"), .data_size = 17,
		.arrival_us = clock_wall_us() };
	struct envelope_rcpt rcpts[2] = { { .address = SPAN("ok@b") },
		{ .address = SPAN("defer@b") } };
	struct queue_message q;
	struct qmgr_note note = { .queue_id = SPAN(ID1),
		.envelope = { &e, 1 }, .rcpts = { rcpts, 2 } };
	struct str why = STR_EMPTY;

	(void)arg;
	for (int with_rcpts = 0; with_rcpts < 2; with_rcpts++) {
		T_CASEF("recipients in the notice: %d", with_rcpts);
		world_message(QUEUE_INCOMING, ID1, "s@a", "ok@b defer@b");
		T_NEED(queue_message_open(queue_dir, QUEUE_INCOMING, SPAN(ID1),
		    true, true, arena, &q, &why) == QUEUE_OK);
		note.content_offset = q.layout.content_offset;
		note.content_length = q.layout.content_length;
		note.file_length = q.layout.file_length;
		note.rcpt_count = 2;
		if (with_rcpts) {
			size_t n = 0;
			uint64_t cursor = 0;

			queue_message_rcpts(&q, &cursor, 2, arena, rcpts, &n,
			    &why);
			T_EQ_INT(n, 2);
		}
		note.rcpts.count = with_rcpts ? 2 : 0;
		note.fd = q.fd;
		intake_note(&note, q.fd);
		/* Looking for it as well changes nothing. */
		intake_scan(true, false, false);
		world_settle(10);
		T_EQ_STR(world_deliveries(), "smtp/b ok@b defer@b;");
		T_EQ_STR(world_find(ID1), "deferred 1 of 2");
		queue_remove(queue_dir, QUEUE_DEFERRED, SPAN(ID1), &why);
	}
	/* One with nonsense in it is ignored. */
	note.queue_id = SPAN("../../etc/passwd");
	intake_note(&note, -1);
	note.envelope.count = 0;
	note.queue_id = SPAN(ID2);
	intake_note(&note, -1);
	T_EQ_INT(intake_count(), 0);
	str_fini(&why);
	arena_free(&arena);
}

T_TEST(a_notice_saves_reading_the_file)
{
	world_run("", 20, notices, NULL);
}

/* What cleanup kept of an expansion before it gave the message to us. */
static void
noted_with_log(void *arg)
{
	struct arena *arena = arena_new();
	struct envelope e = { .sender = SPAN("s@a"),
		.arrival_us = clock_wall_us() };
	struct outcome o = { .rcpt = SPAN("list@b"), .action = DSN_EXPANDED,
		.dsn = SPAN("2.0.0"), .notify = DSN_NOTIFY_SUCCESS };
	struct queue_message q;
	struct qmgr_note note = { .queue_id = SPAN(ID1),
		.envelope = { &e, 1 }, .rcpt_count = 1 };
	struct str why = STR_EMPTY;

	(void)arg;
	for (int has_log = 0; has_log < 2; has_log++) {
		T_CASEF("there is a log: %d", has_log);
		world_message(QUEUE_INCOMING, ID1, "s@a", "ok@b");
		T_NEED(queue_message_open(queue_dir, QUEUE_INCOMING, SPAN(ID1),
		    true, true, arena, &q, &why) == QUEUE_OK);
		if (has_log)
			T_NEED(outcome_log_append(queue_dir, QUEUE_TRACE,
			    SPAN(ID1), &o, 1, &why));
		note.has_log = has_log;
		note.content_offset = q.layout.content_offset;
		note.content_length = q.layout.content_length;
		note.file_length = q.layout.file_length;
		note.fd = q.fd;
		intake_note(&note, q.fd);
		world_settle(10);
		T_EQ_STR(world_deliveries(), "smtp/b ok@b;");
		T_EQ_STR(world_bounces(), has_log ? "trace " ID1 ";" : "");
		T_EQ_STR(world_find(ID1), "gone");
	}
	T_CHECK(outcome_log_remove(queue_dir, QUEUE_TRACE, SPAN(ID1), &why));
	str_fini(&why);
	arena_free(&arena);
}

T_TEST(who_was_expanded_is_told_of_though_nobody_else_asks_for_success)
{
	world_run("", 20, noted_with_log, NULL);
}

/* Nobody has mail twice for a notice that has to wait, nor does that wait for ever. */
static void
success_untold(void *arg)
{
	struct outcome o = { .rcpt = SPAN("ok@b"), .action = DSN_DELIVERED,
		.dsn = SPAN("2.0.0"), .notify = DSN_NOTIFY_SUCCESS };
	struct str why = STR_EMPTY;

	(void)arg;
	for (int old = 0; old < 2; old++) {
		T_CASEF("it is too old: %d", old);
		world_age_days = old ? 6 : 0;
		world_message(QUEUE_INCOMING, ID1, "s@a", "ok@b");
		T_NEED(outcome_log_append(queue_dir, QUEUE_TRACE, SPAN(ID1),
		    &o, 1, &why));
		world_notice_fails = true;
		intake_scan(true, false, false);
		world_settle(10);
		T_EQ_STR(world_deliveries(), "smtp/b ok@b;");
		T_EQ_STR(world_bounces(), "");
		T_EQ_STR(world_find(ID1), old ? "gone" : "deferred 0 of 1");
		world_notice_fails = false;
		intake_scan(false, true, true);
		world_settle(10);
		T_EQ_STR(world_deliveries(), "");
		T_EQ_STR(world_bounces(), old ? "" : "trace " ID1 ";");
		T_EQ_STR(world_find(ID1), "gone");
		T_CHECK(outcome_log_remove(queue_dir, QUEUE_TRACE, SPAN(ID1),
		    &why));
	}
	world_age_days = 0;
	str_fini(&why);
}

T_TEST(a_notice_of_success_that_cannot_be_queued_is_sent_later)
{
	world_run("", 20, success_untold, NULL);
}

static void
leave(void *arg)
{
	(void)arg;
	world_message(QUEUE_ACTIVE, ID1, "s@a", "ok@b ok@b2 slow@c slow@d");
	world_message(QUEUE_INCOMING, ID2, "s@a", "slow@b");
	intake_scan(true, false, false);
	intake_active_at_start();
	fiber_sleep(deadline_in(5));
	T_EQ_STR(world_find(ID1), "active 2 of 4");
	T_EQ_STR(world_find(ID2), "active 1 of 1");
	/* As drain does: nothing new is started, what is done is written. */
	dispatching = false;
	world_message(QUEUE_INCOMING, ID3, "s@a", "ok@b");
	intake_scan(true, false, false);
	while (dispatch_in_flight() > 0 || finish_busy() > 0)
		fiber_sleep(deadline_in(1));
	T_EQ_STR(world_find(ID1), "gone");
	T_EQ_STR(world_find(ID3), "incoming 1 of 1");
	world_deliveries();
	dispatching = true;
	intake_scan(true, false, false);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "smtp/b ok@b;");
}

T_TEST(a_younger_qmgr_gets_what_was_not_begun)
{
	world_run("", 20, leave, NULL);
}

static void
in_part(void *arg)
{
	struct queue_message q;
	struct arena *arena = arena_new();
	struct str why = STR_EMPTY;

	(void)arg;
	world_message(QUEUE_INCOMING, ID1, "s@a", "ok@b slow@c ok@d");
	intake_scan(true, false, false);
	fiber_sleep(deadline_in(1));
	T_EQ_INT(queue_message_open(queue_dir, QUEUE_ACTIVE, SPAN(ID1), true,
	    true, arena, &q, &why), QUEUE_BUSY);
	dispatching = false;
	while (dispatch_in_flight() > 0)
		fiber_sleep(deadline_in(1));
	intake_leave();
	/* One at a time to each place: only the first was handed over. */
	T_EQ_STR(world_deliveries(), "smtp/b ok@b;smtp/c slow@c;");
	T_EQ_STR(world_find(ID1), "active 1 of 3");
	T_EQ_INT(queue_message_open(queue_dir, QUEUE_ACTIVE, SPAN(ID1), true,
	    true, arena, &q, &why), QUEUE_OK);
	queue_message_close(&q);
	str_fini(&why);
	arena_free(&arena);
}

T_TEST(what_was_done_is_marked_when_another_takes_over)
{
	world_run("", 1, in_part, NULL);
}

static void
put_file(const char *path, const char *bytes, mode_t mode)
{
	int fd = openat(queue_dir, path, O_WRONLY | O_CREAT, 0600);

	T_NEED(fd >= 0);
	T_NEED(write(fd, bytes, strlen(bytes)) == (ssize_t)strlen(bytes));
	T_NEED(fchmod(fd, mode) == 0);
	close(fd);
}

static void
leftovers(void *arg)
{
	(void)arg;
	put_file("incoming/1/" ID1, "WAYPOST1E", 0600);
	put_file("deferred/" ID2, "WAYPOST1E", 0700);
	put_file("deferred/" ID3, "nonsense", 0700);
	logged();
	intake_scan(true, true, true);
	world_settle(10);
	const char *log = logged();

	T_EQ_STR(world_deliveries(), "");
	T_HAS_STR(log, "warning: " ID2 ": queue file without an end -- moved "
	    "to corrupt\n");
	T_HAS_STR(log, "warning: " ID3 ": damaged queue file: ");
	T_EQ_INT(faccessat(queue_dir, "incoming/1/" ID1, F_OK, 0), 0);
	T_EQ_INT(faccessat(queue_dir, "corrupt/" ID2, F_OK, 0), 0);
	T_EQ_INT(faccessat(queue_dir, "corrupt/" ID3, F_OK, 0), 0);
}

T_TEST(what_others_left_is_set_aside)
{
	world_run("", 20, leftovers, NULL);
}

/* The middle of a file never reached the disk, its end did. */
static void
hollow(void *arg)
{
	/* In a thread where it takes long. */
	static const size_t sizes[] = { 17, 300000 };

	(void)arg;
	for (size_t i = 0; i < T_COUNT(sizes); i++) {
		int fd;

		T_CASEF("%zu bytes", sizes[i]);
		world_content_bytes = sizes[i];
		world_message(QUEUE_INCOMING, ID1, "s@a", "ok@b");
		fd = openat(queue_dir, "incoming/1/" ID1, O_RDWR);
		/* in the content, in front of the trailer */
		T_NEED(fd >= 0 && pwrite(fd, "hole", 4, lseek(fd, 0, SEEK_END)
		    - 60) == 4);
		close(fd);
		logged();
		intake_scan(true, false, false);
		world_settle(10);
		T_EQ_STR(world_deliveries(), "");
		T_HAS_STR(logged(), "warning: " ID1 ": damaged queue file: "
		    "checksum does not match -- moved to corrupt\n");
		T_EQ_INT(unlinkat(queue_dir, "corrupt/" ID1, 0), 0);
	}
}

T_TEST(a_file_that_is_not_whole_is_not_delivered)
{
	world_run("", 20, hollow, NULL);
}

/* Its first recipient bounced and was marked, then the power failed before the
 * file moved to active. */
static void
bounce_of_an_earlier_life(void *arg)
{
	struct outcome o = { .rcpt = SPAN("gone@b"), .action = DSN_FAILED,
		.dsn = SPAN("5.1.1"), .reason = SPAN("no such user") };
	struct str why = STR_EMPTY;

	(void)arg;
	world_message(QUEUE_INCOMING, ID1, "s@a", "ok@b");
	T_CHECK(outcome_log_append(queue_dir, QUEUE_BOUNCE, SPAN(ID1), &o, 1,
	    &why));
	intake_scan(true, false, false);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "smtp/b ok@b;");
	T_EQ_STR(world_bounces(), "failed " ID1 ";");
	T_EQ_STR(world_find(ID1), "gone");
	str_fini(&why);
}

T_TEST(what_bounced_before_a_restart_is_told_after_it)
{
	world_run("", 20, bounce_of_an_earlier_life, NULL);
}
