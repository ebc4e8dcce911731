/*
 * pipe_conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/pipe/pipe_conf.h"

#include "daemons/shared/mailbox_client.h"

struct pipe_conf pipe_conf;

static const struct param rows[] = {
	MAILBOX_ORIGINAL_ROW,
	PARAM_STR("export_environment", &pipe_conf.export_environment,
	    .dflt = "TZ MAIL_CONFIG LANG"),
	PARAM_STR("pipe_delivery_status_filter", &pipe_conf.status_filter,
	    .dflt = "$default_delivery_status_filter"),
	PARAM_TIME("command_time_limit", &pipe_conf.command_time_limit,
	    .dflt = "1000s", .min = 1),
	PARAM_TEMPLATE("<service>_time_limit", .dflt = "$command_time_limit"),
	PARAM_TEMPLATE("<transport>_destination_recipient_limit",
	    .dflt = "$default_destination_recipient_limit"),
};

const struct param_set pipe_params = PARAM_SET("pipe", rows);
