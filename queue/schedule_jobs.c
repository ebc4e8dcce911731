/*
 * schedule_jobs - what waits, and where it is found.
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
#include "queue/schedule_priv.h"

#include "common/base/mem.h"
#include "common/base/panic.h"

#define RANK_STEP (1 << 16)		/* room for preemption between ranks */
#define PEERS_LISTED 8			/* found without a table */

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

void
schedule_job_let_go(struct schedule_job *job)
{
	if (job->entries_waiting == 0 && job->entries_in_flight == 0
	    && job->unread == 0)
		job_free(job);
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

void
schedule_takes_turns(struct schedule_transport *t)
{
	if (t->ready.count > 0 && !list_linked(&t->turn))
		list_append(&t->schedule->turn, &t->turn);
	else if (t->ready.count == 0)
		list_remove(&t->turn);
}

/* After its peers or entries changed. */
void
schedule_job_file(struct schedule_job *job)
{
	struct schedule_transport *t = job->transport;
	unsigned c = size_class_of(schedule_job_size(job));

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
	schedule_takes_turns(t);
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

void
schedule_peer_ready(struct peer *peer)
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

void
schedule_unblock(struct schedule_destination *d)
{
	/* One more: the first of its class may be what others go before. */
	size_t most = openings(d) + 1;

	for (unsigned c = 0; d->nblocked > 0 && c < SCHEDULE_SIZE_CLASSES;
	    c++) {
		for (size_t n = 0; n < most && d->blocked[c].count > 0; n++) {
			struct peer *peer = container_of(
			    heap_first(&d->blocked[c]), struct peer, waits);

			schedule_peer_ready(peer);
			schedule_job_file(peer->job);
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
		    schedule_destination_make(job->transport, nexthops[i]));

		entry_add_rcpt(peer, job->message, rcpts[i]);
		if (!list_linked(&peer->on_job))
			schedule_peer_ready(peer);
	}
	schedule_job_file(job);
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
	schedule_job_file(job);
	schedule_job_let_go(job);
}

/* Those that wait for a rate delay are woken at its end. */
void
schedule_wake_later(struct schedule_destination *d, int64_t now_ms)
{
	if (!d->dead && d->nblocked > 0 && d->next_at_ms > now_ms
	    && !heap_has(&d->wake))
		heap_insert(&d->transport->schedule->sleeping, &d->wake,
		    d->next_at_ms);
}

void
schedule_block(struct peer *peer, int64_t now_ms)
{
	struct schedule_destination *d = peer->destination;

	list_remove(&peer->on_job);
	list_append(&peer->job->blocked, &peer->on_job);
	list_remove(&peer->on_destination);
	if (d->blocked == NULL)
		d->blocked = mem_array(SCHEDULE_SIZE_CLASSES,
		    sizeof(*d->blocked));
	peer->waits_class = size_class_of(schedule_job_size(peer->job));
	heap_insert(&d->blocked[peer->waits_class], &peer->waits,
	    peer->job->rank.key);
	d->nblocked++;
	schedule_wake_later(d, now_ms);
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
struct schedule_entry *
schedule_take_entry(struct peer **at)
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

void
schedule_entry_free(struct schedule_entry *entry)
{
	mem_free(entry->rcpts);
	mem_free(entry);
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
	entry = schedule_take_entry(&peer);
	schedule_job_file(job);
	schedule_job_let_go(job);
	entry->job = NULL;
	return entry;
}
