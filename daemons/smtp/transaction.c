/*
 * transaction - one message to one server: MAIL, RCPT, DATA, content, and a
 * verdict for each recipient.
 *
 * With PIPELINING the commands of a batch leave in one send, DATA behind the
 * last recipient (RFC 2920); replies are matched by counting. A DATA that the
 * server took although it wants no recipient is ended with a lone dot.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/record.h"
#include "common/mail/address.h"
#include "common/mail/smtp_send_data.h"
#include "daemons/smtp/smtp_priv.h"

enum { BATCH = 50, CHUNK = 16384 };

struct tx {
	struct smtp_job *job;
	struct smtp_session *s;
	size_t *rcpts;			/* indexes that are tried */
	size_t nrcpts;
	bool *taken;			/* by position in rcpts */
	size_t ntaken;
	bool mail_taken;
	bool pipelined;
	bool sent_content;
	bool refused;			/* by words in the middle of it */
	bool probe;			/* no DATA */
	struct span sender, *addresses;	/* as they are sent */
};

/* --- Verdicts ------------------------------------------------------------*/

static bool
counts_now(const struct smtp_job *job, const struct smtp_why *why)
{
	return job->last_try || why->kind == OUTCOME_BOUNCED;
}

static void
give_verdict(struct smtp_job *job, size_t i,
    const struct delivery_status *status)
{
	delivery_set(job->d, i, status);
	job->done[i] = true;
	job->left--;
}

void
smtp_fail_rest(struct smtp_job *job, const struct smtp_session *s)
{
	struct delivery_status status;

	if (!counts_now(job, &job->why)) {
		log_info("%s", str_cstr(&job->why.reason));
		return;
	}
	smtp_why_status(&job->why, &status);
	status.conn_use = s != NULL ? s->uses : 0;
	for (size_t i = 0; i < job->d->count; i++)
		if (!job->done[i])
			give_verdict(job, i, &status);
}

/* Recipients that a server has answered for, with the text in job->why. */
static void
fail_one(struct tx *tx, size_t i, bool final)
{
	struct smtp_job *job = tx->job;
	struct delivery_status status;

	if (!final && !counts_now(job, &job->why)) {
		log_info("%s", str_cstr(&job->why.reason));
		return;
	}
	smtp_why_status(&job->why, &status);
	status.conn_use = tx->s->uses;
	give_verdict(job, i, &status);
}

static void
fail_taken(struct tx *tx, size_t from, bool final)
{
	for (size_t k = from; k < tx->nrcpts; k++)
		if (tx->taken[k])
			fail_one(tx, tx->rcpts[k], final);
}

static void
sent(struct tx *tx, size_t i, enum smtp_step step)
{
	const struct smtp_session *s = tx->s;
	bool does_dsn = (s->offer.keywords & EHLO_DSN) &&
	    !smtp_conf.assume_final;
	struct smtp_why *said = &tx->job->why;
	struct delivery_status status;

	if (!tx->probe)
		RECORD_THAT("remote", tx->job->d->request->queue_id, "%.*s",
		    SPAN_ARG(tx->job->d->rcpts[i].address));
	smtp_why_said(said, s, step);	/* for the reply in one line */
	smtp_why_status(said, &status);
	status.kind = OUTCOME_SENT;
	status.dsn = s->reply.dsn[0] != '\0' ? s->reply.dsn : "2.0.0";
	status.reason = str_span(&said->said);
	status.conn_use = s->uses;
	status.relay_does_dsn = does_dsn;
	status.action_if_sent = smtp_setup.lmtp && smtp_conf.assume_final
	    ? DSN_DELIVERED : DSN_RELAYED;
	give_verdict(tx->job, i, &status);
}

/* --- Commands ------------------------------------------------------------*/

static void
add_address(struct str *out, struct span internal)
{
	str_putc(out, '<');
	if (smtp_conf.quote_envelope)
		address_quote(out, internal);
	else
		str_add(out, internal);
	str_putc(out, '>');
}

/* A control character in an address could end the command. */
static bool
can_be_sent(struct span address)
{
	for (size_t i = 0; i < address.len; i++)
		if ((unsigned char)address.p[i] < ' ' || address.p[i] == 127)
			return false;
	return true;
}

static void
add_mail(struct tx *tx, struct str *out)
{
	const struct envelope *e = tx->job->d->envelope;
	unsigned offer = tx->s->offer.keywords;

	str_adds(out, "MAIL FROM:");
	add_address(out, tx->sender);
	if ((offer & EHLO_SIZE) && !smtp_content_grows(tx->s, e))
		str_addf(out, " SIZE=%llu", (unsigned long long)e->data_size);
	if ((offer & EHLO_8BITMIME) && (e->flags & ENVELOPE_8BIT))
		str_adds(out, " BODY=8BITMIME");
	if (offer & EHLO_DSN) {
		if (e->dsn_ret == DSN_RET_FULL)
			str_adds(out, " RET=FULL");
		else if (e->dsn_ret == DSN_RET_HDRS)
			str_adds(out, " RET=HDRS");
		if (!span_empty(e->dsn_envid)) {
			str_adds(out, " ENVID=");
			xtext_encode(out, e->dsn_envid);
		}
	}
	if ((offer & EHLO_SMTPUTF8) && (tx->job->needs_utf8 ||
	    (e->flags & ENVELOPE_SMTPUTF8_ASKED)))
		str_adds(out, " SMTPUTF8");
	if ((offer & EHLO_AUTH) && smtp_conf.dummy_mail_auth)
		str_adds(out, " AUTH=<>");
	str_adds(out, "\r\n");
}

static void
add_orcpt(struct str *out, const struct envelope_rcpt *rcpt)
{
	ssize_t semicolon = span_find(rcpt->orcpt, ';');

	if (semicolon > 0) {
		str_adds(out, " ORCPT=");
		str_add(out, span_sub(rcpt->orcpt, 0, (size_t)semicolon + 1));
		xtext_encode(out, span_skip(rcpt->orcpt,
		    (size_t)semicolon + 1));
	} else if (!span_empty(rcpt->original) &&
	    span_is_ascii(rcpt->original)) {
		struct str quoted = STR_EMPTY;

		address_quote(&quoted, rcpt->original);
		str_adds(out, " ORCPT=rfc822;");
		xtext_encode(out, str_span(&quoted));
		str_fini(&quoted);
	}
}

static void
add_rcpt(struct tx *tx, size_t i, struct str *out)
{
	const struct envelope_rcpt *rcpt = &tx->job->d->rcpts[i];

	str_adds(out, "RCPT TO:");
	add_address(out, tx->addresses[i]);
	if (tx->s->offer.keywords & EHLO_DSN) {
		if (rcpt->notify != 0) {
			char words[40];

			dsn_notify_print((unsigned)rcpt->notify, words);
			str_addf(out, " NOTIFY=%s", words);
		}
		add_orcpt(out, rcpt);
	}
	str_adds(out, "\r\n");
}

static bool
send_text(struct tx *tx, enum smtp_step step, struct str *text)
{
	enum io_status status;

	smtp_step_begin(tx->s, step);
	transcript_out_lines(tx->s->transcript, str_span(text));
	status = stream_write_flush(tx->s->stream, str_span(text),
	    smtp_step_deadline(tx->s, step));
	str_clear(text);
	if (status == IO_OK)
		return true;
	smtp_lost(tx->s, status, step, &tx->job->why);
	return false;
}

/* The next reply. A session that had been idle and says 421 has only run out
 * of patience: that is no verdict on this message. */
static bool
hear(struct tx *tx, enum smtp_step step)
{
	struct smtp_session *s = tx->s;

	smtp_step_begin(s, step);
	if (!smtp_hear(s, step, &tx->job->why))
		return false;
	if (s->reply.code != 421 || s->uses < 2 ||
	    (step != SMTP_XFORWARD && step != SMTP_MAIL && step != SMTP_RCPT))
		return true;
	smtp_lost(s, IO_EOF, step, &tx->job->why);
	return false;
}

/* What a server makes of it changes nothing for the message. */
static bool
hear_xforward(struct tx *tx, unsigned count)
{
	struct smtp_session *s = tx->s;

	for (; count > 0; count--) {
		if (!hear(tx, SMTP_XFORWARD))
			return false;
		if (smtp_reply_class(&s->reply) == '2')
			continue;
		smtp_why_said(&tx->job->why, s, SMTP_XFORWARD);
		log_warn("%s", str_cstr(&tx->job->why.reason));
	}
	return true;
}

static void
take_mail_reply(struct tx *tx)
{
	tx->mail_taken = smtp_reply_class(&tx->s->reply) == '2';
	if (tx->mail_taken) {
		tx->s->dirty = true;
		return;
	}
	smtp_why_said(&tx->job->why, tx->s, SMTP_MAIL);
	smtp_fail_rest(tx->job, tx->s);
}

/* RFC 5321 4.5.3.1.10: 552 is "too many recipients" by an older number, where no
 * status says that it is something else: a full mailbox, mostly. */
static bool
means_too_many(const struct tx *tx, const struct smtp_reply *reply)
{
	const char *dsn = tx->job->why.dsn;

	return reply->code == 552 && tx->ntaken > 0
	    && (strcmp(dsn, "5.0.0") == 0 || strcmp(dsn, "5.5.3") == 0);
}

static void
take_rcpt_reply(struct tx *tx, size_t k)
{
	struct smtp_reply *reply = &tx->s->reply;

	if (!tx->mail_taken)
		return;
	if (smtp_reply_class(reply) == '2') {
		tx->taken[k] = true;
		tx->ntaken++;
		if (tx->probe && !smtp_setup.verify_at_data)
			sent(tx, tx->rcpts[k], SMTP_RCPT);
		return;
	}
	smtp_why_said(&tx->job->why, tx->s, SMTP_RCPT);
	if (means_too_many(tx, reply)) {
		tx->job->why.kind = OUTCOME_DEFERRED;
		tx->job->why.dsn[0] = '4';
	}
	fail_one(tx, tx->rcpts[k], false);
}

/* One group of commands from recipient `from` on, and its replies. With DATA,
 * s->reply is the answer to it. */
static bool
run_batch(struct tx *tx, size_t from, size_t to, bool with_rset, bool with_data)
{
	struct str out = STR_EMPTY;
	unsigned forwards = 0;
	bool good;

	if (with_rset)
		str_adds(&out, "RSET\r\n");
	if (from == 0) {
		forwards = smtp_xforward_add(tx->s, tx->job->d, &out);
		add_mail(tx, &out);
	}
	for (size_t k = from; k < to; k++)
		add_rcpt(tx, tx->rcpts[k], &out);
	if (with_data)
		str_adds(&out, "DATA\r\n");
	good = send_text(tx, from == 0 ? SMTP_MAIL : SMTP_RCPT, &out);
	str_fini(&out);
	if (!good || (with_rset && !hear(tx, SMTP_RSET)))
		return false;
	if (from == 0) {
		if (!hear_xforward(tx, forwards) || !hear(tx, SMTP_MAIL))
			return false;
		take_mail_reply(tx);
	}
	for (size_t k = from; k < to; k++) {
		if (!hear(tx, SMTP_RCPT))
			return false;
		take_rcpt_reply(tx, k);
	}
	return !with_data || hear(tx, SMTP_DATA);
}

static bool
run_pipelined(struct tx *tx)
{
	bool rset = tx->s->dirty;

	for (size_t from = 0; from < tx->nrcpts; from += BATCH) {
		size_t to = from + BATCH < tx->nrcpts ? from + BATCH
		    : tx->nrcpts;

		if (!run_batch(tx, from, to, rset, to == tx->nrcpts
		    && !tx->probe))
			return false;
		rset = false;
		if (!tx->mail_taken && to < tx->nrcpts)
			return true;
	}
	return true;
}

static bool
run_one(struct tx *tx, enum smtp_step step, struct str *command)
{
	return send_text(tx, step, command) && hear(tx, step);
}

/* One command at a time, for a server without PIPELINING. */
static bool
run_xforward(struct tx *tx)
{
	struct str all = STR_EMPTY, out = STR_EMPTY;
	struct span rest, line;
	bool good = true;

	(void)smtp_xforward_add(tx->s, tx->job->d, &all);
	rest = str_span(&all);
	while (good && span_split(&rest, '\n', &line) && !span_empty(line)) {
		str_add(&out, line);
		str_putc(&out, '\n');
		good = send_text(tx, SMTP_XFORWARD, &out) &&
		    hear_xforward(tx, 1);
	}
	str_fini(&all);
	str_fini(&out);
	return good;
}

static bool
run_in_turn(struct tx *tx, struct str *out)
{
	if (tx->s->dirty) {
		str_adds(out, "RSET\r\n");
		if (!run_one(tx, SMTP_RSET, out))
			return false;
		tx->s->dirty = false;
	}
	if (!run_xforward(tx))
		return false;
	add_mail(tx, out);
	if (!run_one(tx, SMTP_MAIL, out))
		return false;
	take_mail_reply(tx);
	for (size_t k = 0; tx->mail_taken && k < tx->nrcpts; k++) {
		add_rcpt(tx, tx->rcpts[k], out);
		if (!run_one(tx, SMTP_RCPT, out))
			return false;
		take_rcpt_reply(tx, k);
	}
	if (tx->ntaken == 0 || tx->probe)
		return true;
	str_adds(out, "DATA\r\n");
	return run_one(tx, SMTP_DATA, out);
}

/* --- Content -------------------------------------------------------------*/

/* A server that refuses in the middle of the content may say why before it
 * leaves. */
static bool
heard_last_words(struct tx *tx)
{
	struct smtp_session *s = tx->s;

	if (!stream_input_waits(s->stream) ||
	    smtp_reply_read(&s->reply, s->stream, deadline_in(1), 0) != IO_OK)
		return false;
	return smtp_reply_class(&s->reply) >= '4';
}

static bool
send_content(struct tx *tx, const struct str *out, uint64_t *moved)
{
	struct smtp_session *s = tx->s;
	enum io_status status;

	*moved += str_len(out);
	if (smtp_conf.per_request_deadline)
		s->end.at_ns += (int64_t)(str_len(out) /
		    (uint64_t)smtp_conf.min_data_rate) * 1000000000;
	status = stream_write_flush(s->stream, str_span(out),
	    smtp_step_deadline(s, SMTP_BODY));
	if (status == IO_OK)
		return true;
	smtp_lost(s, status, SMTP_BODY, &tx->job->why);
	if (heard_last_words(tx)) {
		smtp_why_said(&tx->job->why, s, SMTP_BODY);
		fail_taken(tx, 0, false);
		tx->refused = true;
	}
	return false;
}

/* The last of the content and the dot; for some firewalls not in one. */
static bool
send_end(struct tx *tx, struct str *out, uint64_t *moved)
{
	static const struct span dot = { ".\r\n", 3 };
	int64_t delay = smtp_pix_delay(tx->s, tx->job->d->envelope);

	if (delay == 0)
		return send_content(tx, out, moved);
	str_truncate(out, str_len(out) - dot.len);
	if (!send_content(tx, out, moved))
		return false;
	if (fiber_sleep(deadline_in(delay)) == IO_CANCELLED) {
		smtp_lost(tx->s, IO_CANCELLED, SMTP_BODY, &tx->job->why);
		return false;
	}
	tx->s->end.at_ns += delay * 1000000000;
	str_set(out, dot);
	return send_content(tx, out, moved);
}

/* The dot must never end a message that is not whole. */
static bool
cannot_read(struct tx *tx)
{
	struct smtp_why *why = &tx->job->why;

	smtp_why_set(why, OUTCOME_DEFERRED, "4.3.0",
	    "mail queue file read error");
	str_set(&why->relay, str_span(&tx->s->relay));
	log_warn("cannot read all of the message: %m");
	tx->s->broken = true;
	return false;
}

/* As cannot_read. */
static bool
tables_failed(struct tx *tx)
{
	struct smtp_why *why = &tx->job->why;

	smtp_why_set(why, OUTCOME_DEFERRED, "4.3.0", "table lookup problem");
	str_set(&why->relay, str_span(&tx->s->relay));
	tx->s->broken = true;
	return false;
}

/* More of it as this server is to get it; an empty piece is the end. */
static bool
encode(struct tx *tx, struct smtp_content *content, struct span bytes,
    struct smtp_send_data *encoder, struct str *changed, struct str *out)
{
	if (content == NULL) {
		smtp_send_data_add(encoder, bytes, out);
		return true;
	}
	if (bytes.len > 0)
		smtp_content_add(content, bytes, changed);
	else
		smtp_content_end(content, changed);
	smtp_send_data_add(encoder, str_span(changed), out);
	str_clear(changed);
	return !smtp_content_failed(content) || tables_failed(tx);
}

static bool
copy_content(struct tx *tx, char *buf, size_t room, struct str *out)
{
	struct delivery *d = tx->job->d;
	uint64_t length = d->request->content_length, at = 0, moved = 0;
	struct smtp_send_data encoder;
	struct smtp_content *content = smtp_content_new(d->arena, tx->s,
	    d->envelope);
	struct str *changed = str_in_arena(d->arena);

	smtp_send_data_init(&encoder, (size_t)smtp_conf.line_length_limit);
	smtp_step_begin(tx->s, SMTP_BODY);
	while (at < length) {
		ssize_t n = delivery_read(d, at, buf, room);

		if (n <= 0)
			return cannot_read(tx);
		at += (uint64_t)n;
		if (!encode(tx, content, span_of(buf, (size_t)n), &encoder,
		    changed, out))
			return false;
		if (at < length) {
			if (!send_content(tx, out, &moved))
				return false;
			str_clear(out);
		}
	}
	if (!encode(tx, content, SPAN_NONE, &encoder, changed, out))
		return false;
	smtp_send_data_end(&encoder, out);
	if (encoder.broke_line)
		log_info("breaking line > %lld bytes with <CR><LF>SPACE",
		    (long long)smtp_conf.line_length_limit);
	return send_end(tx, out, &moved);
}

static bool
send_message(struct tx *tx)
{
	uint64_t length = tx->job->d->request->content_length;
	size_t room = length < CHUNK ? (size_t)length + 1 : CHUNK;
	char *buf = mem_alloc(room);
	struct str out = STR_EMPTY;

	(void)str_reserve(&out, room + room / 16 + 64);
	tx->sent_content = true;
	bool good = copy_content(tx, buf, room, &out);

	str_fini(&out);
	mem_free(buf);
	return good;
}

static bool
end_of_data(struct tx *tx)
{
	bool first = true;

	for (size_t k = 0; k < tx->nrcpts; k++) {
		if (!tx->taken[k])
			continue;
		if ((first || smtp_setup.lmtp) && !hear(tx, SMTP_DOT)) {
			fail_taken(tx, k, true);
			return false;
		}
		if (first)
			tx->s->dirty = false;
		first = false;
		if (smtp_reply_class(&tx->s->reply) == '2') {
			sent(tx, tx->rcpts[k], SMTP_DOT);
		} else {
			smtp_why_said(&tx->job->why, tx->s, SMTP_DOT);
			fail_one(tx, tx->rcpts[k], false);
		}
	}
	return true;
}

/* An LMTP server answers a dot once for each recipient, here not at all: only
 * the end of the session tells it that there is no message. */
static bool
lone_dot(struct tx *tx)
{
	struct str dot = STR_EMPTY;
	bool good;

	if (smtp_setup.lmtp) {
		tx->s->broken = true;
		return true;
	}

	str_adds(&dot, ".\r\n");
	good = send_text(tx, SMTP_DOT, &dot) && hear(tx, SMTP_DOT);
	str_fini(&dot);
	tx->s->dirty = !good;
	return good;
}

static bool
run_data(struct tx *tx)
{
	bool go = smtp_reply_class(&tx->s->reply) == '3';

	if (tx->ntaken == 0)
		return !go || !tx->pipelined || lone_dot(tx);
	if (!go) {
		smtp_why_said(&tx->job->why, tx->s, SMTP_DATA);
		fail_taken(tx, 0, false);
		return true;
	}
	return send_message(tx) ? end_of_data(tx) : tx->refused;
}

/* smtp_address_verify_target = data: what the server says of DATA counts, and
 * since a message must not follow, nothing does. */
static bool
ask_for_data(struct tx *tx)
{
	struct str out = STR_EMPTY;
	bool heard;

	if (tx->ntaken == 0 || !smtp_setup.verify_at_data)
		return true;
	str_adds(&out, "DATA\r\n");
	heard = run_one(tx, SMTP_DATA, &out);
	str_fini(&out);
	if (!heard)
		return false;
	if (smtp_reply_class(&tx->s->reply) == '3') {
		tx->s->broken = true;
		for (size_t k = 0; k < tx->nrcpts; k++)
			if (tx->taken[k])
				sent(tx, tx->rcpts[k], SMTP_DATA);
	} else {
		smtp_why_said(&tx->job->why, tx->s, SMTP_DATA);
		fail_taken(tx, 0, false);
	}
	return true;
}

/* --- All of it -----------------------------------------------------------*/

static bool
find_address(struct tx *tx, struct span address, struct span *out)
{
	struct str *sent;

	*out = address;
	if (!smtp_generic_wanted())
		return true;
	sent = str_in_arena(tx->job->d->arena);
	if (!smtp_generic(address, sent))
		return false;
	*out = str_span(sent);
	return true;
}

static bool
find_addresses(struct tx *tx)
{
	struct delivery *d = tx->job->d;

	tx->addresses = arena_array(d->arena, d->count,
	    sizeof(*tx->addresses));
	for (size_t i = 0; i < d->count; i++)
		if (!find_address(tx, d->rcpts[i].address,
		    &tx->addresses[i]))
			return false;
	return find_address(tx, d->envelope->sender, &tx->sender);
}

static bool
suits_server(struct tx *tx)
{
	struct smtp_job *job = tx->job;
	const struct envelope *e = job->d->envelope;
	const struct smtp_session *s = tx->s;

	if (s->offer.size_limit > 0 && e->data_size > s->offer.size_limit)
		smtp_why_set(&job->why, OUTCOME_BOUNCED, "5.3.4",
		    "message size %llu exceeds size limit %llu of server %s",
		    (unsigned long long)e->data_size,
		    (unsigned long long)s->offer.size_limit,
		    str_cstr(&s->host));
	else if (job->needs_utf8 && !(s->offer.keywords & EHLO_SMTPUTF8))
		smtp_why_set(&job->why, OUTCOME_BOUNCED, "5.6.7",
		    "SMTPUTF8 is required, but was not offered by host %s",
		    str_cstr(&s->host));
	else if (!find_addresses(tx))
		smtp_why_set(&job->why, OUTCOME_DEFERRED, "4.3.0",
		    "table lookup problem");
	else if (!can_be_sent(tx->sender))
		smtp_why_set(&job->why, OUTCOME_BOUNCED, "5.1.7",
		    "sender address has a control character");
	else
		return true;
	str_set(&job->why.relay, str_span(&s->relay));
	smtp_fail_rest(job, s);
	return false;
}

static void
choose_recipients(struct tx *tx)
{
	struct smtp_job *job = tx->job;

	for (size_t i = 0; i < job->d->count; i++) {
		if (job->done[i])
			continue;
		if (can_be_sent(tx->addresses[i])) {
			tx->rcpts[tx->nrcpts++] = i;
			continue;
		}
		smtp_why_set(&job->why, OUTCOME_BOUNCED, "5.1.3",
		    "recipient address has a control character");
		fail_one(tx, i, true);
	}
}

bool
smtp_transact(struct smtp_job *job, struct smtp_session *s,
    bool *lost_early_out)
{
	struct arena *arena = job->d->arena;
	struct tx tx = { .job = job, .s = s,
		.probe = delivery_is_probe(job->d),
		.pipelined = (s->offer.keywords & EHLO_PIPELINING) != 0 };
	struct str out = STR_EMPTY;
	bool good;

	*lost_early_out = false;
	s->uses++;
	tx.rcpts = arena_array(arena, job->d->count, sizeof(*tx.rcpts));
	tx.taken = arena_array(arena, job->d->count, sizeof(*tx.taken));
	if (!suits_server(&tx))
		return true;
	choose_recipients(&tx);
	if (tx.nrcpts == 0)
		return true;
	good = (tx.pipelined ? run_pipelined(&tx) : run_in_turn(&tx, &out)) &&
	    (tx.probe ? ask_for_data(&tx) : run_data(&tx));
	str_fini(&out);
	*lost_early_out = !good && !tx.sent_content;
	return good;
}
