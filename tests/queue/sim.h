/*
 * sim - a world for the schedule: agents that take time, destinations that
 * fail, and a count of every recipient. Milliseconds pass only here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_QUEUE_SIM_H
#define TESTS_QUEUE_SIM_H

#include "common/base/heap.h"
#include "queue/schedule.h"
#include "tests/harness/t.h"

struct sim;

/* How a delivery goes: its time, and what it says about the destination. */
struct sim_fate {
	int64_t takes_ms;
	enum schedule_feedback feedback;
};
typedef struct sim_fate sim_fate_fn(struct sim *sim,
    const struct schedule_entry *entry);

struct sim {
	struct schedule *schedule;
	int64_t now_ms;
	struct heap flying;
	sim_fate_fn *fate;		/* NULL: 1 ms, good */
	/* Called as an entry starts, and as it ends; may be NULL. */
	void (*starts)(struct sim *sim, const struct schedule_entry *entry);
	void (*died)(struct sim *sim, struct schedule_destination *d);
	size_t started, done, rcpts_done, most_flying;
	void *arg;
};

/* One agent or many, windows wide open, one recipient at a time, no slots. */
struct schedule_limits sim_limits(int64_t agents);
void sim_init(struct sim *sim);
void sim_fini(struct sim *sim);
/* A message for one next hop. */
void sim_add(struct sim *sim, struct schedule_transport *t, void *message,
    const char *nexthop, uint32_t rcpts);
/* Starts all that may go now. */
void sim_start(struct sim *sim);
/* The next thing happens: an end, or a delay is over. False: nothing ever
 * will again. */
bool sim_step(struct sim *sim);
void sim_until(struct sim *sim, int64_t ms);
/* Until nothing moves; all that waits then waits for the caller. */
void sim_run(struct sim *sim);

#endif
