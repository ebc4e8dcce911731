/*
 * flush - tries now what waits for a site, at the wish of its host (ETRN) or
 * of an administrator (postqueue -s).
 *
 * It keeps no lists of its own that could be wrong: each wish reads the deferred
 * queue. Wishes that come meanwhile are searched for together, in one more pass.
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

#define QMGR_SECONDS 30
#define SITES_MOST 10000		/* wishes at once */

static struct matchlist *domains;
static struct hash *wishes;
static struct fiber_group searches;

struct pass {
	struct stream *qmgr;
	size_t messages;
};

/* ---- one pass through the queue ---- */

static bool
try_now(const char *id, void *arg)
{
	struct qmgr_flush_one request = { .queue_id = SPAN(id) };
	struct pass *pass = arg;

	pass->messages++;
	attr_queue(pass->qmgr, &qmgr_flush_one_form, 0, &request);
	return stream_flush(pass->qmgr, deadline_in(QMGR_SECONDS)) == IO_OK;
}

static void
run_pass(const struct hash *sites)
{
	static const char dead[] = { QMGR_FLUSH_DEAD, '\0' };
	const char *service = conf_core.queue_service_name;
	struct peer *peer = peer_named("public", service, QMGR_PROTOCOL,
	    QMGR_VERSION);
	struct pass pass = { .qmgr = peer_take_connection(peer,
	    deadline_in(QMGR_SECONDS)) };
	struct search search = { .sites = sites, .found = try_now,
		.arg = &pass };
	struct queue_lister lister = search_lister(&search);

	if (pass.qmgr == NULL) {
		log_warn("service %s: %s", service, peer_why(peer));
		return;
	}
	(void)peer_trigger_bytes("public", service, SPAN(dead));
	if (!queue_list(service_queue_dir(), &lister))
		log_warn("not all of the deferred queue was searched");
	log_info("sites=%zu, messages=%zu", hash_count(sites),
	    pass.messages);
	stream_close(pass.qmgr);
}

static void
run_passes(void *arg)
{
	(void)arg;
	while (wishes != NULL) {
		struct hash *now = wishes;

		wishes = NULL;
		run_pass(now);
		hash_free(&now);
	}
}

/* ---- wishes ---- */

static bool
wish(struct span site)
{
	static char present;
	struct str name = STR_EMPTY;
	bool ok = true;

	str_add(&name, site);
	str_lower(&name);
	if (wishes == NULL)
		wishes = hash_new();
	if (hash_count(wishes) < SITES_MOST)
		hash_put(wishes, str_span(&name), &present);
	else
		ok = false;
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
