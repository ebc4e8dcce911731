/*
 * commands_conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/commands/lib/commands_conf.h"

#include "daemons/shared/mbox_lock.h"

struct commands_conf commands_conf;

static const struct param rows[] = {
	PARAM_STR("alias_database", &commands_conf.alias_database,
	    .dflt = "$default_database_type:/etc/aliases"),
	/* setgid_conf.c reads these two from the system's own main.cf. */
	PARAM_STR("alternate_config_directories",
	    &commands_conf.alternate_directories, .dflt = ""),
	PARAM_STR("authorized_flush_users", &commands_conf.flush_users,
	    .dflt = "static:anyone"),
	PARAM_STR("authorized_mailq_users", &commands_conf.mailq_users,
	    .dflt = "static:anyone"),
	PARAM_STR("authorized_submit_users", &commands_conf.submit_users,
	    .dflt = "static:anyone"),
	PARAM_STR("empty_address_local_login_sender_maps_lookup_key",
	    &commands_conf.null_sender_key, .dflt = "<>"),
	PARAM_STR("local_login_sender_maps", &commands_conf.login_senders,
	    .dflt = "static:*"),
	MBOX_LOCK_ROWS,
	MBOX_LOCK_WORDS_ROW,
	PARAM_STR("maillog_file_compressor",
	    &commands_conf.maillog_file_compressor, .dflt = "gzip"),
	PARAM_STR("maillog_file_rotate_suffix",
	    &commands_conf.maillog_file_rotate_suffix,
	    .dflt = "%Y%m%d-%H%M%S", .min = 1),
	PARAM_STR("multi_instance_directories",
	    &commands_conf.instance_directories, .dflt = ""),
	PARAM_BOOL("multi_instance_enable", &commands_conf.instance_enable,
	    .dflt = "no"),
	PARAM_STR("multi_instance_group", &commands_conf.instance_group,
	    .dflt = ""),
	PARAM_STR("multi_instance_wrapper", &commands_conf.instance_wrapper,
	    .dflt = ""),
	PARAM_STR("sendmail_fix_line_endings", &commands_conf.fix_line_endings,
	    .dflt = "always", .min = 1),
	PARAM_STR("postmulti_control_commands",
	    &commands_conf.multi_control, .dflt = "reload flush"),
	PARAM_STR("postmulti_start_commands", &commands_conf.multi_start,
	    .dflt = "start"),
	PARAM_STR("postmulti_stop_commands", &commands_conf.multi_stop,
	    .dflt = "stop abort drain quick-stop"),
};

const struct param_set commands_params = PARAM_SET("commands", rows);
