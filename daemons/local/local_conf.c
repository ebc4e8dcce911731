/*
 * local_conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/local/local_conf.h"

#include "daemons/shared/mailbox_client.h"
#include "daemons/shared/mbox_lock.h"

struct local_conf local_conf;

#define HARMLESS_BYTES "1234567890!@%-_=+:,./" \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const struct param rows[] = {
	MAILBOX_ORIGINAL_ROW,
	PARAM_STR("local_delivery_status_filter", &local_conf.status_filter,
	    .dflt = "$default_delivery_status_filter"),
	PARAM_STR("alias_maps", &local_conf.alias_maps,
	    .dflt = "$default_database_type:/etc/aliases"),
	PARAM_STR("home_mailbox", &local_conf.home_mailbox, .dflt = ""),
	PARAM_STR("mail_spool_directory", &local_conf.mail_spool_directory,
	    .dflt = "/var/mail", .min = 1),
	MBOX_LOCK_WORDS_ROW,
	PARAM_STR("allow_mail_to_files", &local_conf.allow_mail_to_files,
	    .dflt = "alias, forward"),
	PARAM_STR("allow_mail_to_commands", &local_conf.allow_mail_to_commands,
	    .dflt = "alias, forward"),
	PARAM_STR("prepend_delivered_header",
	    &local_conf.prepend_delivered_header,
	    .dflt = "command, file, forward"),
	PARAM_BOOL("frozen_delivered_to", &local_conf.frozen_delivered_to,
	    .dflt = "yes"),
	PARAM_RAW("forward_path", &local_conf.forward_path,
	    .dflt = "$home/.forward${recipient_delimiter}${extension}, "
	    "$home/.forward"),
	PARAM_STR("forward_expansion_filter",
	    &local_conf.forward_expansion_filter, .dflt = HARMLESS_BYTES),
	PARAM_RAW("luser_relay", &local_conf.luser_relay, .dflt = ""),
	PARAM_STR("propagate_unmatched_extensions", &local_conf.propagate,
	    .dflt = "canonical, virtual"),
	PARAM_RAW("mailbox_command", &local_conf.mailbox_command, .dflt = ""),
	PARAM_STR("mailbox_command_maps", &local_conf.mailbox_command_maps,
	    .dflt = ""),
	PARAM_STR("mailbox_transport", &local_conf.mailbox_transport,
	    .dflt = ""),
	PARAM_STR("mailbox_transport_maps", &local_conf.mailbox_transport_maps,
	    .dflt = ""),
	PARAM_STR("fallback_transport", &local_conf.fallback_transport,
	    .dflt = ""),
	PARAM_STR("fallback_transport_maps", &local_conf.fallback_transport_maps,
	    .dflt = ""),
	PARAM_STR("local_command_shell", &local_conf.local_command_shell,
	    .dflt = ""),
	PARAM_RAW("command_execution_directory",
	    &local_conf.command_execution_directory, .dflt = ""),
	PARAM_STR("execution_directory_expansion_filter",
	    &local_conf.execution_directory_expansion_filter,
	    .dflt = HARMLESS_BYTES),
	PARAM_STR("command_expansion_filter",
	    &local_conf.command_expansion_filter, .dflt = HARMLESS_BYTES),
	PARAM_TIME("command_time_limit", &local_conf.command_time_limit,
	    .dflt = "1000s", .min = 1),
	PARAM_STR("export_environment", &local_conf.export_environment,
	    .dflt = "TZ MAIL_CONFIG LANG"),
	PARAM_INT("mailbox_size_limit", &local_conf.mailbox_size_limit,
	    .dflt = "51200000"),
	MBOX_LOCK_ROWS,
	PARAM_BOOL("biff", &local_conf.biff, .dflt = "yes"),
	PARAM_BOOL("require_home_directory",
	    &local_conf.require_home_directory, .dflt = "no"),
	PARAM_BOOL("reset_owner_alias", &local_conf.reset_owner_alias,
	    .dflt = "no"),
	PARAM_BOOL("expand_owner_alias", &local_conf.expand_owner_alias,
	    .dflt = "no"),
};

const struct param_set local_params = PARAM_SET("local", rows);
