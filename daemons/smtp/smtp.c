/*
 * smtp - the SMTP and LMTP client; the name it is started by decides which.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/smtp/smtp_priv.h"

static void
prepare_smtp(void)
{
	smtp_setup_prepare(false);
	delivery_agent_setup(smtp_deliver, "none");
	delivery_agent_answers_probes();
}

static void
prepare_lmtp(void)
{
	smtp_setup_prepare(true);
	delivery_agent_setup(smtp_deliver, "none");
	delivery_agent_answers_probes();
}

static const struct service smtp_service = {
	.name = "smtp",
	.params = &smtp_params,
	.needs = NEEDS_NETWORK_OUT | NEEDS_QUEUE_READ,
	.before_jail = prepare_smtp,
	.start = smtp_setup_watch,
	.protocol = &delivery_protocol,
	.drain = smtp_idle_close_all,
};

static const struct service lmtp_service = {
	.name = "lmtp",
	.params = &lmtp_params,
	.needs = NEEDS_NETWORK_OUT | NEEDS_QUEUE_READ,
	.before_jail = prepare_lmtp,
	.start = smtp_setup_watch,
	.protocol = &delivery_protocol,
	.drain = smtp_idle_close_all,
};

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash != NULL ? slash + 1 : argv[0];

	return service_main(strcmp(name, "lmtp") == 0 ? &lmtp_service
	    : &smtp_service, argc, argv);
}
