/*
 * flush_conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/flush/flush_conf.h"

struct flush_conf flush_conf;

static const struct param rows[] = {
	PARAM_STR("fast_flush_domains", &flush_conf.domains,
	    .dflt = "$relay_domains"),
};

const struct param_set flush_params = PARAM_SET("flush", rows);
