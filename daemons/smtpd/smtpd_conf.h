/*
 * smtpd_conf - the parameters smtpd acts on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SMTPD_SMTPD_CONF_H
#define DAEMONS_SMTPD_SMTPD_CONF_H

#include "common/mail/param.h"

struct unverified_conf {		/* of senders, or recipients */
	int64_t reject_code, defer_code;
	const char *reject_reason, *tempfail_action;
};

struct smtpd_conf {
	/* The conversation. */
	const char *banner, *discard_ehlo_keywords, *noop_commands;
	const char *forbidden_commands;
	const char *discard_ehlo_keyword_address_maps;
	const char *forbid_bare_newline, *forbid_bare_newline_exclusions;
	bool helo_required, disable_vrfy_command, strict_rfc821_envelopes;
	bool strict_smtputf8;
	bool forbid_unauth_pipelining, client_port_logging, peername_lookup;
	bool per_request_deadline;
	int64_t timeout, error_sleep_time, min_data_rate;
	int64_t soft_error_limit, hard_error_limit, junk_command_limit;
	int64_t recipient_limit, recipient_overshoot_limit;
	int64_t history_flush_threshold, queue_minfree;
	int64_t forbid_bare_newline_reject_code;

	/* What is let in. */
	const char *client_restrictions, *helo_restrictions;
	const char *sender_restrictions, *relay_restrictions;
	const char *recipient_restrictions, *data_restrictions;
	const char *etrn_restrictions;
	const char *end_of_data_restrictions, *restriction_classes;
	const char *local_header_rewrite_clients, *null_access_lookup_key;
	const char *receive_override_options, *log_access_permit_actions;
	const char *content_filter;
	bool delay_reject, relay_before_recipient_restrictions;
	bool reject_unlisted_recipient, reject_unlisted_sender;
	bool show_user_unknown_table_name, allow_untrusted_routing;
	int64_t reject_code, defer_code;
	int64_t access_map_reject_code, access_map_defer_code;
	int64_t invalid_hostname_reject_code, non_fqdn_reject_code;
	int64_t unknown_client_reject_code, relay_domains_reject_code;
	int64_t unknown_local_recipient_reject_code;
	int64_t unknown_relay_recipient_reject_code;
	int64_t unknown_virtual_alias_reject_code;
	int64_t unknown_virtual_mailbox_reject_code;
	int64_t multi_recipient_bounce_reject_code;

	struct unverified_conf unverified_sender, unverified_rcpt;
	const char *verify_sender, *reject_tempfail_action;
	int64_t verify_sender_ttl, verify_poll_count, verify_poll_delay;

	/* Who sees it before it is taken. */
	const char *proxy_filter, *proxy_ehlo, *proxy_options;
	int64_t proxy_timeout;

	/* How it is put. */
	const char *reject_filter_maps, *reject_footer, *reject_footer_maps, *expansion_filter;
	const char *command_filter;

	/* Who speaks for others. */
	const char *authorized_xclient_hosts, *authorized_xforward_hosts;
	const char *authorized_verp_clients;
	const char *upstream_proxy_protocol;
	int64_t upstream_proxy_timeout;

	/* How much of it. */
	const char *client_event_limit_exceptions;
	int64_t client_connection_count_limit, client_connection_rate_limit;
	int64_t client_message_rate_limit, client_recipient_rate_limit;
	int64_t client_ipv4_prefix_length, client_ipv6_prefix_length;

	/* Who is known. */
	const char *local_recipient_maps, *relay_recipient_maps;
	const char *virtual_alias_maps, *virtual_mailbox_maps;
	const char *canonical_maps, *recipient_canonical_maps;
	const char *sender_canonical_maps;
};

extern struct smtpd_conf smtpd_conf;
extern const struct param_set smtpd_params;

#endif
