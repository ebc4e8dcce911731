/*
 * counts - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "daemons/anvil/counts.h"

#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/mem.h"

struct client {
	uint64_t sessions;
	int64_t since_ns;		/* begin of its time unit */
	uint64_t happened[ANVIL_RATES];
};

struct peak {
	uint64_t value;
	char *key;
	time_t wall;
};

struct counts {
	struct hash *clients;		/* key -> struct client */
	int64_t unit_s, unit_ns;
	size_t most;
	bool full;			/* said */
	struct peak rates[ANVIL_RATES], sessions, known;
};

struct counts_holder {
	struct counts *counts;
	struct hash *held;		/* key -> number, as a pointer */
};

static const char *const rate_names[ANVIL_RATES] = {
	[ANVIL_CONNECTIONS] = "connection", [ANVIL_MESSAGES] = "message",
	[ANVIL_RCPTS] = "recipient", [ANVIL_NEW_TLS] = "newtls",
	[ANVIL_AUTH] = "auth",
};

struct counts *
counts_new(int64_t unit_s, size_t most)
{
	struct counts *c = MEM_NEW(struct counts);

	c->clients = hash_new();
	c->unit_s = unit_s;
	c->unit_ns = unit_s > INT64_MAX / 1000000000 ? INT64_MAX
	    : unit_s * 1000000000;
	c->most = most;
	return c;
}

static void
peak_clear(struct peak *peak)
{
	mem_free(peak->key);
	*peak = (struct peak){ 0, NULL, 0 };
}

static void
peak_note(struct peak *peak, uint64_t value, struct span key, time_t wall)
{
	if (value <= peak->value)
		return;
	peak_clear(peak);
	*peak = (struct peak){ value, mem_strndup(key.p, key.len), wall };
}

void
counts_free(struct counts **counts)
{
	struct hash_iter it = HASH_ITER_START;
	struct counts *c = *counts;
	struct span key;
	void *client;

	if (c == NULL)
		return;
	while (hash_next(c->clients, &it, &key, &client))
		mem_free(client);
	hash_free(&c->clients);
	for (size_t i = 0; i < ANVIL_RATES; i++)
		peak_clear(&c->rates[i]);
	peak_clear(&c->sessions);
	peak_clear(&c->known);
	mem_free(c);
	*counts = NULL;
}

/* ---- clients ---- */

static bool
is_over(const struct counts *c, const struct client *client, int64_t now_ns)
{
	return now_ns - client->since_ns >= c->unit_ns;
}

static void
start_anew(struct client *client, int64_t now_ns)
{
	memset(client->happened, 0, sizeof(client->happened));
	client->since_ns = now_ns;
}

void
counts_sweep(struct counts *c, int64_t now_ns)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	while (hash_next(c->clients, &it, &key, &value)) {
		const struct client *client = value;

		if (client->sessions > 0 || !is_over(c, client, now_ns))
			continue;
		hash_remove(c->clients, key);
		mem_free(value);
	}
	c->full = false;
}

/* NULL when there are too many. */
static struct client *
know(struct counts *c, struct span key, int64_t now_ns, time_t wall)
{
	struct client *client = hash_get(c->clients, key);

	if (client != NULL)
		return client;
	if (hash_count(c->clients) >= c->most && !c->full) {
		counts_sweep(c, now_ns);
		c->full = hash_count(c->clients) >= c->most;
		if (c->full)
			log_warn("%zu clients are counted; more are not "
			    "limited until some are forgotten", c->most);
	}
	if (hash_count(c->clients) >= c->most)
		return NULL;
	client = MEM_NEW(struct client);
	client->since_ns = now_ns;
	hash_put(c->clients, key, client);
	peak_note(&c->known, hash_count(c->clients), SPAN(""), wall);
	return client;
}

size_t
counts_known(const struct counts *c)
{
	return hash_count(c->clients);
}

uint64_t
counts_add(struct counts *c, struct span key, enum anvil_rate rate,
    uint64_t n, int64_t now_ns, time_t wall)
{
	struct client *client = know(c, key, now_ns, wall);

	if (client == NULL)
		return n;
	if (is_over(c, client, now_ns))
		start_anew(client, now_ns);
	client->happened[rate] += n;
	peak_note(&c->rates[rate], client->happened[rate], key, wall);
	return client->happened[rate];
}

/* ---- holders ---- */

struct counts_holder *
counts_holder_new(struct counts *c)
{
	struct counts_holder *holder = MEM_NEW(struct counts_holder);

	holder->counts = c;
	holder->held = hash_new();
	return holder;
}

void
counts_holder_free(struct counts_holder **holder)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *held;

	if (*holder == NULL)
		return;
	while (hash_next((*holder)->held, &it, &key, &held)) {
		struct client *client = hash_get((*holder)->counts->clients,
		    key);

		client->sessions -= (uint64_t)(uintptr_t)held;
	}
	hash_free(&(*holder)->held);
	mem_free(*holder);
	*holder = NULL;
}

uint64_t
counts_hold(struct counts_holder *holder, struct span key, uint64_t sessions,
    int64_t now_ns, time_t wall)
{
	struct counts *c = holder->counts;
	struct client *client = sessions > 0 ? know(c, key, now_ns, wall)
	    : hash_get(c->clients, key);
	uint64_t before;

	if (client == NULL)
		return sessions;
	if (sessions > 0)
		before = (uint64_t)(uintptr_t)hash_put(holder->held, key,
		    (void *)(uintptr_t)sessions);
	else
		before = (uint64_t)(uintptr_t)hash_remove(holder->held, key);
	client->sessions += sessions - before;
	peak_note(&c->sessions, client->sessions, key, wall);
	return client->sessions;
}

/* ---- from one anvil to the next ---- */

void
counts_adopt(struct counts *c, const struct anvil_legacy *legacy,
    int64_t now_ns, time_t wall)
{
	int64_t age_ns = legacy->age_ms > INT64_MAX / 1000000 ? INT64_MAX
	    : (int64_t)legacy->age_ms * 1000000;
	const uint64_t happened[ANVIL_RATES] = {
		[ANVIL_CONNECTIONS] = legacy->connections,
		[ANVIL_MESSAGES] = legacy->messages,
		[ANVIL_RCPTS] = legacy->rcpts,
		[ANVIL_NEW_TLS] = legacy->new_tls,
		[ANVIL_AUTH] = legacy->auth,
	};
	struct client *client;

	if (age_ns >= c->unit_ns
	    || (client = know(c, legacy->key, now_ns, wall)) == NULL)
		return;
	if (is_over(c, client, now_ns))
		start_anew(client, now_ns);
	if (client->since_ns > now_ns - age_ns)
		client->since_ns = now_ns - age_ns;
	for (size_t i = 0; i < ANVIL_RATES; i++)
		client->happened[i] += happened[i];
}

void
counts_give(struct counts *c, int64_t now_ns,
    void (*give)(const struct anvil_legacy *legacy, void *arg), void *arg)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	while (hash_next(c->clients, &it, &key, &value)) {
		struct client *client = value;
		struct anvil_legacy legacy = { .key = key,
			.age_ms = (uint64_t)((now_ns - client->since_ns)
			    / 1000000),
			.connections = client->happened[ANVIL_CONNECTIONS],
			.messages = client->happened[ANVIL_MESSAGES],
			.rcpts = client->happened[ANVIL_RCPTS],
			.new_tls = client->happened[ANVIL_NEW_TLS],
			.auth = client->happened[ANVIL_AUTH] };
		bool any = false;

		for (size_t i = 0; i < ANVIL_RATES; i++)
			any |= client->happened[i] > 0;
		if (any && !is_over(c, client, now_ns))
			give(&legacy, arg);
		memset(client->happened, 0, sizeof(client->happened));
	}
}

/* ---- statistics ---- */

static void
say_peak(struct peak *peak, void (*say)(const char *line),
    const char *what, const char *unit)
{
	struct str line = STR_EMPTY;
	char when[32] = "";
	struct tm tm;

	if (peak->value == 0)
		return;
	localtime_r(&peak->wall, &tm);
	strftime(when, sizeof(when), "%b %e %H:%M:%S", &tm);
	str_printf(&line, "max %s %llu%s", what,
	    (unsigned long long)peak->value, unit);
	if (peak->key[0] != '\0')
		str_addf(&line, " for (%s)", peak->key);
	str_addf(&line, " at %s", when);
	say(str_cstr(&line));
	str_fini(&line);
	peak_clear(peak);
}

void
counts_report(struct counts *c, void (*say)(const char *line))
{
	char what[32], unit[32];

	snprintf(unit, sizeof(unit), "/%llds", (long long)c->unit_s);
	say_peak(&c->rates[ANVIL_CONNECTIONS], say, "connection rate", unit);
	say_peak(&c->sessions, say, "connection count", "");
	for (size_t i = ANVIL_CONNECTIONS + 1; i < ANVIL_RATES; i++) {
		snprintf(what, sizeof(what), "%s rate", rate_names[i]);
		say_peak(&c->rates[i], say, what, unit);
	}
	say_peak(&c->known, say, "cache size", "");
}
