/*
 * commands - what each SMTP command does, DATA and BDAT aside.
 *
 * Sender and recipients are brought to standard form and resolved in one
 * request, at the first recipient, so a transaction costs few round trips.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fs.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/header.h"
#include "common/mail/hostname.h"
#include "common/mail/verp.h"
#include "common/service/service.h"
#include "daemons/smtpd/clients.h"
#include "daemons/smtpd/limits.h"
#include "daemons/smtpd/proxy.h"
#include "daemons/smtpd/restrict.h"
#include "daemons/smtpd/smtpd_priv.h"

#define HELO_MOST 255
#define SPACE_FACTOR 1.5		/* of message_size_limit, kept free */

/* ---- transactions ---- */

void
transaction_begin(struct session *s)
{
	struct arena *arena = arena_new();
	struct transaction *t = arena_zalloc(arena, sizeof(*t));

	t->arena = arena;
	t->envelope.arrival_us = clock_wall_us();
	t->envelope.filter = SPAN(smtpd_conf.content_filter);
	s->tx = t;
	s->state = STATE_MAIL;
}

void
transaction_end(struct session *s)
{
	struct transaction *t = s->tx;
	struct arena *arena;

	forwarded_free(&s->forwarded);
	if (t == NULL)
		return;
	arena = t->arena;			/* t lives in there */
	s->tx = NULL;
	if (s->state != STATE_DENIED)
		s->state = s->helo != NULL ? STATE_GREETED : STATE_START;
	fiber_log_context(NULL);
	fiber_note_work("", s->peer);
	arena_free(&arena);
}

/* ---- HELO and EHLO ---- */

static bool
take_helo(struct session *s, struct span name, bool esmtp)
{
	struct str clean = STR_EMPTY;
	struct check c;
	bool ok = true;

	if (name.len == 0) {
		reply(s, "501", NULL, "Syntax: %s hostname", s->where);
		return false;
	}
	transaction_end(s);
	trouble_flush(s);
	log_quote(&clean, span_sub(name, 0, HELO_MOST));
	mem_free(s->helo);
	s->helo = str_release(&clean);
	s->esmtp = esmtp;
	if (!smtpd_conf.delay_reject) {
		check_begin(&c, s, NULL);
		ok = check_helo(&c) != CHECK_REJECT;
		if (!ok) {
			reply_reject(s, str_cstr(&c.text), SPAN_NONE);
			mem_free(s->helo);
			s->helo = NULL;
		}
		check_end(&c);
	}
	s->state = ok ? STATE_GREETED : STATE_START;
	return ok;
}

static void
command_helo(struct session *s, struct span rest)
{
	struct span name;

	if (!span_token(&rest, " \t", &name))
		name = SPAN_NONE;
	if (take_helo(s, name, false))
		reply(s, "250", NULL, "%s", conf_core.myhostname);
}

static unsigned
offered(const struct session *s)
{
	unsigned all = EHLO_PIPELINING | EHLO_SIZE | EHLO_ENHANCEDSTATUSCODES
	    | EHLO_8BITMIME | EHLO_DSN | EHLO_CHUNKING | EHLO_ETRN;

	if (conf_core.smtputf8_enable)
		all |= EHLO_SMTPUTF8;
	if (!smtpd_conf.disable_vrfy_command)
		all |= EHLO_VRFY;
	if (s->may_xverp)
		all |= EHLO_VERP;
	if (s->may_xclient)
		all |= EHLO_XCLIENT;
	if (s->may_xforward)
		all |= EHLO_XFORWARD;
	return all & ~s->ehlo_discard;
}

static void
command_ehlo(struct session *s, struct span rest)
{
	static const struct {
		unsigned bit;
		const char *line;
	} keywords[] = {
		{ EHLO_PIPELINING, "PIPELINING" },
		{ EHLO_SIZE, "SIZE" },
		{ EHLO_VRFY, "VRFY" },
		{ EHLO_ETRN, "ETRN" },
		{ EHLO_VERP, "XVERP" },
		{ EHLO_XCLIENT, "XCLIENT NAME ADDR PROTO HELO REVERSE_NAME "
		    "PORT LOGIN DESTADDR DESTPORT" },
		{ EHLO_XFORWARD, "XFORWARD NAME ADDR PROTO HELO SOURCE PORT "
		    "IDENT" },
		{ EHLO_ENHANCEDSTATUSCODES, "ENHANCEDSTATUSCODES" },
		{ EHLO_8BITMIME, "8BITMIME" },
		{ EHLO_DSN, "DSN" },
		{ EHLO_SMTPUTF8, "SMTPUTF8" },
		{ EHLO_CHUNKING, "CHUNKING" },
	};
	struct str text = STR_EMPTY;
	unsigned bits = offered(s);
	struct span name;

	if (!span_token(&rest, " \t", &name))
		name = SPAN_NONE;
	if (!take_helo(s, name, true))
		return;
	str_adds(&text, conf_core.myhostname);
	for (size_t i = 0; i < ARRAY_COUNT(keywords); i++) {
		if (!(bits & keywords[i].bit))
			continue;
		str_addf(&text, "\n%s", keywords[i].line);
		if (keywords[i].bit == EHLO_SIZE
		    && conf_core.message_size_limit > 0)
			str_addf(&text, " %lld",
			    (long long)conf_core.message_size_limit);
	}
	reply(s, "250", NULL, "%s", str_cstr(&text));
	str_fini(&text);
}

/* ---- MAIL ---- */

static unsigned
accepted_params(const struct session *s)
{
	unsigned bits = offered(s);

	return SMTP_PARAM_SIZE | SMTP_PARAM_BODY | SMTP_PARAM_AUTH
	    | (bits & EHLO_DSN ? SMTP_PARAM_DSN : 0)
	    | (bits & EHLO_VERP ? SMTP_PARAM_XVERP : 0)
	    | (bits & EHLO_SMTPUTF8 ? SMTP_PARAM_SMTPUTF8 : 0)
	    | (conf_core.smtputf8_enable && !smtpd_conf.strict_smtputf8
	    ? SMTP_PARAM_UTF8_PATHS : 0)
	    | (smtpd_conf.strict_rfc821_envelopes ? SMTP_PARAM_STRICT : 0);
}

/* Replies to what smtp_cmd found wrong. */
static void
refuse_syntax(struct session *s, enum smtp_cmd_status status,
    struct span text, const struct str *why)
{
	struct str shown = STR_EMPTY;

	switch (status) {
	case SMTP_CMD_OK:
		break;
	case SMTP_CMD_SYNTAX:
		reply(s, "501", "5.5.4", "Syntax: %s:<address>",
		    s->doing == SMTP_MAIL ? "MAIL FROM" : "RCPT TO");
		break;
	case SMTP_CMD_BAD_SENDER:
	case SMTP_CMD_BAD_RCPT:
		log_quote(&shown, span_sub(text, 0, 200));
		log_warn("Illegal address syntax from %s in %s command: %s",
		    s->peer, s->where, str_cstr(&shown));
		if (status == SMTP_CMD_BAD_SENDER)
			reply(s, "501", "5.1.7", "Bad sender address syntax");
		else
			reply(s, "501", "5.1.3",
			    "Bad recipient address syntax");
		break;
	case SMTP_CMD_BAD_VALUE:
		reply(s, "501", "5.5.4", "%s", str_cstr(why));
		break;
	case SMTP_CMD_UNKNOWN_PARAM:
		reply(s, "555", "5.5.4", "Unsupported option: %s",
		    str_cstr(why));
		break;
	}
	str_fini(&shown);
}

static bool
is_misconfigured(struct session *s)
{
	if (service_refusal() == NULL)
		return false;
	log_warn("%s", service_refusal());
	trouble_note(s, TROUBLE_SOFTWARE);
	reply_reject(s, "451 4.3.5 Server configuration error", SPAN_NONE);
	return true;
}

static bool
has_space(void)
{
	uint64_t bytes, inodes;
	double need = SPACE_FACTOR * (double)conf_core.message_size_limit;

	if (need < (double)smtpd_conf.queue_minfree)
		need = (double)smtpd_conf.queue_minfree;
	if (!fs_free_space(service_queue_dir(), &bytes, &inodes))
		return true;
	if (inodes == 0) {
		log_warn("no free inode in mail queue");
		return false;
	}
	if (need <= 0 || (double)bytes > need)
		return true;
	log_warn("not enough free space in mail queue: %.0f bytes < "
	    "%g*message size limit", (double)bytes, SPACE_FACTOR);
	return false;
}

/* Once a second is enough: a file system does not fill in between. */
static bool
has_space_now(void)
{
	static int64_t asked_ns;
	static bool answer = true;

	if (asked_ns == 0 || clock_now_ns() - asked_ns > 1000000000) {
		asked_ns = clock_now_ns();
		answer = has_space();
	}
	return answer;
}

static bool
size_is_fine(struct session *s, uint64_t size)
{
	if (conf_core.message_size_limit > 0
	    && size > (uint64_t)conf_core.message_size_limit) {
		trouble_note(s, TROUBLE_POLICY);
		reply_reject(s, "552 5.3.4 Message size exceeds fixed limit",
		    SPAN_NONE);
		return false;
	}
	if (!has_space_now()) {
		trouble_note(s, TROUBLE_RESOURCE);
		reply_reject(s, "452 4.3.1 Insufficient system storage",
		    SPAN_NONE);
		return false;
	}
	return true;
}

static struct span
or_unknown(const struct transaction *t, const char *value)
{
	return value != NULL ? arena_span(t->arena, SPAN(value))
	    : SPAN("unknown");
}

static void
fill_forwarded(struct session *s)
{
	const struct forwarded *f = s->forwarded;
	struct transaction *t = s->tx;
	struct envelope *e = &t->envelope;

	e->client_name = or_unknown(t, f->name);
	e->client_address = or_unknown(t, f->address);
	e->client_port = or_unknown(t, f->port);
	e->helo = or_unknown(t, f->helo);
	e->protocol = or_unknown(t, f->proto);
	e->origin = SPAN(arena_printf(t->arena, "%.*s[%.*s]",
	    SPAN_ARG(e->client_name), SPAN_ARG(e->client_address)));
	if (f->ident != NULL)
		e->ident = arena_span(t->arena, SPAN(f->ident));
}

static struct span
verp_delims(const struct smtp_mail *mail)
{
	return str_len(&mail->verp) > 0 ? str_span(&mail->verp)
	    : SPAN(conf_core.default_verp_delimiters);
}

static void
fill_envelope(struct session *s, const struct smtp_mail *mail)
{
	struct transaction *t = s->tx;
	struct envelope *e = &t->envelope;
	char port[8];

	t->sender = arena_span(t->arena, str_span(&mail->sender));
	t->from.address = t->sender;
	s->of_our_own = s->of_our_own || postmaster_is_sender(t->sender);
	t->size_said = mail->size;
	t->body = mail->body;
	snprintf(port, sizeof(port), "%u", s->port);
	if (s->forwarded != NULL) {
		fill_forwarded(s);
	} else {
		e->client_name = SPAN(s->name);
		e->client_address = SPAN(s->address);
		e->client_port = arena_span(t->arena, SPAN(port));
		e->helo = SPAN(s->helo);
		e->protocol = s->esmtp ? SPAN("ESMTP") : SPAN("SMTP");
		e->origin = SPAN(s->peer);
	}
	e->dsn_envid = arena_span(t->arena, str_span(&mail->envid));
	e->dsn_ret = mail->ret;
	if (mail->xverp)
		e->verp = arena_span(t->arena, verp_delims(mail));
	if (mail->smtputf8)
		e->flags |= ENVELOPE_SMTPUTF8_ASKED;
}

static void
mail_accepted(struct session *s)
{
	struct check c;

	if (!smtpd_conf.delay_reject) {
		check_begin(&c, s, s->tx->arena);
		if (check_sender(&c) == CHECK_REJECT) {
			reply_reject(s, str_cstr(&c.text), SPAN_NONE);
			check_end(&c);
			transaction_end(s);
			return;
		}
		check_end(&c);
	}
	reply(s, "250", "2.1.0", "Ok");
}

/* A domain that no host can have; nobody could answer such a sender. */
static bool
sender_domain_is_usable(struct span sender)
{
	struct span domain = address_split(sender).domain;
	struct str why = STR_EMPTY;
	struct ipaddr ip;
	bool ok;

	if (span_ends(domain, SPAN(".")))
		domain.len--;
	ok = span_empty(domain) || hostname_literal_address(domain, &ip)
	    || hostname_valid(domain, &why);
	str_fini(&why);
	return ok;
}

/* Each copy's sender would name its recipient: so there has to be one. */
static enum smtp_cmd_status
check_verp(const struct smtp_mail *mail, struct str *why)
{
	if (!mail->xverp)
		return SMTP_CMD_OK;
	if (str_len(&mail->sender) == 0)
		str_sets(why, "XVERP requires a sender that is not empty");
	else if (!verp_delims_valid(verp_delims(mail),
	    SPAN(conf_core.verp_delimiter_filter)))
		str_printf(why, "Error: XVERP needs two characters from %s",
		    conf_core.verp_delimiter_filter);
	else
		return SMTP_CMD_OK;
	return SMTP_CMD_BAD_VALUE;
}

static void
command_mail(struct session *s, struct span rest)
{
	struct smtp_mail mail = { .size = 0 };
	struct str why = STR_EMPTY;
	enum smtp_cmd_status status = smtp_mail_parse(rest,
	    accepted_params(s), &mail, &why);

	if (status == SMTP_CMD_OK
	    && !sender_domain_is_usable(str_span(&mail.sender)))
		status = SMTP_CMD_BAD_SENDER;
	if (status == SMTP_CMD_OK)
		status = check_verp(&mail, &why);
	if (status != SMTP_CMD_OK) {
		refuse_syntax(s, status, rest, &why);
	} else if (!is_misconfigured(s) && limits_message(s)) {
		transaction_begin(s);
		fill_envelope(s, &mail);
		if (size_is_fine(s, mail.size))
			mail_accepted(s);
		else
			transaction_end(s);
	}
	smtp_mail_fini(&mail);
	str_fini(&why);
}

/* ---- RCPT ---- */

/* Standard form and route of the recipient and, if need be, of the sender. */
static bool
resolve(struct session *s, struct rewrite_want *to)
{
	struct transaction *t = s->tx;
	struct rewrite_want items[2] = { *to, t->from };
	bool with_sender = !t->from_known && !span_empty(t->sender);

	rewrite_addresses("local", REWRITE_STANDARD_FORM | REWRITE_RESOLVE,
	    t->sender, items, with_sender ? 2 : 1, t->arena,
	    deadline_in(smtpd_conf.timeout));
	*to = items[0];
	if (with_sender) {
		t->from = items[1];
		t->from_known = !(t->from.answer.flags & RESOLVE_FAIL);
		if (t->from_known)
			t->envelope.sender = t->from.answer.address;
	}
	return !(to->answer.flags & RESOLVE_FAIL)
	    && (span_empty(t->sender) || t->from_known);
}

bool
session_resolve_sender(struct session *s)
{
	struct transaction *t = s->tx;

	if (t->from_known || span_empty(t->sender))
		return true;
	rewrite_addresses("local", REWRITE_STANDARD_FORM | REWRITE_RESOLVE,
	    t->sender, &t->from, 1, t->arena,
	    deadline_in(smtpd_conf.timeout));
	t->from_known = !(t->from.answer.flags & RESOLVE_FAIL);
	if (t->from_known)
		t->envelope.sender = t->from.answer.address;
	return t->from_known;
}

static void
log_client(const struct session *s)
{
	const struct forwarded *f = s->forwarded;
	struct str more = STR_EMPTY;

	if (f != NULL && f->ident != NULL)
		str_addf(&more, ", orig_queue_id=%s", f->ident);
	if (f != NULL && (f->name != NULL || f->address != NULL))
		str_addf(&more, ", orig_client=%.*s",
		    SPAN_ARG(s->tx->envelope.origin));
	log_info("%sclient=%s%s", s->tx->id[0] == '\0' ? "NOQUEUE: " : "",
	    s->peer, str_cstr(&more));
	str_fini(&more);
}

static void
first_rcpt(struct session *s)
{
	struct transaction *t = s->tx;

	/* What a filter takes gets its id when it comes back. */
	if (!proxy_is_wanted()) {
		queue_id_make(t->id, service_slot(),
		    conf_core.enable_long_queue_ids);
		fiber_log_context(t->id);
		fiber_note_work(t->id, s->peer);
	}
	log_client(s);
	s->state = STATE_RCPT;
}

static void
add_rcpt(struct session *s, const struct smtp_rcpt *rcpt,
    const struct rewrite_want *to)
{
	struct transaction *t = s->tx;
	struct envelope_rcpt *r;

	if (t->nrcpts == t->rcpts_room) {
		size_t room = t->rcpts_room == 0 ? 4 : 4 * t->rcpts_room;
		struct envelope_rcpt *more = arena_array(t->arena, room,
		    sizeof(*more));

		if (t->nrcpts > 0)
			memcpy(more, t->rcpts, t->nrcpts * sizeof(*more));
		t->rcpts = more;
		t->rcpts_room = room;
	}
	if (t->nrcpts == 0) {
		t->first_rcpt = to->address;
		first_rcpt(s);
	}
	r = &t->rcpts[t->nrcpts++];
	*r = (struct envelope_rcpt){ .address = to->answer.address,
		.original = to->address, .notify = rcpt->notify,
		.orcpt = arena_span(t->arena, str_span(&rcpt->orcpt)),
		.generation = to->generation,
		.resolve_flags = to->answer.flags,
		.transport = to->answer.transport,
		.nexthop = to->answer.nexthop,
		.resolved = to->answer.recipient };
}

static bool
too_many_rcpts(struct session *s)
{
	struct transaction *t = s->tx;
	int64_t errors = s->errors;

	if (t->nrcpts < (size_t)smtpd_conf.recipient_limit)
		return false;
	trouble_note(s, TROUBLE_POLICY);
	/* A client that sends a few too many is not punished for it. */
	if ((int64_t)t->overshoot++ < smtpd_conf.recipient_overshoot_limit) {
		s->errors = -1;
		reply(s, "452", "4.5.3", "Error: too many recipients");
		s->errors = errors;
	} else {
		reply(s, "452", "4.5.3", "Error: too many recipients");
	}
	return true;
}

static void
refuse_lookup(struct session *s, struct span address, struct span rcpt)
{
	struct str text = STR_EMPTY;

	str_adds(&text, "451 4.3.0 <");
	address_print(&text, address);
	str_adds(&text, ">: Temporary lookup failure");
	trouble_note(s, TROUBLE_DATA);
	reply_reject(s, str_cstr(&text), rcpt);
	str_fini(&text);
}

static void
take_rcpt(struct session *s, const struct smtp_rcpt *rcpt)
{
	struct transaction *t = s->tx;
	struct rewrite_want to = { .address = unverified_undated(
		arena_span(t->arena, str_span(&rcpt->address)), t->arena) };
	struct check c;

	t->at_rcpt = to.address;
	if (!resolve(s, &to)) {
		refuse_lookup(s, to.answer.flags & RESOLVE_FAIL
		    ? to.address : t->sender, to.address);
		return;
	}
	check_begin(&c, s, t->arena);
	if (check_rcpt(&c, to.address, &to) == CHECK_REJECT) {
		reply_reject(s, str_cstr(&c.text), to.address);
	} else if (!proxy_is_wanted() || proxy_rcpt(s, rcpt)) {
		add_rcpt(s, rcpt, &to);
		reply(s, "250", "2.1.5", "Ok");
	}
	check_end(&c);
}

static void
command_rcpt(struct session *s, struct span rest)
{
	struct smtp_rcpt rcpt = { .notify = 0 };
	struct str why = STR_EMPTY;
	bool utf8 = (s->tx->envelope.flags & ENVELOPE_SMTPUTF8_ASKED) != 0;
	enum smtp_cmd_status status;

	if (s->state == STATE_MAIL)
		s->state = STATE_NO_RCPT;
	status = smtp_rcpt_parse(rest, accepted_params(s), utf8, &rcpt, &why);
	if (status != SMTP_CMD_OK)
		refuse_syntax(s, status, rest, &why);
	else if (!is_misconfigured(s) && limits_rcpt(s)
	    && !too_many_rcpts(s))
		take_rcpt(s, &rcpt);
	smtp_rcpt_fini(&rcpt);
	str_fini(&why);
}

/* ---- the rest ---- */

static void
command_rset(struct session *s, struct span rest)
{
	if (rest.len > 0) {
		reply(s, "501", "5.5.4", "Syntax: RSET");
		return;
	}
	transaction_end(s);
	trouble_flush(s);
	reply(s, "250", "2.0.0", "Ok");
}

static void
reply_vrfy(struct session *s, struct span address)
{
	struct str shown = STR_EMPTY;

	log_quote(&shown, address);
	reply(s, "252", "2.0.0", "%s", str_cstr(&shown));
	str_fini(&shown);
}

static void
command_vrfy(struct session *s, struct span rest)
{
	struct rewrite_want to = { .address = SPAN_NONE };
	struct str address = STR_EMPTY, why = STR_EMPTY;
	struct arena *arena;
	struct check c;
	unsigned flags = 0;
	size_t used;

	if (smtpd_conf.disable_vrfy_command) {
		trouble_note(s, TROUBLE_POLICY);
		reply(s, "502", "5.5.1", "VRFY command is disabled");
		return;
	}
	if (rest.len == 0) {
		reply(s, "501", "5.5.4", "Syntax: VRFY address");
		return;
	}
	/* RFC 6531 3.7.4.2: "VRFY address SMTPUTF8" */
	if (offered(s) & EHLO_SMTPUTF8
	    && span_ends_nocase(rest, SPAN(" SMTPUTF8"))) {
		rest = span_rtrim(span_sub(rest, 0, rest.len - 9));
		flags = ADDRESS_UTF8;
	}
	if (!address_parse_path(rest, flags, &address, &used, &why)
	    || used < rest.len) {
		reply(s, "501", "5.1.3", "Bad recipient address syntax");
		goto out;
	}
	arena = arena_new();
	to.address = str_span(&address);
	rewrite_addresses("local", REWRITE_STANDARD_FORM | REWRITE_RESOLVE,
	    SPAN_NONE, &to, 1, arena, deadline_in(smtpd_conf.timeout));
	if (to.answer.flags & RESOLVE_FAIL) {
		refuse_lookup(s, to.address, to.address);
	} else {
		check_begin(&c, s, arena);
		if (check_rcpt(&c, to.address, &to) == CHECK_REJECT)
			reply_reject(s, str_cstr(&c.text), to.address);
		else
			reply_vrfy(s, rest);
		check_end(&c);
	}
	arena_free(&arena);
out:
	str_fini(&address);
	str_fini(&why);
}

/* No SMTP client talks like this: a command of another protocol, or the header
 * of something that a web browser was made to send. */
static bool
is_not_smtp(const struct smtp_line *line, struct span whole)
{
	return header_name_length(whole) > 0
	    || client_command_forbidden(line->word);
}

static void
command_unknown(struct session *s, const struct smtp_line *line)
{
	struct span whole = span_of(line->word.p,
	    (size_t)(line->rest.p + line->rest.len - line->word.p));
	struct str shown = STR_EMPTY;

	if (line->word.len == 0) {
		reply(s, "500", "5.5.2", "Error: bad syntax");
		return;
	}
	if (!is_not_smtp(line, whole)) {
		reply(s, "500", "5.5.2", "Error: command not recognized");
		return;
	}
	log_quote(&shown, span_sub(whole, 0, 100));
	log_warn("non-SMTP command from %s: %s", s->peer, str_cstr(&shown));
	str_fini(&shown);
	reply(s, "221", "2.7.0", "Error: this is a mail server, goodbye");
	s->leaving = true;
}

void
command_run(struct session *s, struct smtp_line *line)
{
	const struct state_refusal *no = state_refuses(s->state, line->verb,
	    smtpd_conf.helo_required);

	/* smtpd_noop_commands comes before all we know ourselves. */
	if (s->state != STATE_DENIED && client_command_is_noop(line->word)) {
		reply(s, "250", "2.0.0", "Ok");
		return;
	}
	if (no != NULL && line->verb != SMTP_BDAT) {
		reply(s, no->code, no->dsn, "%s%s%s", no->text,
		    s->state == STATE_DENIED ? " for " : "",
		    s->state == STATE_DENIED ? s->peer : "");
		if (no->expected)
			trouble_note_none(s);
		return;
	}
	switch (line->verb) {
	case SMTP_HELO:
		command_helo(s, line->rest);
		break;
	case SMTP_EHLO:
		command_ehlo(s, line->rest);
		break;
	case SMTP_MAIL:
		command_mail(s, line->rest);
		break;
	case SMTP_RCPT:
		command_rcpt(s, line->rest);
		break;
	case SMTP_DATA:
		command_data(s, line->rest);
		break;
	case SMTP_BDAT:
		command_bdat(s, line->rest);
		break;
	case SMTP_RSET:
		command_rset(s, line->rest);
		break;
	case SMTP_NOOP:
		reply(s, "250", "2.0.0", "Ok");
		break;
	case SMTP_VRFY:
		command_vrfy(s, line->rest);
		break;
	case SMTP_QUIT:
		reply(s, "221", "2.0.0", "Bye");
		s->leaving = true;
		break;
	case SMTP_HELP:
		reply(s, "214", "2.0.0", "HELO EHLO MAIL RCPT DATA BDAT RSET "
		    "NOOP VRFY ETRN QUIT HELP");
		break;
	case SMTP_UNKNOWN:
		command_unknown(s, line);
		break;
	case SMTP_XCLIENT:
		command_xclient(s, line->rest);
		break;
	case SMTP_XFORWARD:
		command_xforward(s, line->rest);
		break;
	case SMTP_ETRN:
		command_etrn(s, line->rest);
		break;
	case SMTP_STARTTLS:
	case SMTP_AUTH:
	case SMTP_VERB_COUNT:
		break;
	}
}
