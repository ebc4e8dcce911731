/*
 * bounce_conf - the parameters bounce, defer and trace act on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_BOUNCE_BOUNCE_CONF_H
#define DAEMONS_BOUNCE_BOUNCE_CONF_H

#include "common/mail/param.h"

struct bounce_conf {
	const char *double_bounce_notice_recipient, *delay_notice_recipient;
	const char *template_file;
	bool enable_threaded, disable_verp;
	int64_t bounce_size_limit, maximal_queue_lifetime;
};

extern struct bounce_conf bounce_conf;
extern const struct param_set bounce_params;

#endif
