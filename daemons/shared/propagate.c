/*
 * propagate - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/propagate.h"

#include "common/base/log.h"
#include "common/base/names.h"
#include "common/mail/address.h"

static const struct name_value words_known[] = {
	{ "canonical", PROPAGATE_CANONICAL }, { "virtual", PROPAGATE_VIRTUAL },
	{ "alias", PROPAGATE_ALIAS }, { "forward", PROPAGATE_FORWARD },
	{ "include", PROPAGATE_INCLUDE }, { "generic", PROPAGATE_GENERIC },
	{ NULL, 0 },
};

unsigned
propagate_read(const char *words)
{
	struct str why = STR_EMPTY;
	unsigned mask;

	if (!names_mask(words_known, SPAN(words), &mask, &why))
		fatal("propagate_unmatched_extensions: %s", str_cstr(&why));
	str_fini(&why);
	return mask;
}

void
propagate_add(struct str *address, struct span extension)
{
	struct address_parts parts = address_split(str_span(address));

	if (!span_empty(extension))
		str_insert(address, parts.local.len, extension);
}

bool
propagate_same_user(struct span found, struct span address, struct str *out)
{
	struct address_parts parts = address_split(found);

	if (!parts.has_domain || !span_empty(parts.local))
		return false;
	str_set(out, address_split(address).local);
	str_putc(out, '@');
	str_add(out, parts.domain);
	return true;
}
