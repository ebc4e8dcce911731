/*
 * probe_sender - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/probe_sender.h"

#include "common/mail/address.h"
#include "common/mail/conf_core.h"

/* No vowels: no words. */
static void
add_number(struct str *out, uint64_t n)
{
	static const char digits[] = "0123456789bcdfghjklmnpqrstvwxyz";
	char text[16];
	size_t at = sizeof(text);

	do
		text[--at] = digits[n % (sizeof(digits) - 1)];
	while ((n /= sizeof(digits) - 1) > 0);
	str_add(out, span_of(text + at, sizeof(text) - at));
}

void
probe_sender_print(struct str *out, const char *sender, int64_t ttl,
    int64_t now)
{
	struct address_parts parts = address_split(SPAN(sender));

	str_clear(out);
	if (sender[0] == '\0' || strcmp(sender, "<>") == 0)
		return;
	str_add(out, parts.local);
	if (ttl > 0 && now > 0)
		add_number(out, (uint64_t)(now / ttl));
	str_putc(out, '@');
	str_add(out, parts.has_domain ? parts.domain
	    : SPAN(conf_core.myorigin));
}

bool
probe_sender_is(struct span address, const char *sender, int64_t ttl,
    int64_t now)
{
	struct str of_then = STR_EMPTY;
	bool same = false;

	for (int64_t back = 0; !same && back <= (ttl > 0 ? 1 : 0); back++) {
		probe_sender_print(&of_then, sender, ttl, now - back * ttl);
		same = str_len(&of_then) > 0
		    && span_eq_nocase(address, str_span(&of_then));
	}
	str_fini(&of_then);
	return same;
}
