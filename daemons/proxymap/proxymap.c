/*
 * proxymap - reads tables and asks name services for processes in a jail.
 *
 * As "proxywrite" it keeps the tables of proxy_write_maps, which clients change.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/conf_core.h"
#include "common/service/service.h"
#include "daemons/proxymap/caches.h"
#include "daemons/proxymap/lookup.h"
#include "daemons/proxymap/proxymap_conf.h"

enum { SYNC_SECONDS = 5 };

static bool
writes(void)
{
	return strcmp(service_name(), conf_core.proxywrite_service_name) == 0;
}

static void
open_written(void *arg)
{
	(void)arg;
	lookup_setup("proxy_write_maps", proxymap_conf.write_maps, true);
}

/* The files belong to whom they are written by. */
static void
before_jail(void)
{
	if (writes())
		service_as_owner(open_written, NULL);
	else
		lookup_setup("proxy_read_maps", proxymap_conf.read_maps,
		    false);
}

static void
start(void)
{
	while (writes()
	    && fiber_sleep(deadline_in(SYNC_SECONDS)) != IO_CANCELLED)
		caches_sync();
}

static void
drain(void)
{
	if (writes())
		caches_sync();
}

static const struct service proxymap = {
	.name = "proxymap", .params = &proxymap_params,
	.needs = NEEDS_CONFIG_READ | NEEDS_NSS | NEEDS_NETWORK_OUT,
	.internal = true, .before_jail = before_jail,
	.start = start, .protocol = &lookup_protocol, .drain = drain,
};

int
main(int argc, char **argv)
{
	return service_main(&proxymap, argc, argv);
}
