/*
 * session - a client from its connection to its departure: name, greeting,
 * commands one by one, limits, and the lines in the log about it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/mail/conf_core.h"
#include "common/service/service.h"
#include "daemons/smtpd/clients.h"
#include "daemons/smtpd/limits.h"
#include "daemons/smtpd/restrict.h"
#include "daemons/smtpd/smtpd_priv.h"

#define PIPELINED_SHOWN 100
#define NAME_SECONDS 100

/* ---- who is there ---- */

void
session_set_name(char **field, struct span name)
{
	mem_free(*field);
	*field = mem_strndup(name.p != NULL ? name.p : "", name.len);
}

static void
set_peer(struct session *s)
{
	struct str peer = STR_EMPTY;

	str_printf(&peer, "%s[%s]", s->name, s->address);
	if (smtpd_conf.client_port_logging)
		str_addf(&peer, ":%u", s->port);
	mem_free(s->peer);
	s->peer = str_release(&peer);
}

static void
learn_name(struct session *s)
{
	struct resolver_client_name found;
	struct arena *arena;

	if (s->ip.family == 0) {
		session_set_name(&s->name, SPAN("localhost"));
		session_set_name(&s->reverse_name, SPAN("localhost"));
		return;
	}
	if (!smtpd_conf.peername_lookup) {
		s->name_status = s->reverse_status = RESOLVER_NO_NAME;
		return;
	}
	arena = arena_new();
	resolver_client_name(&s->ip, &found, arena,
	    deadline_in(NAME_SECONDS));
	s->name_status = found.name_status;
	s->reverse_status = found.reverse_status;
	session_set_name(&s->name, found.name);
	session_set_name(&s->reverse_name, found.reverse_name);
	if (!span_empty(found.mismatch_why))
		log_warn("%.*s", SPAN_ARG(found.mismatch_why));
	arena_free(&arena);
}

void
session_renamed(struct session *s)
{
	set_peer(s);
	fiber_note_work("", s->peer);
	s->may_xclient = client_may_xclient(s);
	s->may_xforward = client_may_xforward(s);
	s->may_xverp = client_may_xverp(s);
	s->bare_lf = client_bare_lf(s);
}

static struct session *
session_new(struct stream *client, const struct sock_peer *peer)
{
	struct session *s = MEM_NEW(struct session);

	s->client = client;
	s->ip = peer->ip;
	s->port = peer->port;
	s->where = "CONNECT";
	s->doing = SMTP_UNKNOWN;
	s->name = mem_strdup("unknown");
	s->reverse_name = mem_strdup("unknown");
	if (peer->ip.family != 0)
		ipaddr_print(&peer->ip, s->address);
	else
		snprintf(s->address, sizeof(s->address), "127.0.0.1");
	return s;
}

void
session_free(struct session *s)
{
	transaction_end(s);
	limits_end(s);
	stream_close(s->client);
	check_memory_free(&s->memory);
	transcript_free(&s->transcript);
	forwarded_free(&s->forwarded);
	mem_free(s->name);
	mem_free(s->reverse_name);
	mem_free(s->peer);
	mem_free(s->helo);
	mem_free(s->denied);
	mem_free(s);
}

const char *
session_header_address(const struct session *s)
{
	static char text[IPADDR_TEXT_MAX + 8];

	snprintf(text, sizeof(text), "%s%s",
	    s->ip.family == AF_INET6 ? "IPv6:" : "", s->address);
	return text;
}

/* ---- farewell ---- */

static void
log_ending(struct session *s, const char *where)
{
	struct transaction *t = s->tx;
	struct str id = STR_EMPTY, bytes = STR_EMPTY;

	if (t != NULL && t->in_content)
		str_printf(&bytes, " (%llu bytes)",
		    (unsigned long long)t->bytes);
	if (t != NULL)
		str_sets(&id, t->id);
	transaction_end(s);
	if (conf_core_logs_as("3.10"))
		log_info("%s: %s after %s%s from %s",
		    str_len(&id) > 0 ? str_cstr(&id) : "NOQUEUE", s->ending,
		    where, str_cstr(&bytes), s->peer);
	else
		log_info("%s after %s%s from %s", s->ending, where,
		    str_cstr(&bytes), s->peer);
	str_fini(&id);
	str_fini(&bytes);
}

static void
log_disconnect(struct session *s)
{
	struct str text = STR_EMPTY;
	unsigned good = 0, total = 0;

	for (int v = 0; v < SMTP_VERB_COUNT; v++) {
		size_t from = str_len(&text) + 1;

		if (s->total[v] == 0)
			continue;
		str_addf(&text, " %s=%u",
		    smtp_verb_name((enum smtp_verb)v), s->good[v]);
		for (size_t i = from; i < str_len(&text); i++)
			text.buf[i] = ascii_lower(text.buf[i]);
		if (s->good[v] != s->total[v])
			str_addf(&text, "/%u", s->total[v]);
		good += s->good[v];
		total += s->total[v];
	}
	str_addf(&text, " commands=%u", good);
	if (good != total || total == 0)
		str_addf(&text, "/%u", total);
	if (s->saw_bare_lf && s->bare_lf == BARE_LF_NOTE)
		str_adds(&text, " notes=bare_lf");
	log_info("disconnect from %s%s", s->peer, str_cstr(&text));
	str_fini(&text);
}

/* ---- commands ---- */

/* A whole line is in the buffer: reading it will not wait. */
static bool
line_at_hand(struct session *s)
{
	struct span bytes;

	return stream_buffered(s->client) > 0
	    && stream_peek(s->client, DEADLINE_NEVER, &bytes) == IO_OK
	    && memchr(bytes.p, '\n', bytes.len) != NULL;
}

static void
end_by(struct session *s, enum io_status status)
{
	s->leaving = true;
	if (status == IO_TIMEOUT) {
		reply(s, "421", "4.4.2", "%s Error: timeout exceeded",
		    conf_core.myhostname);
		s->ending = "timeout";
	} else if (status == IO_CANCELLED || (service_draining()
	    && s->tx == NULL && status == IO_EOF)) {
		reply(s, "421", "4.3.2", "%s Service is going away, "
		    "try again later", conf_core.myhostname);
		s->ending = NULL;
	} else {
		s->ending = "lost connection";
	}
}

/* The next line; false when there will be none. */
static bool
next_line(struct session *s, struct span *line_out)
{
	struct deadline end = deadline_in(smtpd_conf.timeout);
	enum io_status status = IO_OK;
	bool crlf = true;

	if (!line_at_hand(s)) {
		if (!reply_flush(s))
			return false;
		if (s->tx == NULL)
			status = service_wait_idle(s->client, end);
		else if (stream_buffered(s->client) == 0)
			status = stream_wait_input(s->client, end);
	}
	if (status == IO_OK)
		status = stream_read_line(s->client,
		    (size_t)conf_core.line_length_limit, end, line_out,
		    &crlf);
	if (status == IO_LIMIT) {
		s->where = "UNKNOWN";
		transcript_in(s->transcript, SPAN("(a line that is too long)"));
		reply(s, "500", "5.5.2", "Error: line too long");
		trouble_note(s, TROUBLE_PROTOCOL);
		*line_out = SPAN_NONE;
		return true;
	}
	if (status != IO_OK) {
		end_by(s, status);
		return false;
	}
	if (!crlf && s->bare_lf != BARE_LF_ALLOW)
		s->saw_bare_lf = true;
	if (!crlf && s->bare_lf == BARE_LF_REJECT) {
		struct smtp_line split;

		smtp_line_split(*line_out, &split);
		s->where = smtp_verb_name(split.verb);
		reply_bare_lf(s);
		*line_out = SPAN_NONE;
	}
	return true;
}

/* Is there input although the client has to wait for us? Said once. */
static bool
notice_early_input(struct session *s)
{
	struct str shown = STR_EMPTY;
	struct span bytes;
	/* Before the greeting it is worth a system call. */
	bool (*waits)(struct stream *) = s->doing == SMTP_UNKNOWN
	    ? stream_input_waits : stream_input_seen;

	if (s->bad_pipelining || !waits(s->client)
	    || stream_peek(s->client, deadline_in_ms(0), &bytes) != IO_OK)
		return false;
	s->bad_pipelining = true;
	c_escape(&shown, span_sub(bytes, 0, PIPELINED_SHOWN));
	log_plain(s, "improper command pipelining after %s from %s: %s",
	    s->where, s->peer, str_cstr(&shown));
	str_fini(&shown);
	return true;
}

/* Input that was sent where the client had to wait: is this its end? */
static bool
early_input_ends(struct session *s)
{
	if (!notice_early_input(s) || !smtpd_conf.forbid_unauth_pipelining)
		return false;
	trouble_note(s, TROUBLE_PROTOCOL);
	reply(s, "554", "5.5.0", "Error: SMTP protocol synchronization");
	s->leaving = true;
	return true;
}

/* RFC 2920: commands may come in groups once EHLO has offered that, and some
 * end a group. The bytes of a chunk belong to their BDAT. */
static bool
must_wait(const struct session *s, enum smtp_verb verb)
{
	return (!s->esmtp && verb != SMTP_BDAT) || state_ends_group(verb);
}

static void
count_junk(struct session *s, enum smtp_verb verb)
{
	if (state_is_junk(verb)
	    && ++s->junk > smtpd_conf.junk_command_limit)
		s->errors++;
}

static void
run_line(struct session *s, struct span text)
{
	struct smtp_line line;

	smtp_line_split(text, &line);
	s->doing = line.verb;
	s->where = smtp_verb_name(line.verb);
	s->total[line.verb]++;
	s->trouble_known = false;
	if (must_wait(s, line.verb) && early_input_ends(s))
		return;
	command_run(s, &line);
	if (s->last_code[0] >= '4' && !s->trouble_known)
		trouble_note(s, TROUBLE_PROTOCOL);
	if (s->last_code[0] < '4' && line.verb != SMTP_UNKNOWN
	    && s->ending == NULL && !s->hung_up)
		s->good[line.verb]++;
	count_junk(s, line.verb);
}

static void
one_command(struct session *s, struct span text)
{
	struct str other = STR_EMPTY;

	transcript_in(s->transcript, text);
	switch (client_filter_command(text, &other)) {
	case MAP_ABSENT:
		run_line(s, text);
		break;
	case MAP_FOUND:
		run_line(s, str_span(&other));
		break;
	case MAP_FAILED:
		s->where = "UNKNOWN";
		reply(s, "451", "4.3.0", "Error: temporary lookup failure");
		trouble_note(s, TROUBLE_DATA);
		break;
	}
	str_fini(&other);
}

static void
converse(struct session *s)
{
	struct span line;

	while (!s->leaving) {
		if (s->errors >= smtpd_conf.hard_error_limit) {
			reply(s, "421", "4.7.0", "%s Error: too many errors",
			    conf_core.myhostname);
			s->ending = "too many errors";
			trouble_note(s, TROUBLE_PROTOCOL);
			break;
		}
		if (!next_line(s, &line))
			break;
		if (line.p != NULL)
			one_command(s, line);
	}
	if (s->ending == NULL || strcmp(s->ending, "lost connection") != 0)
		reply_flush(s);
}

void
session_greet(struct session *s)
{
	struct check c;

	if (!smtpd_conf.delay_reject) {
		check_begin(&c, s, NULL);
		if (check_client(&c) == CHECK_REJECT) {
			reply_reject(s, str_cstr(&c.text), SPAN_NONE);
			s->state = STATE_DENIED;
		}
		check_end(&c);
		if (s->state == STATE_DENIED)
			return;
	}
	reply(s, "220", NULL, "%s", smtpd_conf.banner);
}

void
session_serve(struct stream *client, const struct sock_peer *peer)
{
	struct session *s = session_new(client, peer);
	bool known = upstream_read(s);

	if (known) {
		limits_begin(s);
		learn_name(s);
	}
	session_renamed(s);
	trouble_begin(s);
	log_info("connect from %s", s->peer);
	s->ehlo_discard = client_ehlo_discard(s);
	if (!known)
		reply(s, "421", "4.3.0", "%s Server local error",
		    conf_core.myhostname);
	else if (limits_admit(s) && !early_input_ends(s))
		session_greet(s);
	converse(s);
	if (s->ending != NULL)
		log_ending(s, s->where);
	transaction_end(s);
	log_disconnect(s);
	trouble_end(s);
}
