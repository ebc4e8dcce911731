/*
 * virtual_conf - the parameters virtual acts on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_VIRTUAL_VIRTUAL_CONF_H
#define DAEMONS_VIRTUAL_VIRTUAL_CONF_H

#include "common/mail/param.h"

struct virtual_conf {
	const char *status_filter;
	const char *mailbox_base, *mailbox_maps, *uid_maps, *gid_maps;
	const char *mailbox_lock;
	int64_t minimum_uid, mailbox_limit;
};

extern struct virtual_conf virtual_conf;
extern const struct param_set virtual_params;

#endif
