/*
 * pickup_conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/pickup/pickup_conf.h"

struct pickup_conf pickup_conf;

static const struct param rows[] = {
	PARAM_STR("receive_override_options",
	    &pickup_conf.receive_override_options, .dflt = ""),
	PARAM_STR("content_filter", &pickup_conf.content_filter, .dflt = ""),
};

const struct param_set pickup_params = PARAM_SET("pickup", rows);
