/*
 * sim - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/queue/sim.h"

#include "common/base/mem.h"

struct flight {
	struct schedule_entry *entry;
	enum schedule_feedback feedback;
	struct heap_node ends;
};

struct schedule_limits
sim_limits(int64_t agents)
{
	return (struct schedule_limits){ .deliveries_at_once = agents,
		.initial_concurrency = 1000000, .rcpts_per_entry = 1,
		.minimum_slots = 3, .positive_feedback = 1,
		.negative_feedback = 1 };
}

void
sim_init(struct sim *sim)
{
	*sim = (struct sim){ .schedule = schedule_new() };
}

void
sim_fini(struct sim *sim)
{
	struct heap_node *node;

	while ((node = heap_first(&sim->flying)) != NULL) {
		struct flight *f = LIST_ITEM(node, struct flight, ends);

		heap_remove(&sim->flying, node);
		schedule_done(f->entry, SCHEDULE_NEUTRAL, sim->now_ms);
		mem_free(f);
	}
	heap_fini(&sim->flying);
	schedule_free(&sim->schedule);
}

void
sim_add(struct sim *sim, struct schedule_transport *t, void *message,
    const char *nexthop, uint32_t rcpts)
{
	struct span *nexthops = mem_array(rcpts, sizeof(*nexthops));
	uint32_t *numbers = mem_array(rcpts, sizeof(*numbers));

	for (uint32_t i = 0; i < rcpts; i++) {
		nexthops[i] = span_cstr(nexthop);
		numbers[i] = i;
	}
	schedule_add(t, message, nexthops, numbers, rcpts);
	mem_free(nexthops);
	mem_free(numbers);
}

/* Returns when a delay ends, or -1. */
static int64_t
start_all(struct sim *sim)
{
	struct schedule_entry *entry;
	int64_t again_ms;

	while ((entry = schedule_next(sim->schedule, sim->now_ms, &again_ms))
	    != NULL) {
		struct flight *f = MEM_NEW(struct flight);
		struct sim_fate fate = sim->fate != NULL
		    ? sim->fate(sim, entry)
		    : (struct sim_fate){ 1, SCHEDULE_GOOD };

		if (sim->starts != NULL)
			sim->starts(sim, entry);
		f->entry = entry;
		f->feedback = fate.feedback;
		heap_node_init(&f->ends);
		heap_insert(&sim->flying, &f->ends,
		    sim->now_ms + fate.takes_ms);
		sim->started++;
		if (sim->flying.count > sim->most_flying)
			sim->most_flying = sim->flying.count;
	}
	return again_ms;
}

void
sim_start(struct sim *sim)
{
	start_all(sim);
}

static void
end_one(struct sim *sim, struct heap_node *node)
{
	struct flight *f = LIST_ITEM(node, struct flight, ends);
	struct schedule_destination *d = f->entry->destination;

	heap_remove(&sim->flying, node);
	sim->done++;
	sim->rcpts_done += f->entry->count;
	if (schedule_done(f->entry, f->feedback, sim->now_ms)
	    && sim->died != NULL)
		sim->died(sim, d);
	mem_free(f);
}

static bool
step_before(struct sim *sim, int64_t limit_ms)
{
	int64_t again_ms = start_all(sim);
	struct heap_node *first = heap_first(&sim->flying);
	int64_t next_ms = first != NULL ? first->key : again_ms;

	if (again_ms >= 0 && again_ms < next_ms)
		next_ms = again_ms;
	if (next_ms < 0 || next_ms > limit_ms)
		return false;
	/* A delay that is over already would mean spinning for ever. */
	T_NEED(again_ms < 0 || again_ms > sim->now_ms);
	sim->now_ms = next_ms;
	while ((first = heap_first(&sim->flying)) != NULL
	    && first->key <= sim->now_ms)
		end_one(sim, first);
	return true;
}

bool
sim_step(struct sim *sim)
{
	return step_before(sim, INT64_MAX);
}

void
sim_until(struct sim *sim, int64_t ms)
{
	while (step_before(sim, ms))
		continue;
	sim->now_ms = ms;
}

void
sim_run(struct sim *sim)
{
	while (sim_step(sim))
		continue;
}
