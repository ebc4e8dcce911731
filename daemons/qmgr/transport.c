/*
 * transport - what qmgr knows of transports and their destinations' troubles.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/strlist.h"
#include "common/io/loop.h"
#include "common/mail/conf_core.h"
#include "common/mail/master_cf.h"
#include "daemons/qmgr/qmgr_priv.h"

#define AGENT_PATIENCE_MS 10000		/* nobody listens at its socket */

static struct hash *troubles;		/* destination pointer -> trouble */
static struct list transports = LIST_HEAD(transports);

static struct master_cf master_cf;

void
transport_setup(void)
{
	struct str why = STR_EMPTY;

	if (!master_cf_load(conf_dir(), &master_cf, &why))
		fatal("%s", str_cstr(&why));
	str_fini(&why);
}

static int64_t
deliveries_at_once(const char *transport)
{
	const struct master_row *row = master_cf_find(&master_cf, transport,
	    "unix");

	return row != NULL ? master_row_limit(row) : 1;
}

/* ---- parameters of a transport ---- */

static bool checking;			/* `waypost check`: tells all that is wrong */
static bool found_bad;

/* <transport>_x, or where its value comes from: default_x, or x alone. */
static const struct conf_entry *
entry_of(const char *transport, const char *name)
{
	const char *const prefixes[] = { transport, "default", "" };
	const struct conf_entry *entry = NULL;

	for (size_t i = 0; entry == NULL && i < ARRAY_COUNT(prefixes); i++) {
		struct str full = STR_EMPTY;

		str_printf(&full, "%s%s", prefixes[i],
		    prefixes[i][0] != '\0' ? name : name + 1);
		entry = conf_find(str_cstr(&full));
		str_fini(&full);
	}
	return entry;
}

static void
say_bad(const struct str *text)
{
	if (!checking)
		fatal("%s", str_cstr(text));
	found_bad = true;
	log_error("%s", str_cstr(text));	/* check tells a line once */
}

static void
bad_value(const char *transport, const char *name, const char *why)
{
	const struct conf_entry *entry = entry_of(transport, name);
	struct str text = STR_EMPTY;

	if (entry != NULL && entry->line > 0)
		str_addf(&text, "%s:%u: ", entry->origin, entry->line);
	if (entry != NULL)
		str_addf(&text, "%s: %s", entry->name, why);
	else
		str_addf(&text, "%s%s: %s", transport, name, why);
	say_bad(&text);
	str_fini(&text);
}

static int64_t
template_number(const char *transport, const char *name, bool is_time)
{
	struct str why = STR_EMPTY;
	int64_t value = 0;

	if (!(is_time ? conf_template_time(transport, name, &value, &why)
	    : conf_template_int(transport, name, &value, &why)))
		say_bad(&why);
	else if (value < 0)
		bad_value(transport, name, "below 0");
	str_fini(&why);
	return value;
}

static int64_t
template_int(const char *transport, const char *name)
{
	return template_number(transport, name, false);
}

static int64_t
template_ms(const char *transport, const char *name)
{
	return template_number(transport, name, true) * 1000;
}

static bool
scan_decimal(struct span text, double *out)
{
	char room[32], *end;

	if (text.len == 0 || text.len >= sizeof(room)
	    || (!ascii_is_digit(text.p[0]) && text.p[0] != '.'))
		return false;
	memcpy(room, text.p, text.len);
	room[text.len] = '\0';
	*out = strtod(room, &end);
	return *end == '\0' && isfinite(*out);
}

/* "1", "0.5", "1/5", "1/concurrency", "1/sqrt_concurrency". */
static bool
scan_feedback(struct span text, double *value_out,
    enum schedule_divisor *by_out)
{
	ssize_t slash = span_find(text, '/');
	struct span by = slash < 0 ? SPAN("1")
	    : span_trim(span_skip(text, (size_t)slash + 1));
	double value, divisor = 1;

	if (!scan_decimal(span_trim(slash < 0 ? text
	    : span_sub(text, 0, (size_t)slash)), &value))
		return false;
	*by_out = SCHEDULE_BY_ONE;
	if (span_is(by, "concurrency"))
		*by_out = SCHEDULE_BY_WINDOW;
	else if (span_is(by, "sqrt_concurrency"))
		*by_out = SCHEDULE_BY_ROOT;
	else if (!scan_decimal(by, &divisor) || divisor <= 0)
		return false;
	*value_out = value / divisor;
	return true;
}

static void
template_feedback(const char *transport, const char *name, double *value_out,
    enum schedule_divisor *by_out)
{
	struct str text = STR_EMPTY, why = STR_EMPTY;

	*value_out = 1;
	if (!conf_template_str(transport, name, &text, &why)) {
		bad_value(transport, name, str_cstr(&why));
	} else if (!scan_feedback(span_trim(str_span(&text)), value_out,
	    by_out)) {
		str_printf(&why, "found \"%s\", expected a number, or one "
		    "divided by a number, by concurrency or by "
		    "sqrt_concurrency", str_cstr(&text));
		bad_value(transport, name, str_cstr(&why));
	} else if (*value_out > 1) {
		str_printf(&why, "\"%s\" is not between 0 and 1",
		    str_cstr(&text));
		bad_value(transport, name, str_cstr(&why));
	}
	str_fini(&text);
	str_fini(&why);
}

static void
read_limits(const char *name, struct schedule_limits *l)
{
	*l = (struct schedule_limits){
		.deliveries_at_once = deliveries_at_once(name),
		.concurrency = template_int(name,
		    "_destination_concurrency_limit"),
		.initial_concurrency = template_int(name,
		    "_initial_destination_concurrency"),
		.rcpts_per_entry = template_int(name,
		    "_destination_recipient_limit"),
		.slot_cost = template_int(name, "_delivery_slot_cost"),
		.slot_loan = template_int(name, "_delivery_slot_loan"),
		.slot_discount = template_int(name,
		    "_delivery_slot_discount"),
		.minimum_slots = template_int(name,
		    "_minimum_delivery_slots"),
		.failed_cohort_limit = template_int(name,
		    "_destination_concurrency_failed_cohort_limit"),
		.rate_delay_ms = template_ms(name, "_destination_rate_delay"),
		.transport_rate_delay_ms = template_ms(name,
		    "_transport_rate_delay"),
	};
	template_feedback(name, "_destination_concurrency_positive_feedback",
	    &l->positive_feedback, &l->positive_by);
	template_feedback(name, "_destination_concurrency_negative_feedback",
	    &l->negative_feedback, &l->negative_by);
	/* A rate delay means one delivery at a time. */
	if (l->rate_delay_ms > 0)
		l->concurrency = l->initial_concurrency = 1;
}

static void
read_recipient_limits(const char *name, struct transport *t)
{
	t->recipient_limit = template_int(name, "_recipient_limit");
	t->extra_recipient_limit = template_int(name,
	    "_extra_recipient_limit");
	t->refill_limit = template_int(name, "_recipient_refill_limit");
	t->refill_delay_ms = template_ms(name, "_recipient_refill_delay");
}

static void
retry_transport(struct loop_timer *timer)
{
	struct transport *t = container_of(timer, struct transport, retry);

	mem_free(t->reason);
	t->reason = NULL;
	schedule_transport_throttle(t->sched, false);
	dispatch_kick();
}

bool
transport_check(void)
{
	struct schedule_limits limits;
	struct transport t;

	transport_setup();
	checking = true;
	for (size_t i = 0; i < master_cf.count; i++)
		if (strcmp(master_cf.rows[i].type_text, "unix") == 0) {
			read_limits(master_cf.rows[i].name, &limits);
			read_recipient_limits(master_cf.rows[i].name, &t);
		}
	checking = false;
	return !found_bad;
}

struct transport *
transport_find(struct span name)
{
	struct schedule_transport *known = schedule_transport(schedule, name);
	struct schedule_limits limits;
	struct strlist deferred = STRLIST_EMPTY;
	struct transport *t;

	if (known != NULL)
		return known->owner;
	t = MEM_NEW(struct transport);

	char *text = mem_strndup(name.p, name.len);

	read_limits(text, &limits);
	read_recipient_limits(text, t);
	t->sched = schedule_transport_add(schedule, name, &limits);
	t->sched->owner = t;
	t->agent = peer_named("private", text, DELIVERY_PROTOCOL,
	    DELIVERY_VERSION);
	peer_set_patience(t->agent, AGENT_PATIENCE_MS);
	t->apart = peer_apart("private", text, DELIVERY_PROTOCOL,
	    DELIVERY_VERSION);
	peer_set_patience(t->apart, AGENT_PATIENCE_MS);
	peer_set_spread(t->apart, SIZE_MAX, 1);
	strlist_split(&deferred, SPAN(qmgr_conf.defer_transports),
	    STRLIST_CONF);
	t->deferred_by_conf = strlist_has(&deferred, name);
	strlist_fini(&deferred);
	list_init(&t->suspects);
	list_append(&transports, &t->link);
	loop_timer_init(&t->retry, retry_transport);
	mem_free(text);
	return t;
}

struct list *
transport_all(void)
{
	return &transports;
}

struct transport *
transport_of(struct schedule_transport *t)
{
	return t->owner;
}

void
transport_throttle(struct transport *t, const char *dsn, const char *reason)
{
	if (t->reason != NULL)
		return;
	log_warn("transport %s failure: %s", t->sched->name, reason);
	snprintf(t->dsn, sizeof(t->dsn), "%s", dsn);
	t->reason = mem_strdup(reason);
	schedule_transport_throttle(t->sched, true);
	loop_timer_set(&t->retry,
	    deadline_in(qmgr_conf.transport_retry_time).at_ns);
	dispatch_divert(t->sched, NULL, t->dsn, t->reason);
}

static struct span
trouble_key(const struct schedule_destination *const *d)
{
	return span_of((const char *)d, sizeof(*d));
}

static void
revive(struct destination_trouble *trouble)
{
	const struct schedule_destination *d = trouble->destination;

	loop_timer_stop(&trouble->revive);
	hash_remove(troubles, trouble_key(&d));
	schedule_destination_revive(trouble->destination);
	mem_free(trouble->reason);
	mem_free(trouble);
}

static void
revive_timer(struct loop_timer *timer)
{
	revive(container_of(timer, struct destination_trouble, revive));
	dispatch_kick();
}

void
destination_died(struct schedule_destination *d, struct span dsn,
    struct span reason)
{
	const struct schedule_destination *key = d;
	struct destination_trouble *trouble =
	    MEM_NEW(struct destination_trouble);

	if (troubles == NULL)
		troubles = hash_new();
	trouble->destination = d;
	snprintf(trouble->dsn, sizeof(trouble->dsn), "%.*s", SPAN_ARG(dsn));
	trouble->reason = mem_strndup(reason.p, reason.len);
	loop_timer_init(&trouble->revive, revive_timer);
	loop_timer_set(&trouble->revive,
	    deadline_in(qmgr_conf.minimal_backoff).at_ns);
	hash_put(troubles, trouble_key(&key), trouble);
	dispatch_divert(d->transport, d, trouble->dsn, trouble->reason);
}

const struct destination_trouble *
destination_trouble(const struct schedule_destination *d)
{
	return troubles == NULL ? NULL : hash_get(troubles, trouble_key(&d));
}

void
transport_forget_trouble(void)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	while (troubles != NULL && hash_next(troubles, &it, &key, &value)) {
		revive(value);
		it = HASH_ITER_START;
	}
	LIST_EACH(link, &transports) {
		struct transport *t = LIST_ITEM(link, struct transport, link);

		if (t->reason != NULL) {
			loop_timer_stop(&t->retry);
			retry_transport(&t->retry);
		}
	}
}
