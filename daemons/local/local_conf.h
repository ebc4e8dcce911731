/*
 * local_conf - the parameters local acts on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_LOCAL_LOCAL_CONF_H
#define DAEMONS_LOCAL_LOCAL_CONF_H

#include "common/mail/param.h"

struct local_conf {
	const char *status_filter;
	const char *alias_maps, *home_mailbox, *mail_spool_directory;
	const char *allow_mail_to_files;
	const char *allow_mail_to_commands, *prepend_delivered_header;
	const char *forward_path, *forward_expansion_filter, *luser_relay;
	const char *propagate;
	const char *mailbox_command, *mailbox_command_maps;
	const char *mailbox_transport, *mailbox_transport_maps;
	const char *fallback_transport, *fallback_transport_maps;
	const char *local_command_shell, *command_execution_directory;
	const char *command_expansion_filter, *export_environment;
	const char *execution_directory_expansion_filter;
	int64_t command_time_limit;
	int64_t mailbox_size_limit;
	bool expand_owner_alias, reset_owner_alias;
	bool require_home_directory, biff, frozen_delivered_to;
};

extern struct local_conf local_conf;
extern const struct param_set local_params;

#endif
