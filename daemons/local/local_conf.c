/*
 * local_conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/local/local_conf.h"

struct local_conf local_conf;

static const struct param rows[] = {
	PARAM_STR("alias_maps", &local_conf.alias_maps,
	    .dflt = "$default_database_type:/etc/aliases"),
	PARAM_STR("home_mailbox", &local_conf.home_mailbox, .dflt = ""),
	PARAM_STR("mail_spool_directory", &local_conf.mail_spool_directory,
	    .dflt = "/var/mail", .min = 1),
	PARAM_STR("mailbox_delivery_lock", &local_conf.mailbox_delivery_lock,
	    .dflt = "fcntl, dotlock", .min = 1),
	PARAM_STR("allow_mail_to_files", &local_conf.allow_mail_to_files,
	    .dflt = "alias, forward"),
	PARAM_INT("mailbox_size_limit", &local_conf.mailbox_size_limit,
	    .dflt = "51200000"),
	PARAM_INT("deliver_lock_attempts", &local_conf.lock_attempts,
	    .dflt = "20", .min = 1),
	PARAM_TIME("deliver_lock_delay", &local_conf.lock_delay,
	    .dflt = "1s", .min = 1),
	PARAM_TIME("stale_lock_time", &local_conf.stale_lock_time,
	    .dflt = "500s", .min = 1),
	PARAM_BOOL("expand_owner_alias", &local_conf.expand_owner_alias,
	    .dflt = "no"),
};

const struct param_set local_params = PARAM_SET("local", rows);
