/*
 * evaluate - runs restriction lists and keeps what they decided.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/mail/address.h"
#include "daemons/smtpd/restrict.h"

void
check_begin(struct check *c, struct session *s, struct arena *arena)
{
	*c = (struct check){ .s = s, .arena = arena, .text = STR_EMPTY };
	if (arena == NULL)
		c->arena = c->own = arena_new();
}

void
check_end(struct check *c)
{
	str_fini(&c->text);
	arena_free(&c->own);
}

void
check_memory_free(struct check_memory **memory)
{
	if (*memory == NULL)
		return;
	for (size_t i = 0; i < STAGE_RCPT; i++)
		mem_free((*memory)->if_permit[i]);
	mem_free(*memory);
	*memory = NULL;
}

/* ---- verdicts ---- */

static void
format_verdict(struct str *out, int code, const char *dsn, const char *text)
{
	char first = (char)('0' + code / 100);

	str_printf(out, "%d %c%s %s", code,
	    first == '4' || first == '5' ? first : dsn[0], dsn + 1, text);
}

enum check_result
check_refuse(struct check *c, int code, const char *dsn,
    const char *format, ...)
{
	struct str text = STR_EMPTY;
	unsigned trouble = c->trouble != 0 ? c->trouble : TROUBLE_POLICY;
	va_list args;

	c->trouble = 0;
	va_start(args, format);
	str_vaddf(&text, format, args);
	va_end(args);
	format_verdict(&c->text, code, dsn, str_cstr(&text));
	str_fini(&text);
	/* Put off in any case, it is put off with what was wrong first. */
	if (c->text.buf[0] == '5' && c->if_reject != NULL)
		str_sets(&c->text, c->if_permit != NULL ? c->if_permit
		    : c->if_reject);
	if (!c->warn) {
		trouble_note(c->s, trouble);
		return CHECK_REJECT;
	}
	log_event(c->s, "reject_warning", c->s->where, str_cstr(&c->text),
	    c->rcpt);
	return CHECK_DUNNO;
}

/* RFC 3463 3.2: 1.7 and 1.8 speak of senders, the others of recipients. */
static const struct {
	const char *detail, *sender, *rcpt;
} address_details[] = {
	{ "1.0", "1.0", "1.0" },
	{ "1.1", "1.7", "1.1" },
	{ "1.2", "1.8", "1.2" },
	{ "1.3", "1.7", "1.3" },
	{ "1.4", "1.7", "1.4" },
	{ "1.5", "1.0", "1.5" },
	{ "1.6", "1.7", "1.6" },
	{ "1.7", "1.7", "1.3" },
	{ "1.8", "1.8", "1.2" },
};

void
check_fit_dsn(char *dsn, const char *reply_class)
{
	for (size_t i = 0; i < ARRAY_COUNT(address_details); i++) {
		if (strcmp(dsn + 2, address_details[i].detail) != 0)
			continue;
		strcpy(dsn + 2, strcmp(reply_class, CLASS_SENDER) == 0
		    ? address_details[i].sender
		    : strcmp(reply_class, CLASS_RCPT) == 0
		    ? address_details[i].rcpt : "0.0");
		return;
	}
}

enum check_result
check_lookup_failed(struct check *c, struct span what)
{
	c->trouble = TROUBLE_DATA;
	return check_refuse(c, 451, "4.3.0", "<%.*s>: Temporary lookup "
	    "failure", SPAN_ARG(what));
}

enum check_result
check_misconfigured(struct check *c, const char *why)
{
	log_warn("%s", why);
	c->misconfigured = true;
	c->trouble = TROUBLE_SOFTWARE;
	c->warn = false;
	return check_refuse(c, 451, "4.3.5", "Server configuration error");
}

static char *
verdict_text(struct check *c, int code, const char *dsn, const char *text)
{
	struct str *out = str_in_arena(c->arena);

	format_verdict(out, code, dsn, text);
	return arena_strdup(c->arena, str_cstr(out));
}

enum check_result
check_defer_if_permit(struct check *c, int code, const char *dsn,
    const char *text)
{
	if (c->warn) {
		log_event(c->s, "reject_warning", c->s->where,
		    verdict_text(c, code, dsn, text), c->rcpt);
		return CHECK_DUNNO;
	}
	if (c->if_permit == NULL)
		c->if_permit = verdict_text(c, code, dsn, text);
	return CHECK_DUNNO;
}

enum check_result
check_defer_if_reject(struct check *c, int code, const char *dsn,
    const char *text)
{
	if (c->if_reject == NULL)
		c->if_reject = verdict_text(c, code, dsn, text);
	return CHECK_DUNNO;
}

/* ---- lists ---- */

static enum check_result
run_item(struct check *c, const struct restriction *r)
{
	if (r->trouble != NULL)
		return check_misconfigured(c, r->trouble);
	if (r->list != NULL)
		return check_run_list(c, r->list);
	return r->type->run(c, r);
}

/* smtpd_log_access_permit_actions */
static void
log_permit(struct check *c, const struct restriction *r)
{
	struct str text = STR_EMPTY;

	if (r->type == NULL || c->s->tx == NULL
	    || !restrict_logs_permit(SPAN(r->type->name)))
		return;
	str_printf(&text, "action=%s for %s=%.*s", r->type->name,
	    c->reply_class, SPAN_ARG(c->reply_name));
	if (r->table != NULL)
		str_addf(&text, " from %s", r->table);
	log_event(c->s, "permit", c->s->where, str_cstr(&text), c->rcpt);
	str_fini(&text);
}

enum check_result
check_run_list(struct check *c, const struct restriction_list *list)
{
	enum check_result result = CHECK_DUNNO;

	if (c->depth >= RESTRICT_DEPTH_MOST)
		return check_misconfigured(c,
		    "restriction classes contain each other");
	c->depth++;
	for (size_t i = 0; i < list->count && result == CHECK_DUNNO; i++) {
		const struct restriction *r = &list->items[i];
		bool outer = c->warn;

		while (r->type != NULL && r->type->run == run_warn_if_reject
		    && i + 1 < list->count) {
			c->warn = true;
			r = &list->items[++i];
		}
		result = run_item(c, r);
		if (result == CHECK_PERMIT)
			log_permit(c, r);
		if (!c->misconfigured)
			c->warn = outer;
	}
	c->depth--;
	return result;
}

/* A table may name restrictions that need no table of their own, and
 * classes. */
enum check_result
check_run_words(struct check *c, struct span words, const char *table)
{
	enum check_result result = CHECK_DUNNO;
	bool outer = c->warn;
	struct span word;

	if (c->depth >= RESTRICT_DEPTH_MOST)
		return check_misconfigured(c,
		    "restriction classes contain each other");
	c->depth++;
	while (result == CHECK_DUNNO
	    && span_token(&words, ", \t\r\n", &word)) {
		const struct restriction_type *type =
		    restrict_find_type(word);
		const struct restriction_list *list =
		    restrict_find_class(word);
		struct restriction r = { .type = type,
			.word = type != NULL ? type->name : NULL };

		if (type != NULL && type->run == run_warn_if_reject) {
			c->warn = true;
			continue;
		}
		if (type != NULL && type->takes == TAKES_NOTHING)
			result = type->run(c, &r);
		else if (list != NULL)
			result = check_run_list(c, list);
		else
			result = check_misconfigured(c, arena_printf(c->arena,
			    "access table %s: no such action, restriction or "
			    "class: \"%.*s\"", table, SPAN_ARG(word)));
		if (!c->misconfigured)
			c->warn = outer;
	}
	c->depth--;
	return result;
}

/* ---- stages ---- */

struct span
check_shown(struct check *c, struct span address)
{
	struct str *out = str_in_arena(c->arena);

	address_print(out, address);
	return str_span(out);
}

static enum check_result
run_list(struct check *c, enum restrict_list_id id, const char *reply_class,
    struct span reply_name)
{
	enum check_result result;

	c->reply_class = reply_class;
	c->reply_name = reply_name;
	c->warn = false;
	c->if_reject = NULL;		/* it speaks of its own list */
	result = check_run_list(c, restrict_list(id));
	c->warn = false;
	return result == CHECK_PERMIT ? CHECK_DUNNO : result;
}

static enum check_result
run_client(struct check *c)
{
	c->stage = STAGE_CLIENT;
	return run_list(c, LIST_CLIENT, CLASS_CLIENT, SPAN(c->s->peer));
}

static enum check_result
run_helo(struct check *c)
{
	c->stage = STAGE_HELO;
	if (c->s->helo == NULL)
		return CHECK_DUNNO;
	return run_list(c, LIST_HELO, CLASS_HELO, SPAN(c->s->helo));
}

static enum check_result
run_sender(struct check *c)
{
	enum check_result result;

	c->stage = STAGE_SENDER;
	if (c->s->tx == NULL)			/* VRFY */
		return CHECK_DUNNO;
	result = run_list(c, LIST_SENDER, CLASS_SENDER,
	    check_shown(c, c->s->tx->sender));
	if (result == CHECK_DUNNO && smtpd_conf.reject_unlisted_sender)
		result = run_reject_unlisted_sender(c, NULL);
	return result;
}

/* Keeps what an early stage wants remembered until a recipient comes. */
static enum check_result
remember(struct check *c, enum check_stage stage, enum check_result result)
{
	struct session *s = c->s;

	if (s->memory == NULL)
		s->memory = MEM_NEW(struct check_memory);
	mem_free(s->memory->if_permit[stage]);
	s->memory->if_permit[stage] = c->if_permit != NULL
	    ? mem_strdup(c->if_permit) : NULL;
	return result;
}

enum check_result
check_client(struct check *c)
{
	return remember(c, STAGE_CLIENT, run_client(c));
}

enum check_result
check_helo(struct check *c)
{
	return remember(c, STAGE_HELO, run_helo(c));
}

enum check_result
check_sender(struct check *c)
{
	return remember(c, STAGE_SENDER, run_sender(c));
}

static enum check_result
if_permit(struct check *c)
{
	const struct check_memory *memory = c->s->memory;

	for (size_t i = 0; memory != NULL && i < STAGE_RCPT; i++)
		if (c->if_permit == NULL)
			c->if_permit = memory->if_permit[i];
	if (c->if_permit == NULL)
		return CHECK_DUNNO;
	str_sets(&c->text, c->if_permit);
	trouble_note(c->s, TROUBLE_POLICY);
	return CHECK_REJECT;
}

static enum check_result
run_recipient_lists(struct check *c, struct span name)
{
	static const char reply_class[] = CLASS_RCPT;
	enum restrict_list_id first = LIST_RELAY, second = LIST_RCPT;
	enum check_result result;

	c->stage = STAGE_RCPT;
	if (!smtpd_conf.relay_before_recipient_restrictions) {
		first = LIST_RCPT;
		second = LIST_RELAY;
	}
	result = run_list(c, first, reply_class, name);
	if (result == CHECK_REJECT && first == LIST_RCPT)
		compat_refused(c);
	if (result == CHECK_DUNNO)
		result = run_list(c, second, reply_class, name);
	if (result == CHECK_DUNNO)
		result = if_permit(c);
	if (result == CHECK_DUNNO && smtpd_conf.reject_unlisted_recipient
	    && !c->listed)
		result = run_reject_unlisted_rcpt(c, NULL);
	if (result != CHECK_REJECT)
		compat_accepted(c, check_is_authorized(c));
	return result;
}

enum check_result
check_rcpt(struct check *c, struct span rcpt, const struct rewrite_want *to)
{
	enum check_result result = CHECK_DUNNO;

	c->rcpt = rcpt;
	c->to = to;
	c->rcpt_key = to->answer.recipient;
	if (!restrict_guards_relaying())
		return check_misconfigured(c, "smtpd_relay_restrictions or "
		    "smtpd_recipient_restrictions must contain one of: "
		    "reject_unauth_destination, defer_unauth_destination, "
		    "reject, defer, defer_if_permit");
	/* RFC 5321 4.5.1: no list keeps anybody from writing to postmaster. */
	if (span_is_nocase(rcpt, "postmaster"))
		return CHECK_PERMIT;
	if (unverified_is_own_sender(c))
		return CHECK_PERMIT;
	if (to->answer.flags & RESOLVE_ERROR)
		return check_refuse(c, 501, "5.1.3", "<%.*s>: Recipient "
		    "address rejected: bad address syntax",
		    SPAN_ARG(check_shown(c, rcpt)));
	if (smtpd_conf.delay_reject) {
		result = run_client(c);
		if (result == CHECK_DUNNO)
			result = run_helo(c);
		if (result == CHECK_DUNNO)
			result = run_sender(c);
	}
	/* What is thrown away goes to nobody: no matter for whom it is. */
	if (result == CHECK_DUNNO && c->s->tx != NULL && c->s->tx->discard)
		return CHECK_PERMIT;
	return result == CHECK_DUNNO
	    ? run_recipient_lists(c, check_shown(c, rcpt)) : result;
}

static void
lone_rcpt(struct check *c)
{
	const struct transaction *t = c->s->tx;

	if (t->nrcpts != 1)
		return;
	c->rcpt = t->first_rcpt;
	c->rcpt_key = t->rcpts[0].resolved;
}

enum check_result
check_data(struct check *c)
{
	c->stage = STAGE_DATA;
	lone_rcpt(c);
	if (run_list(c, LIST_DATA, CLASS_DATA, SPAN("DATA"))
	    == CHECK_REJECT)
		return CHECK_REJECT;
	return if_permit(c);
}

enum check_result
check_end_of_data(struct check *c)
{
	c->stage = STAGE_END_OF_DATA;
	lone_rcpt(c);
	if (run_list(c, LIST_END_OF_DATA, CLASS_END_OF_DATA,
	    SPAN("END-OF-MESSAGE")) == CHECK_REJECT)
		return CHECK_REJECT;
	return if_permit(c);
}

enum check_result
check_etrn(struct check *c, struct span site)
{
	c->etrn = site;
	if (smtpd_conf.delay_reject && (run_client(c) == CHECK_REJECT
	    || run_helo(c) == CHECK_REJECT))
		return CHECK_REJECT;
	c->stage = STAGE_RCPT;
	if (run_list(c, LIST_ETRN, CLASS_ETRN, site) == CHECK_REJECT)
		return CHECK_REJECT;
	return if_permit(c);
}

bool
check_is_local_rewrite(struct check *c)
{
	bool local;

	c->stage = STAGE_CLIENT;
	c->reply_class = CLASS_CLIENT;
	c->reply_name = SPAN(c->s->peer);
	local = check_run_list(c, restrict_list(LIST_REWRITE))
	    == CHECK_PERMIT;
	return local;
}
