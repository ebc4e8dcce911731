/*
 * clog - one slow destination that fills memory while other mail waits on disk
 * is said, with the name of the parameter that helps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/io/loop.h"
#include "daemons/qmgr/qmgr_priv.h"

#define LOOK_AGAIN_SECONDS 10		/* there may be many destinations */

static void
say(const struct schedule_destination *d, size_t share, size_t all)
{
	const struct schedule_limits *l = &d->transport->limits;

	log_warn("mail for %s is using up %zu of %zu active queue entries",
	    d->name, share, all);
	if (!qmgr_conf.helpful_warnings)
		return;
	if (l->concurrency > 0 && d->in_flight >= (size_t)l->concurrency)
		log_warn("you may need to increase the main.cf "
		    "%s_destination_concurrency_limit from %lld",
		    d->transport->name, (long long)l->concurrency);
	else if (l->deliveries_at_once > 0
	    && d->transport->in_flight >= (size_t)l->deliveries_at_once)
		log_warn("you may need to increase the process limit of "
		    "service %s in master.cf from %lld", d->transport->name,
		    (long long)l->deliveries_at_once);
	log_warn("please avoid flushing the whole queue when you have lots of "
	    "deferred mail; qmgr_clog_warn_time = 0 turns this warning off");
}

static bool
say_of(const struct schedule_transport *t, size_t all)
{
	LIST_EACH(item, &t->destinations) {
		const struct schedule_destination *d = LIST_ITEM(item,
		    struct schedule_destination, link);
		size_t share = d->waiting + d->in_flight;

		if (2 * share <= all)
			continue;
		say(d, share, all);
		return true;
	}
	return false;
}

/* More than half is one destination's, so there is one at most. */
static bool
say_clogged(void)
{
	size_t all = schedule_waiting(schedule) + schedule_in_flight(schedule);

	LIST_EACH(item, transport_all())
		if (say_of(LIST_ITEM(item, struct transport, link)->sched,
		    all))
			return true;
	return false;
}

void
clog_look(void)
{
	static int64_t next_ns;
	int64_t now = clock_now_ns();

	if (qmgr_conf.clog_warn_time == 0 || now < next_ns || !intake_full())
		return;
	next_ns = now + INT64_C(1000000000) * (say_clogged()
	    ? qmgr_conf.clog_warn_time : LOOK_AGAIN_SECONDS);
}
