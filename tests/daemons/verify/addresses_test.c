/*
 * Tests of daemons/verify/addresses.c: a cache in memory or a file, probes that
 * the test answers, time that passes when it is told to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/verify/addresses.h"

#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/mail/conf.h"
#include "common/mail/conf_core.h"
#include "daemons/verify/verify_conf.h"
#include "tests/harness/t_maps.h"

static unsigned sent;
static char last_sent[256];
static enum probe_result result_of_send = PROBE_SENT;

static enum probe_result
send_double(struct span address, enum verify_status *status_out,
    struct str *text_out)
{
	sent++;
	snprintf(last_sent, sizeof(last_sent), "%.*s", SPAN_ARG(address));
	fiber_sleep(deadline_in_ms(10));
	*status_out = VERIFY_OK;
	str_sets(text_out, "aliased to multiple recipients");
	return result_of_send;
}

/* "OK yes", "OPEN ..." */
static const char *
ask(const char *address)
{
	static const char *const names[] = { "OK", "DEFER", "BOUNCE", "OPEN" };
	static char out[512];
	struct verify_answer answer = { .status = 0 };
	struct str text = STR_EMPTY;

	addresses_ask(SPAN(address), &answer, &text);
	T_NEED(answer.status <= VERIFY_OPEN);
	snprintf(out, sizeof(out), "%s %.*s", names[answer.status],
	    SPAN_ARG(answer.text));
	str_fini(&text);
	fiber_sleep(deadline_in(1));
	return out;
}

static bool
tell(const char *address, enum verify_status status, const char *text)
{
	return addresses_tell(SPAN(address), status, SPAN(text));
}

#define IN_PROGRESS "OPEN Address verification in progress"

static void
open_with(const char *conf)
{
	struct str text = STR_EMPTY, why = STR_EMPTY;

	str_addf(&text, "myhostname = mail.test\naddress_verify_map =\n%s",
	    conf);
	if (!conf_load_text("main.cf", str_span(&text), &why))
		t_fail(T_HERE, "%s", str_cstr(&why));
	conf_register(&conf_core_params);
	conf_register(&verify_params);
	T_NEED(conf_fill(&conf_core_params, &why)
	    && conf_fill(&verify_params, &why));
	if (!addresses_open(&why))
		t_fail(T_HERE, "%s", str_cstr(&why));
	addresses_send_by(send_double);
	str_fini(&text);
	str_fini(&why);
}

static void
run(fiber_fn *fn, const char *conf)
{
	keep_log();
	open_with(conf);
	sent = 0;
	result_of_send = PROBE_SENT;
	loop_start();
	fiber_run_main(fn, NULL);
	addresses_close();
}

static void
ask_and_tell(void *arg)
{
	T_EQ_STR(ask("a@b.example"), IN_PROGRESS);
	T_EQ_INT(sent, 1);
	T_EQ_STR(last_sent, "a@b.example");
	T_EQ_STR(ask("a@b.example"), IN_PROGRESS);
	T_EQ_INT(sent, 1);
	T_CHECK(!tell("other@b.example", VERIFY_OK, "yes"));
	T_EQ_STR(ask("other@b.example"), IN_PROGRESS);
	T_CHECK(tell("a@b.example", VERIFY_OK, "250 ok: here"));
	T_EQ_STR(ask("a@b.example"), "OK 250 ok: here");
	T_CHECK(!tell("a@b.example", VERIFY_BOUNCE, "550 forged"));
	T_EQ_STR(ask("a@b.example"), "OK 250 ok: here");
	T_EQ_INT(sent, 2);
	/* A week later, somebody has left. */
	fiber_sleep(deadline_in(8 * 86400));
	T_EQ_STR(ask("a@b.example"), "OK 250 ok: here");
	T_EQ_INT(sent, 3);
	T_CHECK(!tell("a@b.example", VERIFY_BOUNCE, "550 gone"));
	T_EQ_STR(ask("a@b.example"), "OK 250 ok: here");
	fiber_sleep(deadline_in(25 * 86400));
	T_EQ_STR(ask("a@b.example"), IN_PROGRESS);
	T_CHECK(tell("a@b.example", VERIFY_BOUNCE, "550 gone"));
	T_EQ_STR(ask("a@b.example"), "BOUNCE 550 gone");
	addresses_finish();
}

T_TEST(an_answer_counts_until_it_is_old)
{
	run(ask_and_tell, "");
}

static void
fail_without_cache(void *arg)
{
	T_EQ_STR(ask("a@b.example"), IN_PROGRESS);
	T_CHECK(tell("a@b.example", VERIFY_BOUNCE, "550 no"));
	T_EQ_STR(ask("a@b.example"), "BOUNCE 550 no");
	fiber_sleep(deadline_in(100));
	T_EQ_STR(ask("a@b.example"), IN_PROGRESS);
	T_EQ_INT(sent, 2);
	T_CHECK(tell("a@b.example", VERIFY_OK, "yes"));
	T_EQ_STR(ask("a@b.example"), "OK yes");
	addresses_finish();
}

T_TEST(without_a_negative_cache_a_failure_is_for_who_waits)
{
	run(fail_without_cache, "address_verify_negative_cache = no\n");
}

static void
know_at_once(void *arg)
{
	result_of_send = PROBE_KNOWN;
	T_EQ_STR(ask("list@b.example"), IN_PROGRESS);
	T_EQ_STR(ask("list@b.example"), "OK aliased to multiple recipients");
	result_of_send = PROBE_FAILED;
	T_EQ_STR(ask("a@b.example"), IN_PROGRESS);
	T_EQ_INT(sent, 2);
	T_EQ_STR(ask("a@b.example"), IN_PROGRESS);
	T_EQ_INT(sent, 3);
	addresses_finish();
}

T_TEST(a_probe_that_is_not_queued_is_sent_again)
{
	run(know_at_once, "");
}

static void
ask_too_much(void *arg)
{
	char address[40];

	for (int i = 0; i < 20; i++) {
		snprintf(address, sizeof(address), "a%d@b.example", i);
		T_EQ_STR(ask(address), IN_PROGRESS);
	}
	T_EQ_INT(sent, 5);
	T_CHECK(strstr(logged(), "5 probes have no answer yet "
	    "(address_verify_pending_request_limit)") != NULL);
	T_CHECK(tell("a1@b.example", VERIFY_OK, "yes"));
	T_EQ_STR(ask("a9@b.example"), IN_PROGRESS);
	T_EQ_INT(sent, 6);
	fiber_sleep(deadline_in(1001));
	T_EQ_STR(ask("a10@b.example"), IN_PROGRESS);
	T_EQ_INT(sent, 7);
	addresses_finish();
}

T_TEST(probes_without_an_answer_have_a_limit)
{
	run(ask_too_much, "address_verify_pending_request_limit = 5\n");
}

static void
clean(void *arg)
{
	T_EQ_INT(addresses_cleaned(), 0);
	ask("old@b.example");
	T_CHECK(tell("old@b.example", VERIFY_OK, "yes"));
	fiber_sleep(deadline_in(20 * 86400));
	ask("new@b.example");
	T_CHECK(tell("new@b.example", VERIFY_OK, "yes"));
	ask("lost@b.example");
	fiber_sleep(deadline_in(12 * 86400));
	ask("open@b.example");
	(void)logged();
	addresses_clean();
	T_CHECK(strstr(logged(), "full cleanup: retained=2 dropped=2 "
	    "entries") != NULL);
	T_CHECK(addresses_cleaned() > 0);
	T_CHECK(tell("open@b.example", VERIFY_OK, "yes"));
	T_EQ_STR(ask("new@b.example"), "OK yes");
	T_CHECK(!tell("lost@b.example", VERIFY_OK, "yes"));
	addresses_finish();
}

T_TEST(what_has_expired_is_thrown_out)
{
	run(clean, "");
}

/* Both were told so many hours ago. */
static void
grow_old(void *arg)
{
	static const struct {
		int hours;
		const char *there, *gone;
		bool there_probed, gone_probed;
	} ages[] = {
		{ 1, "OK yes", "BOUNCE no", false, false },
		{ 2, "OK yes", "BOUNCE no", false, true },
		{ 5, "OK yes", IN_PROGRESS, false, true },
		{ 7, "OK yes", IN_PROGRESS, true, true },
		{ 9, IN_PROGRESS, IN_PROGRESS, true, true },
	};

	(void)arg;
	for (size_t i = 0; i < T_COUNT(ages); i++) {
		char there[40], gone[40];

		T_CASEF("%d hours", ages[i].hours);
		snprintf(there, sizeof(there), "there%zu@b.example", i);
		snprintf(gone, sizeof(gone), "gone%zu@b.example", i);
		ask(there);
		ask(gone);
		T_CHECK(tell(there, VERIFY_OK, "yes"));
		T_CHECK(tell(gone, VERIFY_BOUNCE, "no"));
		fiber_sleep(deadline_in(ages[i].hours * 3600));
		sent = 0;
		T_EQ_STR(ask(there), ages[i].there);
		T_EQ_INT(sent, ages[i].there_probed);
		sent = 0;
		T_EQ_STR(ask(gone), ages[i].gone);
		T_EQ_INT(sent, ages[i].gone_probed);
	}
	addresses_finish();
}

T_TEST(times_of_refresh_and_expiry_are_those_that_are_set)
{
	run(grow_old, "address_verify_negative_refresh_time = 90m\n"
	    "address_verify_negative_expire_time = 4h\n"
	    "address_verify_positive_refresh_time = 6h\n"
	    "address_verify_positive_expire_time = 8h\n");
}

static bool
cleans_after(int64_t seconds)
{
	fiber_sleep(deadline_in(seconds));
	(void)logged();
	addresses_clean_if_due();
	return strstr(logged(), "full cleanup") != NULL;
}

static void
clean_in_turn(void *arg)
{
	(void)arg;
	T_CHECK(cleans_after(1));
	T_CHECK(!cleans_after(3 * 3600 - 1));
	T_CHECK(cleans_after(1));
	T_CHECK(!cleans_after(3600));
}

T_TEST(the_cache_is_cleaned_once_in_so_long)
{
	run(clean_in_turn, "address_verify_cache_cleanup_interval = 3h\n");
}

static void
clean_never(void *arg)
{
	(void)arg;
	T_CHECK(!cleans_after(1));
	T_CHECK(!cleans_after(40 * 86400));
}

T_TEST(a_cache_may_go_uncleaned)
{
	run(clean_never, "address_verify_cache_cleanup_interval = 0\n");
}

#if HAVE_DB || HAVE_LMDB
static void
remember(void *arg)
{
	ask("a@b.example");
	addresses_finish();
	addresses_close();
	/* Another process takes the answer to a probe of the one before. */
	open_with((const char *)arg);
	T_CHECK(tell("a@b.example", VERIFY_OK, "yes"));
	addresses_finish();
	addresses_close();
	open_with((const char *)arg);
	T_EQ_STR(ask("a@b.example"), "OK yes");
	T_EQ_INT(sent, 1);
	addresses_finish();
}

T_TEST(a_file_remembers_over_a_restart)
{
	char conf[400];

	snprintf(conf, sizeof(conf), "address_verify_map = btree:%s/c\n",
	    t_tmpdir());
	keep_log();
	open_with(conf);
	loop_start();
	fiber_run_main(remember, conf);
	addresses_close();
}
#endif
