/*
 * restrict_helo - restrictions about the name given with HELO or EHLO.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/address.h"
#include "common/mail/hostname.h"
#include "daemons/smtpd/restrict.h"

static struct span
helo_of(struct check *c)
{
	return SPAN(c->s->helo);
}

static bool
name_is_valid(struct span name)
{
	struct str why = STR_EMPTY;
	bool ok;

	if (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	ok = hostname_valid(name, &why);
	str_fini(&why);
	return ok;
}

enum check_result
run_reject_invalid_helo(struct check *c, const struct restriction *r)
{
	struct span helo = helo_of(c);
	struct ipaddr ip;

	if (helo.len == 0)
		return CHECK_DUNNO;
	if (helo.p[0] == '[') {
		if (hostname_literal_address(helo, &ip))
			return CHECK_DUNNO;
		return check_refuse(c,
		    (int)smtpd_conf.invalid_hostname_reject_code, "5.5.2",
		    "<%.*s>: Helo command rejected: invalid ip address",
		    SPAN_ARG(helo));
	}
	if (name_is_valid(helo) || ipaddr_scan(helo, &ip))
		return CHECK_DUNNO;
	return check_refuse(c, (int)smtpd_conf.invalid_hostname_reject_code,
	    "5.5.2", "<%.*s>: Helo command rejected: Invalid name",
	    SPAN_ARG(helo));
}

enum check_result
run_reject_non_fqdn_helo(struct check *c, const struct restriction *r)
{
	struct span helo = helo_of(c);

	if (helo.len == 0)
		return CHECK_DUNNO;
	if (helo.p[0] == '[')
		return run_reject_invalid_helo(c, r);
	if (name_is_valid(helo) && hostname_is_fqdn(helo))
		return CHECK_DUNNO;
	return check_refuse(c, (int)smtpd_conf.non_fqdn_reject_code, "5.5.2",
	    "<%.*s>: Helo command rejected: need fully-qualified hostname",
	    SPAN_ARG(helo));
}

enum check_result
run_check_helo_access(struct check *c, const struct restriction *r)
{
	if (c->s->helo == NULL)
		return CHECK_DUNNO;
	return access_by_name(c, r, helo_of(c), NULL, CLASS_HELO,
	    helo_of(c));
}

/* The site that ETRN names. */
enum check_result
run_check_etrn_access(struct check *c, const struct restriction *r)
{
	if (span_empty(c->etrn))
		return CHECK_DUNNO;
	return access_by_name(c, r, c->etrn, NULL, CLASS_ETRN, c->etrn);
}
