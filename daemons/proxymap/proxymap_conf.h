/*
 * proxymap_conf - parameters of proxymap and proxywrite.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_PROXYMAP_PROXYMAP_CONF_H
#define DAEMONS_PROXYMAP_PROXYMAP_CONF_H

#include "common/mail/param.h"

struct proxymap_conf {
	const char *read_maps, *write_maps;
};

extern struct proxymap_conf proxymap_conf;
extern const struct param_set proxymap_params;

#endif
