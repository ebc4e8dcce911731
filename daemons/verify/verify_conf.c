/*
 * verify_conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/verify/verify_conf.h"

struct verify_conf verify_conf;

static const struct param rows[] = {
	PARAM_STR("address_verify_map", &verify_conf.map,
	    .dflt = "$default_cache_db_type:$data_directory/verify_cache"),
	PARAM_STR("default_cache_db_type", &verify_conf.cache_type,
	    .dflt = "btree", .min = 1),
	PARAM_BOOL("address_verify_negative_cache",
	    &verify_conf.negative_cache, .dflt = "yes"),
	PARAM_TIME("address_verify_positive_expire_time",
	    &verify_conf.positive_expire, .dflt = "31d", .unit = 'd',
	    .min = 1),
	PARAM_TIME("address_verify_positive_refresh_time",
	    &verify_conf.positive_refresh, .dflt = "7d", .unit = 'd',
	    .min = 1),
	PARAM_TIME("address_verify_negative_expire_time",
	    &verify_conf.negative_expire, .dflt = "3d", .unit = 'd',
	    .min = 1),
	PARAM_TIME("address_verify_negative_refresh_time",
	    &verify_conf.negative_refresh, .dflt = "3h", .unit = 'h',
	    .min = 1),
	PARAM_TIME("address_verify_cache_cleanup_interval",
	    &verify_conf.cleanup_interval, .dflt = "12h", .unit = 'h'),
	PARAM_STR("address_verify_sender", &verify_conf.sender,
	    .dflt = "$double_bounce_sender"),
	PARAM_TIME("address_verify_sender_ttl", &verify_conf.sender_ttl,
	    .dflt = "0s"),
	PARAM_INT("address_verify_pending_request_limit",
	    &verify_conf.pending_limit, .dflt = "5000", .min = 1),
};

const struct param_set verify_params = PARAM_SET("verify", rows);
