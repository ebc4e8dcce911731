/*
 * dest - see the header.
 *
 * Port names come from a small table: /etc/services is out of reach in a
 * chroot, and the names that mail uses do not change.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/smtp/dest.h"

#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/mail/hostname.h"

static const struct {
	const char *name;
	uint16_t port;
} port_names[] = {
	{ "smtp", 25 }, { "mail", 25 }, { "lmtp", 24 }, { "submission", 587 },
	{ "submissions", 465 }, { "smtps", 465 }, { "ssmtp", 465 },
	{ "urd", 465 }, { "qmtp", 209 }, { "qmqp", 628 },
	{ "smtp-alt", 2525 }, { "amavis", 10024 },
};

bool
dest_port(struct span text, uint16_t *port_out)
{
	uint32_t number;

	if (scan_u32(text, &number)) {
		*port_out = (uint16_t)number;
		return number > 0 && number <= UINT16_MAX;
	}
	for (size_t i = 0; i < ARRAY_COUNT(port_names); i++)
		if (span_is_nocase(text, port_names[i].name)) {
			*port_out = port_names[i].port;
			return true;
		}
	return false;
}

bool
dest_next(struct span *list, struct span *text_out)
{
	return span_token(list, ", \t\r\n", text_out);
}

static bool
refuse(struct str *why, const char *what, struct span text)
{
	str_printf(why, "%s in next hop \"%.*s\"", what, SPAN_ARG(text));
	return false;
}

/* Splits "[host]:port", "[host]", "host:port", "host". */
static bool
split_port(struct dest *d, struct span rest, struct span *port_out,
    struct str *why)
{
	*port_out = SPAN_NONE;
	if (rest.len > 0 && rest.p[0] == '[') {
		ssize_t end = span_find(rest, ']');

		if (end < 0)
			return refuse(why, "no closing bracket", d->text);
		d->bracketed = true;
		d->host = span_sub(rest, 1, (size_t)end - 1);
		rest = span_skip(rest, (size_t)end + 1);
		if (span_empty(rest))
			return true;
		if (rest.p[0] != ':')
			return refuse(why, "text behind the bracket", d->text);
		*port_out = span_skip(rest, 1);
	} else {
		ssize_t colon = span_find(rest, ':');

		d->host = rest;
		if (colon < 0)
			return true;
		d->host = span_sub(rest, 0, (size_t)colon);
		*port_out = span_skip(rest, (size_t)colon + 1);
	}
	if (span_empty(*port_out))
		return refuse(why, "no port behind the colon", d->text);
	return true;
}

static bool
parse_host(struct dest *d, struct str *why)
{
	struct span host = d->host;

	if (span_empty(host))
		return refuse(why, "no host", d->text);
	if (d->bracketed && span_starts_nocase(host, SPAN("ipv6:")))
		host = span_skip(host, 5);
	if (ipaddr_scan(host, &d->literal)) {
		d->host = host;
		return true;
	}
	d->literal.family = 0;
	if (host.p != d->host.p)
		return refuse(why, "no valid IPv6 address", d->text);
	if (span_ends(host, SPAN(".")))
		d->host = span_sub(host, 0, host.len - 1);
	if (!hostname_valid(d->host, why))
		return refuse(why, "no valid host name", d->text);
	return true;
}

static bool
parse_unix(struct dest *d, struct span path, struct str *why)
{
	d->unix_socket = true;
	d->host = path;
	if (span_empty(path) || span_has(path, '\0'))
		return refuse(why, "no path", d->text);
	return true;
}

bool
dest_parse(struct span text, uint16_t dflt_port, bool lmtp, struct dest *out,
    struct str *why)
{
	struct span rest = text, port;

	*out = (struct dest){ .text = text, .port = dflt_port };
	if (lmtp && span_starts(rest, SPAN("unix:")))
		return parse_unix(out, span_skip(rest, 5), why);
	if (lmtp && span_starts(rest, SPAN("inet:")))
		rest = span_skip(rest, 5);
	if (!split_port(out, rest, &port, why))
		return false;
	if (!span_empty(port) && !dest_port(port, &out->port))
		return refuse(why, "no valid port", text);
	return parse_host(out, why);
}
