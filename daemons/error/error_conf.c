/*
 * error_conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/error/error_conf.h"

struct error_conf error_conf;

static const struct param rows[] = {
	PARAM_STR("default_delivery_status_filter", &error_conf.status_filter,
	    .dflt = ""),
};

const struct param_set error_params = PARAM_SET("error", rows);
