/*
 * verp - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/verp.h"

#include "common/mail/address.h"

bool
verp_delims_valid(struct span delims, struct span filter)
{
	return delims.len == 2 && span_has(filter, delims.p[0])
	    && span_has(filter, delims.p[1]);
}

void
verp_sender(struct str *out, struct span sender, struct span rcpt,
    struct span delims)
{
	struct address_parts from = address_split(sender);
	struct address_parts to = address_split(rcpt);

	str_add(out, from.local);
	str_putc(out, delims.p[0]);
	str_add(out, to.local);
	if (to.has_domain) {
		str_putc(out, delims.p[1]);
		str_add(out, to.domain);
	}
	if (from.has_domain) {
		str_putc(out, '@');
		str_add(out, from.domain);
	}
}
