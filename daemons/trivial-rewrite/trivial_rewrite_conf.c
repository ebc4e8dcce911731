/*
 * trivial_rewrite_conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/trivial-rewrite/trivial_rewrite_conf.h"

struct rewrite_conf rewrite_conf;

static const struct param rows[] = {
	PARAM_STR("local_transport", &rewrite_conf.local_transport,
	    .dflt = "local:$myhostname", .min = 1),
	PARAM_STR("virtual_transport", &rewrite_conf.virtual_transport,
	    .dflt = "virtual", .min = 1),
	PARAM_STR("relay_transport", &rewrite_conf.relay_transport,
	    .dflt = "relay", .min = 1),
	PARAM_STR("default_transport", &rewrite_conf.default_transport,
	    .dflt = "smtp", .min = 1),
	PARAM_STR("relayhost", &rewrite_conf.relayhost, .dflt = ""),
	PARAM_STR("transport_maps", &rewrite_conf.transport_maps, .dflt = ""),
	PARAM_STR("sender_dependent_relayhost_maps",
	    &rewrite_conf.sender_dependent_relayhost_maps, .dflt = ""),
	PARAM_STR("sender_dependent_default_transport_maps",
	    &rewrite_conf.sender_dependent_default_transport_maps, .dflt = ""),
	PARAM_STR("virtual_alias_domains", &rewrite_conf.virtual_alias_domains,
	    .dflt = "$virtual_alias_maps"),
	PARAM_STR("virtual_mailbox_domains",
	    &rewrite_conf.virtual_mailbox_domains,
	    .dflt = "$virtual_mailbox_maps"),
	PARAM_STR("relocated_maps", &rewrite_conf.relocated_maps, .dflt = ""),
	PARAM_BOOL("relocated_prefix_enable",
	    &rewrite_conf.relocated_prefix_enable, .dflt = "yes"),
	PARAM_STR("empty_address_recipient",
	    &rewrite_conf.empty_address_recipient, .dflt = "MAILER-DAEMON",
	    .min = 1),
	PARAM_STR("empty_address_relayhost_maps_lookup_key",
	    &rewrite_conf.null_sender_relayhost_key, .dflt = "<>"),
	PARAM_STR("empty_address_default_transport_maps_lookup_key",
	    &rewrite_conf.null_sender_transport_key, .dflt = "<>"),
	PARAM_STR("remote_header_rewrite_domain",
	    &rewrite_conf.remote_header_rewrite_domain, .dflt = ""),
	PARAM_BOOL("append_at_myorigin", &rewrite_conf.append_at_myorigin,
	    .dflt = "yes"),
	PARAM_BOOL("append_dot_mydomain", &rewrite_conf.append_dot_mydomain,
	    .dflt = "${{$compatibility_level} <level {1} ? {yes} : {no}}"),
	PARAM_BOOL("swap_bangpath", &rewrite_conf.swap_bangpath,
	    .dflt = "yes"),
	PARAM_BOOL("allow_percent_hack", &rewrite_conf.allow_percent_hack,
	    .dflt = "yes"),
	PARAM_BOOL("allow_min_user", &rewrite_conf.allow_min_user,
	    .dflt = "no"),
	PARAM_BOOL("resolve_dequoted_address",
	    &rewrite_conf.resolve_dequoted_address, .dflt = "yes"),
	PARAM_BOOL("resolve_numeric_domain",
	    &rewrite_conf.resolve_numeric_domain, .dflt = "no"),
	PARAM_BOOL("resolve_null_domain", &rewrite_conf.resolve_null_domain,
	    .dflt = "no"),
	PARAM_BOOL("show_user_unknown_table_name",
	    &rewrite_conf.show_user_unknown_table_name, .dflt = "yes"),
};

const struct param_set rewrite_params = PARAM_SET("trivial-rewrite", rows);
