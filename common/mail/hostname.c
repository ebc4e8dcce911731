/*
 * hostname - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/hostname.h"

#include "common/base/utf8.h"

static bool
refuse(struct str *why, struct span name, const char *what)
{
	str_printf(why, "%s: \"%.*s\"", what, SPAN_ARG(span_sub(name, 0, 100)));
	return false;
}

bool
hostname_valid(struct span name, struct str *why)
{
	size_t label = 0;
	bool numeric = true;

	if (name.len == 0)
		return refuse(why, name, "empty host name");
	if (name.len > HOSTNAME_MOST)
		return refuse(why, name, "host name is too long");
	for (size_t i = 0; i <= name.len; i++) {
		char c = i < name.len ? name.p[i] : '.';

		if (c == '.') {
			if (label == 0)
				return refuse(why, name, "misplaced dot");
			if (name.p[i - 1] == '-')
				return refuse(why, name, "misplaced hyphen");
			label = 0;
			continue;
		}
		if (!ascii_is_alnum(c) && c != '-' && c != '_'
		    && (unsigned char)c < 0x80)
			return refuse(why, name, "invalid character");
		if (c == '-' && label == 0)
			return refuse(why, name, "misplaced hyphen");
		if (++label > HOSTNAME_LABEL_MOST)
			return refuse(why, name, "label is too long");
		if (!ascii_is_digit(c))
			numeric = false;
	}
	if (!utf8_valid(name))
		return refuse(why, name, "invalid UTF-8");
	if (numeric)
		return refuse(why, name, "numeric host name");
	return true;
}

bool
hostname_is_fqdn(struct span name)
{
	ssize_t dot = span_find(name, '.');

	return dot > 0 && (size_t)dot + 1 < name.len;
}

bool
hostname_literal_address(struct span domain, struct ipaddr *out)
{
	struct span inside;

	if (domain.len < 3 || domain.p[0] != '['
	    || domain.p[domain.len - 1] != ']')
		return false;
	inside = span_sub(domain, 1, domain.len - 2);
	/* what comes from outside names no interface of ours */
	if (span_has(inside, '%'))
		return false;
	if (span_starts_nocase(inside, SPAN("IPv6:"))) {
		inside = span_skip(inside, 5);
		return span_has(inside, ':') && ipaddr_scan(inside, out);
	}
	return !span_has(inside, ':') && ipaddr_scan(inside, out);
}
