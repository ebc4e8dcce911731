/*
 * anvil_conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/anvil/anvil_conf.h"

struct anvil_conf anvil_conf;

static const struct param rows[] = {
	PARAM_TIME("anvil_rate_time_unit", &anvil_conf.rate_time_unit,
	    .dflt = "60s", .min = 1),
	PARAM_TIME("anvil_status_update_time",
	    &anvil_conf.status_update_time, .dflt = "600s", .min = 1),
};

const struct param_set anvil_params = PARAM_SET("anvil", rows);
