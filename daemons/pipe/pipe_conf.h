/*
 * pipe_conf - the parameters pipe acts on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_PIPE_PIPE_CONF_H
#define DAEMONS_PIPE_PIPE_CONF_H

#include "common/mail/param.h"

struct pipe_conf {
	const char *export_environment, *status_filter;
	int64_t command_time_limit;
};

extern struct pipe_conf pipe_conf;
extern const struct param_set pipe_params;

#endif
