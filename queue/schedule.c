/*
 * schedule - see the header.
 *
 * A peer is one job's entries for one destination, and is on a list of each: of
 * ready ones, or, once found blocked (window full, dead, rate delay), of
 * blocked ones. When the destination opens, the first of each size class become
 * ready again, as many as there is room for: those are what the choice can fall
 * on. So a delivery costs the same however many wait for its destination. Jobs
 * with ready peers are in a heap by rank, and by size.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/schedule.h"

#include <math.h>

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/base/str.h"

#define RANK_STEP (1 << 16)		/* room for preemption between ranks */
#define PEERS_LISTED 8			/* found without a table */
#define DESTINATIONS_KEPT 8192		/* at rest */

struct peer {
	struct schedule_job *job;
	struct schedule_destination *destination;
	struct list entries;
	struct list of_job;
	struct list on_job;		/* linked while it has entries ... */
	struct list on_destination;	/* ... and so is this, if it is ready */
	struct heap_node waits;		/* if not, this is in a heap there */
	unsigned waits_class;
};

struct schedule_job {
	struct schedule_transport *transport;
	void *message;
	struct list ready, blocked;	/* peers */
	struct list peers;		/* all that have entries */
	size_t npeers;
	struct hash *by_destination;	/* the same, once there are many */
	size_t entries_waiting, entries_in_flight, selected, slots_used;
	uint64_t unread;		/* recipients still to come */
	int64_t since_ms;
	struct heap_node rank;		/* while it has ready peers ... */
	struct list by_size;		/* ... and so is this */
	struct list link;		/* transport->jobs, while entries wait */
	unsigned size_class;
	bool apart;			/* one recipient an entry */
	bool preempts;
};

struct schedule {
	struct list transports;
	struct list turn;		/* round robin over transports */
	struct hash *by_name;
	struct hash *jobs;		/* by transport and message */
	struct heap sleeping;		/* destinations by next_at_ms */
	size_t ndestinations, tidy_at;
	int64_t last_rank, now_ms;
	size_t waiting, in_flight;
};

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
	void *room[2];

	CHECK(job->npeers == 0);
	hash_free(&job->by_destination);
	CHECK(!heap_has(&job->rank));
	hash_remove(job->transport->schedule->jobs,
	    job_key(job->transport, job->message, room));
	mem_free(job);
}

static void
job_let_go(struct schedule_job *job)
{
	if (job->entries_waiting == 0 && job->entries_in_flight == 0
	    && job->unread == 0)
		job_free(job);
}

/* In entries, at most. */
static size_t
job_size(const struct schedule_job *job)
{
	return job->entries_waiting + (size_t)job->unread;
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

static struct schedule_destination *
destination_make(struct schedule_transport *t, struct span name)
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

static unsigned
size_class_of(size_t entries)
{
	unsigned c = 0;

	while (entries > 1 && c < SCHEDULE_SIZE_CLASSES - 1) {
		entries >>= 1;
		c++;
	}
	return c;
}

static void
transport_takes_turns(struct schedule_transport *t)
{
	if (t->ready.count > 0 && !list_linked(&t->turn))
		list_append(&t->schedule->turn, &t->turn);
	else if (t->ready.count == 0)
		list_remove(&t->turn);
}

/* After its peers or entries changed. */
static void
job_file(struct schedule_job *job)
{
	struct schedule_transport *t = job->transport;
	unsigned c = size_class_of(job_size(job));

	if (list_empty(&job->ready)) {
		heap_remove(&t->ready, &job->rank);
		list_remove(&job->by_size);
	} else {
		if (!heap_has(&job->rank))
			heap_insert(&t->ready, &job->rank, job->rank.key);
		if (!list_linked(&job->by_size) || c != job->size_class) {
			list_remove(&job->by_size);
			job->size_class = c;
			list_append(&t->by_size[c], &job->by_size);
		}
	}
	if (job->entries_waiting == 0)
		list_remove(&job->link);
	else if (!list_linked(&job->link))
		list_append(&t->jobs, &job->link);
	transport_takes_turns(t);
}

static void
leave_blocked(struct peer *peer)
{
	struct schedule_destination *d = peer->destination;

	if (!heap_has(&peer->waits))
		return;
	heap_remove(&d->blocked[peer->waits_class], &peer->waits);
	d->nblocked--;
}

static void
peer_becomes_ready(struct peer *peer)
{
	leave_blocked(peer);
	list_remove(&peer->on_job);
	list_append(&peer->job->ready, &peer->on_job);
	list_remove(&peer->on_destination);
	list_append(&peer->destination->ready, &peer->on_destination);
}

/* How many more may go to an open destination now. */
static size_t
openings(const struct schedule_destination *d)
{
	double room = d->window + 1e-9 - (double)d->in_flight;

	if (d->transport->limits.rate_delay_ms > 0 || room < 2)
		return 1;
	return (size_t)room;
}

static void
unblock(struct schedule_destination *d)
{
	/* One more: the first of its class may be what others go before. */
	size_t most = openings(d) + 1;

	for (unsigned c = 0; d->nblocked > 0 && c < SCHEDULE_SIZE_CLASSES;
	    c++) {
		for (size_t n = 0; n < most && d->blocked[c].count > 0; n++) {
			struct peer *peer = container_of(
			    heap_first(&d->blocked[c]), struct peer, waits);

			peer_becomes_ready(peer);
			job_file(peer->job);
		}
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
	list_init(&job->peers);
	job->since_ms = t->schedule->now_ms;
	list_init(&job->ready);
	list_init(&job->blocked);
	list_init(&job->by_size);
	list_init(&job->link);
	heap_node_init(&job->rank);
	job->rank.key = t->schedule->last_rank += RANK_STEP;
	hash_put(t->schedule->jobs, key, job);
	return job;
}

static struct span
peer_key(const struct schedule_destination *const *d)
{
	return span_of((const char *)d, sizeof(*d));
}

static void
file_peer(struct schedule_job *job, struct peer *peer)
{
	const struct schedule_destination *d = peer->destination;

	hash_put(job->by_destination, peer_key(&d), peer);
}

static void
peer_joins(struct schedule_job *job, struct peer *peer)
{
	list_append(&job->peers, &peer->of_job);
	job->npeers++;
	if (job->by_destination != NULL) {
		file_peer(job, peer);
	} else if (job->npeers > PEERS_LISTED) {
		job->by_destination = hash_new();
		LIST_EACH(link, &job->peers)
			file_peer(job, LIST_ITEM(link, struct peer, of_job));
	}
}

static struct peer *
peer_find(struct schedule_job *job, const struct schedule_destination *d)
{
	if (job->by_destination != NULL)
		return hash_get(job->by_destination, peer_key(&d));
	LIST_EACH(link, &job->peers) {
		struct peer *peer = LIST_ITEM(link, struct peer, of_job);

		if (peer->destination == d)
			return peer;
	}
	return NULL;
}

static struct peer *
peer_make(struct schedule_job *job, struct schedule_destination *d)
{
	struct peer *peer = peer_find(job, d);

	if (peer != NULL)
		return peer;
	peer = MEM_NEW(struct peer);
	peer->job = job;
	peer->destination = d;
	list_init(&peer->entries);
	list_init(&peer->on_job);
	list_init(&peer->on_destination);
	heap_node_init(&peer->waits);
	peer_joins(job, peer);
	return peer;
}

static void
entry_add_rcpt(struct peer *peer, void *message, uint32_t rcpt)
{
	struct schedule_job *job = peer->job;
	int64_t limit = job->apart ? 1
	    : job->transport->limits.rcpts_per_entry;
	struct schedule_entry *last = list_empty(&peer->entries) ? NULL
	    : LIST_ITEM(peer->entries.prev, struct schedule_entry, link);

	if (last == NULL || (limit > 0 && last->count >= (uint64_t)limit)) {
		last = MEM_NEW(struct schedule_entry);
		last->job = job;
		last->destination = peer->destination;
		last->message = message;
		list_append(&peer->entries, &last->link);
		job->entries_waiting++;
		peer->destination->waiting++;
		job->transport->schedule->waiting++;
	}
	if ((last->count & (last->count - 1)) == 0)
		last->rcpts = mem_regrow(last->rcpts,
		    last->count == 0 ? 1 : 2 * (size_t)last->count,
		    sizeof(*last->rcpts));
	last->rcpts[last->count++] = rcpt;
}

static void
add_to_job(struct schedule_job *job, const struct span *nexthops,
    const uint32_t *rcpts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct peer *peer = peer_make(job,
		    destination_make(job->transport, nexthops[i]));

		entry_add_rcpt(peer, job->message, rcpts[i]);
		if (!list_linked(&peer->on_job))
			peer_becomes_ready(peer);
	}
	job_file(job);
}

void
schedule_add(struct schedule_transport *t, void *message,
    const struct span *nexthops, const uint32_t *rcpts, size_t count)
{
	if (count > 0)
		add_to_job(job_make(t, message), nexthops, rcpts, count);
}

void
schedule_add_apart(struct schedule_transport *t, void *message,
    const struct span *nexthops, const uint32_t *rcpts, size_t count)
{
	struct schedule_job *job;

	if (count == 0)
		return;
	job = job_make(t, message);
	job->apart = true;
	add_to_job(job, nexthops, rcpts, count);
}

void
schedule_unread(struct schedule_transport *t, void *message, uint64_t count)
{
	void *room[2];
	struct schedule_job *job = hash_get(t->schedule->jobs,
	    job_key(t, message, room));

	if (job == NULL && count == 0)
		return;
	if (job == NULL)
		job = job_make(t, message);
	job->unread = count;
	job_file(job);
	job_let_go(job);
}

/* ---- choosing ---- */

/* Those that wait for a rate delay are woken at its end. */
static void
wake_later(struct schedule_destination *d, int64_t now_ms)
{
	if (!d->dead && d->nblocked > 0 && d->next_at_ms > now_ms
	    && !heap_has(&d->wake))
		heap_insert(&d->transport->schedule->sleeping, &d->wake,
		    d->next_at_ms);
}

static void
block(struct peer *peer, int64_t now_ms)
{
	struct schedule_destination *d = peer->destination;

	list_remove(&peer->on_job);
	list_append(&peer->job->blocked, &peer->on_job);
	list_remove(&peer->on_destination);
	if (d->blocked == NULL)
		d->blocked = mem_array(SCHEDULE_SIZE_CLASSES,
		    sizeof(*d->blocked));
	peer->waits_class = size_class_of(job_size(peer->job));
	heap_insert(&d->blocked[peer->waits_class], &peer->waits,
	    peer->job->rank.key);
	d->nblocked++;
	wake_later(d, now_ms);
}

/* A ready peer whose destination is open; blocked ones are put aside. */
static struct peer *
job_pick_peer(struct schedule_job *job, int64_t now_ms)
{
	LIST_EACH(link, &job->ready) {
		struct peer *peer = LIST_ITEM(link, struct peer, on_job);

		if (destination_is_open(peer->destination, now_ms))
			return peer;
		block(peer, now_ms);
	}
	job_file(job);
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
	int64_t may_earn = slots_left(job, job->selected + job_size(job));
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
		    / (double)job_size(other);
		if (score > best_score && slots_needed(&t->limits,
		    job_size(other)) <= may_earn) {
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
	    || (int64_t)(job->selected + job_size(job)) / l->slot_cost
	    < l->minimum_slots)
		return NULL;
	other = find_candidate(job, now_ms);
	return other != NULL && slots_needed(l, job_size(other))
	    <= slots_left(job, job->selected) ? other : NULL;
}

/* Its last entry was taken. */
static void
peer_leaves(struct peer *peer)
{
	struct schedule_job *job = peer->job;
	const struct schedule_destination *d = peer->destination;

	list_remove(&peer->on_job);
	list_remove(&peer->on_destination);
	leave_blocked(peer);
	list_remove(&peer->of_job);
	job->npeers--;
	if (job->by_destination != NULL)
		hash_remove(job->by_destination, peer_key(&d));
	mem_free(peer);
}

/* *peer is NULL afterwards if that was its last one. */
static struct schedule_entry *
take_entry(struct peer **at)
{
	struct peer *peer = *at;
	struct schedule_entry *entry = LIST_FIRST(&peer->entries,
	    struct schedule_entry, link);

	list_remove(&entry->link);
	peer->job->entries_waiting--;
	peer->destination->waiting--;
	peer->job->transport->schedule->waiting--;
	if (list_empty(&peer->entries)) {
		peer_leaves(peer);
		*at = NULL;
	}
	return entry;
}

static struct schedule_entry *
hand_over(struct peer *peer, int64_t now_ms)
{
	struct schedule_entry *entry = take_entry(&peer);
	struct schedule_destination *d = entry->destination;
	struct schedule_transport *t = d->transport;

	if (peer != NULL)		/* its next one's turn */
		peer_becomes_ready(peer);
	entry->preempts = entry->job->preempts;
	entry->job->selected++;
	entry->job->entries_in_flight++;
	job_file(entry->job);
	d->in_flight++;
	t->in_flight++;
	t->schedule->in_flight++;
	if (t->limits.rate_delay_ms > 0) {
		d->next_at_ms = now_ms + t->limits.rate_delay_ms;
		wake_later(d, now_ms);
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
		unblock(container_of(node, struct schedule_destination, wake));
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
			job->slots_used += job_size(small);
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
		unblock(d);
	else
		wake_later(d, now_ms);
	job_let_go(job);
	return died;
}

void
schedule_destination_revive(struct schedule_destination *d)
{
	d->dead = false;
	d->cohorts = d->failure = d->success = 0;
	d->window = initial_window(&d->transport->limits);
	unblock(d);
}

void
schedule_transport_throttle(struct schedule_transport *t, bool yes)
{
	t->throttled = yes;
	transport_takes_turns(t);
}

static struct peer *
waiting_peer(struct schedule_transport *t, struct schedule_destination *only)
{
	struct schedule_job *job;

	if (only != NULL) {
		for (unsigned c = 0; only->nblocked > 0
		    && c < SCHEDULE_SIZE_CLASSES; c++)
			if (only->blocked[c].count > 0)
				return container_of(heap_first(
				    &only->blocked[c]), struct peer, waits);
		return LIST_FIRST(&only->ready, struct peer, on_destination);
	}
	job = LIST_FIRST(&t->jobs, struct schedule_job, link);
	if (job == NULL)
		return NULL;
	return !list_empty(&job->ready)
	    ? LIST_FIRST(&job->ready, struct peer, on_job)
	    : LIST_FIRST(&job->blocked, struct peer, on_job);
}

struct schedule_entry *
schedule_take_waiting(struct schedule_transport *t,
    struct schedule_destination *only_or_null)
{
	struct peer *peer = waiting_peer(t, only_or_null);
	struct schedule_entry *entry;
	struct schedule_job *job;

	if (peer == NULL)
		return NULL;
	job = peer->job;
	entry = take_entry(&peer);
	job_file(job);
	job_let_go(job);
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
			    && d->next_at_ms <= s->now_ms)
				forget_destination(d);
		}
	}
	s->tidy_at = s->ndestinations < DESTINATIONS_KEPT / 2
	    ? DESTINATIONS_KEPT : 2 * s->ndestinations;
}
