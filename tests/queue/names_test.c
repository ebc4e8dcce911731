/*
 * Ids, and the paths they have below the queue directory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/names.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "queue/queue_id.h"
#include "tests/harness/t.h"

static const struct {
	enum queue_name queue;
	const char *names, *id, *want;
	int64_t depth;
} paths[] = {
	{ QUEUE_INCOMING, "", "4F0A1B2C3D", "incoming/D/4F0A1B2C3D", 1 },
	{ QUEUE_INCOMING, "", "4F0A1B2C38", "incoming/8/4F0A1B2C38", 1 },
	{ QUEUE_ACTIVE, "deferred", "4F0A1B2C3D", "active/4F0A1B2C3D", 1 },
	{ QUEUE_DEFERRED, "deferred, defer", "AF0A1B2C3D",
	    "deferred/A/AF0A1B2C3D", 1 },
	{ QUEUE_DEFERRED, "deferred", "4F0A1B2C3D",
	    "deferred/4/F/4F0A1B2C3D", 2 },
	{ QUEUE_DEFER, "deferred, defer", "4F0A1B2C3D", "defer/4/4F0A1B2C3D",
	    1 },
	{ QUEUE_HOLD, "deferred", "4F0A1B2C3D", "hold/4F0A1B2C3D", 1 },
};

T_TEST(files_lie_where_their_names_say)
{
	for (size_t i = 0; i < T_COUNT(paths); i++) {
		struct str got = STR_EMPTY;

		T_CASE(paths[i].want);
		queue_names_setup(paths[i].names, paths[i].depth);
		queue_path(paths[i].queue, span_cstr(paths[i].id), &got);
		T_EQ_STR(str_cstr(&got), paths[i].want);
		str_fini(&got);
	}
}

T_TEST(long_ids_are_hashed_by_their_microseconds)
{
	for (int i = 0; i < 200; i++) {
		char id[QUEUE_ID_MAX], want[64];
		int64_t wall_us;
		struct str got = STR_EMPTY;

		queue_names_setup("deferred", 2);
		queue_id_make(id, 77, true);
		T_CHECK(queue_id_is_long(span_cstr(id)));
		T_NEED(queue_id_time(span_cstr(id), &wall_us));
		T_CHECK(wall_us <= clock_wall_us()
		    && wall_us > clock_wall_us() - 10000000);
		snprintf(want, sizeof(want), "deferred/%X/%X/%s",
		    (unsigned)(wall_us % 1000000) >> 16,
		    (unsigned)(wall_us % 1000000) >> 12 & 15, id);
		queue_path(QUEUE_DEFERRED, span_cstr(id), &got);
		T_EQ_STR(str_cstr(&got), want);
		str_fini(&got);
	}
}

/* Somebody may ask for any name; its time must not wrap around. */
T_TEST(a_long_id_from_no_clock_has_no_time)
{
	int64_t wall_us;

	T_CHECK(!queue_id_time(SPAN("QdB0PWzjPXRB0PWzjPXR"), &wall_us));
	T_CHECK(!queue_id_time(SPAN("zzzzzzzzzzzzzzzzzzzzzzzzzzzzz1"),
	    &wall_us));
	T_CHECK(queue_id_time(SPAN("4dLQnB0fPWzjXR"), &wall_us));
	T_CHECK(wall_us > 0);
}

T_TEST(ids_do_not_repeat)
{
	for (int wants_long = 0; wants_long < 2; wants_long++) {
		struct hash *seen = hash_new();

		for (int i = 0; i < 50000; i++) {
			char id[QUEUE_ID_MAX];

			queue_id_make(id, 4095, wants_long != 0);
			T_CHECK(queue_id_valid(span_cstr(id)));
			T_EQ_INT(queue_id_is_long(span_cstr(id)), wants_long);
			T_CHECK(!hash_has(seen, span_cstr(id)));
			hash_put(seen, span_cstr(id), seen);
		}
		hash_free(&seen);
	}
}

T_TEST(what_is_no_id)
{
	static const char *const bad[] = { "", "4F0A1", "../../etc", "4F0A1B2/",
		"4F0A1B2C3D.tmp", "4F0A1B2C3D4F0A1B2C3D4F0A1B2C3D4F0A",
		"probe.4F0A1B", "4F0A 1B2C" };

	for (size_t i = 0; i < T_COUNT(bad); i++) {
		T_CASE(bad[i]);
		T_CHECK(!queue_id_valid(span_cstr(bad[i])));
	}
}

T_TEST(queues_have_names)
{
	for (int q = 0; q < QUEUE_NAME_COUNT; q++)
		T_EQ_INT(queue_name_value(span_cstr(queue_name_text(
		    (enum queue_name)q))), q);
	T_EQ_INT(queue_name_value(SPAN("nosuch")), -1);
}
