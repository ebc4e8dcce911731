/*
 * spawn_conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/spawn/spawn_conf.h"

struct spawn_conf spawn_conf;

static const struct param rows[] = {
	PARAM_STR("export_environment", &spawn_conf.export_environment,
	    .dflt = "TZ MAIL_CONFIG LANG"),
	PARAM_TIME("command_time_limit", &spawn_conf.command_time_limit,
	    .dflt = "1000s", .min = 1),
	PARAM_TEMPLATE("<service>_time_limit", .dflt = "$command_time_limit"),
};

const struct param_set spawn_params = PARAM_SET("spawn", rows);
