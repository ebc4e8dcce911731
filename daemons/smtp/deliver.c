/*
 * deliver - one delivery: its destinations in turn, their addresses in turn,
 * until every recipient has a verdict.
 *
 * What is temporary at one server is tried at the next one; the last attempt's
 * reason is what the log and the sender are told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "daemons/smtp/smtp_priv.h"
#include "maps/matchlist.h"

struct walk {
	struct smtp_job *job;
	struct span rest;		/* destinations not tried yet */
	struct span fallback;		/* and those of last resort */
	size_t sessions;		/* with this destination */
	bool demand;			/* deliveries follow one another */
	bool keep;			/* the session, afterwards */
	bool enough;			/* sessions with this destination */
};

static bool
next_destination(struct walk *w, struct span *text_out)
{
	return dest_next(&w->rest, text_out) ||
	    dest_next(&w->fallback, text_out);
}

static bool
more_destinations(const struct walk *w)
{
	struct walk copy = *w;
	struct span text;

	return next_destination(&copy, &text);
}

static void
attempt_failed(struct smtp_job *job, const struct smtp_session *s)
{
	if (job->left > 0)
		smtp_fail_rest(job, s);
	if (job->why.site && job->left == 0 &&
	    job->why.kind == OUTCOME_DEFERRED)
		delivery_dead(job->d, job->why.dsn, str_span(&job->why.reason));
}

static void
count_session(struct walk *w)
{
	w->sessions++;
	if (smtp_conf.session_limit > 0 &&
	    w->sessions >= (size_t)smtp_conf.session_limit) {
		w->enough = true;
		w->job->last_try = !more_destinations(w);
	}
}

/* A session that was kept, until one proves to be alive. */
static bool
try_idle(struct walk *w, const struct smtp_target *t)
{
	struct smtp_job *job = w->job;
	struct span relay = smtp_target_relay(t, job->d->arena);
	struct walk before = *w;
	bool last_before = job->last_try, early, good;
	struct smtp_session *s;

	while ((s = smtp_idle_take(relay)) != NULL) {
		job->d->connected_us = clock_wall_us();
		count_session(w);
		smtp_session_next_message(s);
		good = smtp_transact(job, s, &early);
		if (good || !early) {
			if (!good)
				attempt_failed(job, s);
			smtp_session_report(s, job->d->envelope);
			smtp_idle_give(s, w->keep);
			return true;
		}
		*w = before;
		job->last_try = last_before;
		smtp_session_free(s);
	}
	return false;
}

static void
try_new(struct walk *w, const struct dest *dest, const struct smtp_target *t)
{
	struct smtp_job *job = w->job;
	struct smtp_session *s = smtp_connect(t, job->d->arena, &job->why);
	bool early;

	if (s == NULL) {
		if (job->last_try)	/* else it has been logged */
			attempt_failed(job, NULL);
		return;
	}
	count_session(w);
	str_set(&s->nexthop, dest->host);
	s->unbracketed = !dest->bracketed && !dest->unix_socket;
	if (!smtp_session_greet(s, &job->why)) {
		attempt_failed(job, s);
		smtp_session_report(s, job->d->envelope);
		smtp_session_quit(s);
		return;
	}
	job->d->connected_us = clock_wall_us();
	if (!smtp_transact(job, s, &early))
		attempt_failed(job, s);
	smtp_session_report(s, job->d->envelope);
	smtp_idle_give(s, w->keep);
}

static bool
is_listed(const struct dest *dest)
{
	return smtp_setup.cache_destinations != NULL &&
	    !matchlist_empty(smtp_setup.cache_destinations) &&
	    matchlist_name(smtp_setup.cache_destinations, dest->host) ==
	    MAP_FOUND;
}

/* No attempt at all: said of the recipients if nothing else is left to try. */
static void
destination_failed(struct smtp_job *job)
{
	if (job->last_try)
		attempt_failed(job, NULL);
	else
		log_info("%s", str_cstr(&job->why.reason));
}

static void
try_destination(struct walk *w, struct span text)
{
	struct smtp_job *job = w->job;
	struct smtp_target *targets;
	struct str problem = STR_EMPTY;
	struct dest dest;
	size_t count;
	bool last = !more_destinations(w);

	job->last_try = last;
	w->sessions = 0;
	w->enough = false;
	if (!dest_parse(text, smtp_setup.port, smtp_setup.lmtp, &dest,
	    &problem)) {
		log_warn("%s", str_cstr(&problem));
		smtp_why_set(&job->why, OUTCOME_DEFERRED, "4.3.5", "%s",
		    str_cstr(&problem));
		str_fini(&problem);
		destination_failed(job);
		return;
	}
	if (!smtp_find_targets(&dest, job->d->arena, &targets, &count,
	    &job->why)) {
		destination_failed(job);
		return;
	}
	w->keep = (w->demand && smtp_conf.cache_on_demand) || is_listed(&dest);
	for (size_t i = 0; i < count && job->left > 0 && !w->enough; i++) {
		job->last_try = last && i + 1 == count;
		if (!try_idle(w, &targets[i]))
			try_new(w, &dest, &targets[i]);
	}
}

static bool
needs_utf8(const struct delivery *d)
{
	if (!conf_core.smtputf8_enable)
		return false;
	if ((d->envelope->flags & ENVELOPE_SMTPUTF8_NEEDED) ||
	    !span_is_ascii(d->envelope->sender))
		return true;
	for (size_t i = 0; i < d->count; i++)
		if (!span_is_ascii(d->rcpts[i].address))
			return true;
	return false;
}

void
smtp_deliver(struct delivery *d)
{
	struct smtp_job job = { .d = d, .left = d->count,
		.needs_utf8 = needs_utf8(d),
		.done = arena_array(d->arena, d->count, sizeof(bool)) };
	struct walk w = { .job = &job, .rest = d->request->nexthop,
		.fallback = SPAN(smtp_conf.fallback_relay),
		.demand = smtp_idle_demand(d->request->nexthop) };
	struct span text;

	smtp_why_init(&job.why);
	while (job.left > 0 && next_destination(&w, &text))
		try_destination(&w, text);
	if (job.left > 0 && str_len(&job.why.reason) == 0)
		smtp_why_set(&job.why, OUTCOME_DEFERRED, "4.3.5",
		    "no next hop was given");
	job.last_try = true;
	if (job.left > 0)
		attempt_failed(&job, NULL);
	smtp_why_fini(&job.why);
}
