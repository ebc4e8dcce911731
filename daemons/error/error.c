/*
 * error - bounces everything it is handed, with the text of the next hop; as
 * service "retry" it defers instead. Both follow error(8).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/service/service.h"
#include "daemons/error/error_conf.h"
#include "daemons/shared/delivery_agent.h"
#include "daemons/shared/status_filter.h"
#include "daemons/shared/tables.h"

static void
deliver(struct delivery *d)
{
	bool retry = span_is(SPAN(service_name()), "retry");
	struct span given = span_trim(d->request->nexthop);
	char dsn[12];
	struct span text;

	dsn_split(given, retry ? "4.0.0" : "5.0.0", retry ? '4' : '5', dsn,
	    &text);
	if (span_empty(text))
		text = SPAN("address is undeliverable");

	struct delivery_status status = {
		.kind = retry ? OUTCOME_DEFERRED : OUTCOME_BOUNCED,
		.dsn = dsn, .relay = SPAN("none"), .reason = text };

	delivery_set_rest(d, &status);
}

static void
prepare(void)
{
	tables_allow_reopen();
	status_filter_open("default_delivery_status_filter",
	    error_conf.status_filter);
	delivery_agent_setup(deliver, "none");
	delivery_agent_answers_probes();
}

static void
watch(void)
{
	if (status_filter_wanted())
		tables_watch(NULL);
}

static const struct service error_service = {
	.name = "error",
	.params = &error_params,
	.needs = NEEDS_QUEUE_READ,
	.before_jail = prepare,
	.start = watch,
	.protocol = &delivery_protocol,
};

int
main(int argc, char **argv)
{
	return service_main(&error_service, argc, argv);
}
