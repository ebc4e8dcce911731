/*
 * verify - is there anybody at an address? It says what it knows at once, and
 * sends probes to learn what it does not.
 *
 * Who asks comes again until it knows or does not want to wait any longer; so
 * nothing here waits for a probe.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/service/service.h"
#include "daemons/verify/addresses.h"
#include "daemons/verify/verify_conf.h"
#include "maps/cache.h"

#define SYNC_SECONDS 5

static bool
handle_query(struct rpc_call *call, void *request, void *reply_out)
{
	const struct verify_query *query = request;

	if (span_empty(query->address))
		return false;
	addresses_ask(query->address, reply_out, str_in_arena(call->arena));
	return true;
}

static bool
handle_update(struct rpc_call *call, void *request, void *reply_out)
{
	const struct verify_update *update = request;
	struct verify_taken *taken = reply_out;

	(void)call;
	if (update->status >= VERIFY_OPEN)
		return false;
	taken->used = addresses_tell(update->address,
	    (enum verify_status)update->status, update->text);
	/* Nobody else does it any more. */
	if (service_draining())
		addresses_sync();
	return true;
}

static const struct rpc_method methods[] = {
	{ &verify_query_form, &verify_answer_form, handle_query, true },
	{ &verify_update_form, &verify_taken_form, handle_update, true },
};

static const struct rpc_protocol protocol = {
	.name = VERIFY_PROTOCOL, .version = VERIFY_VERSION,
	.methods = methods, .nmethods = ARRAY_COUNT(methods),
};

/* ---- upkeep ---- */

static void
start(void)
{
	while (fiber_sleep(deadline_in(SYNC_SECONDS)) != IO_CANCELLED) {
		addresses_clean_if_due();
		addresses_sync();
	}
}

static void
drain(void)
{
	addresses_finish();
}

static void
open_cache(void *arg)
{
	struct str why = STR_EMPTY;

	(void)arg;
	if (!addresses_open(&why))
		fatal("address_verify_map: %s", str_cstr(&why));
	str_fini(&why);
}

/* The file belongs to whom it is written by. */
static void
prepare(void)
{
	service_as_owner(open_cache, NULL);
}

static bool
check(void)
{
	struct str why = STR_EMPTY;
	bool good = cache_check(verify_conf.map, &why);

	if (!good)
		log_error("address_verify_map: %s", str_cstr(&why));
	str_fini(&why);
	return good;
}

static const struct service verify = {
	.name = "verify",
	.params = &verify_params,
	.solitary = true,
	.internal = true,
	.before_jail = prepare,
	.start = start,
	.protocol = &protocol,
	.drain = drain,
	.check = check,
};

int
main(int argc, char **argv)
{
	return service_main(&verify, argc, argv);
}
