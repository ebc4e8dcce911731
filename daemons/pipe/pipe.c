/*
 * pipe - delivery to commands, which this version does not do: all mail for
 * such a transport is deferred at once, with a reason that says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/service/service.h"
#include "daemons/shared/delivery_agent.h"

static void
deliver(struct delivery *d)
{
	const char *reason = arena_printf(d->arena, "service \"%s\": delivery "
	    "to commands is not part of this version", service_name());
	struct delivery_status status = { .kind = OUTCOME_DEFERRED,
		.dsn = "4.3.5", .relay = span_cstr(service_name()),
		.reason = span_cstr(reason) };

	delivery_set_rest(d, &status);
}

static void
prepare(void)
{
	delivery_agent_setup(deliver, service_name());
}

static const struct service pipe_service = {
	.name = "pipe",
	.needs = NEEDS_QUEUE_READ,
	.before_jail = prepare,
	.protocol = &delivery_protocol,
};

int
main(int argc, char **argv)
{
	return service_main(&pipe_service, argc, argv);
}
