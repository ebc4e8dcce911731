/*
 * etrn - ETRN (RFC 1985): a host wants its mail now.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/service/service.h"
#include "daemons/shared/flush_client.h"
#include "daemons/smtpd/restrict.h"

static bool
may(struct session *s, struct span site)
{
	struct check c;
	bool ok;

	check_begin(&c, s, NULL);
	ok = check_etrn(&c, site) != CHECK_REJECT;
	if (!ok)
		reply_reject(s, str_cstr(&c.text), SPAN_NONE);
	check_end(&c);
	return ok;
}

static void
begin(struct session *s, struct span site)
{
	switch (flush_site(site, service_ipc_deadline())) {
	case FLUSH_BEGUN:
		reply(s, "250", NULL, "Queuing started");
		break;
	case FLUSH_NOT_SERVED:
		log_plain(s, "reject: ETRN %.*s... from %s",
		    SPAN_ARG(span_sub(site, 0, 100)), s->peer);
		reply(s, "459", NULL, "<%.*s>: service unavailable",
		    SPAN_ARG(site));
		break;
	case FLUSH_FAILED:
		log_warn("no answer from service flush about %.*s",
		    SPAN_ARG(span_sub(site, 0, 100)));
		reply(s, "458", NULL, "Unable to queue messages");
		break;
	}
}

void
command_etrn(struct session *s, struct span rest)
{
	struct span site;

	if (!span_token(&rest, " \t", &site) || !span_empty(span_trim(rest)))
		reply(s, "500", NULL, "Syntax: ETRN domain");
	else if (!flush_site_valid(site))
		reply(s, "501", NULL, "Error: invalid parameter syntax");
	else if (may(s, site))
		begin(s, site);
}
