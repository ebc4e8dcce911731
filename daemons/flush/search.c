/*
 * search - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/flush/search.h"

#include <stdio.h>
#include <string.h>

#include "common/mail/address.h"

static bool
take_message(const struct listed_message *m, void *arg)
{
	struct search *search = arg;

	search->matches = false;
	search->deferred = strcmp(m->queue_name, "deferred") == 0
	    && span_empty(m->unreadable);
	snprintf(search->id, sizeof(search->id), "%s", m->id);
	return true;
}

static bool
take_rcpt(const struct listed_rcpt *r, void *arg)
{
	struct search *search = arg;
	struct str domain = STR_EMPTY;

	if (!search->deferred || search->matches)
		return true;
	str_add(&domain, address_split(r->address).domain);
	str_lower(&domain);
	search->matches = hash_has(search->sites, str_span(&domain));
	str_fini(&domain);
	return true;
}

static bool
end_message(void *arg)
{
	struct search *search = arg;

	return !search->matches || search->found(search->id, search->arg);
}

struct queue_lister
search_lister(struct search *search)
{
	return (struct queue_lister){ .message = take_message,
		.rcpt = take_rcpt, .end = end_message, .arg = search,
		.no_reasons = true };
}
