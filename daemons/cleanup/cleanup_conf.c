/*
 * cleanup_conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/cleanup/cleanup_conf.h"

struct cleanup_conf cleanup_conf;

static const struct param rows[] = {
	PARAM_STR("virtual_alias_maps", &cleanup_conf.virtual_alias_maps,
	    .dflt = "$virtual_maps"),
	PARAM_STR("canonical_maps", &cleanup_conf.canonical_maps,
	    .dflt = ""),
	PARAM_STR("sender_canonical_maps",
	    &cleanup_conf.sender_canonical_maps, .dflt = ""),
	PARAM_STR("recipient_canonical_maps",
	    &cleanup_conf.recipient_canonical_maps, .dflt = ""),
	PARAM_STR("canonical_classes", &cleanup_conf.canonical_classes,
	    .dflt = "envelope_sender, envelope_recipient, header_sender, "
	    "header_recipient", .min = 1),
	PARAM_STR("sender_canonical_classes",
	    &cleanup_conf.sender_canonical_classes,
	    .dflt = "envelope_sender, header_sender", .min = 1),
	PARAM_STR("recipient_canonical_classes",
	    &cleanup_conf.recipient_canonical_classes,
	    .dflt = "envelope_recipient, header_recipient", .min = 1),
	PARAM_STR("propagate_unmatched_extensions",
	    &cleanup_conf.propagate_unmatched_extensions,
	    .dflt = "canonical, virtual"),
	PARAM_STR("message_drop_headers", &cleanup_conf.message_drop_headers,
	    .dflt = "bcc, content-length, resent-bcc, return-path"),
	PARAM_STR("undisclosed_recipients_header",
	    &cleanup_conf.undisclosed_recipients_header, .dflt = ""),
	PARAM_STR("smtputf8_autodetect_classes",
	    &cleanup_conf.smtputf8_autodetect_classes,
	    .dflt = "sendmail, verify", .min = 1),
	PARAM_STR("remote_header_rewrite_domain",
	    &cleanup_conf.remote_header_rewrite_domain, .dflt = ""),
	PARAM_INT("virtual_alias_expansion_limit",
	    &cleanup_conf.virtual_alias_expansion_limit, .dflt = "1000",
	    .min = 1),
	PARAM_INT("virtual_alias_recursion_limit",
	    &cleanup_conf.virtual_alias_recursion_limit, .dflt = "1000",
	    .min = 1),
	PARAM_INT("virtual_alias_address_length_limit",
	    &cleanup_conf.virtual_alias_address_length_limit,
	    .dflt = "1000", .min = 1),
	PARAM_INT("duplicate_filter_limit",
	    &cleanup_conf.duplicate_filter_limit, .dflt = "1000"),
	PARAM_BOOL("always_add_missing_headers",
	    &cleanup_conf.always_add_missing_headers, .dflt = "no"),
	PARAM_BOOL("cleanup_replace_stray_cr_lf",
	    &cleanup_conf.replace_stray_cr_lf, .dflt = "yes"),
	PARAM_BOOL("enable_original_recipient",
	    &cleanup_conf.enable_original_recipient, .dflt = "yes"),
};

const struct param_set cleanup_params = PARAM_SET("cleanup", rows);
