/*
 * discard - says "sent" of everything and keeps nothing. Follows discard(8):
 * the next hop is the text that is logged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/service/service.h"
#include "daemons/shared/delivery_agent.h"

static void
deliver(struct delivery *d)
{
	char dsn[12];
	struct span text;

	dsn_split(span_trim(d->request->nexthop), "2.0.0", '2', dsn, &text);
	if (span_empty(text))
		text = SPAN("No reason specified");

	struct delivery_status status = { .kind = OUTCOME_SENT, .dsn = dsn,
		.relay = SPAN("none"), .reason = text,
		.action_if_sent = DSN_DELIVERED };

	delivery_set_rest(d, &status);
}

static void
prepare(void)
{
	delivery_agent_setup(deliver, "none");
	delivery_agent_answers_probes();
}

static const struct service discard_service = {
	.name = "discard",
	.needs = NEEDS_QUEUE_READ,
	.before_jail = prepare,
	.protocol = &delivery_protocol,
};

int
main(int argc, char **argv)
{
	return service_main(&discard_service, argc, argv);
}
