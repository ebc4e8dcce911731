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
	int64_t virtual_alias_expansion_limit, virtual_alias_recursion_limit;
	int64_t virtual_alias_address_length_limit, duplicate_filter_limit;
	bool always_add_missing_headers, replace_stray_cr_lf;
	bool enable_original_recipient;
};

extern struct cleanup_conf cleanup_conf;
extern const struct param_set cleanup_params;

#endif
