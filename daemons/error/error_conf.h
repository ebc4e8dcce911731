/*
 * error_conf - parameters of error and retry.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_ERROR_ERROR_CONF_H
#define DAEMONS_ERROR_ERROR_CONF_H

#include "common/mail/param.h"

struct error_conf {
	const char *status_filter;
};

extern struct error_conf error_conf;
extern const struct param_set error_params;

#endif
