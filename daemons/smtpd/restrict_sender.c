/*
 * restrict_sender - restrictions about the address of MAIL FROM.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/hostname.h"
#include "daemons/smtpd/restrict.h"

bool
check_is_full_address(struct span address)
{
	struct address_parts parts = address_split(address);
	struct str why = STR_EMPTY;
	bool ok;

	if (!parts.has_domain || span_empty(parts.local))
		return false;
	ok = address_is_literal(parts.domain)
	    || (hostname_is_fqdn(parts.domain)
	    && hostname_valid(parts.domain, &why));
	str_fini(&why);
	return ok;
}

enum check_result
run_reject_non_fqdn_sender(struct check *c, const struct restriction *r)
{
	if (c->s->tx == NULL || span_empty(c->s->tx->sender)
	    || check_is_full_address(c->s->tx->sender))
		return CHECK_DUNNO;
	return check_refuse(c, (int)smtpd_conf.non_fqdn_reject_code, "5.5.2",
	    "<%.*s>: Sender address rejected: need fully-qualified address",
	    SPAN_ARG(check_shown(c, c->s->tx->sender)));
}

/* Our own notices come from such addresses; no table lists them. */
static bool
is_system_sender(struct span address)
{
	struct span local = address_split(address).local;

	return span_is_nocase(local, conf_core.double_bounce_sender)
	    || span_is_nocase(local, "MAILER-DAEMON");
}

enum check_result
run_reject_unlisted_sender(struct check *c, const struct restriction *r)
{
	struct transaction *t = c->s->tx;

	if (t == NULL || span_empty(t->sender)
	    || is_system_sender(t->sender))
		return CHECK_DUNNO;
	if (!session_resolve_sender(c->s))
		return check_lookup_failed(c, check_shown(c, t->sender));
	return unlisted_rcpt(c, t->sender, &t->from, CLASS_SENDER);
}

enum check_result
run_check_sender_access(struct check *c, const struct restriction *r)
{
	struct transaction *t = c->s->tx;

	if (t == NULL)
		return CHECK_DUNNO;
	if (!session_resolve_sender(c->s))
		return check_lookup_failed(c, check_shown(c, t->sender));
	return access_by_address(c, r, span_empty(t->sender) ? t->sender
	    : t->from.answer.recipient, CLASS_SENDER,
	    check_shown(c, t->sender));
}
