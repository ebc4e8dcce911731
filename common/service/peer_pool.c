/*
 * peer_pool - connections of one's own to a peer, kept while they are idle.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/mem.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/service/peer_priv.h"

enum {
	POOL_MAX = 200,
	SWEEP_MS = 1000,
};

struct pooled {
	struct list link;
	struct stream *stream;
	int64_t since_ns;
};

static struct loop_timer sweeper;

static void
drop_pooled(struct peer *peer, struct pooled *entry)
{
	list_remove(&entry->link);
	peer->npool--;
	stream_close(entry->stream);
	mem_free(entry);
}

/* Closes what is idle too long, or was closed or taken leave of. */
static void
sweep(struct loop_timer *timer)
{
	bool any = false;

	LIST_EACH(p, &peer_all) {
		struct peer *peer = LIST_ITEM(p, struct peer, link);

		LIST_EACH(item, &peer->pool) {
			struct pooled *e = LIST_ITEM(item, struct pooled, link);

			if (clock_now_ns() - e->since_ns >= peer_idle_ns() ||
			    stream_input_waits(e->stream))
				drop_pooled(peer, e);
		}
		any |= peer->npool > 0;
	}
	if (any)
		loop_timer_set(timer, deadline_in_ms(SWEEP_MS).at_ns);
}

static struct stream *
take_pooled(struct peer *peer)
{
	struct pooled *e;

	while ((e = LIST_FIRST(&peer->pool, struct pooled, link)) != NULL) {
		struct stream *s = e->stream;

		if (stream_input_seen(s)) {
			drop_pooled(peer, e);
			continue;
		}
		list_remove(&e->link);
		peer->npool--;
		mem_free(e);
		return s;
	}
	return NULL;
}

struct stream *
peer_take_connection(struct peer *peer, struct deadline deadline)
{
	struct stream *s = take_pooled(peer);
	int64_t wait_ms = PEER_RETRY_FIRST_MS;

	while (s == NULL) {
		int fd = peer_connect_once(peer, deadline);

		if (fd >= 0) {
			s = stream_open(fd);
			peer_queue_hello(peer, s);
			break;
		}
		if (deadline_passed(deadline) ||
		    fiber_sleep(deadline_earlier(deadline,
		    deadline_in_ms(wait_ms))) == IO_CANCELLED)
			return NULL;
		wait_ms = wait_ms * 2 < PEER_RETRY_MAX_MS ? wait_ms * 2 :
		    PEER_RETRY_MAX_MS;
	}
	return s;
}

void
peer_give_connection(struct peer *peer, struct stream *s, bool healthy)
{
	if (s == NULL)
		return;
	if (!healthy || stream_status(s) != IO_OK ||
	    peer->npool >= POOL_MAX) {
		stream_close(s);
		return;
	}
	struct pooled *e = MEM_NEW(struct pooled);

	*e = (struct pooled){ .stream = s, .since_ns = clock_now_ns() };
	list_prepend(&peer->pool, &e->link);
	peer->npool++;
	if (sweeper.fire == NULL)
		loop_timer_init(&sweeper, sweep);
	if (peer->npool == 1)
		loop_timer_set(&sweeper, deadline_in_ms(SWEEP_MS).at_ns);
}
