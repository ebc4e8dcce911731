/*
 * proxy - see the header. A connection serves one message; the transaction's
 * arena closes it, so that a message which is broken off never gets its dot.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/smtpd/proxy.h"

#include <errno.h>

#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/names.h"
#include "common/base/scan.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/smtp_reply.h"
#include "common/mail/smtp_send_data.h"
#include "common/mail/xclient.h"
#include "common/service/counters.h"
#include "common/service/jail.h"
#include "common/service/service.h"
#include "daemons/smtpd/kept.h"

enum { FLUSH_BYTES = 16384 };
enum { SPEED_ADJUST = 1 };

static const struct name_value option_words[] = {
	{ "speed_adjust", SPEED_ADJUST }, { NULL, 0 },
};

static struct {
	const char *unix_path;		/* or */
	const char *host;
	uint16_t port;
	bool speed_adjust;
} filter;

struct proxy {
	struct transaction *t;
	struct stream *stream;		/* NULL: not connected, or lost */
	struct smtp_reply reply;
	struct ehlo_offer offer;
	struct str *out;		/* a command, or content */
	struct smtp_send_data dots;
	/* speed_adjust: what is said later. */
	struct text *rcpts, **rcpts_end;
	struct kept *content;		/* NULL without speed_adjust */
};

/* ---- before the jail ---- */

static void
read_target(struct span text)
{
	ssize_t colon;
	struct span port;
	uint32_t number = 0;

	if (span_starts(text, SPAN("unix:"))) {
		filter.unix_path = mem_strdup(text.p + 5);
		return;
	}
	if (span_starts(text, SPAN("inet:")))
		text = span_skip(text, 5);
	colon = span_rfind(text, ':');
	port = span_skip(text, (size_t)(colon + 1));
	text = span_sub(text, 0, colon > 0 ? (size_t)colon : 0);
	if (text.len > 2 && text.p[0] == '[' && text.p[text.len - 1] == ']')
		text = span_sub(text, 1, text.len - 2);
	if (colon < 0 || !scan_u32(port, &number) || number == 0
	    || number > UINT16_MAX)
		fatal("smtpd_proxy_filter: found \"%s\", expected host:port, "
		    "inet:host:port or unix:path", smtpd_conf.proxy_filter);
	filter.port = (uint16_t)number;
	filter.host = span_empty(text) ? "127.0.0.1"
	    : mem_strndup(text.p, text.len);
	jail_also_needs(NEEDS_NETWORK_OUT);
}

void
proxy_setup(void)
{
	struct str why = STR_EMPTY;
	unsigned options;

	if (!names_mask(option_words, SPAN(smtpd_conf.proxy_options),
	    &options, &why))
		fatal("smtpd_proxy_options: %s", str_cstr(&why));
	filter.speed_adjust = (options & SPEED_ADJUST) != 0;
	filter.unix_path = filter.host = NULL;
	if (proxy_is_wanted())
		read_target(span_trim(SPAN(smtpd_conf.proxy_filter)));
	str_fini(&why);
}

void
proxy_prepare(void)
{
	if (proxy_is_wanted() && filter.speed_adjust)
		kept_setup(service_queue_dir());
}

bool
proxy_is_wanted(void)
{
	return !span_empty(span_trim(SPAN(smtpd_conf.proxy_filter)));
}

/* ---- the connection ---- */

static void
close_proxy(void *arg)
{
	struct proxy *p = arg;

	stream_close(p->stream);
	p->stream = NULL;
	smtp_reply_fini(&p->reply);
}

static struct proxy *
proxy_of(struct transaction *t)
{
	struct proxy *p = t->proxy;

	if (p != NULL)
		return p;
	p = t->proxy = arena_zalloc(t->arena, sizeof(*p));
	p->t = t;
	p->out = str_in_arena(t->arena);
	if (filter.speed_adjust)
		p->content = kept_new(t->arena);
	p->rcpts_end = &p->rcpts;
	smtp_reply_init(&p->reply);
	arena_on_free(t->arena, close_proxy, p);
	return p;
}

static bool
lose(struct proxy *p, enum io_status status)
{
	if (status == IO_TIMEOUT)
		log_warn("timeout talking to proxy %s",
		    smtpd_conf.proxy_filter);
	else if (status != IO_CANCELLED)
		log_warn("lost connection with proxy %s",
		    smtpd_conf.proxy_filter);
	stream_close(p->stream);
	p->stream = NULL;
	return false;
}

static bool
hear(struct proxy *p)
{
	enum io_status status = smtp_reply_read(&p->reply, p->stream,
	    deadline_in(smtpd_conf.proxy_timeout), 0);

	return status == IO_OK || lose(p, status);
}

/* What is in p->out, and the reply to it. */
static bool
say(struct proxy *p)
{
	enum io_status status = stream_write_flush(p->stream,
	    str_span(p->out), deadline_in(smtpd_conf.proxy_timeout));

	str_clear(p->out);
	return status == IO_OK ? hear(p) : lose(p, status);
}

static bool
connect_to(const struct ipaddr *addresses, size_t count, int *fd_out)
{
	enum io_status status = IO_ERROR;

	if (filter.unix_path != NULL)
		status = sock_connect_unix(filter.unix_path,
		    deadline_in(smtpd_conf.proxy_timeout), fd_out);
	for (size_t i = 0; status != IO_OK && i < count; i++)
		status = sock_connect_inet(&addresses[i], filter.port, NULL,
		    deadline_in(smtpd_conf.proxy_timeout), fd_out);
	if (status == IO_TIMEOUT)
		errno = ETIMEDOUT;
	return status == IO_OK;
}

static bool
open_stream(struct proxy *p)
{
	struct resolver_host found = { .count = 0 };
	struct ipaddr literal;
	int fd;

	if (filter.host != NULL && ipaddr_scan(SPAN(filter.host), &literal)) {
		found.addresses = &literal;
		found.count = 1;
	} else if (filter.host != NULL) {
		resolver_host_addresses(SPAN(filter.host), RESOLVER_HOSTS,
		    &found, p->t->arena,
		    deadline_in(smtpd_conf.proxy_timeout));
		if (found.count == 0) {
			log_warn("connect to proxy filter %s: host %s not "
			    "found: %.*s", smtpd_conf.proxy_filter,
			    filter.host, SPAN_ARG(found.why));
			return false;
		}
	}
	if (!connect_to(found.addresses, found.count, &fd)) {
		log_warn("connect to proxy filter %s: %m",
		    smtpd_conf.proxy_filter);
		return false;
	}
	p->stream = stream_open(fd);
	return true;
}

/* ---- the beginning of the conversation ---- */

static bool
unwilling(struct proxy *p, const char *command)
{
	log_warn("proxy %s rejected \"%s\": \"%s\"", smtpd_conf.proxy_filter,
	    command, str_cstr(&p->reply.text));
	return false;
}

static void
read_offer(struct proxy *p)
{
	struct span line;
	size_t at = 0;

	p->offer = (struct ehlo_offer){ .keywords = 0 };
	(void)smtp_reply_next_line(&p->reply, &at, &line);
	while (smtp_reply_next_line(&p->reply, &at, &line))
		ehlo_read_line(&p->offer, line, 0);
}

static bool
greet(struct proxy *p)
{
	if (!hear(p))
		return false;
	if (smtp_reply_class(&p->reply) != '2')
		return unwilling(p, "(connection)");
	str_addf(p->out, "EHLO %s\r\n", smtpd_conf.proxy_ehlo);
	if (!say(p))
		return false;
	if (smtp_reply_class(&p->reply) == '2') {
		read_offer(p);
		return true;
	}
	str_addf(p->out, "HELO %s\r\n", smtpd_conf.proxy_ehlo);
	return say(p) && (smtp_reply_class(&p->reply) == '2'
	    || unwilling(p, "HELO"));
}

/* One command for each attribute: none gets too long. */
static bool
forward(struct session *s, struct proxy *p)
{
	const struct envelope *e = &s->tx->envelope;
	const struct {
		enum ehlo_xforward offered;
		enum xclient_attr attr;
		struct span value;
	} facts[] = {
		{ EHLO_XFORWARD_NAME, XCLIENT_NAME, e->client_name },
		{ EHLO_XFORWARD_ADDR, XCLIENT_ADDR, e->client_address },
		{ EHLO_XFORWARD_PORT, XCLIENT_PORT, e->client_port },
		{ EHLO_XFORWARD_PROTO, XCLIENT_PROTO, e->protocol },
		{ EHLO_XFORWARD_HELO, XCLIENT_HELO, e->helo },
		{ EHLO_XFORWARD_IDENT, XCLIENT_IDENT, e->ident },
		{ EHLO_XFORWARD_SOURCE, XCLIENT_SOURCE,
		    span_is(e->rewrite_context, "local") ? SPAN("LOCAL")
		    : SPAN("REMOTE") },
	};

	for (size_t i = 0; i < ARRAY_COUNT(facts); i++) {
		if (!(p->offer.xforward & facts[i].offered))
			continue;
		str_adds(p->out, "XFORWARD");
		xclient_add(p->out, facts[i].attr, facts[i].value);
		str_adds(p->out, "\r\n");
		if (!say(p))
			return false;
		if (smtp_reply_class(&p->reply) != '2')
			return unwilling(p, "XFORWARD");
	}
	return true;
}

static bool
connect_filter(struct session *s, struct proxy *p)
{
	session_learn_context(s);
	return open_stream(p) && greet(p)
	    && (!(p->offer.keywords & EHLO_XFORWARD) || forward(s, p));
}

/* ---- commands ---- */

static void
add_path(struct str *out, const char *verb, struct span address)
{
	str_addf(out, "%s:<", verb);
	address_quote(out, address);
	str_putc(out, '>');
}

static void
add_mail(struct transaction *t, const struct ehlo_offer *offer,
    struct str *out)
{
	add_path(out, "MAIL FROM", t->sender);
	if ((offer->keywords & EHLO_SIZE) && t->size_said > 0)
		str_addf(out, " SIZE=%llu", (unsigned long long)t->size_said);
	if ((offer->keywords & EHLO_8BITMIME) && t->body != SMTP_BODY_NONE)
		str_adds(out, t->body == SMTP_BODY_8BITMIME
		    ? " BODY=8BITMIME" : " BODY=7BIT");
	if ((offer->keywords & EHLO_SMTPUTF8)
	    && (t->envelope.flags & ENVELOPE_SMTPUTF8_ASKED))
		str_adds(out, " SMTPUTF8");
	if (offer->keywords & EHLO_DSN) {
		if (t->envelope.dsn_ret != DSN_RET_NONE)
			str_addf(out, " RET=%s",
			    t->envelope.dsn_ret == DSN_RET_FULL ? "FULL"
			    : "HDRS");
		if (!span_empty(t->envelope.dsn_envid)) {
			str_adds(out, " ENVID=");
			xtext_encode(out, t->envelope.dsn_envid);
		}
	}
	str_adds(out, "\r\n");
}

/* What DSN wants of it stands behind a LF, to be left out if need be. */
static void
print_rcpt(struct str *out, struct span address,
    const struct smtp_rcpt *rcpt)
{
	struct span orcpt = str_span(&rcpt->orcpt);
	ssize_t semicolon = span_find(orcpt, ';');

	add_path(out, "RCPT TO", address);
	str_putc(out, '\n');
	if (rcpt->notify != 0) {
		char words[40];

		dsn_notify_print(rcpt->notify, words);
		str_addf(out, " NOTIFY=%s", words);
	}
	if (semicolon > 0) {
		str_adds(out, " ORCPT=");
		str_add(out, span_sub(orcpt, 0, (size_t)semicolon + 1));
		xtext_encode(out, span_skip(orcpt, (size_t)semicolon + 1));
	}
}

static void
add_rcpt(struct proxy *p, struct span command)
{
	ssize_t lf = span_find(command, '\n');

	str_add(p->out, span_sub(command, 0, (size_t)lf));
	if (p->offer.keywords & EHLO_DSN)
		str_add(p->out, span_skip(command, (size_t)lf + 1));
	str_adds(p->out, "\r\n");
}

/* ---- what it said ---- */

/* Its reply as one text, without the codes of the lines. */
static void
print_reply(const struct smtp_reply *reply, struct str *out)
{
	struct span line;
	size_t at = 0;

	str_printf(out, "%u ", reply->code);
	for (size_t n = 0; smtp_reply_next_line(reply, &at, &line); n++) {
		size_t dsn = dsn_scan(line);

		if (n > 0)
			str_putc(out, '\n');
		if (n > 0 && reply->dsn[0] != '\0' && dsn > 0)
			line = span_ltrim(span_skip(line, dsn));
		str_add(out, line);
	}
}

static void
log_said(struct session *s, const char *kind, const struct str *text,
    struct span rcpt)
{
	struct str line = STR_EMPTY;

	str_set(&line, str_span(text));
	for (size_t i = 0; i < line.len; i++)
		if (line.buf[i] == '\n')
			line.buf[i] = ' ';
	log_verdict(s, kind, s->where, str_cstr(&line), rcpt);
	str_fini(&line);
}

/* No answer, or one that means nothing: as if the message could not be
 * written. */
static bool
refuse(struct session *s, struct proxy *p, bool heard, struct span rcpt)
{
	struct str text = STR_EMPTY;
	char cls = heard ? smtp_reply_class(&p->reply) : 0;

	if (cls == '4' || cls == '5')
		print_reply(&p->reply, &text);
	else
		str_sets(&text, "451 4.3.0 Error: queue file write error");
	trouble_note(s, cls == '4' || cls == '5' ? TROUBLE_POLICY
	    : TROUBLE_RESOURCE);
	counter_add(COUNTER_REJECTS, 1);
	log_said(s, "proxy-reject", &text, rcpt);
	reply_text(s, str_cstr(&text));
	str_fini(&text);
	return false;
}

/* ---- the message ---- */

static bool
begin_mail(struct session *s, struct proxy *p, struct span rcpt)
{
	if (p->stream != NULL)
		return true;
	if (!connect_filter(s, p)) {
		proxy_abort(s->tx);
		return refuse(s, p, false, rcpt);
	}
	add_mail(s->tx, &p->offer, p->out);
	if (!say(p) || smtp_reply_class(&p->reply) != '2') {
		bool heard = p->stream != NULL;

		proxy_abort(s->tx);
		return refuse(s, p, heard, rcpt);
	}
	return true;
}

static bool
say_rcpt(struct session *s, struct proxy *p, struct span command,
    struct span rcpt)
{
	add_rcpt(p, command);
	if (say(p) && smtp_reply_class(&p->reply) == '2')
		return true;
	return refuse(s, p, p->stream != NULL, rcpt);
}

bool
proxy_rcpt(struct session *s, const struct smtp_rcpt *rcpt)
{
	struct transaction *t = s->tx;
	struct proxy *p = proxy_of(t);
	struct str *command = str_in_arena(t->arena);

	print_rcpt(command, t->at_rcpt, rcpt);
	if (filter.speed_adjust) {
		struct text *later = arena_zalloc(t->arena, sizeof(*later));

		later->text = str_span(command);
		*p->rcpts_end = later;
		p->rcpts_end = &later->next;
		return true;
	}
	/* A filter that was lost has forgotten the recipients before. */
	if (t->nrcpts > 0 && p->stream == NULL)
		return refuse(s, p, false, t->at_rcpt);
	return begin_mail(s, p, t->at_rcpt)
	    && say_rcpt(s, p, str_span(command), t->at_rcpt);
}

static bool
say_data(struct session *s, struct proxy *p)
{
	if (p->stream == NULL)
		return refuse(s, p, false, SPAN_NONE);
	str_adds(p->out, "DATA\r\n");
	if (!say(p) || smtp_reply_class(&p->reply) != '3')
		return refuse(s, p, p->stream != NULL, SPAN_NONE);
	smtp_send_data_init(&p->dots, 0);
	return true;
}

bool
proxy_begin_content(struct session *s)
{
	return filter.speed_adjust || say_data(s, proxy_of(s->tx));
}

static bool
send_content(struct proxy *p, struct span bytes)
{
	enum io_status status;

	smtp_send_data_add(&p->dots, bytes, p->out);
	if (str_len(p->out) < FLUSH_BYTES)
		return true;
	status = stream_write_flush(p->stream, str_span(p->out),
	    deadline_in(smtpd_conf.proxy_timeout));
	str_clear(p->out);
	return status == IO_OK || lose(p, status);
}

bool
proxy_content(struct transaction *t, struct span bytes)
{
	struct proxy *p = proxy_of(t);

	if (filter.speed_adjust)
		return kept_add(p->content, bytes);
	return p->stream != NULL && send_content(p, bytes);
}

static void
send_kept(struct proxy *p, struct span bytes)
{
	while (!span_empty(bytes) && p->stream != NULL) {
		struct span some = span_sub(bytes, 0, bytes.len < FLUSH_BYTES
		    ? bytes.len : FLUSH_BYTES);

		(void)send_content(p, some);
		bytes = span_skip(bytes, some.len);
	}
}

/* All that was kept; the first refusal is the verdict. Where the disk has lost
 * some of it, the filter hears no end. */
static bool
replay(struct session *s, struct proxy *p)
{
	struct span bytes;

	if (kept_is_lost(p->content))
		return refuse(s, p, false, SPAN_NONE);
	if (!begin_mail(s, p, SPAN_NONE))
		return false;
	for (const struct text *r = p->rcpts; r != NULL; r = r->next)
		if (!say_rcpt(s, p, r->text, SPAN_NONE))
			return false;
	if (!say_data(s, p))
		return false;
	while (p->stream != NULL && kept_next(p->content, &bytes))
		send_kept(p, bytes);
	if (!kept_is_lost(p->content))
		return true;
	proxy_abort(s->tx);
	return refuse(s, p, false, SPAN_NONE);
}

/* It may say no more; nobody waits for that. */
static void
say_quit(struct proxy *p)
{
	if (p->stream != NULL)
		(void)stream_write_flush(p->stream, SPAN("QUIT\r\n"),
		    deadline_in(1));
}

bool
proxy_finish(struct session *s)
{
	struct proxy *p = proxy_of(s->tx);
	struct span rcpt = s->tx->nrcpts == 1 ? s->tx->first_rcpt : SPAN_NONE;
	struct str text = STR_EMPTY;

	if (filter.speed_adjust && !replay(s, p)) {
		say_quit(p);
		return false;
	}
	if (p->stream == NULL)
		return refuse(s, p, false, rcpt);
	smtp_send_data_end(&p->dots, p->out);
	if (!say(p) || smtp_reply_class(&p->reply) != '2') {
		bool refused = refuse(s, p, p->stream != NULL, rcpt);

		say_quit(p);
		return refused;
	}
	print_reply(&p->reply, &text);
	log_said(s, "proxy-accept", &text, rcpt);
	reply_text(s, str_cstr(&text));
	str_fini(&text);
	say_quit(p);
	return true;
}

void
proxy_abort(struct transaction *t)
{
	struct proxy *p = t->proxy;

	if (p == NULL)
		return;
	stream_close(p->stream);
	p->stream = NULL;
	if (p->content != NULL)
		kept_drop(p->content);
}
