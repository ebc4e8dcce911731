/*
 * Each parameter of scheduling, from main.cf to what agents are given and when:
 * figures that would be others if it had no effect.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "daemons/qmgr/qmgr_priv.h"
#include "tests/daemons/qmgr/world.h"
#include "tests/harness/t.h"
#include "tests/harness/t_maps.h"

#define A "4F0A1B2C0A"
#define B "4F0A1B2C0B"
#define C "4F0A1B2C0C"

static size_t handed, retried;
static struct str order;		/* last letters of their ids */

static void
note(const struct delivery_request *rq)
{
	if (span_is(rq->transport, "retry"))
		retried++;
	else
		handed++;
	str_putc(&order, rq->queue_id.p[rq->queue_id.len - 1]);
}

static void
message_to(const char *id, const char *at, bool apart, int count)
{
	struct str rcpts = STR_EMPTY;

	for (int i = 0; i < count; i++)
		str_addf(&rcpts, apart ? "r%d@%s%d " : "r%d@%s ", i, at, i);
	world_message(QUEUE_INCOMING, id, "s@a", str_cstr(&rcpts));
	str_fini(&rcpts);
}

/* ---- how many, when ---- */

/* 40 deliveries of two recipients, each of which takes 100 ms; or as many to
 * places of their own. How many were begun after so many ms. */
struct pace {
	const char *at;
	bool apart;
	int64_t first_ms, every_ms;
	const char *figures;		/* retried ones behind a plus */
};

static void
run_pace(void *arg)
{
	const struct pace *pace = arg;
	struct str got = STR_EMPTY;

	world_handed = note;
	handed = retried = 0;
	message_to(A, pace->at, pace->apart, pace->apart ? 40 : 80);
	intake_scan(true, false, false);
	fiber_sleep(deadline_in_ms(pace->first_ms));
	for (int i = 0; i < 4; i++) {
		str_addf(&got, "%s%zu", i > 0 ? " " : "", handed);
		if (retried > 0)
			str_addf(&got, "+%zu", retried);
		fiber_sleep(deadline_in_ms(pace->every_ms));
	}
	T_EQ_STR(str_cstr(&got), pace->figures);
	world_settle(5000);
	world_handed = NULL;
	str_fini(&got);
}

#define PACE(what, conf, ...) \
	T_TEST(what) \
	{ \
		struct pace pace = __VA_ARGS__; \
		world_run("smtp_destination_recipient_limit = 2\n" conf, 200, \
		    run_pace, &pace); \
	}

/* Slow start: five, and one more for each success, to twenty. */
PACE(the_window_opens_with_each_success, "",
    { "d", false, 50, 100, "5 15 35 40" })
PACE(default_destination_concurrency_limit_bounds_it,
    "default_destination_concurrency_limit = 7",
    { "d", false, 50, 100, "5 12 19 26" })
PACE(a_transports_concurrency_limit_bounds_it,
    "default_destination_concurrency_limit = 3\n"
    "smtp_destination_concurrency_limit = 7",
    { "d", false, 50, 100, "5 12 19 26" })
PACE(a_limit_of_another_transport_does_not,
    "lmtp_destination_concurrency_limit = 7",
    { "d", false, 50, 100, "5 15 35 40" })
PACE(initial_destination_concurrency_is_where_it_begins,
    "initial_destination_concurrency = 2",
    { "d", false, 50, 100, "2 6 14 30" })
PACE(a_transports_initial_concurrency_is_where_it_begins,
    "smtp_initial_destination_concurrency = 1",
    { "d", false, 50, 100, "1 3 7 15" })
PACE(positive_feedback_may_be_a_fraction,
    "default_destination_concurrency_positive_feedback = 0.5",
    { "d", false, 50, 100, "5 12 23 39" })
PACE(positive_feedback_may_be_a_quotient,
    "smtp_destination_concurrency_positive_feedback = 1/5",
    { "d", false, 50, 100, "5 11 18 26" })
PACE(positive_feedback_may_shrink_with_the_window,
    "smtp_destination_concurrency_positive_feedback = 1/concurrency",
    { "d", false, 50, 100, "5 11 18 26" })
PACE(positive_feedback_may_shrink_with_its_root,
    "smtp_destination_concurrency_positive_feedback = 1 / sqrt_concurrency",
    { "d", false, 50, 100, "5 12 21 33" })
PACE(without_positive_feedback_it_stays,
    "smtp_destination_concurrency_positive_feedback = 0",
    { "d", false, 50, 100, "5 10 15 20" })

/* A place that fails: dead after one window of failures. */
PACE(a_place_is_dead_after_one_cohort, "",
    { "dead", false, 50, 100, "5 5+35 5+35 5+35" })
PACE(a_place_is_dead_after_three_cohorts,
    "default_destination_concurrency_failed_cohort_limit = 3",
    { "dead", false, 50, 100, "5 6 6+34 6+34" })
PACE(a_transports_cohorts_count,
    "smtp_destination_concurrency_failed_cohort_limit = 3",
    { "dead", false, 50, 100, "5 6 6+34 6+34" })
PACE(a_place_is_never_dead,
    "smtp_destination_concurrency_failed_cohort_limit = 0",
    { "dead", false, 50, 100, "5 6 7 8" })
PACE(negative_feedback_may_shrink_with_the_window,
    "smtp_destination_concurrency_failed_cohort_limit = 0\n"
    "smtp_destination_concurrency_negative_feedback = 1/concurrency",
    { "dead", false, 50, 100, "5 8 10 11" })
PACE(negative_feedback_may_be_a_quotient,
    "smtp_destination_concurrency_failed_cohort_limit = 0\n"
    "default_destination_concurrency_negative_feedback = 1/3",
    { "dead", false, 50, 100, "5 8 10 11" })
PACE(without_negative_feedback_it_stays,
    "smtp_destination_concurrency_failed_cohort_limit = 0\n"
    "smtp_destination_concurrency_negative_feedback = 0",
    { "dead", false, 50, 100, "5 10 15 20" })

PACE(a_rate_delay_lies_between_deliveries_to_a_place,
    "default_destination_rate_delay = 3s",
    { "d", false, 50, 3000, "1 2 3 4" })
PACE(a_transports_rate_delay_does,
    "default_destination_rate_delay = 3s\n"
    "smtp_destination_rate_delay = 1s",
    { "d", false, 50, 3000, "1 4 7 10" })
PACE(a_rate_delay_is_for_each_place,
    "smtp_destination_rate_delay = 3s",
    { "d", true, 50, 3000, "40 40 40 40" })
PACE(a_transport_rate_delay_lies_between_all_deliveries,
    "default_transport_rate_delay = 3s",
    { "d", true, 50, 3000, "1 2 3 4" })
PACE(a_transport_rate_delay_is_of_its_transport,
    "default_transport_rate_delay = 3s\nsmtp_transport_rate_delay = 1s",
    { "d", true, 50, 3000, "1 4 7 10" })
PACE(a_delivery_has_as_many_recipients_as_allowed,
    "smtp_destination_recipient_limit = 8",
    { "d", false, 50, 100, "5 10 10 10" })
PACE(deferred_transports_are_not_begun, "defer_transports = lmtp smtp",
    { "d", false, 50, 100, "0+2 0+2 0+2 0+2" })

/* ---- in which order ---- */

/* One after the other: A has 20 recipients, B has four, C has one. */
static void
run_order(void *arg)
{
	const char *want = arg;

	world_handed = note;
	str_clear(&order);
	message_to(A, "a", false, 20);
	intake_scan(true, false, false);
	fiber_sleep(deadline_in_ms(50));
	message_to(B, "b", false, 4);
	intake_scan(true, false, false);
	fiber_sleep(deadline_in_ms(10));
	message_to(C, "c", false, 1);
	intake_scan(true, false, false);
	world_settle(100);
	T_EQ_STR(str_cstr(&order), want);
	world_handed = NULL;
	str_fini(&order);
}

#define ORDER(what, conf, want) \
	T_TEST(what) \
	{ \
		world_run("smtp_destination_recipient_limit = 1\n" conf, 1, \
		    run_order, (void *)(uintptr_t)(want)); \
	}

ORDER(small_messages_go_before_a_large_one, "", "AAAAACAAAAABBBBAAAAAAAAAA")
ORDER(delivery_slot_cost_is_what_a_large_one_has_first,
    "smtp_delivery_slot_cost = 2", "AACAABBBBAAAAAAAAAAAAAAAA")
ORDER(no_delivery_slot_cost_means_first_come_first_served,
    "default_delivery_slot_cost = 0", "AAAAAAAAAAAAAAAAAAAABBBBC")
ORDER(delivery_slot_loan_is_had_in_advance,
    "smtp_delivery_slot_loan = 0", "AAAAACAAAAAAAAAABBBBAAAAA")
ORDER(delivery_slot_discount_is_given,
    "smtp_delivery_slot_discount = 0\ndefault_delivery_slot_loan = 0",
    "AAAAACAAAAAAAAAAAAAAABBBB")
ORDER(minimum_delivery_slots_are_for_larger_ones,
    "default_minimum_delivery_slots = 5", "AAAAAAAAAAAAAAAAAAAABBBBC")
ORDER(a_transports_minimum_is,
    "default_minimum_delivery_slots = 5\nsmtp_minimum_delivery_slots = 3",
    "AAAAACAAAAABBBBAAAAAAAAAA")

/* ---- what is wrong in main.cf ---- */

static const struct {
	const char *name, *value, *said;
} wrong[] = {
	{ "default", "1x", "found \"1x\", expected a number, or one divided" },
	{ "smtp", "1x", "found \"1x\", expected a number, or one divided" },
	{ "smtp", "1/5x", "found \"1/5x\", " },
	{ "smtp", "1/concurrencyx", "found \"1/concurrencyx\", " },
	{ "smtp", "1/0", "found \"1/0\", " },
	{ "smtp", "-1", "found \"-1\", " },
	{ "smtp", "/5", "found \"/5\", " },
	{ "smtp", "1/", "found \"1/\", " },
	{ "smtp", "x", "found \"x\", " },
	{ "smtp", "1.5", "\"1.5\" is not between 0 and 1" },
	{ "smtp", "3/2", "\"3/2\" is not between 0 and 1" },
};

static void
find_transport(void *arg)
{
	(void)arg;
	log_remove_sinks();		/* to standard error */
	transport_find(SPAN("smtp"));
}

T_TEST(a_feedback_that_is_none_is_named)
{
	static const char *const which[] = { "positive", "negative" };
	struct str conf = STR_EMPTY, said = STR_EMPTY;

	for (size_t i = 0; i < 2 * T_COUNT(wrong); i++) {
		size_t k = i / 2;

		T_CASEF("%s %s", which[i % 2], wrong[k].value);
		str_printf(&said, "%s_destination_concurrency_%s_feedback: ",
		    wrong[k].name, which[i % 2]);
		str_printf(&conf, "%s_destination_concurrency_%s_feedback "
		    "= %s", wrong[k].name, which[i % 2], wrong[k].value);
		str_adds(&said, wrong[k].said);
		T_DIES(1, str_cstr(&said), {
			world_run(str_cstr(&conf), 20, find_transport, NULL);
		});
	}
	str_fini(&conf);
	str_fini(&said);
}

/* ---- what is said ---- */

static void
debugged(void *arg)
{
	const char *log;

	logged();
	message_to(A, "d", false, 2);
	message_to(B, "dead", false, 1);
	intake_scan(true, false, false);
	world_settle(10);
	log = logged();
	if (arg == NULL) {
		T_CHECK(strstr(log, "feedback: ") == NULL);
		return;
	}
	T_HAS_STR(log, "feedback: transport smtp destination d: good: "
	    "concurrency 6 success 0.000 failure 0.000 failed cohorts 0.000, "
	    "in flight 0 waiting 0\n");
	T_HAS_STR(log, "feedback: transport smtp destination dead: failed: "
	    "concurrency 4 success 0.000 failure 0.000 failed cohorts 0.200, "
	    "in flight 0 waiting 0\n");
}

T_TEST(feedback_is_told_when_it_is_asked_for)
{
	world_run("destination_concurrency_feedback_debug = yes", 20, debugged,
	    (void *)1);
}

T_TEST(feedback_is_not_told_by_default)
{
	world_run("", 20, debugged, NULL);
}
