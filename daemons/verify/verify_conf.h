/*
 * verify_conf - the parameters verify acts on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_VERIFY_VERIFY_CONF_H
#define DAEMONS_VERIFY_VERIFY_CONF_H

#include "common/mail/param.h"

struct verify_conf {
	const char *map, *sender;
	const char *cache_type;		/* a part of map's default */
	bool negative_cache;
	int64_t positive_expire, positive_refresh;
	int64_t negative_expire, negative_refresh;
	int64_t cleanup_interval, sender_ttl, pending_limit;
};

extern struct verify_conf verify_conf;
extern const struct param_set verify_params;

#endif
