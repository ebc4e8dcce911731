/*
 * verdicts - see the header.
 *
 * A recipient is said to be deferred again and again, and a later word replaces
 * an earlier one. Those that stand far apart are both told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/bounce/verdicts.h"

#include "common/base/codec.h"
#include "common/base/mem.h"

#define LOOK_AHEAD 1000

struct held {
	struct outcome outcome;
	struct arena *arena;
	uint32_t key;			/* of its addresses, to compare */
	bool replaced;
};

struct verdicts {
	const struct verdict_choice *choice;
	verdict_fn *fn;
	void *arg;
	struct held *ring;
	size_t room, count;		/* count: all that were read */
	bool enough;
};

enum queue_name
verdicts_log(enum bounce_what what)
{
	return what == BOUNCE_DELAYED ? QUEUE_DEFER
	    : what == BOUNCE_TRACE ? QUEUE_TRACE : QUEUE_BOUNCE;
}

static bool
is_wanted(const struct verdict_choice *choice, const struct outcome *o)
{
	if (o->when_us < choice->since_us)
		return false;
	if (choice->everyone || o->notify == 0)
		return true;
	switch (choice->what) {
	case BOUNCE_FAILED:
		return (o->notify & DSN_NOTIFY_FAILURE) != 0;
	case BOUNCE_DELAYED:
		return (o->notify & DSN_NOTIFY_DELAY) != 0;
	case BOUNCE_TRACE:
		return (o->notify & DSN_NOTIFY_NEVER) == 0;
	}
	return true;
}

static void
tell(struct verdicts *v, const struct held *h)
{
	if (!v->enough && !h->replaced && is_wanted(v->choice, &h->outcome))
		v->enough = !v->fn(&h->outcome, v->arg);
}

/* Where the next one goes; who was there has been waited for long enough. */
static struct held *
next_place(struct verdicts *v)
{
	struct held *h;

	if (v->count == v->room && v->room < LOOK_AHEAD) {
		size_t room = v->room == 0 ? 8 : 2 * v->room < LOOK_AHEAD
		    ? 2 * v->room : LOOK_AHEAD;

		v->ring = mem_regrow(v->ring, room, sizeof(*v->ring));
		memset(v->ring + v->room, 0, (room - v->room)
		    * sizeof(*v->ring));
		v->room = room;
	}
	h = &v->ring[v->count % v->room];
	if (v->count >= v->room)
		tell(v, h);
	if (h->arena == NULL)
		h->arena = arena_new();
	arena_reset(h->arena);
	h->replaced = true;		/* until it is filled */
	return h;
}

static void
take(struct verdicts *v, struct held *new)
{
	const struct outcome *o = &new->outcome;
	size_t n = v->count < v->room ? v->count : v->room;

	new->key = crc32c(crc32c(0, o->rcpt.p, o->rcpt.len), o->original.p,
	    o->original.len);
	for (size_t i = 0; i < n; i++) {
		struct held *h = &v->ring[i];

		if (h != new && h->key == new->key
		    && span_eq(h->outcome.rcpt, o->rcpt)
		    && span_eq(h->outcome.original, o->original))
			h->replaced = true;
	}
	new->replaced = false;
	v->count++;
}

static void
tell_rest(struct verdicts *v)
{
	size_t n = v->count < v->room ? v->count : v->room;

	for (size_t i = 0; i < n; i++)
		tell(v, &v->ring[(v->count - n + i) % v->room]);
}

static void
forget(struct verdicts *v)
{
	for (size_t i = 0; i < v->room; i++)
		if (v->ring[i].arena != NULL)
			arena_free(&v->ring[i].arena);
	mem_free(v->ring);
}

enum queue_result
verdicts_each(int queue_dir, const struct verdict_choice *choice,
    struct span id, verdict_fn *fn, void *arg, struct str *why)
{
	struct verdicts v = { .choice = choice, .fn = fn, .arg = arg };
	struct outcome_reader r;
	enum queue_result result = outcome_reader_open(&r, queue_dir,
	    verdicts_log(choice->what), id, why);
	bool opened = result == QUEUE_OK;

	while (result == QUEUE_OK && !v.enough) {
		struct held *h = next_place(&v);

		result = outcome_reader_next(&r, h->arena, &h->outcome, why);
		if (result == QUEUE_OK)
			take(&v, h);
	}
	outcome_reader_close(&r);
	if (opened && result == QUEUE_GONE) {	/* the end of it */
		tell_rest(&v);
		result = QUEUE_OK;
	}
	forget(&v);
	return result;
}
