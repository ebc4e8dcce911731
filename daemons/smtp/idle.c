/*
 * idle - sessions that wait a moment for the next message to the same server.
 *
 * Nothing is kept for a lone message: a session stays only when deliveries to
 * its next hop follow one another within the time it could be kept, or when
 * the next hop is listed. One fiber lets go of those that nobody took.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/hash.h"
#include "common/base/mem.h"
#include "daemons/smtp/smtp_priv.h"

enum { IDLE_MOST = 1000, BUCKETS = 512, DEMANDS_MOST = 4096 };

/* Oldest first, so the one to leave next is in front. */
static struct list idle = LIST_HEAD(idle);
static struct list by_relay[BUCKETS];	/* the same ones, oldest first */
static size_t idle_count;
static bool reaper_runs;

/* --- Demand --------------------------------------------------------------*/

/* When a delivery to a next hop was last begun, by next hop. */
static struct hash *demands;

struct demand {
	int64_t last_ns;
};

static void
forget_old(int64_t before_ns)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	while (hash_next(demands, &it, &key, &value)) {
		struct demand *demand = value;

		if (demand->last_ns >= before_ns)
			continue;
		(void)hash_remove(demands, key);
		mem_free(demand);
	}
}

bool
smtp_idle_demand(struct span nexthop)
{
	int64_t now = clock_now_ns();
	int64_t since = now - smtp_conf.cache_time_limit * 1000000000;
	struct demand *demand;
	bool wanted;

	if (demands == NULL)
		demands = hash_new();
	demand = hash_get(demands, nexthop);
	if (demand == NULL) {
		if (hash_count(demands) >= DEMANDS_MOST)
			forget_old(since);
		if (hash_count(demands) >= DEMANDS_MOST)
			return false;
		demand = MEM_NEW(struct demand);
		demand->last_ns = INT64_MIN;
		(void)hash_put(demands, nexthop, demand);
	}
	wanted = demand->last_ns >= since;
	demand->last_ns = now;
	return wanted;
}

/* --- Sessions ------------------------------------------------------------*/

static struct list *
bucket(struct span relay)
{
	struct list *list = &by_relay[hash_bytes(relay) % BUCKETS];

	if (list->next == NULL)
		list_init(list);
	return list;
}

static void
unlink_session(struct smtp_session *s)
{
	list_remove(&s->idle);
	list_remove(&s->same_relay);
	idle_count--;
}

static void
reap(void *arg)
{
	(void)arg;
	while (!list_empty(&idle)) {
		struct smtp_session *s = LIST_FIRST(&idle, struct smtp_session,
		    idle);

		if (s->idle_until_ns > clock_now_ns()) {
			struct deadline at = { s->idle_until_ns };

			if (fiber_sleep(at) == IO_CANCELLED)
				break;
			continue;
		}
		unlink_session(s);
		smtp_session_quit(s);
	}
	reaper_runs = false;
}

void
smtp_idle_close_all(void)
{
	while (!list_empty(&idle)) {
		struct smtp_session *s = LIST_FIRST(&idle, struct smtp_session,
		    idle);

		unlink_session(s);
		smtp_session_quit(s);
	}
}

struct smtp_session *
smtp_idle_take(struct span relay)
{
	LIST_EACH(item, bucket(relay)) {
		struct smtp_session *s = LIST_ITEM(item, struct smtp_session,
		    same_relay);

		if (!span_eq(str_span(&s->relay), relay))
			continue;
		unlink_session(s);
		/* It has said 421, or it has left. */
		if (!stream_input_seen(s->stream))
			return s;
		smtp_session_free(s);
	}
	return NULL;
}

static bool
may_be_used_again(const struct smtp_session *s)
{
	return !s->broken && stream_status(s->stream) == IO_OK &&
	    !service_draining() && idle_count < IDLE_MOST &&
	    (smtp_conf.reuse_count_limit == 0 ||
	    s->uses < (uint64_t)smtp_conf.reuse_count_limit) &&
	    clock_now_ns() - s->opened_ns <
	    smtp_conf.reuse_time_limit * 1000000000;
}

void
smtp_idle_give(struct smtp_session *s, bool wanted)
{
	if (!wanted || !may_be_used_again(s)) {
		smtp_session_quit(s);
		return;
	}
	s->idle_until_ns = clock_now_ns() +
	    smtp_conf.cache_time_limit * 1000000000;
	list_append(&idle, &s->idle);
	list_append(bucket(str_span(&s->relay)), &s->same_relay);
	idle_count++;
	if (!reaper_runs)
		reaper_runs = fiber_spawn(service_fibers(), "idle sessions",
		    reap, NULL) != NULL;
	if (!reaper_runs) {
		unlink_session(s);
		smtp_session_quit(s);
	}
}
