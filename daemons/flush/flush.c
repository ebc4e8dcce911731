/*
 * flush - tries now what waits for a site, at the wish of its host (ETRN) or
 * of an administrator (postqueue -s).
 *
 * It keeps no lists of its own that could be wrong: each wish reads the deferred
 * queue. Wishes that come meanwhile are searched for together, in one more pass.
 * Those that the queue manager did not hear are kept, and tried again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/service/peer.h"
#include "common/service/service.h"
#include "daemons/flush/flush_conf.h"
#include "daemons/flush/search.h"
#include "daemons/shared/flush_proto.h"
#include "daemons/shared/qmgr_proto.h"
#include "daemons/shared/tables.h"
#include "queue/names.h"

#define CONNECT_SECONDS 2
#define SITES_MOST 10000		/* wishes at once */
#define REST_SECONDS 2			/* before a wish is tried again, */
#define REST_MOST 60			/* more each time */
#define LAST_TRIES 3			/* when the process shall end */

static struct matchlist *domains;
static struct hash *wishes;
static struct fiber_group searches;

static struct fiber *resting;		/* until wishes are tried again */

struct pass {
	struct stream *qmgr;
	size_t messages;
	bool lost;			/* qmgr went away */
};

/* ---- one pass through the queue ---- */

static bool
try_now(const char *id, void *arg)
{
	struct qmgr_flush_one request = { .queue_id = SPAN(id) };
	struct pass *pass = arg;

	pass->messages++;
	attr_queue(pass->qmgr, &qmgr_flush_one_form, 0, &request);
	/* It reads on when there is room for more messages in it. */
	pass->lost = stream_flush(pass->qmgr, service_ipc_deadline())
	    != IO_OK;
	return !pass->lost;
}

/* False: the queue manager has not heard of all. */
static bool
run_pass(const struct hash *sites)
{
	static const char dead[] = { QMGR_FLUSH_DEAD, '\0' };
	const char *service = conf_core.queue_service_name;
	struct peer *peer = peer_named("public", service, QMGR_PROTOCOL,
	    QMGR_VERSION);
	struct pass pass = { .qmgr = peer_take_connection(peer,
	    deadline_in(CONNECT_SECONDS)) };
	struct search search = { .sites = sites, .found = try_now,
		.arg = &pass };
	struct queue_lister lister = search_lister(&search);

	if (pass.qmgr == NULL) {
		log_warn("service %s: %s", service, peer_why(peer));
		return false;
	}
	(void)peer_trigger_bytes("public", service, SPAN(dead));
	if (!queue_list(service_queue_dir(), &lister))
		log_warn("not all of the deferred queue was searched");
	log_info("sites=%zu, messages=%zu", hash_count(sites),
	    pass.messages);
	stream_close(pass.qmgr);
	return !pass.lost;
}

/* ---- wishes ---- */

static bool
add_wish(struct span site)
{
	static char present;

	if (wishes == NULL)
		wishes = hash_new();
	if (hash_count(wishes) >= SITES_MOST)
		return false;
	hash_put(wishes, site, &present);
	return true;
}

static void
keep_wishes(const struct hash *sites)
{
	struct hash_iter it = HASH_ITER_START;
	struct span site;
	void *value;

	while (hash_next(sites, &it, &site, &value))
		if (!add_wish(site))
			log_warn("too many wishes: that for %.*s is dropped",
			    SPAN_ARG(site));
}

/* False when there is no more time for them. */
static bool
rest(int *seconds, int *last_tries)
{
	if (service_draining() && --*last_tries == 0) {
		log_warn("sites=%zu cannot be tried now: the queue manager "
		    "does not listen", hash_count(wishes));
		return false;
	}
	resting = fiber_self();
	(void)fiber_park(deadline_in(service_draining() ? REST_SECONDS
	    : *seconds));
	resting = NULL;
	*seconds = *seconds * 2 < REST_MOST ? *seconds * 2 : REST_MOST;
	return !fiber_cancelled();
}

static void
run_passes(void *arg)
{
	int seconds = REST_SECONDS, last_tries = LAST_TRIES;

	(void)arg;
	while (wishes != NULL) {
		struct hash *now = wishes;
		bool done;

		wishes = NULL;
		done = run_pass(now);
		if (!done)
			keep_wishes(now);
		hash_free(&now);
		if (done)
			seconds = REST_SECONDS;
		else if (!rest(&seconds, &last_tries))
			return;
	}
}

static bool
wish(struct span site)
{
	struct str name = STR_EMPTY;
	bool ok;

	str_add(&name, site);
	str_lower(&name);
	ok = add_wish(str_span(&name));
	str_fini(&name);
	if (searches.count > 0)
		return ok;
	return fiber_spawn(&searches, "search", run_passes, NULL) != NULL
	    && ok;
}

static bool
handle(struct rpc_call *call, void *request, void *reply_out)
{
	const struct flush_request *rq = request;
	struct flush_reply *reply = reply_out;

	switch (matchlist_name(domains, rq->site)) {
	case MAP_FOUND:
		reply->status = wish(rq->site) ? FLUSH_BEGUN : FLUSH_FAILED;
		break;
	case MAP_ABSENT:
		reply->status = FLUSH_NOT_SERVED;
		break;
	case MAP_FAILED:
		reply->status = FLUSH_FAILED;
		break;
	}
	return true;
}

static const struct rpc_method methods[] = {
	{ &flush_request_form, &flush_reply_form, handle, true },
};

static const struct rpc_protocol protocol = {
	.name = FLUSH_PROTOCOL, .version = FLUSH_VERSION,
	.methods = methods, .nmethods = ARRAY_COUNT(methods),
};

/* What was promised is searched for. */
static void
drain(void)
{
	if (resting != NULL)
		fiber_wake(resting);
	(void)fiber_group_join(&searches, DEADLINE_NEVER);
}

static void
prepare(void)
{
	queue_names_setup(conf_core.hash_queue_names,
	    conf_core.hash_queue_depth);
	tables_allow_reopen();
	domains = tables_open_list("fast_flush_domains", flush_conf.domains,
	    MATCHLIST_DOMAINS | tables_parent_style("fast_flush_domains"));
}

static void
start(void)
{
	fiber_group_init(&searches);
	tables_watch(NULL);
}

static const struct service flush = {
	.name = "flush",
	.params = &flush_params,
	.needs = NEEDS_CONFIG_READ | NEEDS_QUEUE_READ,
	.internal = true,
	.before_jail = prepare,
	.start = start,
	.protocol = &protocol,
	.drain = drain,
};

int
main(int argc, char **argv)
{
	return service_main(&flush, argc, argv);
}
