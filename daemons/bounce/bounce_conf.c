/*
 * bounce_conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/bounce/bounce_conf.h"

#include "daemons/shared/postmaster.h"

struct bounce_conf bounce_conf;

static const struct param rows[] = {
	POSTMASTER_ROWS,
	PARAM_STR("bounce_notice_recipient",
	    &postmaster_conf.bounce_recipient, .dflt = "postmaster",
	    .min = 1),
	PARAM_STR("2bounce_notice_recipient",
	    &bounce_conf.double_bounce_notice_recipient,
	    .dflt = "postmaster", .min = 1),
	PARAM_STR("delay_notice_recipient",
	    &bounce_conf.delay_notice_recipient, .dflt = "postmaster",
	    .min = 1),
	PARAM_STR("bounce_template_file", &bounce_conf.template_file,
	    .dflt = ""),
	PARAM_BOOL("disable_verp_bounces", &bounce_conf.disable_verp,
	    .dflt = "no"),
	PARAM_BOOL("enable_threaded_bounces", &bounce_conf.enable_threaded,
	    .dflt = "no"),
	PARAM_INT("bounce_size_limit", &bounce_conf.bounce_size_limit,
	    .dflt = "50000", .min = 1),
	PARAM_TIME("maximal_queue_lifetime",
	    &bounce_conf.maximal_queue_lifetime, .dflt = "5d", .unit = 'd',
	    .max = 8640000),
};

const struct param_set bounce_params = PARAM_SET("bounce", rows);
