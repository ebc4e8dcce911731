/*
 * mime_conf - how far the parts of a message are looked at: the limits of
 * main.cf, for all who take messages apart.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_MIME_CONF_H
#define DAEMONS_SHARED_MIME_CONF_H

#include "common/mail/mime.h"
#include "common/mail/param.h"

struct mime_conf {
	int64_t boundary_length_limit, nesting_limit;
};
extern struct mime_conf mime_conf;

/* The rows of whoever asks for mime_conf_limits. */
#define MIME_ROWS                                                            \
	PARAM_INT("mime_boundary_length_limit",                              \
	    &mime_conf.boundary_length_limit, .dflt = "2048", .min = 1),     \
	PARAM_INT("mime_nesting_limit", &mime_conf.nesting_limit,            \
	    .dflt = "100", .min = 1)

/* As configured; nothing is reported. */
struct mime_limits mime_conf_limits(void);

#endif
