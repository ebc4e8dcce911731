/*
 * masquerade - masquerade_domains: addresses lose the subdomains that are
 * nobody's business outside.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/strlist.h"
#include "common/mail/address.h"
#include "daemons/cleanup/cleanup_priv.h"
#include "daemons/shared/tables.h"

static struct strlist domains;
static struct matchlist *exceptions;

void
masquerade_setup(void)
{
	strlist_split(&domains, SPAN(cleanup_conf.masquerade_domains),
	    STRLIST_CONF);
	exceptions = tables_open_list("masquerade_exceptions",
	    cleanup_conf.masquerade_exceptions, MATCHLIST_STRINGS);
}

void
masquerade_close_all(void)
{
	strlist_fini(&domains);
	matchlist_close(exceptions);
}

/* Is it this domain, or one below it? */
static bool
is_within(struct span domain, struct span above)
{
	return span_ends_nocase(domain, above) && (domain.len == above.len
	    || domain.p[domain.len - above.len - 1] == '.');
}

/* The first of the list that covers it decides; "!" spares it. */
static bool
covered(struct span domain, struct span *above_out)
{
	for (size_t i = 0; i < domains.count; i++) {
		struct span item = SPAN(domains.items[i]);
		bool spares = item.p[0] == '!';

		if (spares)
			item = span_skip(item, 1);
		if (!is_within(domain, item))
			continue;
		*above_out = item;
		return !spares && domain.len > item.len;
	}
	return false;
}

static bool
is_excepted(struct transaction *t, struct span user)
{
	switch (matchlist_name(exceptions, user)) {
	case MAP_FOUND:
		return true;
	case MAP_ABSENT:
		return false;
	case MAP_FAILED:
		log_warn("masquerade_exceptions map lookup problem for %.*s "
		    "-- message not accepted, try again later",
		    SPAN_ARG(user));
		transaction_fail(t, CLEANUP_DEFER,
		    "4.3.0 address lookup problem");
		return true;
	}
	return true;
}

void
masquerade(struct transaction *t, struct str *address)
{
	struct address_parts parts = address_split(str_span(address));
	struct span above;

	if (domains.count == 0 || !parts.has_domain
	    || !covered(parts.domain, &above)
	    || is_excepted(t, parts.local))
		return;
	size_t at = (size_t)(parts.domain.p - address->buf);

	str_remove(address, at, parts.domain.len);
	str_insert(address, at, above);
}
