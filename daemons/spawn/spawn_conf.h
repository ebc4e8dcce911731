/*
 * spawn_conf - the parameters spawn acts on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SPAWN_SPAWN_CONF_H
#define DAEMONS_SPAWN_SPAWN_CONF_H

#include "common/mail/param.h"

struct spawn_conf {
	const char *export_environment;
	int64_t command_time_limit;
};

extern struct spawn_conf spawn_conf;
extern const struct param_set spawn_params;

#endif
