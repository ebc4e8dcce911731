/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/anvil/counts.h"

#include "common/base/random.h"
#include "tests/harness/t.h"

#define SECOND 1000000000LL
#define A SPAN("smtp:192.0.2.1")
#define B SPAN("smtp:192.0.2.2")

static struct str said;

static void
say(const char *line)
{
	str_addf(&said, "%s\n", line);
}

T_TEST(sessions_are_those_of_all_holders)
{
	struct counts *c = counts_new(60, 100);
	struct counts_holder *one = counts_holder_new(c);
	struct counts_holder *two = counts_holder_new(c);

	T_EQ_INT(counts_hold(one, A, 1, 0, 0), 1);
	T_EQ_INT(counts_hold(one, A, 2, 0, 0), 2);
	T_EQ_INT(counts_hold(two, A, 5, 0, 0), 7);
	T_EQ_INT(counts_hold(two, A, 5, 0, 0), 7);	/* said again */
	T_EQ_INT(counts_hold(two, B, 1, 0, 0), 1);
	T_EQ_INT(counts_hold(one, A, 0, 0, 0), 5);
	T_EQ_INT(counts_hold(one, A, 0, 0, 0), 5);
	T_EQ_INT(counts_hold(one, A, 1, 0, 0), 6);
	counts_holder_free(&two);
	T_EQ_INT(counts_hold(one, A, 1, 0, 0), 1);
	counts_holder_free(&one);
	counts_sweep(c, 61 * SECOND);
	T_EQ_INT(counts_known(c), 0);
	counts_free(&c);
}

T_TEST(a_time_unit_begins_with_what_happens_first)
{
	struct counts *c = counts_new(60, 100);

	T_EQ_INT(counts_add(c, A, ANVIL_CONNECTIONS, 1, 5 * SECOND, 0), 1);
	T_EQ_INT(counts_add(c, A, ANVIL_CONNECTIONS, 1, 64 * SECOND, 0), 2);
	T_EQ_INT(counts_add(c, A, ANVIL_RCPTS, 7, 64 * SECOND, 0), 7);
	T_EQ_INT(counts_add(c, B, ANVIL_RCPTS, 1, 64 * SECOND, 0), 1);
	T_EQ_INT(counts_add(c, A, ANVIL_CONNECTIONS, 1, 65 * SECOND, 0), 1);
	T_EQ_INT(counts_add(c, A, ANVIL_RCPTS, 1, 65 * SECOND, 0), 1);
	counts_free(&c);
}

T_TEST(who_did_nothing_for_a_time_unit_is_forgotten_unless_there)
{
	struct counts *c = counts_new(60, 100);
	struct counts_holder *one = counts_holder_new(c);

	counts_add(c, A, ANVIL_CONNECTIONS, 1, 0, 0);
	counts_add(c, B, ANVIL_CONNECTIONS, 1, 0, 0);
	counts_hold(one, B, 1, 0, 0);
	counts_sweep(c, 59 * SECOND);
	T_EQ_INT(counts_known(c), 2);
	counts_sweep(c, 60 * SECOND);
	T_EQ_INT(counts_known(c), 1);
	T_EQ_INT(counts_hold(one, B, 2, 60 * SECOND, 0), 2);
	counts_holder_free(&one);
	counts_free(&c);
}

T_TEST(more_clients_than_there_is_room_for_are_not_limited)
{
	struct counts *c = counts_new(60, 2);
	struct counts_holder *one = counts_holder_new(c);
	struct span third = SPAN("smtp:192.0.2.3");

	counts_add(c, A, ANVIL_CONNECTIONS, 1, 0, 0);
	counts_hold(one, B, 1, 0, 0);
	for (int i = 0; i < 3; i++) {
		T_EQ_INT(counts_add(c, third, ANVIL_CONNECTIONS, 1, 0, 0), 1);
		T_EQ_INT(counts_hold(one, third, 4, 0, 0), 4);
	}
	T_EQ_INT(counts_known(c), 2);
	counts_hold(one, third, 0, 0, 0);
	counts_sweep(c, 60 * SECOND);
	counts_add(c, third, ANVIL_CONNECTIONS, 1, 60 * SECOND, 0);
	T_EQ_INT(counts_add(c, third, ANVIL_CONNECTIONS, 1, 60 * SECOND, 0),
	    2);
	counts_holder_free(&one);
	counts_free(&c);
}

static void
adopt(const struct anvil_legacy *legacy, void *arg)
{
	/* The successor's clock is its own. */
	counts_adopt(arg, legacy, 1000 * SECOND, 1000000000);
}

T_TEST(a_successor_goes_on_counting)
{
	struct counts *old = counts_new(60, 100), *new = counts_new(60, 100);

	counts_add(old, A, ANVIL_CONNECTIONS, 3, 0, 0);
	counts_add(old, A, ANVIL_AUTH, 4, 0, 0);
	counts_add(old, B, ANVIL_MESSAGES, 9, 0, 0);
	counts_add(old, B, ANVIL_MESSAGES, 2, 70 * SECOND, 0);
	/* One came to the successor before it knew. */
	counts_add(new, B, ANVIL_MESSAGES, 1, 999 * SECOND, 0);
	counts_give(old, 50 * SECOND + 20 * SECOND, adopt, new);
	T_EQ_INT(counts_add(new, B, ANVIL_MESSAGES, 1, 1000 * SECOND, 0), 4);
	T_EQ_INT(counts_add(new, A, ANVIL_CONNECTIONS, 1, 1000 * SECOND, 0),
	    1);				/* its time was over */
	/* Given once; what came later is given later. */
	counts_add(old, B, ANVIL_MESSAGES, 5, 71 * SECOND, 0);
	counts_give(old, 72 * SECOND, adopt, new);
	T_EQ_INT(counts_add(new, B, ANVIL_MESSAGES, 1, 1001 * SECOND, 0),
	    10);
	/* Its time unit is the old one's, which had two seconds. */
	T_EQ_INT(counts_add(new, B, ANVIL_MESSAGES, 1, 1057 * SECOND, 0),
	    11);
	T_EQ_INT(counts_add(new, B, ANVIL_MESSAGES, 1, 1058 * SECOND, 0), 1);
	counts_free(&old);
	counts_free(&new);
}

/* Its own time unit is over when what the other one counted arrives. */
T_TEST(what_is_adopted_counts_beside_what_is_over)
{
	struct counts *old = counts_new(60, 100), *new = counts_new(60, 100);

	counts_add(new, A, ANVIL_MESSAGES, 5, 900 * SECOND, 0);
	counts_add(old, A, ANVIL_MESSAGES, 3, 0, 0);
	counts_give(old, 10 * SECOND, adopt, new);
	T_EQ_INT(counts_add(new, A, ANVIL_MESSAGES, 1, 1001 * SECOND, 0), 4);
	counts_free(&old);
	counts_free(&new);
}

T_TEST(a_successor_knows_since_when_it_knows_many)
{
	struct counts *old = counts_new(60, 100), *new = counts_new(60, 100);

	setenv("TZ", "UTC", 1);
	counts_add(old, A, ANVIL_MESSAGES, 3, 0, 0);
	counts_give(old, 10 * SECOND, adopt, new);
	str_clear(&said);
	counts_report(new, say);
	T_EQ_STR(str_cstr(&said), "max cache size 1 at Sep  9 01:46:40\n");
	counts_free(&old);
	counts_free(&new);
}

T_TEST(statistics_are_the_most_since_the_last)
{
	struct counts *c = counts_new(60, 100);
	struct counts_holder *one = counts_holder_new(c);

	setenv("TZ", "UTC", 1);
	counts_report(c, say);
	T_EQ_INT(str_len(&said), 0);
	counts_hold(one, A, 2, 0, 1000000000);
	counts_add(c, A, ANVIL_CONNECTIONS, 2, 0, 1000000000);
	counts_add(c, B, ANVIL_CONNECTIONS, 1, 0, 1000000005);
	counts_add(c, B, ANVIL_RCPTS, 17, 0, 1000000005);
	counts_add(c, B, ANVIL_NEW_TLS, 1, 0, 1000000005);
	counts_report(c, say);
	T_EQ_STR(str_cstr(&said),
	    "max connection rate 2/60s for (smtp:192.0.2.1) at "
	    "Sep  9 01:46:40\n"
	    "max connection count 2 for (smtp:192.0.2.1) at "
	    "Sep  9 01:46:40\n"
	    "max recipient rate 17/60s for (smtp:192.0.2.2) at "
	    "Sep  9 01:46:45\n"
	    "max newtls rate 1/60s for (smtp:192.0.2.2) at "
	    "Sep  9 01:46:45\n"
	    "max cache size 2 at Sep  9 01:46:45\n");
	str_clear(&said);
	counts_report(c, say);
	T_EQ_INT(str_len(&said), 0);
	counts_holder_free(&one);
	counts_free(&c);
}

/* Holders come, change their minds and go: the sum is always the sum. */
T_TEST(sessions_add_up_whatever_holders_do)
{
	enum { HOLDERS = 4, KEYS = 3 };
	struct counts *c = counts_new(60, 100);
	struct counts_holder *holders[HOLDERS] = { NULL };
	uint64_t model[HOLDERS][KEYS] = { { 0 } };

	random_seed(t_seed());
	for (int i = 0; i < 20000; i++) {
		size_t h = random_below(HOLDERS), k = random_below(KEYS);
		char key[16];
		uint64_t sum = 0;

		if (random_below(50) == 0) {
			counts_holder_free(&holders[h]);
			memset(model[h], 0, sizeof(model[h]));
		}
		if (holders[h] == NULL)
			holders[h] = counts_holder_new(c);
		if (random_below(20) == 0)
			counts_sweep(c, (int64_t)i * SECOND);
		snprintf(key, sizeof(key), "k%zu", k);
		model[h][k] = random_below(5);
		for (size_t j = 0; j < HOLDERS; j++)
			sum += model[j][k];
		if (!T_EQ_INT(counts_hold(holders[h], SPAN(key), model[h][k],
		    (int64_t)i * SECOND, 0), sum))
			break;
	}
	for (size_t h = 0; h < HOLDERS; h++)
		counts_holder_free(&holders[h]);
	counts_sweep(c, INT64_MAX);
	T_EQ_INT(counts_known(c), 0);
	counts_free(&c);
}
