/*
 * search - see the header. Two states that are equal, with equal promises, are
 * looked at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/power/search.h"

#include <time.h>

#include "common/base/mem.h"
#include "tests/harness/t.h"
#include "tests/power/life.h"

enum { TELL_MOST = 12 };

#define BOTH(names_how, data_how) \
	{ .names = { names_how, names_how }, .data = { data_how, data_how } }

#define NOTHING_LOST 1
/* The corners; where the two file systems differ, too. */
static const struct disk_choice corners[] = {
	BOTH(NAMES_NONE, DATA_NONE), BOTH(NAMES_ALL, DATA_ALL),
	BOTH(NAMES_ALL, DATA_NONE), BOTH(NAMES_NONE, DATA_ALL),
	BOTH(NAMES_ALL, DATA_ZERO),
	{ .names = { NAMES_NONE, NAMES_ALL }, .data = { DATA_NONE, DATA_ALL } },
	{ .names = { NAMES_ALL, NAMES_NONE }, .data = { DATA_ALL, DATA_NONE } },
};

static const char *const kind_names[] = { [DISK_JOURNAL] = "journal",
	[DISK_TREE] = "tree", [DISK_OTHER] = "other" };

struct walk {
	struct search *search;
	struct trace trace;
	struct disk *disk;
	struct promises *promises;
	struct hash *seen, *told;
	uint64_t random;
	size_t events;
	const struct disk_choice *choice;
};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t
draw(struct walk *w, uint32_t below)
{
	w->random = w->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)((w->random >> 33) % below);
}

static struct disk_choice
random_choice(struct walk *w)
{
	struct disk_choice choice = { .seed = draw(w, 1u << 30) };

	for (size_t fs = 0; fs < DISK_SYSTEMS; fs++) {
		choice.names[fs] = draw(w, 3) > 0 ? NAMES_SOME
		    : (enum disk_names)draw(w, 2);
		choice.data[fs] = (enum disk_data)draw(w, 5);
	}
	return choice;
}

static void
on_broken(const char *text, void *arg)
{
	struct walk *w = arg;
	size_t at = disk_position(w->disk);
	const struct disk_choice *c = w->choice;

	w->search->broken++;
	/* The same in thousands of states is told once. */
	if (hash_put(w->told, span_cstr(text), w) == NULL
	    && hash_count(w->told) <= TELL_MOST)
		T_FAIL("%s\n    power failed after %s\n    %s, names %d %d, "
		    "data %d %d, seed %u", text, trace_text(&w->trace, at - 1),
		    kind_names[w->search->kind], c->names[0], c->names[1],
		    c->data[0], c->data[1], c->seed);
}

static void
try_state(struct walk *w, const struct disk_choice *choice)
{
	struct disk_state state;
	uint64_t key[2];

	disk_state_make(w->disk, choice, &state);
	key[0] = state.digest;
	key[1] = w->events;
	w->choice = choice;
	if (hash_put(w->seen, span_of((const char *)key, sizeof(key)), w)
	    == NULL) {
		w->search->states++;
		life_of(w->promises, &state, disk_position(w->disk),
		    choice == &corners[NOTHING_LOST], on_broken, w);
	}
	disk_state_free(&state);
}

static bool
has_time(const struct walk *w)
{
	const struct search *s = w->search;

	return (s->most == 0 || s->states < s->most)
	    && hash_count(w->told) < TELL_MOST;
}

static void
try_point(struct walk *w)
{
	w->search->points++;
	for (size_t i = 0; i < T_COUNT(corners) && has_time(w); i++)
		try_state(w, &corners[i]);
	for (unsigned i = 0; i < w->search->drawn && has_time(w); i++) {
		struct disk_choice choice = random_choice(w);

		try_state(w, &choice);
	}
}

/* Of so many points, each as likely as the other, and all if there is room. */
static bool
is_chosen(struct walk *w)
{
	size_t per_point = T_COUNT(corners) + w->search->drawn;
	size_t all = w->trace.count * per_point;
	unsigned slices = w->search->slices;

	if (slices > 1 && disk_position(w->disk) % slices
	    != w->search->slice)
		return false;
	/* About half of the states of a point are new. */
	return w->search->most == 0 || draw(w, (uint32_t)all)
	    < 2 * w->search->most;
}

void
search_trace(const char *path, struct search *search)
{
	struct walk w = { .search = search, .seen = hash_new(), .told = hash_new(),
		.random = search->seed + 1 };
	const char *why;
	double start = now();

	if (!trace_open(&w.trace, path, &why)) {
		T_FAIL("%s: %s", path, why);
		return;
	}
	w.promises = promises_new(&w.trace, t_tmpdir());
	w.disk = disk_new(&w.trace, search->kind);
	while (has_time(&w) && disk_step(w.disk)) {
		const struct record_entry *e =
		    w.trace.entries[disk_position(w.disk) - 1];

		if (e->op == RECORD_BASE_DIR || e->op == RECORD_BASE_FILE)
			continue;
		w.events += e->op == RECORD_EVENT;
		if (is_chosen(&w))
			try_point(&w);
	}
	for (size_t i = 0; i < w.trace.count; i++)
		search->groups += w.trace.entries[i]->op == RECORD_SYNC_END
		    && w.trace.entries[i]->mode == RECORD_SYNCFS;
	search->repeated = promises_repeated(w.promises);
	search->checked = promises_checked(w.promises);
	search->messages = promises_messages(w.promises);
	search->seconds = now() - start;
	disk_free(&w.disk);
	promises_free(&w.promises);
	hash_free(&w.seen);
	hash_free(&w.told);
	trace_close(&w.trace);
}
