/*
 * reply - what the client is told, and the lines about it in the log.
 *
 * Replies wait in the stream's buffer; the session flushes it when no further
 * command is at hand, so a pipelined group is answered in one send.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/service/counters.h"
#include "common/service/service.h"
#include "daemons/smtpd/footer.h"
#include "daemons/smtpd/smtpd_priv.h"

#define LOG_TEXT_MOST 1024

static struct deadline
send_deadline(void)
{
	return deadline_in(smtpd_conf.timeout);
}

bool
reply_flush(struct session *s)
{
	if (stream_unflushed(s->client) == 0)
		return true;

	enum io_status status = stream_flush(s->client, send_deadline());

	if (status == IO_OK)
		return true;
	s->leaving = true;
	if (s->ending == NULL)
		s->ending = status == IO_TIMEOUT ? "timeout"
		    : "lost connection";
	return false;
}

static void
write_line(struct session *s, char dash, const char *dsn, struct span line)
{
	char head[24];
	int n = dsn != NULL
	    ? snprintf(head, sizeof(head), "%s%c%s ", s->last_code, dash, dsn)
	    : snprintf(head, sizeof(head), "%s%c", s->last_code, dash);

	transcript_out(s->transcript, span_of(head, (size_t)n), line);
	stream_write(s->client, span_of(head, (size_t)n), send_deadline());
	stream_write(s->client, line, send_deadline());
	stream_write(s->client, SPAN("\r\n"), send_deadline());
}

/* Past the soft limit the client waits for each reply, good or bad. */
static void
slow_down(struct session *s)
{
	if (s->last_code[0] >= '4')
		s->errors++;
	if (s->errors <= smtpd_conf.soft_error_limit
	    || smtpd_conf.error_sleep_time == 0 || s->leaving)
		return;
	if (reply_flush(s))
		fiber_sleep(deadline_in(smtpd_conf.error_sleep_time));
}

static void
reply_lines(struct session *s, const char *code, const char *dsn,
    struct span text)
{
	struct str whole = STR_EMPTY, other = STR_EMPTY;
	char soft_dsn[12], other_dsn[12];
	ssize_t lf;

	snprintf(s->last_code, sizeof(s->last_code), "%.3s", code);
	if (conf_core.soft_bounce && s->last_code[0] == '5') {
		s->last_code[0] = '4';
		if (dsn != NULL && dsn[0] == '5') {
			snprintf(soft_dsn, sizeof(soft_dsn), "4%s", dsn + 1);
			dsn = soft_dsn;
		}
	}
	if (s->last_code[0] >= '4' && footer_replace(s->last_code, dsn, text,
	    s->last_code, other_dsn, &other)) {
		dsn = other_dsn[0] != '\0' ? other_dsn : NULL;
		text = str_span(&other);
	}
	slow_down(s);
	if (s->last_code[0] >= '4') {
		str_add(&whole, text);
		footer_add(s, s->last_code, dsn, &whole);
		text = str_span(&whole);
	}
	while ((lf = span_find(text, '\n')) >= 0) {
		write_line(s, '-', dsn, span_sub(text, 0, (size_t)lf));
		text = span_skip(text, (size_t)lf + 1);
	}
	write_line(s, ' ', dsn, text);
	str_fini(&whole);
	str_fini(&other);
	if (memcmp(code, "421", 3) == 0 || memcmp(code, "521", 3) == 0
	    || memcmp(s->last_code, "421", 3) == 0
	    || memcmp(s->last_code, "521", 3) == 0)
		s->leaving = true;
}

void
reply(struct session *s, const char *code, const char *dsn,
    const char *format, ...)
{
	struct str text = STR_EMPTY;
	va_list args;

	va_start(args, format);
	str_vaddf(&text, format, args);
	va_end(args);
	reply_lines(s, code, dsn, str_span(&text));
	str_fini(&text);
}

void
reply_text(struct session *s, const char *text)
{
	char code[4], dsn[12];
	struct span rest = span_ltrim(span_skip(SPAN(text), 3));
	size_t n = dsn_scan(rest);

	snprintf(code, sizeof(code), "%.3s", text);
	if (n == 0 || n >= sizeof(dsn)) {
		reply_lines(s, code, NULL, rest);
		return;
	}
	snprintf(dsn, sizeof(dsn), "%.*s", (int)n, rest.p);
	reply_lines(s, code, dsn, span_ltrim(span_skip(rest, n)));
}

/* ---- the log ---- */

void
log_plain(struct session *s, const char *format, ...)
{
	va_list args;

	fiber_log_context(NULL);
	va_start(args, format);
	log_va(LOG_LEVEL_INFO, format, args);
	va_end(args);
	if (s->tx != NULL)
		fiber_log_context(s->tx->id);
}

static void
add_address(struct str *out, const char *name, struct span internal)
{
	str_addf(out, " %s=<", name);
	if (strcmp(conf_core.info_log_address_format, "external") == 0)
		address_print(out, internal);
	else
		str_add(out, internal);
	str_putc(out, '>');
}

static void
log_about(struct session *s, const char *kind, const char *where,
    const char *peer, const char *text, struct span rcpt)
{
	struct str tail = STR_EMPTY;

	if (s->tx != NULL)
		add_address(&tail, "from", s->tx->sender);
	if (!span_empty(rcpt))
		add_address(&tail, "to", rcpt);
	str_addf(&tail, " proto=%s", s->esmtp ? "ESMTP" : "SMTP");
	if (s->helo != NULL)
		str_addf(&tail, " helo=<%s>", s->helo);
	log_info("%s%s: %s%s%s: %.*s;%s",
	    s->tx != NULL && s->tx->id[0] != '\0' ? "" : "NOQUEUE: ",
	    kind, where, peer != NULL ? " from " : "",
	    peer != NULL ? peer : "",
	    SPAN_ARG(span_sub(SPAN(text), 0, LOG_TEXT_MOST)),
	    str_cstr(&tail));
	str_fini(&tail);
}

void
log_event(struct session *s, const char *kind, const char *where,
    const char *text, struct span rcpt)
{
	log_about(s, kind, where, s->peer, text, rcpt);
}

void
log_verdict(struct session *s, const char *kind, const char *where,
    const char *text, struct span rcpt)
{
	log_about(s, kind, where, NULL, text, rcpt);
}

void
reply_reject(struct session *s, const char *text, struct span rcpt)
{
	struct str soft = STR_EMPTY;

	counter_add(COUNTER_REJECTS, 1);
	if (s->hung_up)
		return;
	str_sets(&soft, text);
	if (conf_core.soft_bounce && str_len(&soft) > 4
	    && soft.buf[0] == '5') {
		soft.buf[0] = '4';
		if (soft.buf[4] == '5')
			soft.buf[4] = '4';
	}
	log_event(s, "reject", s->where, str_cstr(&soft), rcpt);
	reply_text(s, str_cstr(&soft));
	str_fini(&soft);
}

void
reply_bare_lf(struct session *s)
{
	char code[8];

	counter_add(COUNTER_REJECTS, 1);
	log_event(s, "reject", s->where, "bare <LF> received", SPAN_NONE);
	snprintf(code, sizeof(code), "%d",
	    (int)smtpd_conf.forbid_bare_newline_reject_code);
	reply(s, code, "5.5.2", "%s Error: bare <LF> received",
	    conf_core.myhostname);
	trouble_note(s, TROUBLE_PROTOCOL);
}
