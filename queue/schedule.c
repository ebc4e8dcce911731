/*
 * schedule - see the header.
 *
 * A peer is one job's entries for one destination. Peers that may go sit on
 * their job; a peer found blocked (window full, dead, rate delay) moves to its
 * destination and comes back when that one opens, so no choice ever looks at
 * the same blocked peer twice. Jobs with ready peers are in a heap by rank.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/schedule.h"

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/base/str.h"

#define RANK_STEP (1 << 16)		/* room for preemption between ranks */

struct peer {
	struct schedule_job *job;
	struct schedule_destination *destination;
	struct list entries;
	struct list link;		/* job->peers or destination->blocked */
	bool blocked;
};

struct schedule_job {
	struct schedule_transport *transport;
	void *message;
	struct list peers;		/* ready ones */
	struct hash *by_destination;
	size_t entries_waiting, entries_in_flight, selected, slots_used;
	size_t entries_total;
	struct heap_node rank;
	struct list small;
	unsigned size_class;
};

struct schedule {
	struct list transports;
	struct list turn;		/* round robin over transports */
	struct hash *by_name;
	struct hash *jobs;		/* by transport and message */
	struct heap sleeping;		/* destinations by next_at_ms */
	int64_t last_rank;
	size_t waiting, in_flight;
};

struct schedule *
schedule_new(void)
{
	struct schedule *s = MEM_NEW(struct schedule);

	list_init(&s->transports);
	list_init(&s->turn);
	s->by_name = hash_new();
	s->jobs = hash_new();
	return s;
}

static struct span
job_key(struct schedule_transport *t, void *message, void *room[2])
{
	room[0] = t;
	room[1] = message;
	return span_of((const char *)room, 2 * sizeof(room[0]));
}

static void
job_free(struct schedule_job *job)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value, *room[2];

	while (hash_next(job->by_destination, &it, &key, &value)) {
		struct peer *peer = value;

		CHECK(list_empty(&peer->entries));
		list_remove(&peer->link);
		mem_free(peer);
	}
	hash_free(&job->by_destination);
	heap_remove(&job->transport->ready, &job->rank);
	list_remove(&job->small);
	hash_remove(job->transport->schedule->jobs,
	    job_key(job->transport, job->message, room));
	mem_free(job);
}

void
schedule_entry_free(struct schedule_entry *entry)
{
	mem_free(entry->rcpts);
	mem_free(entry);
}

static void
destination_free(struct schedule_destination *d)
{
	list_remove(&d->link);
	heap_remove(&d->transport->schedule->sleeping, &d->wake);
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
	list_init(&t->turn);
	for (size_t i = 0; i < ARRAY_COUNT(t->small); i++)
		list_init(&t->small[i]);
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

static struct schedule_destination *
destination_make(struct schedule_transport *t, struct span name)
{
	struct schedule_destination *d = schedule_destination(t, name);
	struct str room = STR_EMPTY;

	if (d != NULL)
		return d;
	d = MEM_NEW(struct schedule_destination);
	d->transport = t;
	d->name = mem_strndup(name.p, name.len);
	d->window = (double)t->limits.initial_concurrency;
	if (t->limits.concurrency > 0
	    && d->window > (double)t->limits.concurrency)
		d->window = (double)t->limits.concurrency;
	if (d->window < 1)
		d->window = 1;
	list_init(&d->blocked);
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

static unsigned
size_class_of(size_t entries)
{
	unsigned c = 0;

	while (entries > 1 && c < 23) {
		entries >>= 1;
		c++;
	}
	return c;
}

static void
job_file_by_size(struct schedule_job *job)
{
	unsigned c = size_class_of(job->entries_waiting);

	if (list_linked(&job->small) && c == job->size_class)
		return;
	list_remove(&job->small);
	job->size_class = c;
	if (job->entries_waiting > 0)
		list_append(&job->transport->small[c], &job->small);
}

static void
transport_takes_turns(struct schedule_transport *t)
{
	if (t->ready.count > 0 && !list_linked(&t->turn))
		list_append(&t->schedule->turn, &t->turn);
	else if (t->ready.count == 0)
		list_remove(&t->turn);
}

static void
job_becomes_ready(struct schedule_job *job)
{
	if (!heap_has(&job->rank))
		heap_insert(&job->transport->ready, &job->rank, job->rank.key);
	transport_takes_turns(job->transport);
}

static void
unblock(struct schedule_destination *d)
{
	LIST_EACH(link, &d->blocked) {
		struct peer *peer = LIST_ITEM(link, struct peer, link);

		list_remove(&peer->link);
		peer->blocked = false;
		list_append(&peer->job->peers, &peer->link);
		job_becomes_ready(peer->job);
	}
}

static struct schedule_job *
job_make(struct schedule_transport *t, void *message)
{
	void *room[2];
	struct span key = job_key(t, message, room);
	struct schedule_job *job = hash_get(t->schedule->jobs, key);

	if (job != NULL)
		return job;
	job = MEM_NEW(struct schedule_job);
	job->transport = t;
	job->message = message;
	job->by_destination = hash_new();
	list_init(&job->peers);
	list_init(&job->small);
	heap_node_init(&job->rank);
	job->rank.key = t->schedule->last_rank += RANK_STEP;
	hash_put(t->schedule->jobs, key, job);
	return job;
}

static struct peer *
peer_make(struct schedule_job *job, struct schedule_destination *d)
{
	struct span key = span_of((const char *)&d, sizeof(d));
	struct peer *peer = hash_get(job->by_destination, key);

	if (peer != NULL)
		return peer;
	peer = MEM_NEW(struct peer);
	peer->job = job;
	peer->destination = d;
	list_init(&peer->entries);
	list_init(&peer->link);
	hash_put(job->by_destination, key, peer);
	return peer;
}

static void
entry_add_rcpt(struct peer *peer, void *message, uint32_t rcpt)
{
	struct schedule_job *job = peer->job;
	int64_t limit = job->transport->limits.rcpts_per_entry;
	struct schedule_entry *last = list_empty(&peer->entries) ? NULL
	    : LIST_ITEM(peer->entries.prev, struct schedule_entry, link);

	if (last == NULL || (limit > 0 && last->count >= (uint64_t)limit)) {
		last = MEM_NEW(struct schedule_entry);
		last->job = job;
		last->destination = peer->destination;
		last->message = message;
		list_append(&peer->entries, &last->link);
		job->entries_waiting++;
		job->entries_total++;
		peer->destination->waiting++;
		job->transport->schedule->waiting++;
	}
	if ((last->count & (last->count - 1)) == 0)
		last->rcpts = mem_regrow(last->rcpts,
		    last->count == 0 ? 1 : 2 * (size_t)last->count,
		    sizeof(*last->rcpts));
	last->rcpts[last->count++] = rcpt;
}

void
schedule_add(struct schedule_transport *t, void *message, int64_t arrival,
    const struct span *nexthops, const uint32_t *rcpts, size_t count)
{
	struct schedule_job *job;

	(void)arrival;
	if (count == 0)
		return;
	job = job_make(t, message);
	for (size_t i = 0; i < count; i++) {
		struct peer *peer = peer_make(job,
		    destination_make(t, nexthops[i]));

		entry_add_rcpt(peer, message, rcpts[i]);
		if (!list_linked(&peer->link)) {
			peer->blocked = false;
			list_append(&job->peers, &peer->link);
		}
	}
	job_file_by_size(job);
	if (!list_empty(&job->peers))
		job_becomes_ready(job);
}

/* ---- choosing ---- */

static void
block(struct peer *peer, int64_t now_ms)
{
	struct schedule_destination *d = peer->destination;

	list_remove(&peer->link);
	peer->blocked = true;
	list_append(&d->blocked, &peer->link);
	if (!d->dead && d->next_at_ms > now_ms && !heap_has(&d->wake))
		heap_insert(&d->transport->schedule->sleeping, &d->wake,
		    d->next_at_ms);
}

/* A ready peer whose destination is open; blocked ones are put aside. */
static struct peer *
job_pick_peer(struct schedule_job *job, int64_t now_ms)
{
	LIST_EACH(link, &job->peers) {
		struct peer *peer = LIST_ITEM(link, struct peer, link);

		if (destination_is_open(peer->destination, now_ms))
			return peer;
		block(peer, now_ms);
	}
	heap_remove(&job->transport->ready, &job->rank);
	return NULL;
}

/* Slots that `job` has earned and not given away yet. */
static int64_t
slots_available(const struct schedule_job *job)
{
	int64_t cost = job->transport->limits.slot_cost;

	return cost < 2 ? 0
	    : (int64_t)job->selected / cost - (int64_t)job->slots_used;
}

/* May a job with this many entries go before `job`? */
static bool
may_preempt(const struct schedule_job *job, size_t entries)
{
	const struct schedule_limits *l = &job->transport->limits;
	int64_t ever, needed;

	if (l->slot_cost < 2 || job->entries_waiting <= entries)
		return false;
	ever = (int64_t)job->entries_total / l->slot_cost;
	if (ever < l->minimum_slots)
		return false;
	needed = (int64_t)entries * (100 - l->slot_discount) / 100
	    - l->slot_loan;
	return slots_available(job) > 0 && needed <= slots_available(job);
}

/* The best small job that may preempt: oldest of the smallest size class. */
static struct schedule_job *
find_preemptor(struct schedule_job *job)
{
	for (unsigned c = 0; c < job->size_class; c++) {
		unsigned looked = 0;

		LIST_EACH(link, &job->transport->small[c]) {
			struct schedule_job *other = LIST_ITEM(link,
			    struct schedule_job, small);

			if (other != job && heap_has(&other->rank)
			    && other->rank.key > job->rank.key
			    && may_preempt(job, other->entries_waiting))
				return other;
			if (++looked == 8)
				break;
		}
	}
	return NULL;
}

static struct schedule_job *
pick_job(struct schedule_transport *t)
{
	struct heap_node *first = heap_first(&t->ready);
	struct schedule_job *job, *small;

	if (first == NULL)
		return NULL;
	job = container_of(first, struct schedule_job, rank);
	small = find_preemptor(job);
	if (small == NULL)
		return job;
	job->slots_used += small->entries_waiting;
	heap_move(&t->ready, &small->rank, job->rank.key - 1);
	return small;
}

static struct schedule_entry *
take_entry(struct peer *peer)
{
	struct schedule_entry *entry = LIST_FIRST(&peer->entries,
	    struct schedule_entry, link);

	list_remove(&entry->link);
	peer->job->entries_waiting--;
	peer->destination->waiting--;
	peer->job->transport->schedule->waiting--;
	if (list_empty(&peer->entries)) {
		list_remove(&peer->link);
	} else if (!peer->blocked) {	/* the next destination's turn */
		list_remove(&peer->link);
		list_append(&peer->job->peers, &peer->link);
	}
	job_file_by_size(peer->job);
	if (list_empty(&peer->job->peers)) {
		heap_remove(&peer->job->transport->ready, &peer->job->rank);
		transport_takes_turns(peer->job->transport);
	}
	return entry;
}

static struct schedule_entry *
hand_over(struct peer *peer, int64_t now_ms)
{
	struct schedule_entry *entry = take_entry(peer);
	struct schedule_destination *d = entry->destination;
	struct schedule_transport *t = d->transport;

	entry->job->selected++;
	entry->job->entries_in_flight++;
	d->in_flight++;
	t->in_flight++;
	t->schedule->in_flight++;
	if (t->limits.rate_delay_ms > 0)
		d->next_at_ms = now_ms + t->limits.rate_delay_ms;
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
		unblock(container_of(node, struct schedule_destination, wake));
	}
}

static struct schedule_entry *
transport_next(struct schedule_transport *t, int64_t now_ms)
{
	struct schedule_job *job;

	while ((job = pick_job(t)) != NULL) {
		struct peer *peer = job_pick_peer(job, now_ms);

		if (peer != NULL)
			return hand_over(peer, now_ms);
	}
	transport_takes_turns(t);
	return NULL;
}

struct schedule_entry *
schedule_next(struct schedule *s, int64_t now_ms, int64_t *again_ms_out)
{
	struct heap_node *first;

	*again_ms_out = -1;
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

static void
grow_window(struct schedule_destination *d)
{
	const struct schedule_limits *l = &d->transport->limits;

	d->failure = 0;
	d->cohorts = 0;
	if (l->concurrency > 0 && d->window >= (double)l->concurrency)
		return;
	/* Only a window that is being used may grow. */
	if ((double)d->in_flight + 2 < d->window)
		return;
	d->success += l->positive_by_window ? l->positive_feedback / d->window
	    : l->positive_feedback;
	while (d->success + 0.002 >= 1) {
		d->success -= 1;
		d->window += 1;
	}
	if (l->concurrency > 0 && d->window > (double)l->concurrency)
		d->window = (double)l->concurrency;
}

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
	d->success = 0;
	d->failure += l->negative_by_window ? l->negative_feedback / d->window
	    : l->negative_feedback;
	while (d->failure + 0.002 >= 1) {
		d->failure -= 1;
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
		unblock(d);
	else if (!d->dead && d->next_at_ms > now_ms && !heap_has(&d->wake)
	    && !list_empty(&d->blocked))
		heap_insert(&d->transport->schedule->sleeping, &d->wake,
		    d->next_at_ms);
	if (job->entries_waiting == 0 && job->entries_in_flight == 0)
		job_free(job);
	return died;
}

void
schedule_destination_revive(struct schedule_destination *d)
{
	d->dead = false;
	d->cohorts = d->failure = d->success = 0;
	d->window = (double)d->transport->limits.initial_concurrency;
	if (d->transport->limits.concurrency > 0
	    && d->window > (double)d->transport->limits.concurrency)
		d->window = (double)d->transport->limits.concurrency;
	if (d->window < 1)
		d->window = 1;
	unblock(d);
}

void
schedule_transport_throttle(struct schedule_transport *t, bool yes)
{
	t->throttled = yes;
	transport_takes_turns(t);
}

struct schedule_entry *
schedule_take_waiting(struct schedule_transport *t,
    struct schedule_destination *only_or_null)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;
	struct peer *found = NULL;

	if (only_or_null != NULL) {
		if (only_or_null->waiting == 0)
			return NULL;
		if (!list_empty(&only_or_null->blocked))
			found = LIST_FIRST(&only_or_null->blocked, struct peer,
			    link);
	}
	for (size_t c = 0; found == NULL && c < ARRAY_COUNT(t->small); c++)
		LIST_EACH(link, &t->small[c]) {
			struct schedule_job *job = LIST_ITEM(link,
			    struct schedule_job, small);

			it = HASH_ITER_START;
			while (found == NULL && hash_next(job->by_destination,
			    &it, &key, &value)) {
				struct peer *peer = value;

				if (!list_empty(&peer->entries)
				    && (only_or_null == NULL
				    || peer->destination == only_or_null))
					found = peer;
			}
			if (found != NULL)
				break;
		}
	if (found == NULL)
		return NULL;

	struct schedule_job *job = found->job;
	struct schedule_entry *entry = take_entry(found);

	if (job->entries_waiting == 0 && job->entries_in_flight == 0)
		job_free(job);
	entry->job = NULL;
	return entry;
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
			    && list_empty(&d->blocked))
				forget_destination(d);
		}
	}
}
