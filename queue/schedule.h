/*
 * schedule - which delivery goes next: pure choice, no clock, no disk, no
 * sockets, so that a million messages can be simulated in seconds.
 *
 * transport -> destination (next hop) -> job (one message on one transport) ->
 * entry (recipients handed over at once). A destination has a window of
 * concurrent entries that grows with success and shrinks with failure of whole
 * cohorts; a dead one is suspended. Jobs go first come, first served, but a
 * small job may preempt a large one with the delivery slots the large one has
 * accumulated, with discount and loan, as documented for the
 * <transport>_delivery_slot_* parameters.
 *
 * Times are milliseconds on any clock of the caller's that does not go back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QUEUE_SCHEDULE_H
#define QUEUE_SCHEDULE_H

#include "common/base/heap.h"
#include "common/base/list.h"
#include "common/base/span.h"

/* What a feedback is divided by: nothing, the window, its square root. */
enum schedule_divisor {
	SCHEDULE_BY_ONE, SCHEDULE_BY_WINDOW, SCHEDULE_BY_ROOT
};

struct schedule_limits {		/* of one transport */
	int64_t deliveries_at_once;	/* over all destinations; 0 no bound */
	int64_t concurrency;		/* per destination; 0 no bound */
	int64_t initial_concurrency;
	int64_t rcpts_per_entry;	/* destination_recipient_limit; 0 no bound */
	int64_t slot_cost, slot_loan, slot_discount, minimum_slots;
	int64_t failed_cohort_limit;	/* 0: never dead */
	double positive_feedback, negative_feedback;
	enum schedule_divisor positive_by, negative_by;
	int64_t rate_delay_ms;		/* between entries to a destination */
	int64_t transport_rate_delay_ms;
};

#define SCHEDULE_SIZE_CLASSES 24	/* powers of two, in entries */

struct schedule;
struct schedule_job;

struct schedule_transport {
	struct schedule *schedule;
	char *name;
	struct schedule_limits limits;
	struct list destinations;
	struct heap ready;		/* jobs with an entry that may go */
	struct list by_size[SCHEDULE_SIZE_CLASSES]; /* the same jobs */
	struct list jobs;		/* all with waiting entries */
	size_t in_flight;
	bool throttled;
	int64_t next_at_ms;		/* transport rate delay */
	void *owner;			/* the caller's */
	struct list link, turn;
};

struct schedule_destination {
	struct schedule_transport *transport;
	char *name;
	double window, success, failure, cohorts;
	size_t in_flight, waiting;	/* entries */
	bool dead;
	int64_t next_at_ms;
	struct list ready;		/* peers that may go */
	struct heap *blocked;		/* that wait for this one: by size class, by
					 * rank; NULL until there is one */
	size_t nblocked;
	struct list link;
	struct heap_node wake;
};

/* What is handed to an agent at once. rcpts are the caller's numbers. */
struct schedule_entry {
	struct schedule_job *job;
	struct schedule_destination *destination;
	uint32_t *rcpts;
	uint32_t count;
	bool preempts;			/* of a job that went before a larger */
	void *message;			/* the caller's */
	struct list link;
};

struct schedule *schedule_new(void);
void schedule_free(struct schedule **schedule);

/* The transport, made with these limits at first sight. */
struct schedule_transport *schedule_transport(struct schedule *s,
    struct span name);			/* or NULL */
struct schedule_transport *schedule_transport_add(struct schedule *s,
    struct span name, const struct schedule_limits *limits);
/* An existing destination, or NULL. */
struct schedule_destination *schedule_destination(
    struct schedule_transport *t, struct span name);

/*
 * Adds one message's recipients on one transport: nexthops[i] belongs to
 * rcpts[i]; equal next hops are grouped, in order. May be called again for the
 * same message when more of its recipients were read.
 */
void schedule_add(struct schedule_transport *t, void *message,
    const struct span *nexthops, const uint32_t *rcpts, size_t count);

/* The same, each recipient by itself: whatever rcpts_per_entry says. */
void schedule_add_apart(struct schedule_transport *t, void *message,
    const struct span *nexthops, const uint32_t *rcpts, size_t count);

/* So many recipients of the message are still to come, each of which may be an
 * entry of this transport: it is as large as that, and keeps its place in the
 * order. To be told 0 before the message goes. */
void schedule_unread(struct schedule_transport *t, void *message,
    uint64_t count);

/* The next entry that may be handed over at now_ms, marked in flight, or NULL;
 * *again_ms_out says when a rate delay ends (-1: when something changes). */
struct schedule_entry *schedule_next(struct schedule *s, int64_t now_ms,
    int64_t *again_ms_out);

enum schedule_feedback {
	SCHEDULE_GOOD,			/* the destination answered */
	SCHEDULE_HOP_FAILED,		/* the destination as a whole failed */
	SCHEDULE_NEUTRAL,		/* says nothing about it */
};
/* The entry is over and freed. True when the destination just died: the caller
 * takes its waiting entries with schedule_take_waiting, and revives it later. */
bool schedule_done(struct schedule_entry *entry,
    enum schedule_feedback feedback, int64_t now_ms);

void schedule_destination_revive(struct schedule_destination *d);
void schedule_transport_throttle(struct schedule_transport *t, bool yes);

/* Takes an entry that waits for this destination (dead) or transport
 * (throttled), out of the schedule; NULL when there is none. The caller frees
 * it with schedule_entry_free. */
struct schedule_entry *schedule_take_waiting(struct schedule_transport *t,
    struct schedule_destination *only_or_null);
void schedule_entry_free(struct schedule_entry *entry);

size_t schedule_waiting(const struct schedule *s);	/* entries */
size_t schedule_in_flight(const struct schedule *s);
/* Destinations at rest are forgotten: without entries, alive, with no rate delay
 * to wait for. To be called now and then; by itself when there are many. */
void schedule_tidy(struct schedule *s);

#endif
