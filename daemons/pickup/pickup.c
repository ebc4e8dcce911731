/*
 * pickup - brings messages from maildrop into the queue, each time master says
 * that there may be some (take.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/service/service.h"
#include "daemons/pickup/pickup_conf.h"
#include "daemons/pickup/pickup_priv.h"
#include "queue/scan.h"

static void
wakeup(struct span bytes)
{
	struct queue_scan scan;
	char name[QUEUE_ID_MAX];

	(void)bytes;
	if (service_refusal() != NULL) {
		log_warn("mail stays in maildrop: %s", service_refusal());
		return;
	}
	queue_scan_start(&scan, service_queue_dir(), QUEUE_MAILDROP);
	while (!service_draining() && queue_scan_next(&scan, name))
		pickup_take(name);
	queue_scan_stop(&scan);
}

static void
prepare(void)
{
	queue_names_setup(conf_core.hash_queue_names,
	    conf_core.hash_queue_depth);
	pickup_setup();
}

static const struct service pickup = {
	.name = "pickup",
	.params = &pickup_params,
	.needs = NEEDS_QUEUE_READ | NEEDS_QUEUE_WRITE,
	.before_jail = prepare,
	.wakeup = wakeup,
};

int
main(int argc, char **argv)
{
	return service_main(&pickup, argc, argv);
}
