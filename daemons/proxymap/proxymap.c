/*
 * proxymap - reads tables and asks name services for processes in a jail.
 *
 * As "proxywrite" it serves the tables of proxy_write_maps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/conf_core.h"
#include "common/service/service.h"
#include "daemons/proxymap/lookup.h"
#include "daemons/proxymap/proxymap_conf.h"

static void
before_jail(void)
{
	if (strcmp(service_name(), conf_core.proxywrite_service_name) == 0)
		lookup_setup("proxy_write_maps", proxymap_conf.write_maps);
	else
		lookup_setup("proxy_read_maps", proxymap_conf.read_maps);
}

static const struct service proxymap = {
	.name = "proxymap", .params = &proxymap_params,
	.needs = NEEDS_CONFIG_READ | NEEDS_NSS | NEEDS_NETWORK_OUT,
	.internal = true, .before_jail = before_jail,
	.protocol = &lookup_protocol,
};

int
main(int argc, char **argv)
{
	return service_main(&proxymap, argc, argv);
}
