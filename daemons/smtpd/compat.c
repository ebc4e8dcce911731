/*
 * compat - which sessions would go another way at a newer compatibility_level.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/compat.h"

#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "daemons/shared/tables.h"
#include "daemons/smtpd/clients.h"
#include "daemons/smtpd/restrict.h"

static bool old_networks, old_relay_domains, old_relaying, old_order;
static struct matchlist *new_networks;

void
compat_setup(void)
{
	old_networks = conf_find("mynetworks") == NULL
	    && compat_default("mynetworks_style", "2");
	old_relay_domains = compat_default("relay_domains", "2");
	old_relaying = compat_default("smtpd_relay_restrictions", "1");
	old_order = compat_default("smtpd_relay_before_recipient_restrictions",
	    "3.6");
	matchlist_close(new_networks);
	new_networks = tables_open_list("mynetworks", old_networks
	    ? conf_host_networks() : "", MATCHLIST_ADDRESSES);
}

void
compat_networks(const struct session *s)
{
	if (old_networks && s->ip.family != 0
	    && matchlist_client(new_networks, SPAN_NONE, &s->ip)
	    == MAP_ABSENT)
		compat_say("mynetworks_style=subnet to permit request from "
		    "client \"%s\"", s->peer);
}

void
compat_relay_domain(struct span rcpt)
{
	if (old_relay_domains)
		compat_say("relay_domains=$mydestination to accept mail for "
		    "domain \"%.*s\"", SPAN_ARG(address_split(rcpt).domain));
}

void
compat_accepted(struct check *c, bool authorized)
{
	if (old_relaying && !authorized
	    && client_in_mynetworks(c->s) == MAP_ABSENT)
		compat_say("\"smtpd_relay_restrictions = (empty)\" to avoid "
		    "\"Relay access denied\" error for recipient \"%.*s\" from "
		    "client \"%s\"", SPAN_ARG(check_shown(c, c->rcpt)),
		    c->s->peer);
}

void
compat_refused(struct check *c)
{
	if (old_order)
		compat_say("smtpd_relay_before_recipient_restrictions=no to "
		    "reject recipient \"%.*s\" from client \"%s\"",
		    SPAN_ARG(check_shown(c, c->rcpt)), c->s->peer);
}
