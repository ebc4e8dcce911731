/*
 * smtp_cmd - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/smtp_cmd.h"

#include "common/base/codec.h"
#include "common/base/scan.h"
#include "common/mail/address.h"

#define ENVID_MOST 100			/* RFC 3461 4.4 */
#define ORCPT_MOST 500			/* RFC 3461 4.2 */

static const char *const verbs[SMTP_VERB_COUNT] = {
	"HELO", "EHLO", "XCLIENT", "XFORWARD", "STARTTLS", "AUTH", "MAIL",
	"RCPT", "DATA", "BDAT", "RSET", "NOOP", "VRFY", "ETRN", "QUIT",
	"HELP", "UNKNOWN",
};

const char *
smtp_verb_name(enum smtp_verb verb)
{
	return verbs[verb];
}

void
smtp_line_split(struct span line, struct smtp_line *out)
{
	size_t n = 0;

	line = span_trim(line);
	while (n < line.len && !ascii_is_space(line.p[n]))
		n++;
	out->word = span_sub(line, 0, n);
	out->rest = span_ltrim(span_skip(line, n));
	out->verb = SMTP_UNKNOWN;
	for (int v = 0; v < SMTP_UNKNOWN; v++)
		if (span_is_nocase(out->word, verbs[v]))
			out->verb = (enum smtp_verb)v;
}

/* ---- paths ---- */

static enum smtp_cmd_status
parse_path(struct span *rest, const char *prefix, unsigned flags,
    enum smtp_cmd_status bad, struct str *address_out, struct str *why)
{
	struct span text = *rest;
	size_t used = 0;

	if (!span_starts_nocase(text, SPAN(prefix)))
		return SMTP_CMD_SYNTAX;
	text = span_skip(text, strlen(prefix));
	text = span_ltrim(text);
	if (text.len == 0)
		return SMTP_CMD_SYNTAX;
	if (!address_parse_path(text, flags, address_out, &used, why))
		return bad;
	*rest = span_skip(text, used);
	return SMTP_CMD_OK;
}

/* ---- parameters ---- */

struct option {
	struct span name, value;
	bool has_value;
};

static bool
next_option(struct span *rest, struct option *out)
{
	struct span word;
	ssize_t equals;

	if (!span_token(rest, " \t", &word))
		return false;
	equals = span_find(word, '=');
	out->has_value = equals >= 0;
	out->name = equals < 0 ? word : span_sub(word, 0, (size_t)equals);
	out->value = equals < 0 ? SPAN_NONE
	    : span_skip(word, (size_t)equals + 1);
	return true;
}

static enum smtp_cmd_status
bad_value(struct str *why, const char *text)
{
	str_sets(why, text);
	return SMTP_CMD_BAD_VALUE;
}

static enum smtp_cmd_status
unknown(struct str *why, const struct option *option)
{
	struct span name = span_sub(option->name, 0, 100);

	str_clear(why);
	for (size_t i = 0; i < name.len; i++)
		str_putc(why, ascii_is_print(name.p[i]) ? name.p[i] : '?');
	return SMTP_CMD_UNKNOWN_PARAM;
}

static bool
is(const struct option *option, unsigned params, unsigned needed,
    const char *name)
{
	return (params & needed) && span_is_nocase(option->name, name);
}

static enum smtp_cmd_status
mail_body(const struct option *o, struct smtp_mail *out, struct str *why)
{
	if (span_is_nocase(o->value, "8BITMIME"))
		out->body = SMTP_BODY_8BITMIME;
	else if (span_is_nocase(o->value, "7BIT"))
		out->body = SMTP_BODY_7BIT;
	else
		return unknown(why, &(struct option){ .name =
		    o->has_value ? span_of(o->name.p,
		    o->name.len + 1 + o->value.len) : o->name });
	return SMTP_CMD_OK;
}

static enum smtp_cmd_status
mail_ret(const struct option *o, struct smtp_mail *out, struct str *why)
{
	if (out->ret != DSN_RET_NONE)
		return bad_value(why, "Bad RET parameter syntax");
	if (span_is_nocase(o->value, "FULL"))
		out->ret = DSN_RET_FULL;
	else if (span_is_nocase(o->value, "HDRS"))
		out->ret = DSN_RET_HDRS;
	else
		return bad_value(why, "Bad RET parameter syntax");
	return SMTP_CMD_OK;
}

static bool
printable(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_print(text.p[i]))
			return false;
	return true;
}

static bool
decode(struct span value, size_t most, struct str *out)
{
	if (value.len == 0 || value.len > most || str_len(out) > 0)
		return false;
	return xtext_decode(out, value) && printable(str_span(out));
}

/* RFC 1870: up to 20 digits, and so more than 64 bits hold. */
static enum smtp_cmd_status
mail_size(const struct option *o, struct smtp_mail *out, struct str *why)
{
	if (o->value.len == 0 || o->value.len > 20)
		return bad_value(why, "Bad message size syntax");
	for (size_t i = 0; i < o->value.len; i++)
		if (!ascii_is_digit(o->value.p[i]))
			return bad_value(why, "Bad message size syntax");
	if (!scan_u64(o->value, &out->size))
		out->size = UINT64_MAX;
	return SMTP_CMD_OK;
}

static enum smtp_cmd_status
mail_option(const struct option *o, unsigned params, struct smtp_mail *out,
    struct str *why)
{
	if (is(o, params, SMTP_PARAM_SIZE, "SIZE"))
		return mail_size(o, out, why);
	if (is(o, params, SMTP_PARAM_BODY, "BODY"))
		return mail_body(o, out, why);
	if (is(o, params, SMTP_PARAM_SMTPUTF8, "SMTPUTF8"))
		return !o->has_value ? SMTP_CMD_OK : unknown(why, o);
	if (is(o, params, SMTP_PARAM_DSN, "RET"))
		return mail_ret(o, out, why);
	if (is(o, params, SMTP_PARAM_DSN, "ENVID"))
		return decode(o->value, ENVID_MOST, &out->envid)
		    ? SMTP_CMD_OK
		    : bad_value(why, "Bad ENVID parameter syntax");
	if (is(o, params, SMTP_PARAM_AUTH, "AUTH"))
		return decode(o->value, ORCPT_MOST, &out->auth)
		    ? SMTP_CMD_OK
		    : bad_value(why, "Bad AUTH parameter syntax");
	if (is(o, params, SMTP_PARAM_XVERP, "XVERP")) {
		out->xverp = true;
		str_set(&out->verp, o->value);
		if (!o->has_value || str_len(&out->verp) > 0)
			return SMTP_CMD_OK;
		return bad_value(why, "Bad XVERP parameter syntax");
	}
	return unknown(why, o);
}

enum smtp_cmd_status
smtp_mail_parse(struct span rest, unsigned params, struct smtp_mail *out,
    struct str *why)
{
	unsigned flags = ADDRESS_ALLOW_EMPTY
	    | (params & SMTP_PARAM_STRICT ? ADDRESS_STRICT : 0);
	struct span options = rest;
	struct option o;
	enum smtp_cmd_status status;

	/* The address is read as UTF-8 when the parameter behind it says so. */
	while ((params & SMTP_PARAM_SMTPUTF8) && next_option(&options, &o))
		if (!o.has_value && span_is_nocase(o.name, "SMTPUTF8"))
			out->smtputf8 = true;
	if (out->smtputf8 || (params & SMTP_PARAM_UTF8_PATHS))
		flags |= ADDRESS_UTF8;
	status = parse_path(&rest, "FROM:", flags, SMTP_CMD_BAD_SENDER,
	    &out->sender, why);
	while (status == SMTP_CMD_OK && next_option(&rest, &o))
		status = mail_option(&o, params, out, why);
	return status;
}

/* "rfc822;a+2Bb@example.org": a type, then xtext. */
static bool
decode_orcpt(struct span value, bool utf8, struct str *out)
{
	ssize_t at = span_find(value, ';');
	struct span type, address;
	struct str text = STR_EMPTY;
	bool ok;

	if (at <= 0 || value.len > ORCPT_MOST || str_len(out) > 0)
		return false;
	type = span_sub(value, 0, (size_t)at);
	address = span_skip(value, (size_t)at + 1);
	for (size_t i = 0; i < type.len; i++)
		if (!ascii_is_alnum(type.p[i]) && type.p[i] != '-')
			return false;
	/* RFC 6533: utf-8 addresses may come as they are. */
	ok = utf8 && !span_is_ascii(address);
	if (ok)
		str_set(&text, address);
	else
		ok = xtext_decode(&text, address);
	ok = ok && str_len(&text) > 0;
	for (size_t i = 0; ok && i < text.len; i++)
		if ((unsigned char)text.buf[i] < ' ' || text.buf[i] == 127)
			ok = false;
	if (ok) {
		str_set(out, type);
		str_putc(out, ';');
		str_add(out, str_span(&text));
	}
	str_fini(&text);
	return ok;
}

static enum smtp_cmd_status
rcpt_option(const struct option *o, unsigned params, bool utf8,
    struct smtp_rcpt *out, struct str *why)
{
	if (is(o, params, SMTP_PARAM_DSN, "NOTIFY"))
		return out->notify == 0
		    && dsn_notify_scan(o->value, &out->notify) ? SMTP_CMD_OK
		    : bad_value(why, "Bad NOTIFY parameter syntax");
	if (is(o, params, SMTP_PARAM_DSN, "ORCPT"))
		return decode_orcpt(o->value, utf8, &out->orcpt)
		    ? SMTP_CMD_OK
		    : bad_value(why, "Bad ORCPT parameter syntax");
	return unknown(why, o);
}

enum smtp_cmd_status
smtp_rcpt_parse(struct span rest, unsigned params, bool utf8,
    struct smtp_rcpt *out, struct str *why)
{
	unsigned flags = (utf8 || (params & SMTP_PARAM_UTF8_PATHS)
	    ? ADDRESS_UTF8 : 0)
	    | (params & SMTP_PARAM_STRICT ? ADDRESS_STRICT : 0);
	struct option o;
	enum smtp_cmd_status status = parse_path(&rest, "TO:", flags,
	    SMTP_CMD_BAD_RCPT, &out->address, why);

	while (status == SMTP_CMD_OK && next_option(&rest, &o))
		status = rcpt_option(&o, params, utf8, out, why);
	return status;
}

void
smtp_mail_fini(struct smtp_mail *mail)
{
	str_fini(&mail->sender);
	str_fini(&mail->envid);
	str_fini(&mail->auth);
	str_fini(&mail->verp);
}

void
smtp_rcpt_fini(struct smtp_rcpt *rcpt)
{
	str_fini(&rcpt->address);
	str_fini(&rcpt->orcpt);
}

bool
smtp_bdat_parse(struct span rest, uint64_t *size_out, bool *last_out)
{
	struct span word;

	*last_out = false;
	if (!span_token(&rest, " \t", &word) || !scan_u64(word, size_out))
		return false;
	if (!span_token(&rest, " \t", &word))
		return true;
	*last_out = true;
	return span_is_nocase(word, "LAST") && span_empty(span_trim(rest));
}
