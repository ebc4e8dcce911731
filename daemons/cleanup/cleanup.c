/*
 * cleanup - the only writer of new queue files: takes a message from smtpd,
 * pickup or a notice of our own, puts its envelope and headers in order,
 * makes it durable, and tells qmgr.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/mail/conf_core.h"
#include "common/service/service.h"
#include "daemons/cleanup/cleanup_priv.h"
#include "daemons/shared/tables.h"

static void
prepare(void)
{
	struct str why = STR_EMPTY;

	queue_names_setup(conf_core.hash_queue_names,
	    conf_core.hash_queue_depth);
	if (!queue_sync_setup(conf_core.queue_sync_method,
	    conf_core.queue_log_size, service_queue_dir(), &why))
		fatal("%s", str_cstr(&why));
	tables_allow_reopen();
	map_setup();
	masquerade_setup();
	checks_setup();
	headers_setup();
	chars_setup();
	str_fini(&why);
}

static void
keep_log(void *arg)
{
	(void)arg;
	queue_sync_keep();
}

static void
start(void)
{
	if (fiber_spawn(service_fibers(), "commit log", keep_log, NULL)
	    == NULL)
		fatal("memory for a fiber: %m");
	queue_sync_watch(service_note);
	tables_watch(NULL);
}

/* What comes from now on is synced by itself. */
static void
drain(void)
{
	queue_sync_finish();
}

static bool
check(void)
{
	struct str why = STR_EMPTY;
	bool ok = queue_sync_setup(conf_core.queue_sync_method,
	    conf_core.queue_log_size, service_queue_dir(), &why);

	if (!ok)
		log_error("%s", str_cstr(&why));
	str_fini(&why);
	return ok;
}

static const struct service cleanup = {
	.name = "cleanup",
	.params = &cleanup_params,
	.needs = NEEDS_QUEUE_WRITE | NEEDS_QUEUE_READ | NEEDS_CONFIG_READ,
	.internal = true,
	.forms = true,
	.before_jail = prepare,
	.start = start,
	.serve = transaction_serve,
	.drain = drain,
	.check = check,
};

int
main(int argc, char **argv)
{
	return service_main(&cleanup, argc, argv);
}
