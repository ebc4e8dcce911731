/*
 * conf_core - parameters that every process has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_CONF_CORE_H
#define COMMON_MAIL_CONF_CORE_H

#include "common/base/ipaddr.h"
#include "common/mail/conf.h"

struct conf_core {
	const char *queue_directory, *daemon_directory, *command_directory;
	const char *data_directory, *mail_owner, *setgid_group;
	const char *myhostname, *mydomain, *myorigin, *mydestination;
	const char *mynetworks, *mynetworks_style, *inet_interfaces;
	const char *proxy_interfaces, *inet_protocols, *relay_domains;
	const char *mail_name, *mail_version, *multi_instance_name;
	const char *syslog_name, *syslog_facility;
	const char *maillog_file, *log_compat_level, *info_log_address_format;
	const char *maillog_file_permissions;
	const char *compatibility_level, *default_privs;
	const char *recipient_delimiter, *double_bounce_sender;
	const char *parent_domain_matches_subdomains;
	const char *default_verp_delimiters, *verp_delimiter_filter;
	const char *hash_queue_names, *default_database_type;
	const char *process_name, *service_name;
	const char *queue_sync_method;
	int64_t queue_log_size;
	const char *import_environment;
	const char *rewrite_service_name, *cleanup_service_name;
	const char *queue_service_name, *bounce_service_name;
	const char *defer_service_name, *trace_service_name;
	const char *proxymap_service_name, *proxywrite_service_name;
	const char *error_service_name, *showq_service_name;
	const char *flush_service_name;
	const char *verify_service_name;
	const char *pickup_service_name;
	const char *resolver_service_name;		/* new */
	bool enable_long_queue_ids, soft_bounce, smtputf8_enable;
	bool table_open_error_is_fatal;
	bool strict_mailbox_ownership;
	int64_t ipc_timeout, ipc_idle, max_idle, max_use, daemon_timeout;
	int64_t message_size_limit, line_length_limit, header_size_limit;
	int64_t hopcount_limit, delay_logging_resolution_limit;
	int64_t default_process_limit;			/* 0: not set */
	int64_t service_clients_per_process, stop_timeout; /* new */
	int64_t hash_queue_depth;
	int64_t socketmap_max_reply_size, socketmap_max_query_size;
	const char *stress;
};

extern struct conf_core conf_core;

/* Numeric ids of mail_owner and setgid_group (names or numbers); without root
 * both are this process's own. False with a reason. */
bool conf_core_ids(uid_t *uid_out, gid_t *gid_out, gid_t *setgid_out,
    struct str *why);
/* Defaults that depend on the machine: myhostname, mydomain, mynetworks. NULL
 * for any other name. */
const char *conf_computed_default(const char *name);
/* Addresses of this machine as main.cf lists have them, by inet_interfaces. */
const char *conf_own_addresses(void);
/* What mynetworks is by mynetworks_style = host. */
const char *conf_host_networks(void);
/* "postfix/smtpd" from syslog_name and the program. */
void conf_core_log_tag(const char *program, struct str *out);
/* Lines are as of this release ("3.10") or a later one, by log_compat_level. */
bool conf_core_logs_as(const char *release);

#endif
