/*
 * virtual_conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/virtual/virtual_conf.h"

#include "daemons/shared/mailbox_client.h"
#include "daemons/shared/mbox_lock.h"

struct virtual_conf virtual_conf;

static const struct param rows[] = {
	MAILBOX_ORIGINAL_ROW,
	PARAM_STR("virtual_delivery_status_filter",
	    &virtual_conf.status_filter,
	    .dflt = "$default_delivery_status_filter"),
	PARAM_STR("virtual_mailbox_base", &virtual_conf.mailbox_base,
	    .dflt = ""),
	PARAM_STR("virtual_mailbox_maps", &virtual_conf.mailbox_maps,
	    .dflt = ""),
	PARAM_STR("virtual_uid_maps", &virtual_conf.uid_maps, .dflt = ""),
	PARAM_STR("virtual_gid_maps", &virtual_conf.gid_maps, .dflt = ""),
	PARAM_STR("virtual_mailbox_lock", &virtual_conf.mailbox_lock,
	    .dflt = "fcntl, dotlock", .min = 1),
	PARAM_INT("virtual_minimum_uid", &virtual_conf.minimum_uid,
	    .dflt = "100", .min = 1),
	PARAM_INT("virtual_mailbox_limit", &virtual_conf.mailbox_limit,
	    .dflt = "51200000"),
	MBOX_LOCK_ROWS,
};

const struct param_set virtual_params = PARAM_SET("virtual", rows);
