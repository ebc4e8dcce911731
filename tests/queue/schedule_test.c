/*
 * Who goes next: order, preemption, concurrency, delays, dead destinations.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/schedule.h"

#include "common/base/str.h"
#include "tests/queue/sim.h"

/* ---- recipients by themselves ---- */

T_TEST(recipients_that_are_added_apart_are_handed_over_apart)
{
	static const uint32_t rcpts[] = { 0, 1, 2, 3, 4 };
	struct span hops[5];
	struct schedule_limits limits = sim_limits(20);
	struct schedule *s = schedule_new();
	struct schedule_transport *t;
	char messages[2];
	size_t entries[2] = { 0, 0 };
	struct schedule_entry *entry;
	int64_t again;

	limits.rcpts_per_entry = 50;
	t = schedule_transport_add(s, SPAN("smtp"), &limits);
	for (size_t i = 0; i < T_COUNT(hops); i++)
		hops[i] = SPAN("example.com");
	schedule_add_apart(t, &messages[0], hops, rcpts, 3);
	schedule_add_apart(t, &messages[0], hops, rcpts + 3, 2);
	schedule_add(t, &messages[1], hops, rcpts, 5);
	while ((entry = schedule_next(s, 0, &again)) != NULL) {
		size_t which = (size_t)((char *)entry->message - messages);

		entries[which]++;
		T_EQ_INT(entry->count, which == 0 ? 1 : 5);
		schedule_done(entry, SCHEDULE_GOOD, 0);
	}
	T_EQ_INT(entries[0], 5);
	T_EQ_INT(entries[1], 1);
	schedule_free(&s);
}

/* ---- order: one agent, a digit per delivery ---- */

static char numbers[16];		/* a message is its address here */

static void
write_digit(struct sim *sim, const struct schedule_entry *entry)
{
	str_putc(sim->arg, (char)('1' + ((char *)entry->message - numbers)));
}

static const struct {
	const char *name;
	int64_t cost, loan, discount, minimum;
	uint32_t sizes[5];
	const char *want;
} orders[] = {
	{ "first come, first served", 0, 0, 0, 3, { 3, 2, 1 }, "111223" },
	{ "slots are saved up, then used", 2, 0, 0, 3, { 10, 2, 2 },
	    "11112211113311" },
	{ "half of them in advance", 2, 0, 50, 3, { 10, 2, 2 },
	    "11221111331111" },
	{ "a slot for every five", 5, 0, 0, 3, { 16, 1, 1 },
	    "111112111113111111" },
	{ "a loan", 5, 3, 50, 3, { 16, 8, 1 }, "11111311111" "2222222211111" "1" },
	{ "too small to be preempted", 5, 3, 50, 3, { 14, 1 },
	    "111111111111112" },
	{ "as large as the rest: no use", 2, 0, 50, 3, { 6, 6 },
	    "111111222222" },
};

static void
check_orders(bool one_destination)
{
	for (size_t i = 0; i < T_COUNT(orders); i++) {
		struct sim sim;
		struct str got = STR_EMPTY;
		struct schedule_limits limits = sim_limits(1);
		struct schedule_transport *t;

		T_CASE(orders[i].name);
		if (one_destination)
			limits.concurrency = limits.initial_concurrency = 1;
		sim_init(&sim);
		limits.slot_cost = orders[i].cost;
		limits.slot_loan = orders[i].loan;
		limits.slot_discount = orders[i].discount;
		limits.minimum_slots = orders[i].minimum;
		sim.arg = &got;
		sim.starts = write_digit;
		t = schedule_transport_add(sim.schedule, SPAN("smtp"), &limits);
		for (size_t k = 0; k < 5 && orders[i].sizes[k] > 0; k++) {
			char hop[2] = { (char)('a' + k), 0 };

			sim_add(&sim, t, &numbers[k],
			    one_destination ? "a" : hop, orders[i].sizes[k]);
		}
		sim_run(&sim);
		T_EQ_STR(str_cstr(&got), orders[i].want);
		T_EQ_INT(schedule_waiting(sim.schedule), 0);
		T_EQ_INT(schedule_in_flight(sim.schedule), 0);
		str_fini(&got);
		sim_fini(&sim);
	}
}

T_TEST(jobs_go_in_the_documented_order)
{
	check_orders(false);
}

T_TEST(jobs_that_wait_for_one_destination_go_in_that_order_too)
{
	check_orders(true);
}

/* Where each delivery looked at all that wait, this would take hours. */
T_TEST(a_delivery_costs_the_same_however_many_wait)
{
	enum { MANY = 60000 };
	static int messages[MANY];
	struct sim sim;
	struct schedule_limits limits = sim_limits(100);
	struct schedule_transport *t;

	limits.initial_concurrency = 5;
	limits.concurrency = 20;
	sim_init(&sim);
	t = schedule_transport_add(sim.schedule, SPAN("smtp"), &limits);
	for (size_t i = 0; i < MANY; i++)
		sim_add(&sim, t, &messages[i], "relay", 1 + i % 3);
	sim_run(&sim);
	T_EQ_INT(sim.rcpts_done, 2 * MANY);
	T_EQ_INT(sim.most_flying, 20);
	T_EQ_INT(schedule_waiting(sim.schedule), 0);
	sim_fini(&sim);
}

T_TEST(one_job_takes_its_destinations_in_turn)
{
	struct sim sim;
	struct schedule_limits limits = sim_limits(1);
	const struct span hops[] = { SPAN("a"), SPAN("B"), SPAN("b"),
		SPAN("a"), SPAN("c"), SPAN("A") };
	const uint32_t rcpts[] = { 0, 1, 2, 3, 4, 5 };
	struct schedule_entry *e;
	int64_t again;
	struct schedule_transport *t;

	sim_init(&sim);
	limits.rcpts_per_entry = 2;
	t = schedule_transport_add(sim.schedule, SPAN("smtp"), &limits);
	schedule_add(t, &sim, hops, rcpts, T_COUNT(hops));
	T_EQ_INT(schedule_waiting(sim.schedule), 4);

	static const struct {
		const char *hop;
		uint32_t count, first;
	} want[] = { { "a", 2, 0 }, { "B", 2, 1 }, { "c", 1, 4 }, { "a", 1, 5 } };

	for (size_t i = 0; i < T_COUNT(want); i++) {
		e = schedule_next(sim.schedule, 0, &again);
		T_NEED(e != NULL);
		T_EQ_STR(e->destination->name, want[i].hop);
		T_EQ_INT(e->count, want[i].count);
		T_EQ_INT(e->rcpts[0], want[i].first);
		T_CHECK(schedule_next(sim.schedule, 0, &again) == NULL);
		T_EQ_INT(again, -1);
		T_CHECK(!schedule_done(e, SCHEDULE_GOOD, 0));
	}
	T_CHECK(schedule_next(sim.schedule, 0, &again) == NULL);
	T_CHECK(schedule_destination(t, SPAN("C")) != NULL);
	T_CHECK(schedule_destination(t, SPAN("d")) == NULL);
	T_CHECK(schedule_transport(sim.schedule, SPAN("smtp")) == t);
	T_CHECK(schedule_transport(sim.schedule, SPAN("smt")) == NULL);
	schedule_tidy(sim.schedule);
	T_CHECK(schedule_destination(t, SPAN("a")) == NULL);
	sim_fini(&sim);
}

/* ---- concurrency ---- */

/* g, f, n: an entry ends good, failed, neutral; the rest stays in flight. */
static const struct {
	const char *name;
	int64_t limit, initial;
	double positive, negative;
	enum schedule_divisor positive_by, negative_by;
	int64_t cohorts;
	const char *ends;
	const char *windows;		/* after each end; x: died */
} feedbacks[] = {
	{ "one up for each success", 20, 5, 1, 1, 0, 0, 1, "ggg", "6 7 8" },
	{ "up to the limit", 6, 5, 1, 1, 0, 0, 1, "ggg", "6 6 6" },
	{ "no limit", 0, 1, 1, 1, 0, 0, 1, "ggg", "2 3 4" },
	{ "an initial one above the limit", 2, 5, 1, 1, 0, 0, 1, "g", "2" },
	{ "up at the end of a sequence", 20, 5, 0.5, 1, 0, 0, 9, "gggg",
	    "5 6 6 7" },
	{ "one up for each cohort", 20, 2, 1, 1, SCHEDULE_BY_WINDOW, 0, 9,
	    "ggggg", "2 3 3 3 4" },
	{ "by the root", 20, 4, 1, 1, SCHEDULE_BY_ROOT, 0, 9, "gg", "4 5" },
	{ "down at the start of a sequence", 20, 5, 1, 0.25, 0, 0, 9,
	    "fffff", "4 4 4 4 3" },
	{ "down by cohorts", 20, 4, 1, 1, 0, SCHEDULE_BY_WINDOW, 9, "ff",
	    "3 3" },
	{ "never below one", 20, 2, 1, 1, 0, 0, 9, "fff", "1 1 1" },
	{ "neutral says nothing", 20, 5, 1, 1, 0, 0, 1, "nnn", "5 5 5" },
	{ "dead after one cohort", 20, 2, 1, 0, 0, 0, 1, "ff", "2 x" },
	{ "dead after three", 20, 1, 1, 1, 0, 0, 3, "fff", "1 1 x" },
	{ "a success between", 20, 1, 0, 1, 0, 0, 2, "fgff", "1 1 1 x" },
	{ "never dead", 20, 1, 1, 1, 0, 0, 0, "fffff", "1 1 1 1 1" },
};

T_TEST(feedback_moves_the_window)
{
	for (size_t i = 0; i < T_COUNT(feedbacks); i++) {
		struct schedule *s = schedule_new();
		struct schedule_limits limits = sim_limits(0);
		struct span hops[64];
		uint32_t rcpts[64];
		struct str got = STR_EMPTY;
		struct schedule_entry *flying[64], *e;
		struct schedule_transport *t;
		size_t first = 0, end = 0;
		int64_t again;

		T_CASE(feedbacks[i].name);
		limits.concurrency = feedbacks[i].limit;
		limits.initial_concurrency = feedbacks[i].initial;
		limits.positive_feedback = feedbacks[i].positive;
		limits.negative_feedback = feedbacks[i].negative;
		limits.positive_by = feedbacks[i].positive_by;
		limits.negative_by = feedbacks[i].negative_by;
		limits.failed_cohort_limit = feedbacks[i].cohorts;
		t = schedule_transport_add(s, SPAN("smtp"), &limits);
		for (size_t k = 0; k < 64; k++) {
			hops[k] = SPAN("d");
			rcpts[k] = (uint32_t)k;
		}
		schedule_add(t, s, hops, rcpts, 64);
		for (const char *p = feedbacks[i].ends; *p != '\0'; p++) {
			while ((e = schedule_next(s, 0, &again)) != NULL)
				flying[end++] = e;
			T_NEED(first < end);
			struct schedule_destination *d =
			    flying[first]->destination;
			bool died = schedule_done(flying[first++],
			    *p == 'g' ? SCHEDULE_GOOD
			    : *p == 'f' ? SCHEDULE_HOP_FAILED
			    : SCHEDULE_NEUTRAL, 0);

			T_EQ_INT(died, d->dead);
			if (got.len > 0)
				str_putc(&got, ' ');
			if (died)
				str_putc(&got, 'x');
			else
				str_addf(&got, "%g", d->window);
		}
		T_EQ_STR(str_cstr(&got), feedbacks[i].windows);
		while (first < end)
			schedule_done(flying[first++], SCHEDULE_NEUTRAL, 0);
		str_fini(&got);
		schedule_free(&s);
	}
}

static struct sim_fate
dead_by_name(struct sim *sim, const struct schedule_entry *entry)
{
	(void)sim;
	if (strncmp(entry->destination->name, "dead", 4) == 0)
		return (struct sim_fate){ 30000, SCHEDULE_HOP_FAILED };
	return (struct sim_fate){ 100, SCHEDULE_GOOD };
}

static void
take_from_the_dead(struct sim *sim, struct schedule_destination *d)
{
	size_t *taken = sim->arg;
	struct schedule_entry *entry;

	while ((entry = schedule_take_waiting(d->transport, d)) != NULL) {
		T_CHECK(entry->destination == d);
		T_CHECK(entry->job == NULL);
		*taken += entry->count;
		schedule_entry_free(entry);
	}
	T_EQ_INT(d->waiting, 0);
}

T_TEST(a_dead_destination_stops_no_other)
{
	struct sim sim;
	struct schedule_limits limits = sim_limits(10);
	struct schedule_transport *t;
	size_t taken = 0;
	int big, small[50];

	sim_init(&sim);
	sim.fate = dead_by_name;
	sim.died = take_from_the_dead;
	sim.arg = &taken;
	limits.initial_concurrency = 5;
	limits.concurrency = 20;
	limits.failed_cohort_limit = 1;
	t = schedule_transport_add(sim.schedule, SPAN("smtp"), &limits);
	sim_add(&sim, t, &big, "dead", 500);
	for (size_t i = 0; i < T_COUNT(small); i++)
		sim_add(&sim, t, &small[i], "good", 1);
	sim_until(&sim, 5000);
	T_EQ_INT(sim.rcpts_done, 50);
	sim_until(&sim, 40000);
	/* Five failures are a cohort of the first window, less as it shrinks. */
	T_EQ_INT(sim.rcpts_done + taken, 550);
	T_CHECK(taken >= 490);
	T_EQ_INT(schedule_waiting(sim.schedule), 0);
	T_EQ_INT(schedule_in_flight(sim.schedule), 0);

	struct schedule_destination *d = schedule_destination(t, SPAN("dead"));

	T_NEED(d != NULL);
	schedule_tidy(sim.schedule);
	T_CHECK(schedule_destination(t, SPAN("dead")) == d);
	T_CHECK(schedule_destination(t, SPAN("good")) == NULL);
	sim_add(&sim, t, &big, "dead", 7);
	sim_run(&sim);
	T_EQ_INT(schedule_waiting(sim.schedule), 7);
	schedule_destination_revive(d);
	T_EQ_INT(d->window, 5);
	sim_start(&sim);
	T_EQ_INT(schedule_in_flight(sim.schedule), 5);
	sim_fini(&sim);
}

/* ---- large messages that are read by and by ---- */

static void
note_preempting(struct sim *sim, const struct schedule_entry *entry)
{
	str_addf(sim->arg, "%c%s", *(const char *)entry->message,
	    entry->preempts ? "!" : "");
}

/* A has 20 recipients, b and c have two in memory each; of c 100 are unread. */
static void
go(uint64_t unread, const char *want)
{
	static char a = 'a', b = 'b', c = 'c';
	struct schedule_limits limits = sim_limits(1);
	struct str order = STR_EMPTY;
	struct schedule_transport *t;
	struct sim sim;

	sim_init(&sim);
	sim.starts = note_preempting;
	sim.arg = &order;
	limits.slot_cost = 2;
	limits.slot_discount = 50;
	limits.minimum_slots = 1;
	t = schedule_transport_add(sim.schedule, SPAN("smtp"), &limits);
	sim_add(&sim, t, &a, "x", 8);
	sim_add(&sim, t, &c, "y", 2);
	schedule_unread(t, &c, unread);
	sim_add(&sim, t, &b, "z", 2);
	sim_run(&sim);
	T_EQ_STR(str_cstr(&order), want);
	schedule_unread(t, &c, 0);
	sim_fini(&sim);
	str_fini(&order);
}

T_TEST(what_is_not_read_yet_makes_a_message_large)
{
	go(0, "aac!c!aaaab!b!aa");
	go(100, "aab!b!aaaaaacc");
}

/* Nothing of it was in memory for a moment. */
T_TEST(a_message_that_is_read_on_keeps_its_place)
{
	static const struct {
		uint64_t unread;
		const char *want;
	} cases[] = { { 4, "aabb" }, { 0, "bbaa" } };

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		static char a = 'a', b = 'b';
		struct schedule_limits limits = sim_limits(1);
		struct str order = STR_EMPTY;
		struct schedule_transport *t;
		struct sim sim;

		T_CASEF("%d unread", (int)cases[i].unread);
		sim_init(&sim);
		t = schedule_transport_add(sim.schedule, SPAN("smtp"),
		    &limits);
		sim_add(&sim, t, &a, "x", 1);
		schedule_unread(t, &a, cases[i].unread);
		sim_run(&sim);
		sim.starts = note_preempting;
		sim.arg = &order;
		sim_add(&sim, t, &b, "y", 2);
		sim_add(&sim, t, &a, "x", 2);
		schedule_unread(t, &a, 0);
		sim_run(&sim);
		T_EQ_STR(str_cstr(&order), cases[i].want);
		sim_fini(&sim);
		str_fini(&order);
	}
}

static size_t
places_of(const struct schedule_transport *t)
{
	size_t n = 0;

	LIST_EACH(link, &t->destinations)
		n++;
	return n;
}

/* A mailing to as many places as it has recipients. */
T_TEST(places_at_rest_do_not_pile_up)
{
	struct schedule_limits limits = sim_limits(1);
	struct schedule_transport *t;
	struct str name = STR_EMPTY;
	struct sim sim;
	size_t most = 0;
	int message;

	sim_init(&sim);
	t = schedule_transport_add(sim.schedule, SPAN("smtp"), &limits);
	schedule_unread(t, &message, 50000);
	for (int i = 0; i < 50000; i++) {
		size_t places;

		str_printf(&name, "d%d", i);
		sim_add(&sim, t, &message, str_cstr(&name), 1);
		sim_run(&sim);
		places = i % 1000 == 0 ? places_of(t) : 0;
		most = places > most ? places : most;
	}
	T_CHECK(most > 1 && most < 10000);
	schedule_unread(t, &message, 0);
	sim_fini(&sim);
	str_fini(&name);
}

/* ---- delays, bounds, throttles ---- */

static void
write_second(struct sim *sim, const struct schedule_entry *entry)
{
	str_addf(sim->arg, "%s%s%g", str_len(sim->arg) > 0 ? " " : "",
	    entry->destination->name, (double)sim->now_ms / 1000);
}

static const struct {
	const char *name;
	int64_t rate_ms, transport_ms;
	const char *want;
} delays[] = {
	{ "between entries of a destination", 5000, 0,
	    "a0 b0 a5 b5 a10" },
	{ "between entries of a transport", 0, 3000, "a0 b3 a6 b9 a12" },
	{ "both", 5000, 3000, "a0 b3 a6 b9 a12" },
	{ "the longer one counts", 10000, 1000, "a0 b1 a10 b11 a20" },
};

T_TEST(a_place_is_not_forgotten_before_its_delay_is_over)
{
	struct schedule_limits limits = sim_limits(1);
	struct schedule_transport *t;
	struct sim sim;
	int first, second;

	sim_init(&sim);
	limits.rate_delay_ms = 5000;
	t = schedule_transport_add(sim.schedule, SPAN("smtp"), &limits);
	sim_add(&sim, t, &first, "a", 1);
	sim_until(&sim, 1000);
	T_EQ_INT(sim.done, 1);
	schedule_tidy(sim.schedule);
	sim_add(&sim, t, &second, "a", 1);
	sim_until(&sim, 4000);
	T_EQ_INT(sim.done, 1);
	sim_until(&sim, 6000);
	T_EQ_INT(sim.done, 2);
	sim_fini(&sim);
}

T_TEST(rate_delays_hold_and_end)
{
	for (size_t i = 0; i < T_COUNT(delays); i++) {
		struct sim sim;
		struct str got = STR_EMPTY;
		struct schedule_limits limits = sim_limits(0);
		const struct span hops[] = { SPAN("a"), SPAN("b"), SPAN("a"),
			SPAN("b"), SPAN("a") };
		const uint32_t rcpts[] = { 0, 1, 2, 3, 4 };

		T_CASE(delays[i].name);
		sim_init(&sim);
		sim.arg = &got;
		sim.starts = write_second;
		limits.rate_delay_ms = delays[i].rate_ms;
		limits.transport_rate_delay_ms = delays[i].transport_ms;
		schedule_add(schedule_transport_add(sim.schedule,
		    SPAN("smtp"), &limits), &sim, hops, rcpts, 5);
		sim_run(&sim);
		T_EQ_STR(str_cstr(&got), delays[i].want);
		sim_fini(&sim);
		str_fini(&got);
	}
}

T_TEST(a_slow_transport_leaves_the_others_alone)
{
	struct sim sim;
	struct schedule_limits limits = sim_limits(3);
	struct schedule_transport *slow, *quick, *closed;
	struct schedule_entry *e;
	size_t taken = 0;
	int a, b, c;

	sim_init(&sim);
	quick = schedule_transport_add(sim.schedule, SPAN("quick"), &limits);
	limits.deliveries_at_once = 2;
	limits.transport_rate_delay_ms = 60000;
	slow = schedule_transport_add(sim.schedule, SPAN("slow"), &limits);
	closed = schedule_transport_add(sim.schedule, SPAN("closed"), &limits);
	schedule_transport_throttle(closed, true);
	sim_add(&sim, slow, &a, "x", 4);
	sim_add(&sim, closed, &b, "x", 100);
	sim_add(&sim, quick, &c, "x", 100);
	sim_until(&sim, 1000);
	T_EQ_INT(sim.rcpts_done, 101);
	T_EQ_INT(sim.most_flying, 4);
	sim_run(&sim);
	T_EQ_INT(sim.rcpts_done, 104);
	T_EQ_INT(schedule_waiting(sim.schedule), 100);
	while ((e = schedule_take_waiting(closed, NULL)) != NULL) {
		taken += e->count;
		schedule_entry_free(e);
		if (taken == 40)
			break;
	}
	schedule_transport_throttle(closed, false);
	sim_start(&sim);
	T_EQ_INT(schedule_in_flight(sim.schedule), 1);
	sim_run(&sim);
	T_EQ_INT(sim.rcpts_done, 164);
	T_EQ_INT(schedule_waiting(sim.schedule), 0);
	sim_fini(&sim);
}
