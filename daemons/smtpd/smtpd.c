/*
 * smtpd - the SMTP server: takes mail from the network and hands it to
 * cleanup.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/service/service.h"
#include "daemons/smtpd/clients.h"
#include "daemons/smtpd/restrict.h"
#include "daemons/smtpd/smtpd_priv.h"

#define WATCH_SECONDS 1

static void
prepare(void)
{
	map_allow_reopen(!service_is_chrooted());
	clients_setup();
	restrict_setup();
	unlisted_setup();
}

static void
watch_tables(void)
{
	while (fiber_sleep(deadline_in(WATCH_SECONDS)) == IO_TIMEOUT) {
		const char *changed = map_any_changed();

		if (changed != NULL) {
			service_restart(changed);
			return;
		}
	}
}

static const struct service smtpd = {
	.name = "smtpd",
	.params = &smtpd_params,
	.needs = NEEDS_CONFIG_READ,
	.before_jail = prepare,
	.start = watch_tables,
	.serve = session_serve,
};

int
main(int argc, char **argv)
{
	return service_main(&smtpd, argc, argv);
}
