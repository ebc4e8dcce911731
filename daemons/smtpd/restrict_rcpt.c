/*
 * restrict_rcpt - restrictions about a recipient: where mail for it goes, and
 * whether this client may send it there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/address.h"
#include "common/mail/hostname.h"
#include "daemons/smtpd/clients.h"
#include "daemons/smtpd/restrict.h"

/*
 * Is this machine, or one it relays for, where the recipient's mail ends? What
 * counts is where the address leads, not how it looks: "user%other.example" has
 * no domain and names another site. A route inside the address may lead on from
 * a machine that we relay for.
 */
bool
check_is_authorized(struct check *c)
{
	uint64_t flags = c->to->answer.flags;

	if (span_is_nocase(c->rcpt, "postmaster"))	/* RFC 5321 4.5.1 */
		return true;
	if ((flags & RESOLVE_ROUTED) && !smtpd_conf.allow_untrusted_routing)
		return false;
	return (flags & (RESOLVE_LOCAL | RESOLVE_ALIAS | RESOLVE_VIRTUAL
	    | RESOLVE_RELAY)) != 0;
}

static bool
is_authorized(struct check *c)
{
	bool yes = check_is_authorized(c);

	if (yes && (c->to->answer.flags & RESOLVE_RELAY))
		compat_relay_domain(c->to->answer.recipient);
	return yes;
}

static enum check_result
refuse_relaying(struct check *c, int code, const char *dsn)
{
	return check_refuse(c, code, dsn, "<%.*s>: Relay access denied",
	    SPAN_ARG(check_shown(c, c->rcpt)));
}

enum check_result
run_reject_unauth_destination(struct check *c, const struct restriction *r)
{
	if (c->to == NULL || is_authorized(c))
		return CHECK_DUNNO;
	return refuse_relaying(c, (int)smtpd_conf.relay_domains_reject_code,
	    "5.7.1");
}

enum check_result
run_defer_unauth_destination(struct check *c, const struct restriction *r)
{
	if (c->to == NULL || is_authorized(c))
		return CHECK_DUNNO;
	return refuse_relaying(c,
	    (int)smtpd_conf.relay_domains_reject_code % 100 + 400, "4.7.1");
}

enum check_result
run_permit_auth_destination(struct check *c, const struct restriction *r)
{
	return c->to != NULL && is_authorized(c) ? CHECK_PERMIT : CHECK_DUNNO;
}

enum check_result
run_reject_non_fqdn_rcpt(struct check *c, const struct restriction *r)
{
	if (span_empty(c->rcpt))
		return CHECK_DUNNO;
	/* RFC 5321 4.5.1: postmaster needs no domain. */
	if (span_is_nocase(c->rcpt, "postmaster") || check_is_full_address(c->rcpt))
		return CHECK_DUNNO;
	return check_refuse(c, (int)smtpd_conf.non_fqdn_reject_code, "5.5.2",
	    "<%.*s>: Recipient address rejected: need fully-qualified "
	    "address", SPAN_ARG(check_shown(c, c->rcpt)));
}

enum check_result
run_reject_unlisted_rcpt(struct check *c, const struct restriction *r)
{
	if (c->to == NULL || c->listed
	    || (client_receive_overrides() & OVERRIDE_UNKNOWN_RCPT))
		return CHECK_DUNNO;
	c->listed = true;
	return unlisted_rcpt(c, c->rcpt, c->to, CLASS_RCPT);
}

enum check_result
run_check_rcpt_access(struct check *c, const struct restriction *r)
{
	enum check_result result;

	if (span_empty(c->rcpt))
		return CHECK_DUNNO;
	result = access_by_address(c, r, c->rcpt_key, CLASS_RCPT,
	    check_shown(c, c->rcpt));
	/* Where a route leads no table has said: its OK is for the address
	 * that we see. */
	if (result == CHECK_PERMIT && c->to != NULL
	    && (c->to->answer.flags & RESOLVE_ROUTED)
	    && !smtpd_conf.allow_untrusted_routing)
		return CHECK_DUNNO;
	return result;
}

enum check_result
run_reject_multi_recipient_bounce(struct check *c,
    const struct restriction *r)
{
	struct transaction *t = c->s->tx;
	size_t count;

	if (t == NULL || !span_empty(t->sender))
		return CHECK_DUNNO;
	count = t->nrcpts + (c->stage == STAGE_RCPT);
	if (count <= 1)
		return CHECK_DUNNO;
	return check_refuse(c,
	    (int)smtpd_conf.multi_recipient_bounce_reject_code, "5.5.3",
	    "<%.*s>: %s rejected: Multi-recipient bounce",
	    SPAN_ARG(c->reply_name), c->reply_class);
}
