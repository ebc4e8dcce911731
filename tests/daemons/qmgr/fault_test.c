/*
 * Each call that can fail fails once while a message goes through qmgr: it is
 * delivered, bounced and told all the same, and nothing is left open.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/fault.h"
#include "common/io/fs.h"
#include "tests/daemons/qmgr/world.h"
#include "tests/harness/t_maps.h"

#define ID "4F0A1B2C01"
#define SLICES \
	"qmgr_message_recipient_minimum = 1\ndefault_recipient_limit = 2\n" \
	"default_recipient_refill_limit = 1\n"

static size_t
count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
		n++;
	return n;
}

static void
try_again(void)
{
	transport_forget_trouble();
	intake_scan(true, true, true);
	world_settle(100);
}

/* ---- any call, once ---- */

static const struct {
	const char *name, *rcpts, *left;
	const char *delivered[8];
	bool notice;
	enum queue_name where;
	int days;
} runs[] = {
	{ "delivered", "ok@b ok@c", "gone", { "ok@b", "ok@c" }, false,
	    QUEUE_INCOMING, 0 },
	{ "deferred in part", "ok@b defer@b", "deferred 1 of 2", { "ok@b" },
	    false, QUEUE_INCOMING, 0 },
	{ "bounced in part", "ok@b bounce@c", "gone", { "ok@b", "bounce@c" },
	    true, QUEUE_INCOMING, 0 },
	{ "from deferred", "ok@b bounce@c", "gone", { "ok@b", "bounce@c" },
	    true, QUEUE_DEFERRED, 0 },
	{ "in slices", "ok@b ok@c defer@d bounce@e ok@f ok@g.lmtp.via ok@h "
	    "ok@i", "deferred 1 of 8", { "ok@b", "ok@c", "bounce@e", "ok@f",
	    "ok@g", "ok@h", "ok@i" }, true, QUEUE_INCOMING, 0 },
	{ "expired", "ok@b defer@c", "gone", { "ok@b", "defer@c" }, true,
	    QUEUE_DEFERRED, 6 },
};

/* True when some call failed. */
static bool
run_once(size_t i, int nth, int error)
{
	const char *done, *told;
	struct str deliveries = STR_EMPTY, bounces = STR_EMPTY;
	char where[100];
	bool hit;

	world_age_days = runs[i].days;
	world_message(runs[i].where, ID, "s@a", runs[i].rcpts);
	world_deliveries();
	world_bounces();
	fault_arm(NULL, nth, error);
	intake_scan(true, true, true);
	world_settle(100);
	hit = fault_was_hit();
	snprintf(where, sizeof(where), "%s", fault_hit_name());
	T_CASEF("%s, pass %d, %s", runs[i].name, nth, where);
	for (int round = 0; round < 5; round++) {
		str_adds(&deliveries, world_deliveries());
		str_adds(&bounces, world_bounces());
		if (strcmp(world_find(ID), runs[i].left) == 0
		    && (!runs[i].notice
		    || count(str_cstr(&bounces), "failed " ID ";") > 0))
			break;
		fault_disarm();
		fiber_sleep(deadline_in(10));
		try_again();
	}
	fault_disarm();
	done = str_cstr(&deliveries);
	told = str_cstr(&bounces);
	T_EQ_STR(world_find(ID), runs[i].left);
	T_EQ_INT(intake_count(), 0);
	for (size_t k = 0; k < T_COUNT(runs[i].delivered); k++) {
		const char *rcpt = runs[i].delivered[k];

		if (rcpt == NULL)
			break;
		T_HAS_STR(done, rcpt);
		/* Twice where the agent could not be heard, never more. */
		T_CHECK(count(done, rcpt) <= (hit ? 2 : 1));
	}
	T_EQ_INT(count(told, "failed " ID ";") >= 1, runs[i].notice);
	T_CHECK(count(told, "failed " ID ";") <= (hit ? 2 : 1));
	str_fini(&deliveries);
	str_fini(&bounces);
	return hit;
}

struct kind {
	size_t run;
	int error;
};

static void
each_call_fails_once(void *arg)
{
	const struct kind *kind = arg;
	size_t before = 0;
	int nth;

	for (nth = 1; !t_failed(); nth++) {
		struct str why = STR_EMPTY;
		enum queue_name where;
		bool hit = run_once(kind->run, nth, kind->error);

		if (queue_find(queue_dir, SPAN(ID), ~0u, &where) == QUEUE_OK)
			queue_remove(queue_dir, where, SPAN(ID), &why);
		str_fini(&why);
		/* Connections of peers come and go. */
		fiber_sleep(deadline_in(200));
		if (nth == 1)
			before = t_open_fds();
		T_EQ_INT(t_open_fds(), before);
		if (!hit)
			break;
	}
	T_CHECK(nth > 30);
}

#define ANY_CALL(what, run, error, conf) \
	T_TEST(what) \
	{ \
		struct kind kind = { run, error }; \
		world_run(conf, 20, each_call_fails_once, &kind); \
	}

ANY_CALL(any_call_may_fail_for_mail_that_is_delivered, 0, EIO, "")
ANY_CALL(any_call_may_fail_for_mail_that_is_deferred, 1, EIO, "")
ANY_CALL(any_call_may_fail_for_mail_that_bounces, 2, EIO, "")
ANY_CALL(any_call_may_fail_for_mail_from_deferred, 3, EIO, "")
ANY_CALL(any_call_may_fail_for_mail_that_is_read_in_slices, 4, EIO, SLICES)
ANY_CALL(any_call_may_fail_for_mail_that_expires, 5, EIO, "")
ANY_CALL(any_call_may_find_no_descriptor, 2, EMFILE, "")

/* ---- what lasts ---- */

static void
cannot_be_removed(void *arg)
{
	(void)arg;
	world_message(QUEUE_INCOMING, ID, "s@a", "ok@b");
	logged();
	fault_arm_lasting("fs.unlink", 1, EROFS);
	intake_scan(true, false, false);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "smtp/b ok@b;");
	/* It is not found and delivered again, nor complained of each time. */
	try_again();
	T_EQ_STR(world_deliveries(), "");
	T_EQ_INT(count(logged(), "cannot remove"), 1);
	/* Who comes after us knows as well. */
	T_EQ_STR(world_find(ID), "active 0 of 1");
	fault_disarm();
	world_settle(10);
	T_EQ_STR(world_find(ID), "gone");
	T_HAS_STR(logged(), ID ": removed\n");
}

T_TEST(a_message_that_cannot_be_removed_is_not_delivered_again)
{
	world_run("", 20, cannot_be_removed, NULL);
}

static void
cannot_be_marked(void *arg)
{
	(void)arg;
	world_message(QUEUE_INCOMING, ID, "s@a", "ok@b defer@b");
	fault_arm_lasting("fs.pwrite", 1, EIO);
	intake_scan(true, false, false);
	world_settle(10);
	T_EQ_STR(world_find(ID), "active 2 of 2");
	fault_disarm();
	world_settle(10);
	T_EQ_STR(world_find(ID), "deferred 1 of 2");
	T_EQ_STR(world_deliveries(), "smtp/b ok@b defer@b;");
}

T_TEST(what_cannot_be_marked_yet_is_not_put_away)
{
	world_run("", 20, cannot_be_marked, NULL);
}

static void
cannot_be_asked(void *arg)
{
	(void)arg;
	world_message(QUEUE_INCOMING, ID, "s@a", "ok@b bounce@b");
	fault_arm_lasting("fs.look", 1, EIO);
	intake_scan(true, false, false);
	world_settle(10);
	T_EQ_STR(world_bounces(), "");
	T_EQ_STR(world_find(ID), "gone");	/* which asks, too */
	fault_disarm();
	T_EQ_STR(world_find(ID), "deferred 0 of 2");
	try_again();
	T_EQ_STR(world_bounces(), "failed " ID ";");
	T_EQ_STR(world_find(ID), "gone");
}

T_TEST(a_notice_waits_until_its_log_can_be_looked_for)
{
	world_run("", 20, cannot_be_asked, NULL);
}

static void
marked_before_told(void *arg)
{
	(void)arg;
	/* Reloaded within the second: the mark is written, the file young. */
	world_message(QUEUE_INCOMING, ID, "s@a", "bounce@b slow@c");
	intake_scan(true, false, false);
	fiber_sleep(deadline_in(5));
	T_EQ_STR(world_find(ID), "active 1 of 2");
	dispatching = false;
	fiber_sleep(deadline_in(100));
	dispatching = true;
	intake_scan(true, true, true);
	world_settle(10);
	T_EQ_STR(world_find(ID), "gone");
	T_HAS_STR(world_bounces(), "failed " ID ";");
}

T_TEST(a_bounce_that_was_marked_is_told)
{
	world_run("", 20, marked_before_told, NULL);
}

static void
marked_in_incoming(void *arg)
{
	struct queue_message q;
	struct arena *arena = arena_new();
	struct envelope_rcpt rcpts[2];
	struct str why = STR_EMPTY;
	uint64_t cursor = 0;
	size_t n;

	(void)arg;
	world_message(QUEUE_INCOMING, ID, "s@a", "bounce@b ok@c");
	T_NEED(queue_message_open(queue_dir, QUEUE_INCOMING, SPAN(ID), false,
	    true, arena, &q, &why) == QUEUE_OK);
	T_EQ_INT(queue_message_rcpts(&q, &cursor, 2, arena, rcpts, &n, &why),
	    QUEUE_OK);
	queue_message_close(&q);
	/* As a qmgr left it that was told to leave. */
	T_EQ_INT(queue_marks_write(queue_dir, QUEUE_INCOMING, SPAN(ID),
	    &rcpts[0].mark_at, 1, &why), QUEUE_OK);
	int fd = fs_open_append_at(queue_dir, "bounce/" ID, 0600, &why);

	T_NEED(fd >= 0);
	close(fd);
	intake_scan(true, false, false);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "smtp/c ok@c;");
	T_HAS_STR(world_bounces(), "failed " ID ";");
	T_EQ_STR(world_find(ID), "gone");
	str_fini(&why);
	arena_free(&arena);
}

T_TEST(marks_in_incoming_make_us_look_for_logs)
{
	world_run("", 20, marked_in_incoming, NULL);
}

/* ---- the clock ---- */

static void
clock_goes_back(void *arg)
{
	(void)arg;
	world_message(QUEUE_INCOMING, ID, "s@a", "ok@b defer@b");
	intake_scan(true, false, false);
	world_settle(10);
	T_EQ_STR(world_find(ID), "deferred 1 of 2");
	world_deliveries();
	/* A year: what was due in five minutes is not due in a year. */
	clock_set_virtual(clock_now_ns(), clock_wall_us()
	    - INT64_C(31536000000000));
	intake_scan(false, true, false);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "smtp/b defer@b;");
	T_EQ_STR(world_find(ID), "deferred 1 of 2");
	T_CHECK(world_due_in(ID) > 0 && world_due_in(ID) <= 4000);
}

T_TEST(a_clock_that_is_set_back_stops_no_mail)
{
	world_run("", 20, clock_goes_back, NULL);
}

static void
clock_goes_back_while_active(void *arg)
{
	(void)arg;
	world_message(QUEUE_INCOMING, ID, "s@a", "ok@b slow@c");
	intake_scan(true, false, false);
	fiber_sleep(deadline_in_ms(300));
	clock_set_virtual(clock_now_ns(), clock_wall_us()
	    - INT64_C(31536000000000));
	/* It is swept like any other: moved, and marked. */
	fiber_sleep(deadline_in(5));
	T_EQ_STR(world_find(ID), "active 1 of 2");
	world_settle(100);
	T_EQ_STR(world_find(ID), "gone");
}

T_TEST(a_clock_that_is_set_back_changes_nothing_for_active_mail)
{
	world_run("", 20, clock_goes_back_while_active, NULL);
}

static void
clock_goes_forward(void *arg)
{
	(void)arg;
	world_message(QUEUE_INCOMING, ID, "s@a", "ok@b defer@b");
	intake_scan(true, false, false);
	world_settle(10);
	world_deliveries();
	/* Five years: it is tried, then it is too old, and its sender hears. */
	clock_set_virtual(clock_now_ns(), clock_wall_us()
	    + INT64_C(157680000000000));
	intake_scan(false, true, false);
	world_settle(10);
	T_EQ_STR(world_deliveries(), "smtp/b defer@b;");
	T_HAS_STR(world_bounces(), "failed " ID ";");
	T_EQ_STR(world_find(ID), "gone");
}

T_TEST(a_clock_that_leaps_ahead_loses_no_mail)
{
	world_run("", 20, clock_goes_forward, NULL);
}

/* ---- very many files ---- */

/* Not due for an hour; what is in them does not matter then. */
static void
fill_deferred(size_t n)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = clock_wall() + 3600 } };
	char path[64];

	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "deferred/5F%08zX", i);
		int fd = openat(queue_dir, path, O_WRONLY | O_CREAT, 0700);

		T_NEED(fd >= 0 && futimens(fd, times) == 0);
		close(fd);
	}
}

static void
many_files(void *arg)
{
	bool is_long = getenv("WAYPOST_LONG") != NULL;

	(void)arg;
	fill_deferred(is_long ? 1000000 : 5000);
	world_message(QUEUE_DEFERRED, ID, "s@a", "ok@b");
	intake_scan(false, true, false);
	/* New mail does not wait until the directory was read. */
	world_message(QUEUE_INCOMING, "4F0A1B2C02", "s@a", "ok@c");
	intake_scan(true, false, false);
	world_settle(100);
	fiber_sleep(deadline_in(10));
	T_EQ_STR(world_find(ID), "gone");
	T_EQ_STR(world_find("4F0A1B2C02"), "gone");
	T_EQ_INT(intake_count(), 0);
	T_EQ_INT(count(world_deliveries(), ";"), 2);
}

T_TEST(a_due_message_is_found_among_very_many_that_are_not)
{
	world_run("maximal_backoff_time = 2h", 20, many_files, NULL);
}
