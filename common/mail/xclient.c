/*
 * xclient - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/xclient.h"

#include "common/base/codec.h"
#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/mail/hostname.h"

static const struct {
	const char *name;
	enum xclient_attr attr;
} names[] = {
	{ "NAME", XCLIENT_NAME }, { "ADDR", XCLIENT_ADDR },
	{ "PORT", XCLIENT_PORT }, { "PROTO", XCLIENT_PROTO },
	{ "HELO", XCLIENT_HELO }, { "REVERSE_NAME", XCLIENT_REVERSE_NAME },
	{ "LOGIN", XCLIENT_LOGIN }, { "DESTADDR", XCLIENT_DESTADDR },
	{ "DESTPORT", XCLIENT_DESTPORT }, { "IDENT", XCLIENT_IDENT },
	{ "SOURCE", XCLIENT_SOURCE },
};

static enum xclient_attr
find(struct span name, unsigned attrs)
{
	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		if (span_is_nocase(name, names[i].name))
			return names[i].attr & attrs;
	return 0;
}

static bool
is_address(struct xclient_value *v)
{
	struct span text = str_span(&v->text);
	bool v6 = span_starts_nocase(text, SPAN("IPV6:"));
	char printed[IPADDR_TEXT_MAX];

	if (v6)
		text = span_skip(text, 5);
	if (!ipaddr_scan(text, &v->ip) || v->ip.scope != 0
	    || span_has(text, ':') != v6)
		return false;
	ipaddr_print(&v->ip, printed);
	str_sets(&v->text, printed);
	return true;
}

static bool
is_port(struct xclient_value *v)
{
	uint32_t port;

	if (!scan_u32(str_span(&v->text), &port) || port > 65535)
		return false;
	v->port = (uint16_t)port;
	return true;
}

static bool
is_name(struct xclient_value *v)
{
	struct str why = STR_EMPTY;
	bool ok = hostname_valid(str_span(&v->text), &why);

	str_fini(&why);
	return ok;
}

static bool
makes_sense(struct xclient_value *v)
{
	struct span text = str_span(&v->text);

	switch (v->attr) {
	case XCLIENT_NAME:
	case XCLIENT_REVERSE_NAME:
		return is_name(v);
	case XCLIENT_ADDR:
	case XCLIENT_DESTADDR:
		return is_address(v);
	case XCLIENT_PORT:
	case XCLIENT_DESTPORT:
		return is_port(v);
	case XCLIENT_SOURCE:
		return span_is_nocase(text, "LOCAL")
		    || span_is_nocase(text, "REMOTE");
	case XCLIENT_PROTO:
	case XCLIENT_HELO:
	case XCLIENT_LOGIN:
	case XCLIENT_IDENT:
		break;
	}
	return text.len > 0;
}

static bool
take_value(struct xclient_value *v, struct span text, struct span name,
    struct str *why)
{
	struct str raw = STR_EMPTY;
	bool ok;

	v->known = span_is_nocase(text, "[UNAVAILABLE]")
	    ? XCLIENT_UNAVAILABLE : span_is_nocase(text, "[TEMPUNAVAIL]")
	    ? XCLIENT_TEMPUNAVAIL : XCLIENT_GIVEN;
	if (v->known == XCLIENT_UNAVAILABLE || (v->known
	    == XCLIENT_TEMPUNAVAIL && v->attr != XCLIENT_ADDR))
		return true;
	ok = xtext_decode(&raw, text);
	if (ok && str_len(&raw) > XCLIENT_VALUE_MOST) {
		str_sets(why, "Error: attribute value too long");
		str_fini(&raw);
		return false;
	}
	log_quote(&v->text, str_span(&raw));
	str_fini(&raw);
	if (ok && makes_sense(v))
		return true;
	str_printf(why, "Bad %.*s syntax: ", SPAN_ARG(name));
	log_quote(why, span_sub(text, 0, 100));
	return false;
}

enum xclient_status
xclient_next(struct span *rest, unsigned attrs, struct xclient_value *value,
    struct str *why)
{
	struct span word, name;
	ssize_t equals;

	str_clear(&value->text);
	value->ip = (struct ipaddr){ .family = 0 };
	value->port = 0;
	if (!span_token(rest, " \t", &word))
		return XCLIENT_END;
	equals = span_find(word, '=');
	if (equals <= 0 || (size_t)equals + 1 == word.len) {
		str_sets(why, "Error: attribute=value expected");
		return XCLIENT_BAD;
	}
	name = span_sub(word, 0, (size_t)equals);
	value->attr = find(name, attrs);
	if (value->attr == 0) {
		str_printf(why, "Bad %s attribute name: ",
		    attrs == XCLIENT_ATTRS ? "XCLIENT" : "XFORWARD");
		log_quote(why, span_sub(name, 0, 100));
		return XCLIENT_BAD;
	}
	return take_value(value, span_skip(word, (size_t)equals + 1), name,
	    why) ? XCLIENT_OK : XCLIENT_BAD;
}

void
xclient_add(struct str *out, enum xclient_attr attr, struct span value)
{
	const char *name = "";

	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		if (names[i].attr == attr)
			name = names[i].name;
	str_addf(out, " %s=", name);
	if (span_empty(value)) {
		str_adds(out, "[UNAVAILABLE]");
		return;
	}
	if ((attr & (XCLIENT_ADDR | XCLIENT_DESTADDR)) && span_has(value, ':'))
		str_adds(out, "IPV6:");
	xtext_encode(out, span_sub(value, 0, XCLIENT_VALUE_MOST));
}
