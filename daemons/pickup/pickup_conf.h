/*
 * pickup_conf - the parameters pickup acts on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_PICKUP_PICKUP_CONF_H
#define DAEMONS_PICKUP_PICKUP_CONF_H

#include "common/mail/param.h"

struct pickup_conf {
	const char *receive_override_options, *content_filter;
};

extern struct pickup_conf pickup_conf;
extern const struct param_set pickup_params;

#endif
