/*
 * data - the content of a message on its way from the client to cleanup.
 *
 * The client is read only while cleanup reads. After a trouble the rest of the
 * content is read and dropped, because the client waits for its end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/io/record.h"
#include "common/mail/conf_core.h"
#include "common/service/counters.h"
#include "common/service/service.h"
#include "daemons/smtpd/clients.h"
#include "daemons/smtpd/proxy.h"
#include "daemons/smtpd/restrict.h"
#include "daemons/smtpd/smtpd_priv.h"

#define PASS_BYTES 16384		/* content that waits before it is sent */

/* ---- deadlines ---- */

struct deadline
content_whole(void)
{
	return smtpd_conf.per_request_deadline
	    ? deadline_in(smtpd_conf.timeout) : DEADLINE_NEVER;
}

/* A client that keeps to smtpd_min_data_rate earns itself time. */
struct deadline
content_deadline(struct session *s, struct deadline whole)
{
	struct deadline next = deadline_in(smtpd_conf.timeout);

	if (whole.at_ns != INT64_MAX)
		whole.at_ns += (int64_t)(s->tx->bytes
		    / (uint64_t)smtpd_conf.min_data_rate) * 1000000000;
	return deadline_earlier(next, whole);
}

/* ---- to cleanup ---- */

static uint64_t
cleanup_flags(struct session *s)
{
	struct transaction *t = s->tx;
	uint64_t flags = receive_overridden(CLEANUP_EXTERNAL,
	    client_receive_overrides()) | CLEANUP_SMTP_REPLY;

	if (span_is(t->envelope.rewrite_context, "local"))
		flags |= CLEANUP_FIX_HEADERS;
	if (t->hold)
		flags |= CLEANUP_HOLD;
	if (t->discard)
		flags |= CLEANUP_DISCARD;
	return flags;
}

void
session_learn_context(struct session *s)
{
	struct check c;

	if (s->forwarded != NULL && s->forwarded->source_given) {
		s->tx->envelope.rewrite_context = s->forwarded->local
		    ? SPAN("local") : SPAN("remote");
		return;
	}
	check_begin(&c, s, s->tx->arena);
	s->tx->envelope.rewrite_context = check_is_local_rewrite(&c)
	    ? SPAN("local") : SPAN("remote");
	check_end(&c);
}

static void
send_rcpts(struct transaction *t)
{
	struct envelope_rcpt extra = { .notify = 0 };

	if (!span_empty(t->redirect)) {
		extra.address = t->redirect;
		cleanup_client_rcpt(t->cleanup, &extra);
		return;
	}
	for (size_t i = 0; i < t->nrcpts; i++)
		cleanup_client_rcpt(t->cleanup, &t->rcpts[i]);
	extra.notify = DSN_NOTIFY_NEVER;
	for (struct text *b = t->bcc; b != NULL; b = b->next) {
		extra.address = b->text;
		cleanup_client_rcpt(t->cleanup, &extra);
	}
}

static bool
open_cleanup(struct session *s)
{
	struct transaction *t = s->tx;
	struct cleanup_begin begin;

	session_learn_context(s);
	if (t->hold)
		t->envelope.flags |= ENVELOPE_HOLD;
	begin = (struct cleanup_begin){ .queue_id = SPAN(t->id),
		.flags = cleanup_flags(s), .envelope = { &t->envelope, 1 } };
	t->cleanup = cleanup_client_begin(t->arena, &begin,
	    deadline_in(smtpd_conf.timeout));
	if (t->cleanup == NULL)
		return false;
	send_rcpts(t);
	return true;
}

static void
add_prepended(struct transaction *t)
{
	for (const struct text *line = t->prepend; line != NULL;
	    line = line->next) {
		str_add(t->out, line->text);
		str_putc(t->out, '\n');
	}
}

bool
content_begin(struct session *s)
{
	struct transaction *t = s->tx;

	if (proxy_is_wanted()) {
		if (!proxy_begin_content(s))
			return false;
	} else if (!open_cleanup(s)) {
		log_warn("no answer from service %s",
		    conf_core.cleanup_service_name);
		trouble_note(s, TROUBLE_RESOURCE);
		reply(s, "451", "4.3.0", "Error: queue file write error");
		return false;
	}
	t->out = str_in_arena(t->arena);
	add_prepended(t);
	received_header(s, t->out);
	t->front_at = str_len(t->out);
	t->in_front = true;
	t->in_content = true;
	return true;
}

/*
 * The first lines as they come in: "From " and ">From " of mailboxes become a
 * header, and what looks like more of a header in front of all headers is body.
 * With an unfinished line we wait, unless it is longer than what is passed on.
 */
static void
look_at_front(struct transaction *t)
{
	struct span rest = span_skip(str_span(t->out), t->front_at);
	struct str seen = STR_EMPTY;
	size_t end;

	while (t->in_front && !span_empty(rest)) {
		ssize_t lf = span_find(rest, '\n');
		struct span text = lf < 0 ? rest : span_sub(rest, 0, (size_t)lf);

		if (lf < 0 && str_len(t->out) < PASS_BYTES)
			break;
		while (text.len > 0 && text.p[0] == '>')
			text = span_skip(text, 1);
		t->in_front = lf >= 0 && span_starts(text, SPAN("From "));
		if (t->in_front) {
			str_adds(&seen, "X-Mailbox-Line: ");
			str_add(&seen, span_sub(rest, 0, (size_t)lf + 1));
			rest = span_skip(rest, (size_t)lf + 1);
		} else if (rest.p[0] == ' ' || rest.p[0] == '\t') {
			str_putc(&seen, '\n');
		}
	}
	if (str_len(&seen) > 0) {
		end = t->front_at + str_len(&seen);
		str_add(&seen, rest);
		str_truncate(t->out, t->front_at);
		str_add(t->out, str_span(&seen));
		t->front_at = end;
	}
	str_fini(&seen);
}

void
content_pass(struct session *s, bool flush)
{
	struct transaction *t = s->tx;

	if (t->too_big || t->broken) {
		str_clear(t->out);
		return;
	}
	look_at_front(t);
	if (str_len(t->out) == 0 || (!flush && str_len(t->out) < PASS_BYTES))
		return;
	t->content += str_len(t->out);
	/* Why it broke is asked for at the end. */
	t->broken = proxy_is_wanted() ? !proxy_content(t, str_span(t->out))
	    : cleanup_client_data(t->cleanup, str_span(t->out),
		service_ipc_deadline()) != IO_OK;
	str_clear(t->out);
	t->front_at = 0;
}

void
content_account(struct session *s, size_t bytes)
{
	struct transaction *t = s->tx;

	t->bytes += bytes;
	if (t->parser.bare_lf)
		s->saw_bare_lf = true;
	if (conf_core.message_size_limit == 0 || t->too_big
	    || t->bytes <= (uint64_t)conf_core.message_size_limit)
		return;
	t->too_big = true;
	log_warn("queue file size limit exceeded");
	if (proxy_is_wanted())
		proxy_abort(t);
	else
		cleanup_client_abort(t->cleanup);
}

/* ---- the end ---- */

static bool
refuse_bare_lf(struct session *s)
{
	if (s->bare_lf != BARE_LF_REJECT || !s->tx->parser.bare_lf)
		return false;
	reply_bare_lf(s);
	return true;
}

static void
count_message(struct session *s)
{
	s->errors = s->junk = 0;
	trouble_over(s);
	counter_add(COUNTER_MESSAGES_IN, 1);
	counter_add(COUNTER_BYTES_IN, s->tx->content);
	counter_add(COUNTER_RECIPIENTS_IN, s->tx->nrcpts);
}

/* Whose fault it is that cleanup did not take it. */
static unsigned
trouble_of(uint64_t status)
{
	switch ((enum cleanup_status)status) {
	case CLEANUP_TOO_BIG:
	case CLEANUP_HOPS:
		return TROUBLE_BOUNCE;
	case CLEANUP_CONTENT:
	case CLEANUP_DEFER:
		return TROUBLE_POLICY;
	case CLEANUP_WRITE_ERROR:
	case CLEANUP_NO_SPACE:
		return TROUBLE_RESOURCE;
	case CLEANUP_NO_RCPT:
		return TROUBLE_PROTOCOL;
	case CLEANUP_OK:
	case CLEANUP_BAD:
	case CLEANUP_PROXY:
	case CLEANUP_CONFIG:
		break;
	}
	return TROUBLE_SOFTWARE;
}

static void
reply_result(struct session *s, const struct cleanup_result *result,
    bool bdat)
{
	struct transaction *t = s->tx;
	const char *code, *dsn, *text;
	char own_dsn[12];
	struct span own_text;

	if (result->status == CLEANUP_OK) {
		count_message(s);
		RECORD_THAT("accepted", SPAN(t->id), "%s", "");
		if (bdat)
			reply(s, "250", "2.0.0", "Ok: %llu bytes queued as %s",
			    (unsigned long long)t->bytes, t->id);
		else
			reply(s, "250", "2.0.0", "Ok: queued as %s", t->id);
		return;
	}
	trouble_note(s, trouble_of(result->status));
	cleanup_status_reply(result->status, &code, &dsn, &text);
	if (span_empty(result->text)) {
		reply(s, code, dsn, "%s", text);
		return;
	}
	dsn_split(result->text, span_empty(result->dsn) ? dsn
	    : arena_cstr(t->arena, span_sub(result->dsn, 0, 11)), code[0],
	    own_dsn, &own_text);
	reply(s, code, own_dsn, "%.*s", SPAN_ARG(own_text));
}

void
content_end(struct session *s, bool bdat)
{
	struct transaction *t = s->tx;
	struct cleanup_result result;
	struct check c;
	bool rejected;

	t->in_content = false;
	t->envelope.data_size = t->bytes;
	if (t->too_big) {
		trouble_note(s, TROUBLE_BOUNCE);
		reply(s, "552", "5.3.4", "Error: message file too big");
		return;
	}
	s->where = "END-OF-MESSAGE";
	if (refuse_bare_lf(s))
		return;
	check_begin(&c, s, t->arena);
	rejected = !t->broken && check_end_of_data(&c) == CHECK_REJECT;
	if (rejected)
		reply_reject(s, str_cstr(&c.text),
		    t->nrcpts == 1 ? t->first_rcpt : SPAN_NONE);
	check_end(&c);
	if (rejected)
		return;
	content_pass(s, true);
	if (proxy_is_wanted()) {
		if (proxy_finish(s))
			count_message(s);
		return;
	}
	cleanup_client_finish(t->cleanup, &result, service_ipc_deadline());
	reply_result(s, &result, bdat);
}

/* ---- DATA ---- */

static bool
may_send(struct session *s)
{
	struct check c;
	bool ok;

	check_begin(&c, s, s->tx->arena);
	ok = check_data(&c) != CHECK_REJECT;
	if (!ok)
		reply_reject(s, str_cstr(&c.text),
		    s->tx->nrcpts == 1 ? s->tx->first_rcpt : SPAN_NONE);
	check_end(&c);
	return ok;
}

bool
content_peek(struct session *s, struct deadline deadline, struct span *bytes)
{
	enum io_status status = stream_peek(s->client, deadline, bytes);

	if (status == IO_OK)
		return true;
	s->leaving = true;
	s->ending = status == IO_TIMEOUT ? "timeout" : "lost connection";
	if (status == IO_TIMEOUT)
		reply(s, "421", "4.4.2", "%s Error: timeout exceeded",
		    conf_core.myhostname);
	return false;
}

/* Reads to the last dot. False when the client is gone. */
static bool
read_content(struct session *s)
{
	struct transaction *t = s->tx;
	struct deadline whole = content_whole();

	while (!t->parser.ended) {
		struct span bytes;
		size_t used;

		if (!content_peek(s, content_deadline(s, whole), &bytes))
			return false;
		used = smtp_data_take(&t->parser, bytes, t->out);
		stream_consume(s->client, used);
		content_account(s, used);
		content_pass(s, false);
	}
	return true;
}

void
command_data(struct session *s, struct span rest)
{
	if (rest.len > 0) {
		reply(s, "501", "5.5.4", "Syntax: DATA");
		return;
	}
	if (!may_send(s) || !content_begin(s))
		return;
	smtp_data_init(&s->tx->parser, s->bare_lf == BARE_LF_ALLOW
	    ? SMTP_DATA_BARE_LF_ENDS : 0);
	reply(s, "354", NULL, "End data with <CR><LF>.<CR><LF>");
	if (!reply_flush(s) || !read_content(s))
		return;
	content_end(s, false);
	transaction_end(s);
	trouble_flush(s);
}
