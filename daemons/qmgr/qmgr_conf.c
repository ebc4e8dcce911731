/*
 * qmgr_conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/qmgr/qmgr_conf.h"

struct qmgr_conf qmgr_conf;

static const struct param rows[] = {
	PARAM_INT("qmgr_message_active_limit", &qmgr_conf.active_limit,
	    .dflt = "20000", .min = 1),
	PARAM_INT("qmgr_message_recipient_limit", &qmgr_conf.recipient_limit,
	    .dflt = "20000", .min = 1),
	PARAM_INT("qmgr_message_recipient_minimum",
	    &qmgr_conf.recipient_minimum, .dflt = "10", .min = 1),
	PARAM_TIME("minimal_backoff_time", &qmgr_conf.minimal_backoff,
	    .dflt = "300s", .min = 1),
	PARAM_TIME("maximal_backoff_time", &qmgr_conf.maximal_backoff,
	    .dflt = "4000s", .min = 1),
	PARAM_TIME("queue_run_delay", &qmgr_conf.queue_run_delay,
	    .dflt = "300s", .min = 1),
	PARAM_TIME("maximal_queue_lifetime", &qmgr_conf.maximal_lifetime,
	    .dflt = "5d", .unit = 'd', .max = 8640000),
	PARAM_TIME("bounce_queue_lifetime", &qmgr_conf.bounce_lifetime,
	    .dflt = "5d", .unit = 'd', .max = 8640000),
	PARAM_TIME("transport_retry_time", &qmgr_conf.transport_retry_time,
	    .dflt = "60s", .min = 1),
	PARAM_TIME("qmgr_clog_warn_time", &qmgr_conf.clog_warn_time,
	    .dflt = "300s"),
	PARAM_TIME("delay_warning_time", &qmgr_conf.delay_warning_time,
	    .dflt = "0h", .unit = 'h'),
	PARAM_BOOL("confirm_delay_cleared", &qmgr_conf.confirm_delay_cleared,
	    .dflt = "no"),
	PARAM_STR("defer_transports", &qmgr_conf.defer_transports, .dflt = ""),
	PARAM_STR("default_filter_nexthop", &qmgr_conf.default_filter_nexthop,
	    .dflt = ""),
	PARAM_TEMPLATE("<transport>_destination_concurrency_limit",
	    .dflt = "$default_destination_concurrency_limit"),
	PARAM_TEMPLATE("<transport>_initial_destination_concurrency",
	    .dflt = "$initial_destination_concurrency"),
	PARAM_TEMPLATE("<transport>_destination_recipient_limit",
	    .dflt = "$default_destination_recipient_limit"),
	PARAM_TEMPLATE("<transport>_destination_rate_delay",
	    .dflt = "$default_destination_rate_delay"),
	PARAM_TEMPLATE("<transport>_transport_rate_delay",
	    .dflt = "$default_transport_rate_delay"),
	PARAM_TEMPLATE(
	    "<transport>_destination_concurrency_failed_cohort_limit",
	    .dflt = "$default_destination_concurrency_failed_cohort_limit"),
	PARAM_TEMPLATE("<transport>_destination_concurrency_positive_feedback",
	    .dflt = "$default_destination_concurrency_positive_feedback"),
	PARAM_TEMPLATE("<transport>_destination_concurrency_negative_feedback",
	    .dflt = "$default_destination_concurrency_negative_feedback"),
	PARAM_TEMPLATE("<transport>_delivery_slot_cost",
	    .dflt = "$default_delivery_slot_cost"),
	PARAM_TEMPLATE("<transport>_delivery_slot_loan",
	    .dflt = "$default_delivery_slot_loan"),
	PARAM_TEMPLATE("<transport>_delivery_slot_discount",
	    .dflt = "$default_delivery_slot_discount"),
	PARAM_TEMPLATE("<transport>_minimum_delivery_slots",
	    .dflt = "$default_minimum_delivery_slots"),
	PARAM_TEMPLATE("<transport>_recipient_limit",
	    .dflt = "$default_recipient_limit"),
	PARAM_TEMPLATE("<transport>_extra_recipient_limit",
	    .dflt = "$default_extra_recipient_limit"),
	PARAM_TEMPLATE("<transport>_recipient_refill_limit",
	    .dflt = "$default_recipient_refill_limit"),
	PARAM_TEMPLATE("<transport>_recipient_refill_delay",
	    .dflt = "$default_recipient_refill_delay"),
};

const struct param_set qmgr_params = PARAM_SET("qmgr", rows);
