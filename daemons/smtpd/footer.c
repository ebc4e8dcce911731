/*
 * footer - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/smtpd/footer.h"

#include "common/base/log.h"
#include "common/base/scan.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/dsn.h"
#include "common/mail/macro.h"
#include "daemons/shared/tables.h"

static struct maps *footers, *filters;
static bool allowed[256];		/* smtpd_expansion_filter */

/* A byte of text with \t, \40 and the like in it. */
static unsigned char
next_byte(struct span *text)
{
	unsigned char c = (unsigned char)text->p[0];
	unsigned digits = 0, value = 0;

	*text = span_skip(*text, 1);
	if (c != '\\' || span_empty(*text))
		return c;
	while (digits < 3 && digits < text->len && text->p[digits] >= '0'
	    && text->p[digits] <= '7')
		value = value * 8 + (unsigned)(text->p[digits++] - '0');
	c = (unsigned char)text->p[0];
	*text = span_skip(*text, digits > 0 ? digits : 1);
	return digits > 0 ? (unsigned char)value : c == 't' ? '\t' : c;
}

void
footer_setup(void)
{
	struct span filter = SPAN(smtpd_conf.expansion_filter);

	footers = tables_open("smtpd_reject_footer_maps",
	    smtpd_conf.reject_footer_maps, 0);
	filters = tables_open("smtpd_reject_filter_maps",
	    smtpd_conf.reject_filter_maps, 0);
	memset(allowed, 0, sizeof(allowed));
	while (!span_empty(filter))
		allowed[next_byte(&filter)] = true;
}

/* ---- $names ---- */

static void
add_time(struct str *out)
{
	time_t now = clock_wall();
	char text[32];
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(text, sizeof(text), "%b %d %H:%M:%S", &tm);
	str_adds(out, text);
}

static bool
add_value(const struct session *s, struct span name, struct str *out)
{
	if (span_is(name, "client"))
		str_addf(out, "%s[%s]", s->name, s->address);
	else if (span_is(name, "client_address"))
		str_adds(out, s->address);
	else if (span_is(name, "client_name"))
		str_adds(out, s->name);
	else if (span_is(name, "client_port"))
		str_addf(out, "%u", s->port);
	else if (span_is(name, "helo_name"))
		str_adds(out, s->helo != NULL ? s->helo : "");
	else if (span_is(name, "localtime"))
		add_time(out);
	else if (span_is(name, "server_name"))
		str_adds(out, conf_core.myhostname);
	else if (span_is(name, "sender") && s->tx != NULL)
		address_print(out, s->tx->sender);
	else if (span_is(name, "recipient") && s->tx != NULL)
		address_print(out, s->tx->at_rcpt);
	else
		return span_is(name, "sender") || span_is(name, "recipient");
	return true;
}

static bool
look_up(struct span name, struct str *value_out, void *arg)
{
	size_t from = str_len(value_out);

	if (!add_value(arg, name, value_out)) {
		log_warn("smtpd_reject_footer: unknown name \"%.*s\"",
		    SPAN_ARG(name));
		return false;
	}
	for (size_t i = from; i < str_len(value_out); i++)
		if (!allowed[(unsigned char)value_out->buf[i]])
			value_out->buf[i] = '_';
	return true;
}

/* ---- the text ---- */

/* \c in front: behind the last line; \n: another line. Bytes that would end
 * one elsewhere are no bytes of a reply. */
static void
append(struct str *text, struct span footer)
{
	if (span_starts(footer, SPAN("\\c")))
		footer = span_skip(footer, 2);
	else
		str_putc(text, '\n');
	for (size_t i = 0; i < footer.len; i++) {
		char c = footer.p[i];

		if (c == '\\' && i + 1 < footer.len && footer.p[i + 1] == 'n') {
			str_putc(text, '\n');
			i++;
		} else {
			str_putc(text, c == '\r' || c == '\n' ? ' ' : c);
		}
	}
}

static bool
find(struct maps *maps, const char *code, const char *dsn, struct span text,
    struct str *out)
{
	struct str key = STR_EMPTY;
	enum map_status status;

	if (maps_empty(maps))
		return false;
	str_printf(&key, "%s%s%s %.*s", code, dsn != NULL ? " " : "",
	    dsn != NULL ? dsn : "", SPAN_ARG(text));
	status = maps_lookup(maps, str_span(&key), 0, out, NULL);
	str_fini(&key);
	return status == MAP_FOUND;
}

/* "550 5.1.1 text": anything else would be no refusal, or no reply. */
static bool
take_reply(struct span reply, char *code_out, char *dsn_out,
    struct str *text_out)
{
	struct span code = span_sub(reply, 0, 3);
	struct span rest = span_ltrim(span_skip(reply, 3));
	uint32_t number;
	size_t n = dsn_scan(rest);

	if (reply.len < 5 || !ascii_is_space(reply.p[3])
	    || !scan_u32(code, &number) || number < 400 || number > 599
	    || n >= 12 || (n > 0 && rest.p[0] != code.p[0]))
		return false;
	for (size_t i = 0; i < reply.len; i++)
		if (!ascii_is_print(reply.p[i]) && !(reply.p[i] & 0x80))
			return false;
	snprintf(code_out, 4, "%.3s", code.p);
	snprintf(dsn_out, 12, "%.*s", (int)n, rest.p);
	str_set(text_out, span_ltrim(span_skip(rest, n)));
	return str_len(text_out) > 0;
}

bool
footer_replace(const char *code, const char *dsn, struct span text,
    char *code_out, char *dsn_out, struct str *text_out)
{
	struct str found = STR_EMPTY;
	bool replaced = find(filters, code, dsn, text, &found);

	if (replaced && !take_reply(span_trim(str_span(&found)), code_out,
	    dsn_out, text_out)) {
		log_warn("smtpd_reject_filter_maps: \"%s\" is no reply that "
		    "refuses", str_cstr(&found));
		replaced = false;
	}
	str_fini(&found);
	return replaced;
}

void
footer_add(struct session *s, const char *code, const char *dsn,
    struct str *text)
{
	struct macro macro = { .lookup = look_up, .arg = s };
	struct str footer = STR_EMPTY, out = STR_EMPTY, why = STR_EMPTY;

	if (!find(footers, code, dsn, str_span(text), &footer))
		str_sets(&footer, smtpd_conf.reject_footer);
	if (str_len(&footer) > 0) {
		if (!macro_expand(&macro, str_span(&footer), &out, &why))
			log_warn("smtpd_reject_footer: %s", str_cstr(&why));
		else
			append(text, str_span(&out));
	}
	str_fini(&footer);
	str_fini(&out);
	str_fini(&why);
}
