/*
 * qmgr_conf - the parameters qmgr acts on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_QMGR_QMGR_CONF_H
#define DAEMONS_QMGR_QMGR_CONF_H

#include "common/mail/param.h"

struct qmgr_conf {
	int64_t active_limit, recipient_limit, recipient_minimum;
	int64_t minimal_backoff, maximal_backoff, queue_run_delay;
	int64_t maximal_lifetime, bounce_lifetime, transport_retry_time;
	int64_t clog_warn_time, delay_warning_time;
	bool confirm_delay_cleared, feedback_debug, helpful_warnings;
	const char *defer_transports, *default_filter_nexthop;
};

extern struct qmgr_conf qmgr_conf;
extern const struct param_set qmgr_params;

#endif
