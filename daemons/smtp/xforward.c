/*
 * xforward - tells a server behind, a filter most of all, where a message came
 * from: two commands before each MAIL, so that none gets long.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/mem.h"
#include "common/mail/xclient.h"
#include "daemons/smtp/smtp_priv.h"

struct fact {
	unsigned offer;			/* enum ehlo_xforward */
	enum xclient_attr attr;
	struct span value;
};

/* "unknown" is how an envelope says that it does not know. */
static bool
is_known(struct span value)
{
	return !span_empty(value) && !span_is(value, "unknown");
}

static bool
add_command(const struct fact *facts, size_t count, unsigned offered,
    struct str *out)
{
	bool any = false;

	for (size_t i = 0; i < count; i++)
		any |= (facts[i].offer & offered) && is_known(facts[i].value);
	if (!any)
		return false;
	str_adds(out, "XFORWARD");
	for (size_t i = 0; i < count; i++)
		if (facts[i].offer & offered)
			xclient_add(out, facts[i].attr, is_known(
			    facts[i].value) ? facts[i].value : SPAN_NONE);
	str_adds(out, "\r\n");
	return true;
}

unsigned
smtp_xforward_add(const struct smtp_session *s, const struct delivery *d,
    struct str *out)
{
	const struct envelope *e = d->envelope;
	const struct fact client[] = {
		{ EHLO_XFORWARD_NAME, XCLIENT_NAME, e->client_name },
		{ EHLO_XFORWARD_ADDR, XCLIENT_ADDR, e->client_address },
		{ EHLO_XFORWARD_PORT, XCLIENT_PORT, e->client_port },
	};
	const struct fact message[] = {
		{ EHLO_XFORWARD_PROTO, XCLIENT_PROTO, e->protocol },
		{ EHLO_XFORWARD_HELO, XCLIENT_HELO, e->helo },
		{ EHLO_XFORWARD_IDENT, XCLIENT_IDENT, span_empty(e->ident)
		    ? d->request->queue_id : e->ident },
		{ EHLO_XFORWARD_SOURCE, XCLIENT_SOURCE,
		    span_is(e->rewrite_context, "local") ? SPAN("LOCAL")
		    : SPAN("REMOTE") },
	};
	unsigned offered = s->offer.xforward;

	if (!smtp_conf.xforward || !(s->offer.keywords & EHLO_XFORWARD))
		return 0;
	return add_command(client, ARRAY_COUNT(client), offered, out) +
	    add_command(message, ARRAY_COUNT(message), offered, out);
}
