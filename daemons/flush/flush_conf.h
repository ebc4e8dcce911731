/*
 * flush_conf - the parameter flush acts on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_FLUSH_FLUSH_CONF_H
#define DAEMONS_FLUSH_FLUSH_CONF_H

#include "common/mail/param.h"

struct flush_conf {
	const char *domains;
};

extern struct flush_conf flush_conf;
extern const struct param_set flush_params;

#endif
