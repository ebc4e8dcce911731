/*
 * session - one connection to a server: greeting, EHLO, commands and replies
 * within their time limits.
 *
 * Without per_request_deadline a limit starts anew with each line or send; with
 * it, the limit is for a request and its whole reply, and content adds the
 * time it takes at the minimal rate.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "daemons/shared/debug_peer.h"
#include "daemons/smtp/smtp_priv.h"
#include "maps/maps.h"

static const struct {
	const char *doing, *command;
	const int64_t *limit_s;
} steps[] = {
	[SMTP_GREETING] = { "receiving the initial server greeting",
	    "initial greeting", &smtp_conf.helo_timeout },
	[SMTP_EHLO] = { "performing the EHLO handshake", "EHLO command",
	    &smtp_conf.helo_timeout },
	[SMTP_HELO] = { "performing the HELO handshake", "HELO command",
	    &smtp_conf.helo_timeout },
	[SMTP_LHLO] = { "performing the LHLO handshake", "LHLO command",
	    &smtp_conf.helo_timeout },
	[SMTP_XFORWARD] = { "sending XFORWARD", "XFORWARD command",
	    &smtp_conf.xforward_timeout },
	[SMTP_MAIL] = { "sending MAIL FROM", "MAIL FROM command",
	    &smtp_conf.mail_timeout },
	[SMTP_RCPT] = { "sending RCPT TO", "RCPT TO command",
	    &smtp_conf.rcpt_timeout },
	[SMTP_DATA] = { "sending DATA command", "DATA command",
	    &smtp_conf.data_init_timeout },
	[SMTP_BODY] = { "sending message body", "end of DATA command",
	    &smtp_conf.data_xfer_timeout },
	[SMTP_DOT] = { "sending end of data -- message may be sent more than "
	    "once", "end of DATA command", &smtp_conf.data_done_timeout },
	[SMTP_RSET] = { "sending RSET", "RSET command",
	    &smtp_conf.rset_timeout },
	[SMTP_QUIT] = { "sending QUIT", "QUIT command",
	    &smtp_conf.quit_timeout },
};

const char *
smtp_step_command(enum smtp_step step)
{
	return steps[step].command;
}

/* --- Life ----------------------------------------------------------------*/

/* Where notify_classes or the log (debug_peer_list) may want it. */
static void
begin_transcript(struct smtp_session *s, struct span host, struct span address)
{
	struct ipaddr ip = { .family = 0 };
	bool followed;

	(void)ipaddr_scan(address, &ip);
	followed = debug_peer_listed(host, &ip);
	if (followed || postmaster_wants(TROUBLE_PROTOCOL | TROUBLE_DATA))
		s->transcript = MEM_NEW(struct transcript);
	if (followed)
		transcript_follow(s->transcript, str_cstr(&s->relay));
}

struct smtp_session *
smtp_session_new(int fd, struct span host, struct span address, uint16_t port)
{
	struct smtp_session *s = MEM_NEW(struct smtp_session);

	list_init(&s->idle);
	list_init(&s->same_relay);
	s->stream = stream_open(fd);
	s->opened_ns = clock_now_ns();
	smtp_reply_init(&s->reply);
	s->reply.filter = smtp_replies_filter();
	str_printf(&s->host, "%.*s[%.*s]", SPAN_ARG(host), SPAN_ARG(address));
	str_set(&s->relay, str_span(&s->host));
	if (port != 0)
		str_addf(&s->relay, ":%u", port);
	begin_transcript(s, host, address);
	return s;
}

void
smtp_session_free(struct smtp_session *s)
{
	if (s == NULL)
		return;
	CHECK(!list_linked(&s->idle));
	stream_close(s->stream);
	transcript_free(&s->transcript);
	smtp_reply_fini(&s->reply);
	str_fini(&s->host);
	str_fini(&s->relay);
	str_fini(&s->helo_reply);
	str_fini(&s->nexthop);
	mem_free(s);
}

struct span
smtp_session_address(const struct smtp_session *s)
{
	struct span host = str_span(&s->host);
	size_t at = (size_t)span_find(host, '[') + 1;

	return span_sub(host, at, host.len - at - 1);
}

/* The farewell of a polite client; nothing depends on the answer. */
static void
wait_for_farewell(void *arg)
{
	struct smtp_session *s = arg;

	fiber_log_context(NULL);
	if (smtp_reply_read(&s->reply, s->stream,
	    deadline_in(smtp_conf.quit_timeout), 0) == IO_OK)
		transcript_in_lines(s->transcript, str_span(&s->reply.text));
	smtp_session_free(s);
}

void
smtp_session_quit(struct smtp_session *s)
{
	if (s == NULL)
		return;
	if (!s->broken)
		transcript_out_lines(s->transcript, SPAN("QUIT"));
	/* A send that would have to wait is not worth the wait. */
	if (s->broken || stream_status(s->stream) != IO_OK ||
	    stream_write_flush(s->stream, SPAN("QUIT\r\n"),
		deadline_in(1)) != IO_OK || smtp_conf.skip_quit_response ||
	    fiber_spawn(service_fibers(), "quit", wait_for_farewell, s) == NULL)
		smtp_session_free(s);
}

/* --- Requests and replies ------------------------------------------------*/

void
smtp_step_begin(struct smtp_session *s, enum smtp_step step)
{
	s->end = deadline_in(*steps[step].limit_s);
}

struct deadline
smtp_step_deadline(struct smtp_session *s, enum smtp_step step)
{
	if (smtp_conf.per_request_deadline)
		return s->end;
	return deadline_in(*steps[step].limit_s);
}

void
smtp_lost(struct smtp_session *s, enum io_status status, enum smtp_step step,
    struct smtp_why *why)
{
	const char *host = str_cstr(&s->host), *doing = steps[step].doing;

	s->broken = true;
	switch (status) {
	case IO_TIMEOUT:
		smtp_why_set(why, OUTCOME_DEFERRED, "4.4.2",
		    "conversation with %s timed out while %s", host, doing);
		break;
	case IO_CANCELLED:
		smtp_why_set(why, OUTCOME_DEFERRED, "4.3.2",
		    "delivery was interrupted while %s", doing);
		break;
	case IO_LIMIT:
		smtp_why_set(why, OUTCOME_DEFERRED, "4.5.0",
		    "too much text from %s while %s", host, doing);
		break;
	case IO_OK:
	case IO_EOF:
	case IO_ERROR:
		smtp_why_set(why, OUTCOME_DEFERRED, "4.4.2",
		    "lost connection with %s while %s", host, doing);
		break;
	}
	why->site = status != IO_CANCELLED;
	str_set(&why->relay, str_span(&s->relay));
}

bool
smtp_say(struct smtp_session *s, enum smtp_step step, struct smtp_why *why,
    const char *format, ...)
{
	struct str line = STR_EMPTY;
	enum io_status status;
	va_list args;

	va_start(args, format);
	str_vaddf(&line, format, args);
	va_end(args);
	str_adds(&line, "\r\n");
	transcript_out_lines(s->transcript, str_span(&line));
	status = stream_write(s->stream, str_span(&line),
	    smtp_step_deadline(s, step));
	str_fini(&line);
	if (status == IO_OK)
		return true;
	smtp_lost(s, status, step, why);
	return false;
}

bool
smtp_send(struct smtp_session *s, enum smtp_step step, struct smtp_why *why)
{
	enum io_status status = stream_flush(s->stream,
	    smtp_step_deadline(s, step));

	if (status == IO_OK)
		return true;
	smtp_lost(s, status, step, why);
	return false;
}

static void
note_garbage(const struct smtp_session *s)
{
	struct span text = str_span(&s->reply.text), line = text;

	(void)span_split(&text, '\n', &line);
	log_warn("non-%s response from %s: %.*s",
	    smtp_setup.lmtp ? "LMTP" : "SMTP", str_cstr(&s->relay),
	    (int)(line.len < 100 ? line.len : 100), line.p);
}

/* The text of a reply, for people: in one line. */
static void
one_line(struct str *out, const struct smtp_reply *reply)
{
	str_set(out, str_span(&reply->text));
	for (size_t i = 0; i < out->len; i++)
		if (out->buf[i] == '\n')
			out->buf[i] = ' ';
}

/* Permanent only if the server said so in so many words. */
static void
set_from_reply(struct smtp_why *why, const struct smtp_session *s)
{
	char cls = smtp_reply_class(&s->reply);

	smtp_why_set(why, cls == '5' ? OUTCOME_BOUNCED : OUTCOME_DEFERRED,
	    s->reply.dsn[0] != '\0' && (cls == '5' || cls == '4')
	    ? s->reply.dsn : cls == '5' ? "5.0.0" : cls == '4' ? "4.0.0"
	    : "4.5.0", "%s", "");
	one_line(&why->said, &s->reply);
	str_set(&why->relay, str_span(&s->relay));
	ssize_t bracket = span_find(str_span(&s->host), '[');

	str_set(&why->mta, span_sub(str_span(&s->host), 0, (size_t)bracket));
}

void
smtp_why_said(struct smtp_why *why, const struct smtp_session *s,
    enum smtp_step step)
{
	set_from_reply(why, s);
	if (smtp_reply_class(&s->reply) < '4')
		str_adds(&why->reason, "Protocol error: ");
	str_addf(&why->reason, "host %s said: %s (in reply to %s)",
	    str_cstr(&s->host), str_cstr(&why->said), steps[step].command);
}

/* Which command a mangled line would have answered nobody knows. */
static bool
mangled(struct smtp_session *s, enum smtp_step step, struct smtp_why *why)
{
	s->reply.code = 0;
	s->broken = true;
	smtp_why_said(why, s, step);
	return false;
}

/* RFC 5321 4.2.3: x0z says that what we sent is no good SMTP, and 555 that an
 * option is none. Not every server knows EHLO or XFORWARD. */
static bool
blames_us(const struct smtp_session *s, enum smtp_step step)
{
	unsigned code = s->reply.code;
	char cls = smtp_reply_class(&s->reply);

	if (step == SMTP_GREETING || step == SMTP_EHLO
	    || step == SMTP_XFORWARD)
		return cls == 0;
	return (code >= 500 && code < 510) || code == 555 || cls == 0
	    || (cls == '3') != (step == SMTP_DATA && cls < '4');
}

static void
note_reply(struct smtp_session *s, enum smtp_step step)
{
	if (s->transcript == NULL)
		return;
	transcript_in_lines(s->transcript, str_span(&s->reply.text));
	if (s->reply.garbage || blames_us(s, step))
		transcript_trouble(s->transcript,
		    postmaster_wants(TROUBLE_PROTOCOL) ? TROUBLE_PROTOCOL : 0);
}

void
smtp_session_next_message(struct smtp_session *s)
{
	transcript_forget(s->transcript);
}

void
smtp_session_report(const struct smtp_session *s, const struct envelope *about)
{
	struct transcript_notice n = { .role = smtp_setup.lmtp ? "LMTP client"
	    : "SMTP client", .peer = str_cstr(&s->relay),
		.recipient = postmaster_conf.error_recipient };

	if (s->transcript != NULL && s->transcript->trouble != 0
	    && !postmaster_is_sender(about->sender))
		transcript_send(s->transcript, &n);
}

/* Nothing can be made of what it said. */
static void
not_understood(struct smtp_session *s, struct smtp_why *why)
{
	if (postmaster_wants(TROUBLE_DATA))
		transcript_trouble(s->transcript, TROUBLE_DATA);
	s->broken = true;
	smtp_why_set(why, OUTCOME_DEFERRED, "4.3.0",
	    "local data error while talking to %s", str_cstr(&s->host));
	str_set(&why->relay, str_span(&s->relay));
}

bool
smtp_hear(struct smtp_session *s, enum smtp_step step, struct smtp_why *why)
{
	enum io_status status = smtp_reply_read(&s->reply, s->stream,
	    smtp_step_deadline(s, step), smtp_conf.per_request_deadline ? 0
	    : *steps[step].limit_s);

	if (s->reply.garbage)
		note_garbage(s);
	if (status == IO_OK || s->reply.garbage)
		note_reply(s, step);
	if (status == IO_OK && s->reply.garbage &&
	    (s->offer.keywords & EHLO_PIPELINING))
		return mangled(s, step, why);
	if (status == IO_OK) {
		if (s->reply.code == 421)
			s->broken = true;
		return true;
	}
	if (s->reply.filter_failed)
		not_understood(s, why);
	else
		smtp_lost(s, status, step, why);
	return false;
}

static bool
refused_to_talk(struct smtp_session *s, struct smtp_why *why)
{
	set_from_reply(why, s);
	str_printf(&why->reason, "host %s refused to talk to me: %s",
	    str_cstr(&s->host), str_cstr(&why->said));
	why->site = true;
	return false;
}

/* --- Greeting ------------------------------------------------------------*/

static bool
says_esmtp(const struct smtp_session *s)
{
	struct span rest = str_span(&s->reply.text), word;

	while (span_token(&rest, " \t\r\n", &word))
		if (span_is_nocase(word, "ESMTP"))
			return true;
	return false;
}

static bool
hear_greeting(struct smtp_session *s, struct smtp_why *why)
{
	smtp_step_begin(s, SMTP_GREETING);
	if (!smtp_hear(s, SMTP_GREETING, why))
		return false;
	switch (smtp_reply_class(&s->reply)) {
	case '2':
		s->pix = smtp_pix_of(s);
		return true;
	case '5':
		refused_to_talk(s, why);
		if (smtp_conf.skip_5xx_greeting)
			why->kind = OUTCOME_DEFERRED;
		return false;
	default:
		return refused_to_talk(s, why);
	}
}

static void
read_offer(struct smtp_session *s, unsigned discard)
{
	struct span line;
	size_t at = 0;
	bool first = true;

	s->offer = (struct ehlo_offer){ 0 };
	while (smtp_reply_next_line(&s->reply, &at, &line)) {
		if (!first)
			ehlo_read_line(&s->offer, line, discard);
		first = false;
	}
	s->offer.auth = SPAN_NONE;
}

/* The first word of the reply is the server's name. */
static bool
talks_to_itself(struct smtp_session *s, struct smtp_why *why)
{
	struct span line = SPAN_NONE, word;
	size_t at = 0;

	if (!smtp_reply_next_line(&s->reply, &at, &line) ||
	    !span_token(&line, " \t", &word))
		return false;
	str_set(&s->helo_reply, word);
	if (smtp_setup.lmtp || !span_is_nocase(word, conf_core.myhostname))
		return false;
	log_warn("host %s replied to HELO/EHLO with my own hostname %s",
	    str_cstr(&s->relay), conf_core.myhostname);
	if (!s->unbracketed)
		return false;
	smtp_why_set(why, OUTCOME_BOUNCED, "5.4.6",
	    "mail for %s loops back to myself", str_cstr(&s->nexthop));
	str_set(&why->relay, str_span(&s->relay));
	return true;
}

static unsigned
discard_for(struct smtp_session *s)
{
	struct str list = STR_EMPTY, why = STR_EMPTY;
	unsigned mask = smtp_setup.discard;

	if (smtp_setup.discard_maps == NULL ||
	    maps_empty(smtp_setup.discard_maps))
		return mask;
	switch (maps_lookup(smtp_setup.discard_maps, smtp_session_address(s), 0,
	    &list, NULL)) {
	case MAP_FOUND:
		if (!ehlo_keyword_list(str_span(&list), &mask, &why))
			log_warn("%s: %s", maps_title(smtp_setup.discard_maps),
			    str_cstr(&why));
		break;
	case MAP_ABSENT:
		break;
	case MAP_FAILED:
		log_warn("%s: %s", maps_title(smtp_setup.discard_maps),
		    maps_why(smtp_setup.discard_maps));
		break;
	}
	str_fini(&list);
	str_fini(&why);
	return mask;
}

static bool
exchange(struct smtp_session *s, enum smtp_step step, const char *verb,
    struct smtp_why *why)
{
	smtp_step_begin(s, step);
	return smtp_say(s, step, why, "%s %s", verb, smtp_conf.helo_name) &&
	    smtp_send(s, step, why) && smtp_hear(s, step, why);
}

static bool
hello(struct smtp_session *s, struct smtp_why *why)
{
	enum smtp_step step = smtp_setup.lmtp ? SMTP_LHLO : SMTP_EHLO;
	bool wants_esmtp = smtp_setup.lmtp || (!smtp_conf.never_ehlo &&
	    !(s->pix & SMTP_PIX_NO_ESMTP) && (smtp_conf.always_ehlo || says_esmtp(s)));

	if (wants_esmtp) {
		if (!exchange(s, step, smtp_setup.lmtp ? "LHLO" : "EHLO", why))
			return false;
		if (smtp_reply_class(&s->reply) == '2') {
			s->esmtp = true;
			read_offer(s, discard_for(s));
			return true;
		}
		if (smtp_setup.lmtp || s->reply.code == 421)
			return refused_to_talk(s, why);
	}
	if (!exchange(s, SMTP_HELO, "HELO", why))
		return false;
	return smtp_reply_class(&s->reply) == '2' || refused_to_talk(s, why);
}

bool
smtp_session_greet(struct smtp_session *s, struct smtp_why *why)
{
	return hear_greeting(s, why) && hello(s, why) &&
	    !talks_to_itself(s, why);
}
