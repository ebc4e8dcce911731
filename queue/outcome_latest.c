/*
 * outcome_latest - see the header. Recipients of one host mostly have one
 * outcome, so outcomes are kept once for all that share them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/outcome_latest.h"

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/io/fiber.h"

#define ENTRIES_AT_ONCE 64

struct shared {
	struct outcome outcome;		/* its parts are in text */
	size_t users;
	struct str text;		/* also its key */
};

struct outcome_latest {
	struct hash *by_rcpt;		/* address -> struct shared */
	struct hash *by_text;
};

/* The parts that are kept, in the order of their text. */
static void
parts_of(struct outcome *o, struct span *parts[6])
{
	parts[0] = &o->dsn;
	parts[1] = &o->reason;
	parts[2] = &o->diag_type;
	parts[3] = &o->diag_text;
	parts[4] = &o->mta_type;
	parts[5] = &o->mta_name;
}

static void
drop(struct outcome_latest *l, struct shared *s)
{
	if (s == NULL || --s->users > 0)
		return;
	hash_remove(l->by_text, str_span(&s->text));
	str_fini(&s->text);
	mem_free(s);
}

static struct shared *
shared_for(struct outcome_latest *l, struct outcome *o)
{
	struct span *parts[6], *kept[6];
	struct str text = STR_EMPTY;
	struct shared *s;
	size_t at[6];

	parts_of(o, parts);
	for (size_t i = 0; i < 6; i++) {
		str_addf(&text, "%zu:", parts[i]->len);
		at[i] = str_len(&text);
		str_add(&text, *parts[i]);
	}
	s = hash_get(l->by_text, str_span(&text));
	if (s != NULL) {
		str_fini(&text);
		return s;
	}
	s = MEM_NEW(struct shared);
	s->text = text;
	parts_of(&s->outcome, kept);
	for (size_t i = 0; i < 6; i++)
		*kept[i] = span_sub(str_span(&s->text), at[i],
		    parts[i]->len);
	hash_put(l->by_text, str_span(&s->text), s);
	return s;
}

struct outcome_latest *
outcome_latest_read(int queue_dir, enum queue_name kind, struct span id)
{
	struct outcome_latest *l = MEM_NEW(struct outcome_latest);
	struct outcome_reader r;
	struct outcome o;
	struct str why = STR_EMPTY;
	struct arena *arena = NULL;
	size_t count = 0;

	if (outcome_reader_open(&r, queue_dir, kind, id, &why) == QUEUE_OK) {
		l->by_rcpt = hash_new();
		l->by_text = hash_new();
		arena = arena_new();
		while (outcome_reader_next(&r, arena, &o, &why) == QUEUE_OK) {
			struct shared *s = shared_for(l, &o);

			s->users++;
			drop(l, hash_put(l->by_rcpt, o.rcpt, s));
			if (++count % ENTRIES_AT_ONCE != 0)
				continue;
			arena_reset(arena);
			if (fiber_self() != NULL)
				fiber_yield();
		}
	}
	outcome_reader_close(&r);
	arena_free(&arena);
	str_fini(&why);
	return l;
}

const struct outcome *
outcome_latest_of(const struct outcome_latest *latest, struct span rcpt)
{
	const struct shared *s = latest->by_rcpt != NULL
	    ? hash_get(latest->by_rcpt, rcpt) : NULL;

	return s != NULL ? &s->outcome : NULL;
}

void
outcome_latest_free(struct outcome_latest **latest)
{
	struct outcome_latest *l = *latest;
	struct hash_iter it = HASH_ITER_START;
	struct span text;
	void *value;

	if (l == NULL)
		return;
	while (l->by_text != NULL
	    && hash_next(l->by_text, &it, &text, &value)) {
		struct shared *s = value;

		str_fini(&s->text);
		mem_free(s);
	}
	hash_free(&l->by_text);
	hash_free(&l->by_rcpt);
	mem_free(l);
	*latest = NULL;
}
