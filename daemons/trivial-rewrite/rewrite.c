/*
 * rewrite - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/trivial-rewrite/rewrite.h"

#include "common/mail/address.h"
#include "common/mail/compat.h"
#include "common/mail/conf_core.h"
#include "daemons/trivial-rewrite/trivial_rewrite_conf.h"

/* site!user becomes user@site, user%site becomes user@site; one step. What has
 * nothing on one side is a route all the same, and leads nowhere. */
static bool
swap_legacy_form(struct str *out, struct span local)
{
	ssize_t at = span_find(local, '!');

	if (rewrite_conf.swap_bangpath && at >= 0) {
		str_add(out, span_trim(span_skip(local, (size_t)at + 1)));
		str_putc(out, '@');
		str_add(out, span_sub(local, 0, (size_t)at));
		return true;
	}
	at = span_rfind(local, '%');
	if (rewrite_conf.allow_percent_hack && at >= 0) {
		str_add(out, span_sub(local, 0, (size_t)at));
		str_putc(out, '@');
		str_add(out, span_skip(local, (size_t)at + 1));
		return true;
	}
	return false;
}

/* White space at the ends and beside dots is none of a domain (RFC 822 3.1.4):
 * it may come from a quoted local part, or from a table. */
static void
add_tokens(struct str *out, struct span domain)
{
	domain = span_trim(domain);
	for (size_t i = 0; i < domain.len; i++) {
		size_t start = i;

		while (ascii_is_space(domain.p[i]))
			i++;
		if (i > start && domain.p[start - 1] != '.'
		    && domain.p[i] != '.')
			str_putc(out, ' ');
		str_putc(out, domain.p[i]);
	}
}

static void
add_domain(struct str *out, struct span text, struct span parent)
{
	struct str tokens = STR_EMPTY;

	add_tokens(&tokens, text);

	struct span domain = str_span(&tokens);
	bool dotted = span_has(domain, '.');

	/* "a.." and "." are left for others to refuse. */
	if (domain.len > 1 && domain.p[domain.len - 1] == '.'
	    && domain.p[domain.len - 2] != '.')
		domain.len--;
	str_add(out, domain);
	if (!span_empty(domain) && !dotted && !address_is_literal(domain)
	    && !span_empty(parent)) {
		str_putc(out, '.');
		str_add(out, parent);
		if (compat_default("append_dot_mydomain", "1"))
			compat_say("append_dot_mydomain=yes to rewrite "
			    "\"%.*s\" to \"%.*s.%.*s\"", SPAN_ARG(domain),
			    SPAN_ARG(domain), SPAN_ARG(parent));
	}
	str_fini(&tokens);
}

void
rewrite_standard_form(struct str *out, struct span address,
    struct span context)
{
	bool local_context = span_is(context, "local");
	struct span domain = local_context ? SPAN(conf_core.mydomain)
	    : SPAN(rewrite_conf.remote_header_rewrite_domain);
	struct span origin = local_context ? SPAN(conf_core.myorigin) : domain;
	struct str swapped = STR_EMPTY;
	struct address_parts parts = address_split(address);

	if (span_empty(address) || span_is(context, "invalid")
	    || (!local_context && span_empty(domain))) {
		str_add(out, address);
		return;
	}
	if (!rewrite_conf.append_at_myorigin)
		origin = SPAN_NONE;
	if (!rewrite_conf.append_dot_mydomain)
		domain = SPAN_NONE;
	if (!parts.has_domain && swap_legacy_form(&swapped, parts.local))
		parts = address_split(str_span(&swapped));
	str_add(out, parts.local);
	if (parts.has_domain) {		/* "a@" is for resolve_null_domain */
		str_putc(out, '@');
		add_domain(out, parts.domain, domain);
	} else if (!span_empty(origin)) {
		str_putc(out, '@');
		str_add(out, origin);
	}
	str_fini(&swapped);
}
