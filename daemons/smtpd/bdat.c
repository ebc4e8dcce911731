/*
 * bdat - content in counted chunks (RFC 3030).
 *
 * The bytes of a chunk are read even when the command is refused: the client
 * has sent them already.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/smtpd/proxy.h"
#include "daemons/smtpd/restrict.h"
#include "daemons/smtpd/smtpd_priv.h"

/* Reads a chunk, into the transaction or, without one, to nowhere. */
static bool
read_chunk(struct session *s, uint64_t size, bool keep)
{
	struct transaction *t = s->tx;
	struct deadline whole = content_whole();

	while (size > 0) {
		struct span bytes;

		if (!content_peek(s, keep ? content_deadline(s, whole)
		    : deadline_in(smtpd_conf.timeout), &bytes))
			return false;
		if (bytes.len > size)
			bytes.len = (size_t)size;
		if (keep) {
			smtp_data_take(&t->parser, bytes, t->out);
			content_account(s, bytes.len);
			content_pass(s, false);
		}
		stream_consume(s->client, bytes.len);
		size -= bytes.len;
	}
	return true;
}

/* The chunk is dropped, its transaction can no longer succeed. */
static void
lose(struct session *s)
{
	if (s->tx != NULL && s->state != STATE_DENIED)
		s->state = STATE_BDAT_FAILED;
	if (s->tx != NULL && s->tx->cleanup != NULL)
		cleanup_client_abort(s->tx->cleanup);
	if (s->tx != NULL)
		proxy_abort(s->tx);
}

static bool
begin(struct session *s)
{
	struct check c;
	bool ok;

	check_begin(&c, s, s->tx->arena);
	ok = check_data(&c) != CHECK_REJECT;
	if (!ok)
		reply_reject(s, str_cstr(&c.text), SPAN_NONE);
	check_end(&c);
	if (!ok || !content_begin(s))
		return false;
	smtp_data_init(&s->tx->parser, SMTP_DATA_COUNTED);
	s->state = STATE_BDAT;
	return true;
}

/* What stands against this chunk, as a reply; NULL if nothing. */
static const struct state_refusal *
refusal(struct session *s)
{
	static const struct state_refusal
	    hidden = { "502", "5.5.1", "Error: command not implemented", false },
	    failed = { "503", "5.5.1", "Error: an earlier chunk of this "
		"message failed", false };

	if (s->ehlo_discard & EHLO_CHUNKING)
		return &hidden;
	if (s->state == STATE_BDAT_FAILED)
		return &failed;
	return state_refuses(s->state, SMTP_BDAT, smtpd_conf.helo_required);
}

void
command_bdat(struct session *s, struct span rest)
{
	const struct state_refusal *no = refusal(s);
	uint64_t size;
	bool last;

	if (!smtp_bdat_parse(rest, &size, &last)) {
		/* Where the next command begins is anyone's guess. */
		reply(s, "521", "5.5.4", "Syntax: BDAT count [LAST]");
		return;
	}
	if (no != NULL) {
		if (no->expected)
			trouble_note_none(s);
		if (read_chunk(s, size, false))
			reply(s, no->code, no->dsn, "%s", no->text);
		return;
	}
	if (s->state != STATE_BDAT && !begin(s)) {
		lose(s);
		read_chunk(s, size, false);
		return;
	}
	if (!read_chunk(s, size, true))
		return;
	if (s->tx->too_big) {
		s->tx->in_content = false;
		trouble_note(s, TROUBLE_BOUNCE);
		reply(s, "552", "5.3.4", "Error: message file too big");
		lose(s);
		return;
	}
	if (!last) {
		reply(s, "250", "2.0.0", "Ok: %llu bytes",
		    (unsigned long long)size);
		return;
	}
	smtp_data_finish(&s->tx->parser, s->tx->out);
	content_end(s, true);
	transaction_end(s);
	trouble_flush(s);
}
