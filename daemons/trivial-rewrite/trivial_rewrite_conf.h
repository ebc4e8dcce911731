/*
 * trivial_rewrite_conf - the parameters trivial-rewrite acts on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_TRIVIAL_REWRITE_TRIVIAL_REWRITE_CONF_H
#define DAEMONS_TRIVIAL_REWRITE_TRIVIAL_REWRITE_CONF_H

#include "common/mail/param.h"

struct routing {
	const char *local_transport, *virtual_transport, *relay_transport;
	const char *default_transport, *relayhost, *transport_maps;
	const char *sender_dependent_relayhost_maps;
	const char *sender_dependent_default_transport_maps;
};

struct rewrite_conf {
	bool relocated_prefix_enable;
	struct routing mail, probes;
	const char *virtual_alias_domains, *virtual_mailbox_domains;
	const char *relocated_maps, *empty_address_recipient;
	const char *null_sender_relayhost_key, *null_sender_transport_key;
	const char *remote_header_rewrite_domain;
	bool append_at_myorigin, append_dot_mydomain, swap_bangpath;
	bool allow_percent_hack, allow_min_user, resolve_dequoted_address;
	bool resolve_numeric_domain, resolve_null_domain;
	bool show_user_unknown_table_name;
};

extern struct rewrite_conf rewrite_conf;
extern const struct param_set rewrite_params;

#endif
