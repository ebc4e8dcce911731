/*
 * Who goes next: order, preemption, concurrency, delays, dead destinations.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/schedule.h"

#include "common/base/str.h"
#include "tests/queue/sim.h"

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

T_TEST(jobs_go_in_the_documented_order)
{
	for (size_t i = 0; i < T_COUNT(orders); i++) {
		struct sim sim;
		struct str got = STR_EMPTY;
		struct schedule_limits limits = sim_limits(1);
		struct schedule_transport *t;

		T_CASE(orders[i].name);
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

			sim_add(&sim, t, &numbers[k], hop,
			    orders[i].sizes[k]);
		}
		sim_run(&sim);
		T_EQ_STR(str_cstr(&got), orders[i].want);
		T_EQ_INT(schedule_waiting(sim.schedule), 0);
		T_EQ_INT(schedule_in_flight(sim.schedule), 0);
		str_fini(&got);
		sim_fini(&sim);
	}
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
