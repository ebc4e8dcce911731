/*
 * commands_conf - parameters that only commands act on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_LIB_COMMANDS_CONF_H
#define DAEMONS_COMMANDS_LIB_COMMANDS_CONF_H

#include "common/mail/conf.h"

struct commands_conf {
	const char *alternate_directories, *instance_directories;
	const char *submit_users, *mailq_users, *flush_users;
	const char *login_senders, *null_sender_key;	/* postdrop */
	const char *alias_database;	/* what newaliases rebuilds */
	const char *fix_line_endings;	/* sendmail: always, strict, never */
	/* logrotate */
	const char *maillog_file_compressor, *maillog_file_rotate_suffix;
	bool instance_enable;		/* postmulti, and waypost, these */
	const char *instance_group, *instance_wrapper;
	const char *multi_start, *multi_stop, *multi_control;
};
extern struct commands_conf commands_conf;
extern const struct param_set commands_params;

#endif
