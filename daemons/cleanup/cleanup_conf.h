/*
 * cleanup_conf - the parameters cleanup acts on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_CLEANUP_CLEANUP_CONF_H
#define DAEMONS_CLEANUP_CLEANUP_CONF_H

#include "common/mail/param.h"

struct cleanup_conf {
	const char *virtual_alias_maps, *canonical_maps;
	const char *sender_canonical_maps, *recipient_canonical_maps;
	const char *canonical_classes, *sender_canonical_classes;
	const char *recipient_canonical_classes;
	const char *propagate_unmatched_extensions;
	const char *message_drop_headers, *undisclosed_recipients_header;
	const char *remote_header_rewrite_domain, *smtputf8_autodetect_classes;
	const char *header_from_format, *full_name_encoding_charset;
	const char *non_empty_end_of_header_action;
	const char *message_reject_characters, *message_strip_characters;
	int64_t header_address_token_limit;
	bool force_mime_input_conversion;
	int64_t virtual_alias_expansion_limit, virtual_alias_recursion_limit;
	int64_t virtual_alias_address_length_limit, duplicate_filter_limit;
	const char *always_bcc, *sender_bcc_maps, *recipient_bcc_maps;
	const char *masquerade_domains, *masquerade_classes;
	const char *masquerade_exceptions;
	const char *header_checks, *mime_header_checks, *nested_header_checks;
	const char *body_checks;
	int64_t body_checks_size_limit;
	bool disable_mime_input_processing;
	bool strict_7bit_headers, strict_8bitmime, strict_8bitmime_body;
	bool strict_mime_encoding_domain;
	bool always_add_missing_headers, replace_stray_cr_lf;
	bool enable_original_recipient;
};

extern struct cleanup_conf cleanup_conf;
extern const struct param_set cleanup_params;

#endif
