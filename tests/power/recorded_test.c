/*
 * Traces that others recorded: POWER_TRACE=file build/test/power_test recorded.
 *
 * POWER_KIND is journal, tree or other; POWER_STATES the most states (0: all);
 * POWER_SLICE=1/4 takes a part of them; POWER_HASHED is the hash_queue_names of
 * the recorded system. T_SEED repeats what was drawn.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/harness/t.h"
#include "tests/power/life.h"
#include "tests/power/search.h"

static const char *path;

static unsigned
number(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static enum disk_kind
kind(void)
{
	const char *text = getenv("POWER_KIND");

	if (text == NULL || strcmp(text, "journal") == 0)
		return DISK_JOURNAL;
	T_NEED(strcmp(text, "tree") == 0 || strcmp(text, "other") == 0);
	return text[0] == 't' ? DISK_TREE : DISK_OTHER;
}

static void
search(void *arg)
{
	struct search s = { .kind = kind(), .most = number("POWER_STATES", 0),
		.drawn = number("POWER_DRAWN", 4),
		.seed = (uint32_t)t_seed() };
	const char *slice = getenv("POWER_SLICE");

	(void)arg;
	if (slice != NULL)
		T_NEED(sscanf(slice, "%u/%u", &s.slice, &s.slices) == 2);
	search_trace(path, &s);
	printf("%zu states at %zu points in %.1f s: %zu messages, %zu promises "
	    "held, %zu broken, %zu recipients would come twice, %zu groups "
	    "synced\n", s.states, s.points, s.seconds, s.messages, s.checked,
	    s.broken, s.repeated, s.groups);
	T_CHECK(s.states > 0 && s.messages > 0 && s.checked > 0);
}

T_TEST(a_recorded_system_keeps_its_promises)
{
	path = getenv("POWER_TRACE");
	if (path == NULL)
		T_SKIP("POWER_TRACE names no trace (tests/system/power_test.py "
		    "records one, and keeps it for POWER_KEEP)");
	life_run(search, NULL);
}
