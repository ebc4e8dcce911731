/*
 * overrides - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/overrides.h"

#include "common/base/log.h"
#include "common/base/names.h"
#include "common/base/panic.h"
#include "daemons/shared/cleanup_proto.h"

static const struct name_value override_words[] = {
	{ "no_unknown_recipient_checks", OVERRIDE_UNKNOWN_RCPT },
	{ "no_address_mappings", OVERRIDE_MAPPINGS },
	{ "no_header_body_checks", OVERRIDE_CHECKS },
	{ "no_milters", OVERRIDE_MILTERS },
	{ NULL, 0 },
};

unsigned
receive_overrides_read(const char *words)
{
	struct str why = STR_EMPTY;
	unsigned mask;

	if (!names_mask(override_words, SPAN(words), &mask, &why))
		fatal("receive_override_options: %s", str_cstr(&why));
	str_fini(&why);
	return mask;
}

uint64_t
receive_overridden(uint64_t flags, unsigned overrides)
{
	if (overrides & OVERRIDE_MAPPINGS)
		flags &= ~(uint64_t)(CLEANUP_MAP_OK | CLEANUP_BCC_OK);
	if (overrides & OVERRIDE_CHECKS)
		flags &= ~(uint64_t)CLEANUP_FILTER;
	return flags;
}
