/*
 * The schedule against a model that only counts: whatever happens, every
 * recipient is handed over or taken back once, no bound is passed, and nothing
 * waits that could go. Then the same at full size, against the clock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <time.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/random.h"
#include "common/base/str.h"
#include "tests/queue/sim.h"

enum { TRANSPORTS = 3, HOPS = 12, MESSAGES = 40, RCPTS = 60 };

struct model {
	struct schedule *schedule;
	struct schedule_transport *transports[TRANSPORTS];
	unsigned char seen[MESSAGES][RCPTS]; /* times decided */
	uint32_t added[MESSAGES];
	struct schedule_entry *flying[MESSAGES * RCPTS];
	size_t flights;
	int64_t now_ms;
};

static size_t
message_number(const struct model *m, const struct schedule_entry *e)
{
	return (size_t)((unsigned char (*)[RCPTS])e->message - m->seen);
}

static void
count_entry(struct model *m, const struct schedule_entry *e)
{
	size_t message = message_number(m, e);
	int64_t limit = e->destination->transport->limits.rcpts_per_entry;

	T_CHECK(e->count > 0);
	T_CHECK(limit == 0 || e->count <= (uint64_t)limit);
	for (uint32_t i = 0; i < e->count; i++) {
		T_NEED(e->rcpts[i] < m->added[message]);
		T_EQ_INT(m->seen[message][e->rcpts[i]]++, 0);
	}
}

static void
add_some(struct model *m)
{
	size_t message = random_below(MESSAGES);
	uint32_t room = RCPTS - m->added[message];
	uint32_t n = random_below(random_below(4) == 0 ? 20 : 3) + 1;
	struct span hops[RCPTS];
	uint32_t rcpts[RCPTS];
	static const char *const names[HOPS] = { "a", "b", "c", "d", "e", "f",
		"g", "h", "i", "j", "k", "l" };

	if (n > room)
		n = room;
	for (uint32_t i = 0; i < n; i++) {
		hops[i] = span_cstr(names[random_below(HOPS)]);
		rcpts[i] = m->added[message]++;
	}
	schedule_add(m->transports[random_below(TRANSPORTS)],
	    m->seen[message], hops, rcpts, n);
}

/* All that waits and could go means the schedule forgot about it. */
static void
check_nothing_forgotten(struct model *m)
{
	for (size_t i = 0; i < TRANSPORTS; i++) {
		struct schedule_transport *t = m->transports[i];

		if (t->throttled || (t->limits.deliveries_at_once > 0
		    && t->in_flight >= (size_t)t->limits.deliveries_at_once)
		    || t->next_at_ms > m->now_ms)
			continue;
		LIST_EACH(link, &t->destinations) {
			struct schedule_destination *d = LIST_ITEM(link,
			    struct schedule_destination, link);

			if (d->waiting > 0 && !d->dead
			    && d->next_at_ms <= m->now_ms)
				T_CHECK((double)d->in_flight + 1 > d->window);
		}
	}
}

static void
start_some(struct model *m, unsigned most)
{
	struct schedule_entry *e;
	int64_t again;

	while (most-- > 0) {
		e = schedule_next(m->schedule, m->now_ms, &again);
		if (e == NULL) {
			check_nothing_forgotten(m);
			T_CHECK(again == -1 || again > m->now_ms);
			return;
		}
		struct schedule_transport *t = e->destination->transport;

		T_CHECK(!t->throttled && !e->destination->dead);
		T_CHECK(t->limits.deliveries_at_once == 0 || t->in_flight
		    <= (size_t)t->limits.deliveries_at_once);
		T_CHECK((double)e->destination->in_flight
		    <= e->destination->window);
		count_entry(m, e);
		m->flying[m->flights++] = e;
	}
}

static void
take_all(struct model *m, struct schedule_transport *t,
    struct schedule_destination *d)
{
	struct schedule_entry *e;

	while ((e = schedule_take_waiting(t, d)) != NULL) {
		T_CHECK(e->destination->transport == t);
		T_CHECK(d == NULL || e->destination == d);
		count_entry(m, e);
		schedule_entry_free(e);
	}
	T_CHECK(d == NULL || d->waiting == 0);
}

static void
end_one(struct model *m)
{
	size_t which = random_below((uint32_t)m->flights);
	struct schedule_entry *e = m->flying[which];
	struct schedule_destination *d = e->destination;
	uint32_t dice = random_below(10);

	m->flying[which] = m->flying[--m->flights];
	if (schedule_done(e, dice < 6 ? SCHEDULE_GOOD : dice < 9
	    ? SCHEDULE_HOP_FAILED : SCHEDULE_NEUTRAL, m->now_ms)) {
		T_CHECK(d->dead);
		if (random_below(2) == 0)
			take_all(m, d->transport, d);
	}
}

static void
revive_some(struct model *m, bool all)
{
	for (size_t i = 0; i < TRANSPORTS; i++)
		LIST_EACH(link, &m->transports[i]->destinations) {
			struct schedule_destination *d = LIST_ITEM(link,
			    struct schedule_destination, link);

			if (d->dead && (all || random_below(3) == 0))
				schedule_destination_revive(d);
		}
}

static void
throttle_one(struct model *m)
{
	struct schedule_transport *t =
	    m->transports[random_below(TRANSPORTS)];

	schedule_transport_throttle(t, !t->throttled);
	if (t->throttled && random_below(2) == 0)
		take_all(m, t, NULL);
}

static void
model_init(struct model *m)
{
	static const char *const names[TRANSPORTS] = { "smtp", "lmtp", "a" };

	memset(m, 0, sizeof(*m));
	m->schedule = schedule_new();
	for (size_t i = 0; i < TRANSPORTS; i++) {
		struct schedule_limits l = { .deliveries_at_once =
			random_below(12), .concurrency = random_below(5),
			.initial_concurrency = random_below(4),
			.rcpts_per_entry = random_below(4),
			.slot_cost = random_below(6), .slot_loan = 3,
			.slot_discount = 50, .minimum_slots = random_below(4),
			.failed_cohort_limit = random_below(3),
			.positive_feedback = 1, .negative_feedback = 1,
			.rate_delay_ms = random_below(5) == 0 ? 7 : 0,
			.transport_rate_delay_ms =
			    random_below(5) == 0 ? 3 : 0 };

		m->transports[i] = schedule_transport_add(m->schedule,
		    span_cstr(names[i]), &l);
	}
}

/* Everything gets well again and runs dry. */
static void
run_dry(struct model *m)
{
	for (size_t i = 0; i < TRANSPORTS; i++)
		schedule_transport_throttle(m->transports[i], false);
	for (int i = 0; i < 1000000 && (m->flights > 0
	    || schedule_waiting(m->schedule) > 0); i++) {
		revive_some(m, true);
		start_some(m, 1000);
		while (m->flights > 0)
			end_one(m);
		m->now_ms++;
	}
	T_EQ_INT(schedule_waiting(m->schedule), 0);
	T_EQ_INT(schedule_in_flight(m->schedule), 0);
	for (size_t i = 0; i < MESSAGES; i++)
		for (size_t k = 0; k < RCPTS; k++)
			T_EQ_INT(m->seen[i][k], k < m->added[i]);
}

static bool
is_remembered(const struct schedule_destination *d, int64_t now_ms)
{
	return d->dead || d->next_at_ms > now_ms;
}

T_TEST(every_recipient_goes_once_and_none_is_forgotten)
{
	uint64_t seed = t_seed();
	int64_t again;

	for (uint64_t round = 0; round < 300 && !t_failed(); round++) {
		static struct model m;

		T_CASEF("round %d", (int)round);
		random_seed(seed + round);
		model_init(&m);
		for (int step = 0; step < 400 && !t_failed(); step++) {
			uint32_t dice = random_below(100);

			if (dice < 30)
				add_some(&m);
			else if (dice < 60)
				start_some(&m, random_below(8) + 1);
			else if (dice < 85 && m.flights > 0)
				end_one(&m);
			else if (dice < 90)
				revive_some(&m, false);
			else if (dice < 92)
				throttle_one(&m);
			else if (dice < 94)
				schedule_tidy(m.schedule);
			else
				m.now_ms += random_below(10);
			T_EQ_INT(schedule_in_flight(m.schedule), m.flights);
		}
		run_dry(&m);
		T_CHECK(schedule_next(m.schedule, m.now_ms, &again) == NULL);
		schedule_tidy(m.schedule);
		for (size_t i = 0; i < TRANSPORTS; i++)
			LIST_EACH(link, &m.transports[i]->destinations)
				T_CHECK(is_remembered(LIST_ITEM(link,
				    struct schedule_destination, link),
				    m.now_ms));
		schedule_free(&m.schedule);
	}
}

/* ---- full size ---- */

struct crowd {
	int64_t *added_ms;		/* by message */
	int64_t worst_ms, sum_ms;
	size_t delivered, big_left, dead_taken;
	char *messages;			/* their addresses are their names */
};

static struct sim_fate
crowd_fate(struct sim *sim, const struct schedule_entry *entry)
{
	struct crowd *c = sim->arg;
	size_t message = (size_t)((char *)entry->message - c->messages);
	int64_t waited = sim->now_ms - c->added_ms[message];

	if (entry->destination->name[0] == 'x')
		return (struct sim_fate){ 30000, SCHEDULE_HOP_FAILED };
	if (message == 0) {
		c->big_left -= entry->count;
	} else {
		c->delivered++;
		c->sum_ms += waited;
		if (waited > c->worst_ms)
			c->worst_ms = waited;
	}
	return (struct sim_fate){ 50 + random_below(100), SCHEDULE_GOOD };
}

static void
crowd_died(struct sim *sim, struct schedule_destination *d)
{
	struct crowd *c = sim->arg;
	struct schedule_entry *entry;

	while ((entry = schedule_take_waiting(d->transport, d)) != NULL) {
		c->dead_taken++;
		schedule_entry_free(entry);
	}
}

static void
crowd_init(struct sim *sim, struct crowd *c, size_t messages)
{
	sim_init(sim);
	*c = (struct crowd){ .messages = mem_zalloc(messages),
		.added_ms = mem_array(messages, sizeof(int64_t)) };
	sim->arg = c;
	sim->fate = crowd_fate;
	sim->died = crowd_died;
}

static void
crowd_fini(struct sim *sim, struct crowd *c)
{
	sim_fini(sim);
	mem_free(c->messages);
	mem_free(c->added_ms);
}

static struct schedule_limits
usual_limits(void)
{
	return (struct schedule_limits){ .deliveries_at_once = 100,
		.concurrency = 20, .initial_concurrency = 5,
		.rcpts_per_entry = 50, .slot_cost = 5, .slot_loan = 3,
		.slot_discount = 50, .minimum_slots = 3,
		.failed_cohort_limit = 1, .positive_feedback = 1,
		.negative_feedback = 1 };
}

static int64_t
add_crowd(struct sim *sim, struct schedule_transport *t, struct crowd *c,
    size_t first, size_t count, uint32_t hops)
{
	for (size_t i = first; i < first + count; i++) {
		char hop[32];
		const uint32_t rcpt = 0;
		struct span name;

		snprintf(hop, sizeof(hop), "d%u.example", random_below(hops));
		name = span_cstr(hop);
		c->added_ms[i] = sim->now_ms;
		schedule_add(t, c->messages + i, &name, &rcpt, 1);
	}
	return sim->now_ms;
}

static void
add_mailing(struct sim *sim, struct schedule_transport *t, struct crowd *c,
    uint32_t rcpts, uint32_t hops, char letter)
{
	struct span *names = mem_array(rcpts, sizeof(*names));
	uint32_t *numbers = mem_array(rcpts, sizeof(*numbers));
	char (*texts)[32] = mem_array(hops, sizeof(*texts));

	for (uint32_t i = 0; i < hops; i++)
		snprintf(texts[i], sizeof(texts[i]), "%c%u.example", letter,
		    i);
	for (uint32_t i = 0; i < rcpts; i++) {
		names[i] = span_cstr(texts[i % hops]);
		numbers[i] = i;
	}
	schedule_add(t, c->messages, names, numbers, rcpts);
	c->big_left += rcpts;
	mem_free(names);
	mem_free(numbers);
	mem_free(texts);
}

T_TEST(a_million_messages_to_a_hundred_thousand_places_take_seconds)
{
	const size_t count = 1000000;
	struct sim sim;
	struct crowd c;
	struct schedule_limits limits = usual_limits();
	int64_t took_ms;

	limits.deliveries_at_once = 1000;
	random_seed(t_seed());
	crowd_init(&sim, &c, count);
	struct schedule_transport *t = schedule_transport_add(sim.schedule,
	    SPAN("smtp"), &limits);

	add_crowd(&sim, t, &c, 1, count - 1, 100000);
	sim_run(&sim);
	T_EQ_INT(c.delivered, count - 1);
	T_EQ_INT(sim.most_flying, 1000);
	/* As fast as a thousand agents of 100 ms can be, but for a tail. */
	T_CHECK(sim.now_ms < 110000);
	crowd_fini(&sim, &c);
	took_ms = (int64_t)clock() / (CLOCKS_PER_SEC / 1000);	/* of work */
	printf("1000000 messages in %lld ms\n", (long long)took_ms);
	T_CHECK(took_ms < 60000);	/* 3 s, but for sanitizers */
}

T_TEST(a_mailing_and_dead_places_stop_no_other_mail)
{
	const size_t count = 60001;
	struct sim sim;
	struct crowd c;
	struct schedule_limits limits = usual_limits();

	random_seed(t_seed());
	crowd_init(&sim, &c, count);
	struct schedule_transport *t = schedule_transport_add(sim.schedule,
	    SPAN("smtp"), &limits);

	/* 300000 entries: over eight minutes for 100 agents alone. */
	add_mailing(&sim, t, &c, 300000, 300000, 'm');
	/* Everybody has mail for these, and none answers. */
	add_mailing(&sim, t, &c, 200, 20, 'x');
	c.big_left -= 200;
	for (size_t i = 1; i < count; i += 100) {	/* 100 each second */
		add_crowd(&sim, t, &c, i, 100, 5000);
		sim_until(&sim, sim.now_ms + 1000);
		if (c.big_left == 0)
			break;
	}
	/* A fifth of the agents' turns, 200 a second, is theirs by right. */
	T_CHECK(c.delivered > 10000);
	T_CHECK(c.worst_ms < 60000);
	T_CHECK(c.sum_ms / (int64_t)c.delivered < 5000);
	/* And they make the mailing no slower than the slot cost allows. */
	T_EQ_INT(c.big_left, 0);
	T_CHECK(sim.now_ms < 300000 / 1000 * 1000 * 5 / 4 + 70000);
	printf("%zu others: mean %lld ms, worst %lld ms; mailing %lld s\n",
	    c.delivered, (long long)(c.sum_ms / (int64_t)c.delivered),
	    (long long)c.worst_ms, (long long)sim.now_ms / 1000);
	crowd_fini(&sim, &c);
}

T_TEST(a_closed_transport_gives_its_mail_back_quickly)
{
	struct sim sim;
	struct crowd c;
	struct schedule_limits limits = usual_limits();
	struct schedule_entry *e;
	int64_t start;
	size_t taken = 0;

	crowd_init(&sim, &c, 10);
	struct schedule_transport *t = schedule_transport_add(sim.schedule,
	    SPAN("smtp"), &limits);

	add_mailing(&sim, t, &c, 100000, 100000, 'm');
	start = clock_now_ns();
	schedule_transport_throttle(t, true);
	while ((e = schedule_take_waiting(t, NULL)) != NULL) {
		taken++;
		schedule_entry_free(e);
	}
	T_EQ_INT(taken, 100000);
	printf("taken back in %lld ms\n",
	    (long long)(clock_now_ns() - start) / 1000000);
	crowd_fini(&sim, &c);
}
