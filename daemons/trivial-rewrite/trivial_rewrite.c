/*
 * trivial-rewrite - standard form and routing of addresses, for all roles.
 *
 * Callers keep answers under a generation number of the control segment; it
 * moves here whenever one of our tables has changed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/service/control.h"
#include "common/service/service.h"
#include "daemons/shared/rewrite_proto.h"
#include "daemons/shared/tables.h"
#include "daemons/trivial-rewrite/resolve.h"
#include "daemons/trivial-rewrite/rewrite.h"
#include "daemons/trivial-rewrite/trivial_rewrite_conf.h"

/* A caller's copy of an answer may be this old even when no table changed:
 * network tables do not tell. */
#define ANSWER_LIFETIME 60

static bool
handle_rewrite(struct rpc_call *call, void *request, void *reply_out)
{
	struct rewrite_request *rq = request;
	struct rewrite_reply *reply = reply_out;
	struct rewrite_answer *answers = arena_array(call->arena,
	    rq->items.count + 1, sizeof(*answers));

	reply->generation = control_table_generation();
	reply->cacheable = ANSWER_LIFETIME;
	reply->answers = (struct attr_list){ answers, rq->items.count };
	for (size_t i = 0; i < rq->items.count; i++) {
		const struct rewrite_item *item =
		    ATTR_AT(rq->items, struct rewrite_item, i);

		answers[i].address = item->address;
		if (rq->wants & REWRITE_STANDARD_FORM) {
			struct str *form = str_in_arena(call->arena);

			rewrite_standard_form(form, item->address,
			    rq->context);
			answers[i].address = str_span(form);
		}
		if (rq->wants & REWRITE_RESOLVE)
			resolve_address(answers[i].address, rq->sender,
			    (rq->wants & REWRITE_FOR_PROBE) != 0,
			    &answers[i], call->arena);
	}
	return true;
}

static const struct rpc_method methods[] = {
	{ .request = &rewrite_request_form, .reply = &rewrite_reply_form,
	    .handle = handle_rewrite, .suspends = true },
};

static const struct rpc_protocol protocol = {
	.name = REWRITE_PROTOCOL, .version = REWRITE_VERSION,
	.methods = methods, .nmethods = ARRAY_COUNT(methods),
};

static void
prepare(void)
{
	tables_allow_reopen();
	resolve_setup();
}

static void
start(void)
{
	service_tables_changed();
	tables_watch(service_tables_changed);
}

static const struct service trivial_rewrite = {
	.name = "trivial-rewrite",
	.params = &rewrite_params,
	.needs = NEEDS_CONFIG_READ,
	.internal = true,
	.before_jail = prepare,
	.start = start,
	.protocol = &protocol,
};

int
main(int argc, char **argv)
{
	return service_main(&trivial_rewrite, argc, argv);
}
