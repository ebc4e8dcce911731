/*
 * schedule - see the header. Transports and destinations, the choice, and what
 * it learns of the end of deliveries; what waits is in schedule_jobs.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/schedule_priv.h"

#include <math.h>

#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/base/str.h"

#define DESTINATIONS_KEPT 8192		/* at rest */

struct schedule *
schedule_new(void)
{
	struct schedule *s = MEM_NEW(struct schedule);

	list_init(&s->transports);
	list_init(&s->turn);
	s->tidy_at = DESTINATIONS_KEPT;
	s->by_name = hash_new();
	s->jobs = hash_new();
	return s;
}

static void
destination_free(struct schedule_destination *d)
{
	list_remove(&d->link);
	d->transport->schedule->ndestinations--;
	heap_remove(&d->transport->schedule->sleeping, &d->wake);
	for (unsigned c = 0; d->blocked != NULL && c < SCHEDULE_SIZE_CLASSES;
	    c++)
		heap_fini(&d->blocked[c]);
	mem_free(d->blocked);
	mem_free(d->name);
	mem_free(d);
}

void
schedule_free(struct schedule **schedule)
{
	struct schedule *s = *schedule;

	if (s == NULL)
		return;
	LIST_EACH(t_link, &s->transports) {
		struct schedule_transport *t = LIST_ITEM(t_link,
		    struct schedule_transport, link);
		struct schedule_entry *entry;

		while ((entry = schedule_take_waiting(t, NULL)) != NULL)
			schedule_entry_free(entry);
		LIST_EACH(d_link, &t->destinations)
			destination_free(LIST_ITEM(d_link,
			    struct schedule_destination, link));
		heap_fini(&t->ready);
		mem_free(t->name);
		mem_free(t);
	}
	hash_free(&s->by_name);
	hash_free(&s->jobs);
	heap_fini(&s->sleeping);
	mem_free(s);
	*schedule = NULL;
}

struct schedule_transport *
schedule_transport(struct schedule *s, struct span name)
{
	return hash_get(s->by_name, name);
}

struct schedule_transport *
schedule_transport_add(struct schedule *s, struct span name,
    const struct schedule_limits *limits)
{
	struct schedule_transport *t = MEM_NEW(struct schedule_transport);

	CHECK(!hash_has(s->by_name, name));
	t->schedule = s;
	t->name = mem_strndup(name.p, name.len);
	t->limits = *limits;
	list_init(&t->destinations);
	list_init(&t->jobs);
	list_init(&t->turn);
	for (size_t i = 0; i < ARRAY_COUNT(t->by_size); i++)
		list_init(&t->by_size[i]);
	list_append(&s->transports, &t->link);
	hash_put(s->by_name, name, t);
	return t;
}

/* Destinations share one table, keyed by transport and name. */
static struct span
destination_key(const struct schedule_transport *t, struct span name,
    struct str *room)
{
	str_sets(room, t->name);
	str_putc(room, '\0');
	for (size_t i = 0; i < name.len; i++)
		str_putc(room, ascii_lower(name.p[i]));
	return str_span(room);
}

struct schedule_destination *
schedule_destination(struct schedule_transport *t, struct span name)
{
	struct str room = STR_EMPTY;
	struct schedule_destination *d = hash_get(t->schedule->by_name,
	    destination_key(t, name, &room));

	str_fini(&room);
	return d;
}

static double
initial_window(const struct schedule_limits *l)
{
	double window = (double)l->initial_concurrency;

	if (l->concurrency > 0 && window > (double)l->concurrency)
		window = (double)l->concurrency;
	return window < 1 ? 1 : window;
}

struct schedule_destination *
schedule_destination_make(struct schedule_transport *t, struct span name)
{
	struct schedule_destination *d = schedule_destination(t, name);
	struct str room = STR_EMPTY;

	if (d != NULL)
		return d;
	if (t->schedule->ndestinations >= t->schedule->tidy_at)
		schedule_tidy(t->schedule);
	t->schedule->ndestinations++;
	d = MEM_NEW(struct schedule_destination);
	d->transport = t;
	d->name = mem_strndup(name.p, name.len);
	d->window = initial_window(&t->limits);
	list_init(&d->ready);
	heap_node_init(&d->wake);
	list_append(&t->destinations, &d->link);
	hash_put(t->schedule->by_name, destination_key(t, name, &room), d);
	str_fini(&room);
	return d;
}

static void
forget_destination(struct schedule_destination *d)
{
	struct str room = STR_EMPTY;

	hash_remove(d->transport->schedule->by_name,
	    destination_key(d->transport, SPAN(d->name), &room));
	str_fini(&room);
	destination_free(d);
}

static bool
destination_is_open(const struct schedule_destination *d, int64_t now_ms)
{
	return !d->dead && now_ms >= d->next_at_ms
	    && (double)d->in_flight + 1 <= d->window + 1e-9;
}

/* ---- choosing ---- */

/* A ready peer whose destination is open; blocked ones are put aside. */
static struct peer *
job_pick_peer(struct schedule_job *job, int64_t now_ms)
{
	LIST_EACH(link, &job->ready) {
		struct peer *peer = LIST_ITEM(link, struct peer, on_job);

		if (destination_is_open(peer->destination, now_ms))
			return peer;
		schedule_block(peer, now_ms);
	}
	schedule_job_file(job);
	return NULL;
}

/* Slots that `job` has earned, or may earn, and not given away yet. */
static int64_t
slots_left(const struct schedule_job *job, size_t entries)
{
	return (int64_t)(entries / (size_t)job->transport->limits.slot_cost)
	    - (int64_t)job->slots_used;
}

static int64_t
slots_needed(const struct schedule_limits *l, size_t entries)
{
	return ((int64_t)entries * (100 - l->slot_discount) + 99) / 100
	    - l->slot_loan;
}

/*
 * Of those that might ever go before `job`, the one with the most age per
 * entry: not always the smallest, or mail for two would wait for ever behind
 * mail for one. Each size class offers its oldest.
 */
static struct schedule_job *
find_candidate(struct schedule_job *job, int64_t now_ms)
{
	struct schedule_transport *t = job->transport;
	int64_t may_earn = slots_left(job, job->selected + schedule_job_size(job));
	struct schedule_job *best = NULL;
	double best_score = 0;

	for (unsigned c = 0; c < SCHEDULE_SIZE_CLASSES
	    && slots_needed(&t->limits, (size_t)1 << c) <= may_earn; c++) {
		struct list *first = t->by_size[c].next;
		struct schedule_job *other;
		double score;

		if (first == &job->by_size)
			first = first->next;
		if (first == &t->by_size[c])
			continue;
		other = LIST_ITEM(first, struct schedule_job, by_size);
		score = (double)(now_ms - other->since_ms + 1)
		    / (double)schedule_job_size(other);
		if (score > best_score && slots_needed(&t->limits,
		    schedule_job_size(other)) <= may_earn) {
			best = other;
			best_score = score;
		}
	}
	return best;
}

/* The job that goes before `job` now, or NULL. */
static struct schedule_job *
find_preemptor(struct schedule_job *job, int64_t now_ms)
{
	const struct schedule_limits *l = &job->transport->limits;
	struct schedule_job *other;

	if (l->slot_cost < 2 || slots_left(job, job->selected) <= 0
	    || (int64_t)(job->selected + schedule_job_size(job)) / l->slot_cost
	    < l->minimum_slots)
		return NULL;
	other = find_candidate(job, now_ms);
	return other != NULL && slots_needed(l, schedule_job_size(other))
	    <= slots_left(job, job->selected) ? other : NULL;
}

static struct schedule_entry *
hand_over(struct peer *peer, int64_t now_ms)
{
	struct schedule_entry *entry = schedule_take_entry(&peer);
	struct schedule_destination *d = entry->destination;
	struct schedule_transport *t = d->transport;

	if (peer != NULL)		/* its next one's turn */
		schedule_peer_ready(peer);
	entry->preempts = entry->job->preempts;
	entry->job->selected++;
	entry->job->entries_in_flight++;
	schedule_job_file(entry->job);
	d->in_flight++;
	t->in_flight++;
	t->schedule->in_flight++;
	if (t->limits.rate_delay_ms > 0) {
		d->next_at_ms = now_ms + t->limits.rate_delay_ms;
		schedule_wake_later(d, now_ms);
	}
	if (t->limits.transport_rate_delay_ms > 0)
		t->next_at_ms = now_ms + t->limits.transport_rate_delay_ms;
	return entry;
}

static bool
transport_is_open(const struct schedule_transport *t, int64_t now_ms)
{
	return !t->throttled && now_ms >= t->next_at_ms
	    && (t->limits.deliveries_at_once <= 0
	    || t->in_flight < (size_t)t->limits.deliveries_at_once);
}

static void
wake_destinations(struct schedule *s, int64_t now_ms)
{
	struct heap_node *node;

	while ((node = heap_first(&s->sleeping)) != NULL
	    && node->key <= now_ms) {
		heap_remove(&s->sleeping, node);
		schedule_unblock(container_of(node,
		    struct schedule_destination, wake));
	}
}

static struct schedule_entry *
transport_next(struct schedule_transport *t, int64_t now_ms)
{
	struct heap_node *first;

	while ((first = heap_first(&t->ready)) != NULL) {
		struct schedule_job *job = LIST_ITEM(first,
		    struct schedule_job, rank);
		struct schedule_job *small = find_preemptor(job, now_ms);
		struct peer *peer = job_pick_peer(small != NULL ? small : job,
		    now_ms);

		if (peer == NULL)	/* that one is blocked now */
			continue;
		if (small != NULL) {
			job->slots_used += schedule_job_size(small);
			small->preempts = true;
			heap_move(&t->ready, &small->rank,
			    job->rank.key - 1);
		}
		return hand_over(peer, now_ms);
	}
	return NULL;
}

struct schedule_entry *
schedule_next(struct schedule *s, int64_t now_ms, int64_t *again_ms_out)
{
	struct heap_node *first;

	*again_ms_out = -1;
	s->now_ms = now_ms;
	wake_destinations(s, now_ms);
	LIST_EACH(link, &s->turn) {
		struct schedule_transport *t = LIST_ITEM(link,
		    struct schedule_transport, turn);
		struct schedule_entry *entry;

		if (!transport_is_open(t, now_ms)) {
			if (t->next_at_ms > now_ms && (*again_ms_out < 0
			    || t->next_at_ms < *again_ms_out))
				*again_ms_out = t->next_at_ms;
			continue;
		}
		entry = transport_next(t, now_ms);
		if (entry != NULL) {
			if (list_linked(&t->turn)) {
				list_remove(&t->turn);
				list_append(&s->turn, &t->turn);
			}
			return entry;
		}
	}
	first = heap_first(&s->sleeping);
	if (first != NULL && (*again_ms_out < 0 || first->key < *again_ms_out))
		*again_ms_out = first->key;
	return NULL;
}

/* ---- feedback ---- */

static double
feedback_step(double feedback, enum schedule_divisor by, double window)
{
	switch (by) {
	case SCHEDULE_BY_ONE:
		return feedback;
	case SCHEDULE_BY_WINDOW:
		return feedback / window;
	case SCHEDULE_BY_ROOT:
		return feedback / sqrt(window);
	}
	panic("feedback divisor %d", by);
}

/* Up at the end of a sequence of 1/feedback successes. */
static void
grow_window(struct schedule_destination *d)
{
	const struct schedule_limits *l = &d->transport->limits;

	d->cohorts = 0;
	if (l->concurrency > 0 && d->window >= (double)l->concurrency)
		return;
	/* No further above what is used than where it began; this one was. */
	if ((double)d->in_flight + 1 + initial_window(l) <= d->window)
		return;
	d->success += feedback_step(l->positive_feedback, l->positive_by,
	    d->window);
	while (d->success + 0.002 >= 1) {
		d->success -= 1;
		d->failure = 0;
		d->window += 1;
	}
	if (l->concurrency > 0 && d->window > (double)l->concurrency)
		d->window = (double)l->concurrency;
}

/* Down at the start of a sequence of 1/feedback failures. */
static bool
shrink_window(struct schedule_destination *d)
{
	const struct schedule_limits *l = &d->transport->limits;

	if (d->dead)
		return false;
	if (l->failed_cohort_limit > 0) {
		d->cohorts += 1.0 / d->window;
		if (d->cohorts + 0.002 >= (double)l->failed_cohort_limit) {
			d->dead = true;
			return true;
		}
	}
	d->failure -= feedback_step(l->negative_feedback, l->negative_by,
	    d->window);
	while (d->failure + 0.002 < 0) {
		d->failure += 1;
		d->success = 0;
		d->window -= 1;
	}
	if (d->window < 1)
		d->window = 1;
	return false;
}

bool
schedule_done(struct schedule_entry *entry, enum schedule_feedback feedback,
    int64_t now_ms)
{
	struct schedule_destination *d = entry->destination;
	struct schedule_job *job = entry->job;
	bool died = false;

	d->in_flight--;
	d->transport->in_flight--;
	d->transport->schedule->in_flight--;
	job->entries_in_flight--;
	switch (feedback) {
	case SCHEDULE_GOOD:
		grow_window(d);
		break;
	case SCHEDULE_HOP_FAILED:
		died = shrink_window(d);
		break;
	case SCHEDULE_NEUTRAL:
		break;
	}
	schedule_entry_free(entry);
	if (destination_is_open(d, now_ms))
		schedule_unblock(d);
	else
		schedule_wake_later(d, now_ms);
	schedule_job_let_go(job);
	return died;
}

void
schedule_destination_revive(struct schedule_destination *d)
{
	d->dead = false;
	d->cohorts = d->failure = d->success = 0;
	d->window = initial_window(&d->transport->limits);
	schedule_unblock(d);
}

void
schedule_transport_throttle(struct schedule_transport *t, bool yes)
{
	t->throttled = yes;
	schedule_takes_turns(t);
}

size_t
schedule_waiting(const struct schedule *s)
{
	return s->waiting;
}

size_t
schedule_in_flight(const struct schedule *s)
{
	return s->in_flight;
}

void
schedule_tidy(struct schedule *s)
{
	LIST_EACH(t_link, &s->transports) {
		struct schedule_transport *t = LIST_ITEM(t_link,
		    struct schedule_transport, link);

		LIST_EACH(d_link, &t->destinations) {
			struct schedule_destination *d = LIST_ITEM(d_link,
			    struct schedule_destination, link);

			if (d->waiting == 0 && d->in_flight == 0 && !d->dead
			    && d->next_at_ms <= s->now_ms)
				forget_destination(d);
		}
	}
	s->tidy_at = s->ndestinations < DESTINATIONS_KEPT / 2
	    ? DESTINATIONS_KEPT : 2 * s->ndestinations;
}
