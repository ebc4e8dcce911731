/*
 * anvil_conf - the parameters anvil acts on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_ANVIL_ANVIL_CONF_H
#define DAEMONS_ANVIL_ANVIL_CONF_H

#include "common/mail/param.h"

struct anvil_conf {
	int64_t rate_time_unit, status_update_time;	/* seconds */
};

extern struct anvil_conf anvil_conf;
extern const struct param_set anvil_params;

#endif
