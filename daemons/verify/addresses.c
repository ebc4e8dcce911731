/*
 * addresses - see the header.
 *
 * That an address is being asked about lies in the cache beside what was known
 * before: a new process, too, takes the answer to a probe of the old one, and
 * nobody's word for what was not asked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/verify/addresses.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/io/fiber.h"
#include "daemons/verify/record.h"
#include "daemons/verify/verify_conf.h"
#include "maps/cache.h"

#define CLEANED_KEY "_LAST_CACHE_CLEANUP_COMPLETED_"
#define PASSING_SECONDS 60
#define PASSING_MOST 10000
#define CLEAN_AT_ONCE 200

/* A failure that is not kept (address_verify_negative_cache = no): who waits for
 * it hears of it. */
struct passing {
	int64_t until;
	enum verify_status status;
	char text[];
};

static struct cache *cache;
static bool changed;
static struct hash *pending;		/* address -> time of its probe */
static struct hash *passing;
static int64_t said_full;
static struct fiber_group probes;
static addresses_send_fn *send_probe = probe_send;

bool
addresses_open(struct str *why)
{
	cache = cache_open(verify_conf.map, why);
	pending = hash_new();
	passing = hash_new();
	fiber_group_init(&probes);
	return cache != NULL;
}

static void
forget_passing(int64_t now)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	while (hash_next(passing, &it, &key, &value)) {
		struct passing *p = value;

		if (p->until <= now) {
			hash_remove(passing, key);
			mem_free(p);
		}
	}
}

void
addresses_close(void)
{
	forget_passing(INT64_MAX);
	hash_free(&pending);
	hash_free(&passing);
	cache_close(cache);
	cache = NULL;
}

void
addresses_send_by(addresses_send_fn *send)
{
	send_probe = send;
}

/* ---- the cache ---- */

static bool
find(struct span address, struct record *r, struct str *value)
{
	if (!cache_get(cache, address, value))
		return false;
	if (record_read(str_span(value), r))
		return true;
	log_warn("cache %s: what it has of %.*s is no record",
	    verify_conf.map, SPAN_ARG(address));
	return false;
}

static bool
keep(struct span address, const struct record *r)
{
	struct str value = STR_EMPTY;
	bool kept;

	record_print(&value, r);
	kept = cache_put(cache, address, str_span(&value));
	str_fini(&value);
	changed = true;
	return kept;
}

/* ---- probes ---- */

static void
forget_lost(int64_t now)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	while (hash_next(pending, &it, &key, &value))
		if (now - (intptr_t)value >= RECORD_PROBE_SECONDS)
			hash_remove(pending, key);
}

/* However many addresses a client makes up, the queue stays usable. */
static bool
is_full(int64_t now)
{
	if ((int64_t)hash_count(pending) < verify_conf.pending_limit)
		return false;
	forget_lost(now);
	if ((int64_t)hash_count(pending) < verify_conf.pending_limit)
		return false;
	if (now - said_full >= 60)
		log_warn("%zu probes have no answer yet "
		    "(address_verify_pending_request_limit): no more are sent",
		    hash_count(pending));
	said_full = now;
	return true;
}

static void
probe(void *arg)
{
	char *address = arg;
	struct str text = STR_EMPTY, value = STR_EMPTY;
	enum verify_status status = VERIFY_DEFER;
	struct record r;

	switch (send_probe(SPAN(address), &status, &text)) {
	case PROBE_SENT:
		break;
	case PROBE_KNOWN:
		addresses_tell(SPAN(address), status, str_span(&text));
		break;
	case PROBE_FAILED:
		hash_remove(pending, SPAN(address));
		if (find(SPAN(address), &r, &value)) {
			r.probed = 0;
			keep(SPAN(address), &r);
		}
		break;
	}
	str_fini(&text);
	str_fini(&value);
	mem_free(address);
}

/* Somebody has sent one while we looked into the cache. */
static bool
is_pending(struct span address, int64_t now)
{
	intptr_t sent = (intptr_t)hash_get(pending, address);

	return sent != 0 && now - sent < RECORD_PROBE_SECONDS;
}

/* Noted first, since the answer may be there before we go on, and is of no use
 * where nothing can be noted. */
static void
start_probe(struct span address, struct record *r, int64_t now)
{
	char *copy;

	hash_put(pending, address, (void *)(intptr_t)now);
	if (!keep(address, r)) {
		hash_remove(pending, address);
		return;
	}
	copy = mem_strndup(address.p, address.len);
	if (fiber_spawn(&probes, "probe", probe, copy) != NULL)
		return;
	mem_free(copy);
	hash_remove(pending, address);
	r->probed = 0;
	keep(address, r);
}

/* ---- asked and told ---- */

static bool
ask_passing(struct span address, int64_t now, struct verify_answer *answer,
    struct str *text)
{
	const struct passing *p = hash_get(passing, address);

	if (p == NULL || p->until <= now)
		return false;
	str_sets(text, p->text);
	answer->status = (uint64_t)p->status;
	answer->text = str_span(text);
	return true;
}

void
addresses_ask(struct span address, struct verify_answer *answer,
    struct str *text)
{
	int64_t now = clock_wall();
	struct record stored, r;
	struct str value = STR_EMPTY;
	bool due, known;

	if (ask_passing(address, now, answer, text))
		return;
	known = find(address, &stored, &value);
	record_judge(known ? &stored : NULL, now, &r, &due);
	if (due && !is_pending(address, now) && !is_full(now))
		start_probe(address, &r, now);
	str_set(text, r.text);
	answer->status = (uint64_t)r.status;
	answer->text = str_span(text);
	str_fini(&value);
}

static void
pass_on(struct span address, enum verify_status status, struct span text,
    int64_t now)
{
	struct passing *p;

	if (hash_count(passing) >= PASSING_MOST)
		forget_passing(now);
	if (hash_count(passing) >= PASSING_MOST)
		return;
	p = mem_zalloc(sizeof(*p) + text.len + 1);
	p->until = now + PASSING_SECONDS;
	p->status = status;
	if (text.len > 0)
		memcpy(p->text, text.p, text.len);
	mem_free(hash_put(passing, address, p));
}

bool
addresses_tell(struct span address, enum verify_status status,
    struct span text)
{
	int64_t now = clock_wall();
	struct str value = STR_EMPTY;
	struct record stored, r;
	bool used;

	hash_remove(pending, address);
	used = find(address, &stored, &value)
	    && record_update(&stored, status, text, now, &r);
	if (used && status != VERIFY_OK && !verify_conf.negative_cache) {
		pass_on(address, status, text, now);
		cache_erase(cache, address);
		changed = true;
	} else if (used) {
		keep(address, &r);
	}
	str_fini(&value);
	return used;
}

/* ---- upkeep ---- */

int64_t
addresses_cleaned(void)
{
	struct str value = STR_EMPTY;
	uint64_t when = 0;

	if (cache_get(cache, SPAN(CLEANED_KEY), &value)
	    && !scan_u64(str_span(&value), &when))
		when = 0;
	str_fini(&value);
	return when > INT64_MAX ? 0 : (int64_t)when;
}

static void
note_cleaned(void)
{
	struct str value = STR_EMPTY;

	str_printf(&value, "%lld", (long long)clock_wall());
	cache_put(cache, SPAN(CLEANED_KEY), str_span(&value));
	str_fini(&value);
	changed = true;
}

void
addresses_clean(void)
{
	struct str key = STR_EMPTY, value = STR_EMPTY;
	unsigned retained = 0, dropped = 0;

	forget_passing(clock_wall());
	for (bool first = true; cache_next(cache, first, &key, &value);
	    first = false) {
		struct record r;

		if (span_is(str_span(&key), CLEANED_KEY))
			continue;
		if (record_read(str_span(&value), &r)
		    && !record_is_over(&r, clock_wall())) {
			retained++;
		} else {
			cache_erase(cache, str_span(&key));
			changed = true;
			dropped++;
		}
		if ((retained + dropped) % CLEAN_AT_ONCE == 0
		    && fiber_sleep(deadline_in_ms(1)) == IO_CANCELLED)
			break;
	}
	note_cleaned();
	log_info("cache %s full cleanup: retained=%u dropped=%u entries",
	    verify_conf.map, retained, dropped);
	str_fini(&key);
	str_fini(&value);
}

void
addresses_clean_if_due(void)
{
	int64_t now = clock_wall(), last = addresses_cleaned();

	if (verify_conf.cleanup_interval > 0
	    && (last > now || now - last >= verify_conf.cleanup_interval))
		addresses_clean();
}

void
addresses_sync(void)
{
	if (changed)
		cache_sync(cache);
	changed = false;
}

void
addresses_finish(void)
{
	(void)fiber_group_join(&probes, DEADLINE_NEVER);
	addresses_sync();
}
