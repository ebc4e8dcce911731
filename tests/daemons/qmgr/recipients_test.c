/*
 * How many recipients of large messages are in memory, and when more are read:
 * figures that each parameter changes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <malloc.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/pages.h"
#include "common/io/loop.h"
#include "daemons/qmgr/qmgr_priv.h"
#include "tests/daemons/qmgr/world.h"
#include "tests/harness/t.h"

#define BIG "4F0A1B2C01"
#define OTHER "4F0A1B2C02"

/* Each at a place of its own, where it takes a minute, or 100 ms. */
static void
message_for(const char *id, const char *local, const char *under, int count)
{
	struct str rcpts = STR_EMPTY;

	for (int i = 0; i < count; i++)
		str_addf(&rcpts, "%s@%s%d ", local, under, i);
	world_message(QUEUE_INCOMING, id, "s@a", str_cstr(&rcpts));
	str_fini(&rcpts);
}

static uint64_t
in_memory(void)
{
	return transport_find(SPAN("smtp"))->recipients;
}

/* ---- limits ---- */

/* Nothing is decided within the first minute; 20 are at its end. */
static const struct limit {
	const char *name, *conf;
	int other;			/* a second message's recipients */
	uint64_t at_first, after_10_s, after_90_s;
} limits[] = {
	{ "all of them", "", 0, 300, 300, 280 },
	{ "what all messages may have, at first",
	    "qmgr_message_recipient_limit = 40", 0, 40, 300, 280 },
	{ "what a transport may have", "smtp_recipient_limit = 30", 0,
	    30, 30, 30 },
	{ "by its default", "default_recipient_limit = 30", 0, 30, 30, 30 },
	{ "another transport's", "lmtp_recipient_limit = 30", 0,
	    300, 300, 280 },
	{ "each message has some", "smtp_recipient_limit = 30\n"
	    "qmgr_message_recipient_minimum = 7", 50, 37, 37, 30 },
	{ "each has more", "smtp_recipient_limit = 30\n"
	    "qmgr_message_recipient_minimum = 12", 50, 42, 42, 30 },
	{ "no fewer than so many are read", "smtp_recipient_limit = 30\n"
	    "smtp_recipient_refill_limit = 21\n"
	    "smtp_recipient_refill_delay = 1h", 0, 30, 30, 10 },
	{ "so many are", "smtp_recipient_limit = 30\n"
	    "smtp_recipient_refill_limit = 20\n"
	    "smtp_recipient_refill_delay = 1h", 0, 30, 30, 30 },
	{ "fewer after a while", "smtp_recipient_limit = 30\n"
	    "smtp_recipient_refill_limit = 21\n"
	    "smtp_recipient_refill_delay = 80s", 0, 30, 30, 30 },
	{ "not yet", "smtp_recipient_limit = 30\n"
	    "smtp_recipient_refill_limit = 21\n"
	    "smtp_recipient_refill_delay = 95s", 0, 30, 30, 10 },
};

static void
run_limit(void *arg)
{
	const struct limit *limit = arg;

	T_CASE(limit->name);
	message_for(BIG, "slow", "big", 300);
	if (limit->other > 0)
		message_for(OTHER, "slow", "other", limit->other);
	intake_scan(true, false, false);
	fiber_sleep(deadline_in_ms(500));
	T_EQ_INT(in_memory(), limit->at_first);
	fiber_sleep(deadline_in(10));
	T_EQ_INT(in_memory(), limit->after_10_s);
	fiber_sleep(deadline_in(80));
	T_EQ_INT(in_memory(), limit->after_90_s);
	world_settle(3000);
	T_EQ_INT(in_memory(), 0);
	T_EQ_STR(world_find(BIG), "gone");
	T_EQ_STR(world_find(OTHER), "gone");
}

#define LIMIT(what, n) \
	T_TEST(what) \
	{ \
		struct limit limit = limits[n]; \
		world_run(limit.conf, 20, run_limit, &limit); \
	}
LIMIT(all_recipients_are_in_memory_by_default, 0)
LIMIT(a_message_that_comes_finds_what_others_leave, 1)
LIMIT(a_transport_has_no_more_recipients_than_its_limit, 2)
LIMIT(a_transport_takes_the_default_limit, 3)
LIMIT(a_limit_is_of_its_transport, 4)
LIMIT(each_message_has_the_minimum, 5)
LIMIT(each_message_has_a_larger_minimum, 6)
LIMIT(few_are_not_worth_reading, 7)
LIMIT(enough_are_worth_reading, 8)
LIMIT(few_are_read_after_the_delay, 9)
LIMIT(few_are_not_read_before_the_delay, 10)

/* ---- extra room ---- */

static uint64_t most_in_memory, with_other;

static void
watch(const struct delivery_request *rq)
{
	if (in_memory() > most_in_memory)
		most_in_memory = in_memory();
	if (span_is(rq->queue_id, OTHER) && in_memory() > with_other)
		with_other = in_memory();
}

/* The larger one has all room there is when the other comes, and goes first. */
static void
goes_first(void *arg)
{
	const uint64_t *between = arg;

	most_in_memory = with_other = 0;
	world_handed = watch;
	message_for(BIG, "ok", "big", 150);
	intake_scan(true, false, false);
	fiber_sleep(deadline_in_ms(500));
	T_EQ_INT(most_in_memory, 30);
	message_for(OTHER, "ok", "other", 20);
	intake_scan(true, false, false);
	world_settle(100);
	world_handed = NULL;
	T_CHECK(with_other >= between[0]);
	T_CHECK(most_in_memory <= between[1]);
	T_EQ_STR(world_find(BIG), "gone");
	T_EQ_STR(world_find(OTHER), "gone");
}

#define GOES_FIRST \
	"smtp_recipient_limit = 30\nsmtp_recipient_refill_limit = 1\n" \
	"qmgr_message_recipient_minimum = 2\nsmtp_delivery_slot_cost = 2\n"

T_TEST(a_message_that_goes_before_a_larger_one_has_extra_room)
{
	uint64_t between[] = { 40, 46 };

	world_run(GOES_FIRST "smtp_extra_recipient_limit = 16", 5, goes_first,
	    between);
}

T_TEST(without_extra_room_it_has_the_minimum)
{
	uint64_t between[] = { 1, 32 };

	world_run(GOES_FIRST "smtp_extra_recipient_limit = 0", 5, goes_first,
	    between);
}

/* ---- a large mailing ---- */

#define MANY 100000
#define TOGETHER 20			/* at one place */

static unsigned char *times;		/* that each was handed over */

static void
count_them(const struct delivery_request *rq)
{
	watch(rq);
	for (size_t i = 0; i < rq->rcpts.count; i++) {
		const struct envelope_rcpt *rcpt = ATTR_AT(rq->rcpts,
		    struct envelope_rcpt, i);
		ssize_t plus = span_find(rcpt->address, '+');
		long n;

		T_NEED(plus >= 0);
		n = strtol(rcpt->address.p + plus + 1, NULL, 10);
		T_NEED(n >= 0 && n < MANY);
		times[n]++;
	}
}

static size_t
handed(unsigned wanted)
{
	size_t n = 0;

	for (size_t i = 0; i < MANY; i++)
		n += times[i] == wanted;
	return n;
}

/* One of a hundred is put off: the second time, only those are read, and put
 * off again. */
static void
mailing(void *arg)
{
	struct str rcpts = STR_EMPTY;

	(void)arg;
	times = mem_zalloc(MANY);
	most_in_memory = 0;
	world_handed = count_them;
	for (int i = 0; i < MANY; i++)
		str_addf(&rcpts, "%s+%d@p%d ", i % 100 == 7 ? "defer" : "ok",
		    i, i / TOGETHER);
	world_message(QUEUE_INCOMING, BIG, "s@a", str_cstr(&rcpts));
	intake_scan(true, false, false);
	world_settle(5000);
	T_EQ_INT(handed(1), MANY);
	T_EQ_INT(most_in_memory, 3000);
	T_EQ_INT(in_memory(), 0);
	world_deliveries();
	intake_scan(false, true, true);
	world_settle(5000);
	T_EQ_INT(handed(1), MANY - MANY / 100);
	T_EQ_INT(handed(2), MANY / 100);
	world_handed = NULL;
	mem_free(times);
	str_fini(&rcpts);
}

T_TEST(no_recipient_of_a_mailing_is_lost_or_doubled_over_refills)
{
	world_run("smtp_recipient_limit = 3000\nrecipient_delimiter = +", 200,
	    mailing, NULL);
}

/* ---- many messages ---- */

#define MESSAGES 2000

static size_t
bytes_in_use(void)
{
	return mallinfo2().uordblks + pages_in_use();
}

static void
full_queue(void *arg)
{
	char id[QUEUE_ID_MAX];
	size_t before, each;

	(void)arg;
	for (unsigned i = 0; i < MESSAGES; i++) {
		snprintf(id, sizeof(id), "3F0A1B2%05X", i);
		message_for(id, "slow", "place", 1);
	}
	before = bytes_in_use();
	intake_scan(true, false, false);
	fiber_sleep(deadline_in(10));
	each = (bytes_in_use() - before) / MESSAGES;
	T_EQ_INT(intake_count(), MESSAGES);
	T_CHECK(each > 500 && each < 2000);	/* 1672 */
}

T_TEST(a_message_in_memory_takes_less_than_two_kilobytes)
{
	if (pages_are_mallocs())
		T_SKIP("memory of a sanitizer is not counted");
	t_tmpdir_in_memory();
	world_run("smtp_destination_concurrency_limit = 1", 1, full_queue, NULL);
}
