/*
 * received - the Received header of a message that came by SMTP.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/date822.h"
#include "daemons/smtpd/smtpd_priv.h"

/* Inside a comment or a domain, such bytes would change the structure. */
static void
add_clean(struct str *out, const char *text)
{
	for (; *text != '\0'; text++)
		str_putc(out, strchr("()<>\\\"", *text) != NULL ? '?' : *text);
}

static const char *
with_protocol(const struct session *s)
{
	if (s->tx->envelope.flags & ENVELOPE_SMTPUTF8_ASKED)
		return "UTF8SMTP";
	return s->esmtp ? "ESMTP" : "SMTP";
}

void
received_header(struct session *s, struct str *out)
{
	struct transaction *t = s->tx;

	str_adds(out, "Received: from ");
	add_clean(out, s->helo != NULL ? s->helo : s->name);
	str_adds(out, " (");
	add_clean(out, s->name);
	str_addf(out, " [%s])\n\tby %s (%s) with %s",
	    session_header_address(s), conf_core.myhostname,
	    conf_core.mail_name, with_protocol(s));
	if (t->id[0] != '\0')
		str_addf(out, " id %s", t->id);
	if (t->nrcpts == 1) {
		str_adds(out, "\n\tfor <");
		address_quote(out, t->first_rcpt);
		str_adds(out, ">; ");
	} else {
		str_adds(out, ";\n\t");
	}
	date822_print(out, (time_t)(t->envelope.arrival_us / 1000000));
	str_putc(out, '\n');
}
