/*
 * schedule_priv - what the files of schedule share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QUEUE_SCHEDULE_PRIV_H
#define QUEUE_SCHEDULE_PRIV_H

#include "common/base/hash.h"
#include "queue/schedule.h"

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

/* In entries, at most. */
static inline size_t
schedule_job_size(const struct schedule_job *job)
{
	return job->entries_waiting + (size_t)job->unread;
}

/* schedule.c: the destination, made at first sight. */
struct schedule_destination *schedule_destination_make(
    struct schedule_transport *t, struct span name);

/* schedule_jobs.c: after its peers or entries changed. */
void schedule_job_file(struct schedule_job *job);
/* Frees one that has nothing left, waiting, in flight or to come. */
void schedule_job_let_go(struct schedule_job *job);
/* After its ready jobs changed, or its throttle. */
void schedule_takes_turns(struct schedule_transport *t);
/* To the end of the ready ones of its job and its destination. */
void schedule_peer_ready(struct peer *peer);
/* Until its destination opens. The job has to be filed afterwards. */
void schedule_block(struct peer *peer, int64_t now_ms);
/* The destination is open: its first blocked ones are ready again. */
void schedule_unblock(struct schedule_destination *d);
/* Those that wait for a rate delay are woken at its end. */
void schedule_wake_later(struct schedule_destination *d, int64_t now_ms);
/* Its first entry. *peer is NULL afterwards if that was its last one. */
struct schedule_entry *schedule_take_entry(struct peer **peer);

#endif
