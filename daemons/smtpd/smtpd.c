/*
 * smtpd - the SMTP server: takes mail from the network and hands it to
 * cleanup.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/service/service.h"
#include "daemons/shared/tables.h"
#include "daemons/smtpd/clients.h"
#include "daemons/smtpd/footer.h"
#include "daemons/smtpd/limits.h"
#include "daemons/smtpd/proxy.h"
#include "daemons/smtpd/restrict.h"
#include "daemons/smtpd/smtpd_priv.h"

static void
prepare(void)
{
	tables_allow_reopen();
	clients_setup();
	postmaster_setup();
	compat_setup();
	limits_setup();
	footer_setup();
	proxy_setup();
	proxy_prepare();
	restrict_setup();
	restrict_warn();
	unlisted_setup();
}

static bool
check(void)
{
	proxy_setup();
	restrict_setup();
	return restrict_report();
}

static void
start(void)
{
	tables_watch(NULL);
}

static const struct service smtpd = {
	.name = "smtpd",
	.params = &smtpd_params,
	.needs = NEEDS_CONFIG_READ,
	.before_jail = prepare,
	.check = check,
	.start = start,
	.serve = session_serve,
};

int
main(int argc, char **argv)
{
	return service_main(&smtpd, argc, argv);
}
