/*
 * access - access(5) tables: the order of keys, and what a value asks for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/scan.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/dsn.h"
#include "daemons/shared/tables.h"
#include "daemons/smtpd/proxy.h"
#include "daemons/smtpd/restrict.h"
#include "maps/addrfind.h"

/* ---- actions ---- */

struct action {
	struct check *c;
	struct span word, text;		/* "REJECT", "go away" */
	const char *table, *reply_class;
	struct span reply_name;
};

static enum check_result
refuse(struct action *a, int code, const char *dflt)
{
	char dsn[12];
	struct span text;

	dsn_split(a->text, code / 100 == 4 ? "4.7.1" : "5.7.1",
	    (char)('0' + code / 100), dsn, &text);
	check_fit_dsn(dsn, a->reply_class);
	if (span_empty(text))
		text = SPAN(dflt);
	return check_refuse(a->c, code, dsn, "<%.*s>: %s rejected: %.*s",
	    SPAN_ARG(a->reply_name), a->reply_class, SPAN_ARG(text));
}

static const char *
later_text(struct action *a, char dsn[12])
{
	struct span text;

	dsn_split(a->text, "4.7.1", '4', dsn, &text);
	check_fit_dsn(dsn, a->reply_class);
	if (span_empty(text))
		text = SPAN("Service unavailable");
	return arena_printf(a->c->arena, "<%.*s>: %s rejected: %.*s",
	    SPAN_ARG(a->reply_name), a->reply_class, SPAN_ARG(text));
}

/* "hold: RCPT from PEER: <key>: Class triggers HOLD action; ..." */
static void
log_action(struct action *a, const char *kind, const char *what)
{
	struct str text = STR_EMPTY;

	str_printf(&text, "<%.*s>: %s ", SPAN_ARG(a->reply_name),
	    a->reply_class);
	str_adds(&text, what);
	log_event(a->c->s, kind, a->c->s->where, str_cstr(&text), a->c->rcpt);
	str_fini(&text);
}

/* An action on the message wants one, and wants it before its content. */
static bool
message_is_at_hand(struct action *a, enum check_result *result_out)
{
	struct check *c = a->c;

	if (c->s->doing == SMTP_VRFY) {
		*result_out = CHECK_DUNNO;
		return false;
	}
	if (c->s->tx != NULL && c->stage != STAGE_END_OF_DATA)
		return true;
	*result_out = check_misconfigured(c, arena_printf(c->arena,
	    "access table %s: action \"%.*s\" is not possible %s", a->table,
	    SPAN_ARG(a->word), c->s->tx == NULL
	    ? "before MAIL: set smtpd_delay_reject = yes"
	    : "after the content"));
	return false;
}

static enum check_result
wants_argument(struct action *a, const char *what)
{
	return check_misconfigured(a->c, arena_printf(a->c->arena,
	    "access table %s: action \"%.*s\" wants %s, found \"%.*s\"",
	    a->table, SPAN_ARG(a->word), what, SPAN_ARG(a->text)));
}

static const char *
or_text(struct action *a, const char *dflt)
{
	return span_empty(a->text) ? dflt
	    : arena_cstr(a->c->arena, a->text);
}

static struct text *
new_text(struct action *a)
{
	struct arena *arena = a->c->s->tx->arena;
	struct text *item = arena_zalloc(arena, sizeof(*item));

	item->text = arena_span(arena, a->text);
	return item;
}

static enum check_result
act_hold(struct action *a)
{
	log_action(a, "hold", or_text(a, "triggers HOLD action"));
	a->c->s->tx->hold = true;
	return CHECK_DUNNO;
}

static enum check_result
act_discard(struct action *a)
{
	log_action(a, "discard", or_text(a, "triggers DISCARD action"));
	a->c->s->tx->discard = true;
	return CHECK_PERMIT;
}

static enum check_result
act_filter(struct action *a)
{
	struct transaction *t = a->c->s->tx;

	if (span_find(a->text, ':') <= 0)
		return wants_argument(a, "transport:destination");
	log_action(a, "filter", arena_printf(t->arena, "triggers FILTER %.*s",
	    SPAN_ARG(a->text)));
	t->envelope.filter = arena_span(t->arena, a->text);
	return CHECK_DUNNO;
}

static enum check_result
act_redirect(struct action *a)
{
	struct transaction *t = a->c->s->tx;

	if (!address_split(a->text).has_domain)
		return wants_argument(a, "user@domain");
	log_action(a, "redirect", arena_printf(t->arena,
	    "triggers REDIRECT %.*s", SPAN_ARG(a->text)));
	t->redirect = arena_span(t->arena, a->text);
	return CHECK_DUNNO;
}

static enum check_result
act_bcc(struct action *a)
{
	struct transaction *t = a->c->s->tx;

	if (!address_split(a->text).has_domain)
		return wants_argument(a, "user@domain");
	log_action(a, "bcc", arena_printf(t->arena, "triggers BCC %.*s",
	    SPAN_ARG(a->text)));
	for (struct text *b = t->bcc; b != NULL; b = b->next)
		if (address_eq(b->text, a->text))
			return CHECK_DUNNO;
	struct text *item = new_text(a);

	item->next = t->bcc;
	t->bcc = item;
	return CHECK_DUNNO;
}

static enum check_result
act_prepend(struct action *a)
{
	struct transaction *t = a->c->s->tx;
	ssize_t colon = span_find(a->text, ':');

	for (ssize_t i = 0; i < colon; i++)
		if (!ascii_is_print(a->text.p[i]) || a->text.p[i] == ' ')
			colon = -1;
	if (colon <= 0)
		return wants_argument(a, "headername: value");
	if (t->prepend_end == NULL)
		t->prepend_end = &t->prepend;
	*t->prepend_end = new_text(a);
	t->prepend_end = &(*t->prepend_end)->next;
	return CHECK_DUNNO;
}

static enum check_result
act_reject(struct action *a)
{
	return refuse(a, (int)smtpd_conf.access_map_reject_code,
	    "Access denied");
}

static enum check_result
act_defer(struct action *a)
{
	return refuse(a, (int)smtpd_conf.access_map_defer_code,
	    "Access denied");
}

static enum check_result
act_defer_if_permit(struct action *a)
{
	char dsn[12];
	const char *text = later_text(a, dsn);

	return check_defer_if_permit(a->c,
	    (int)smtpd_conf.access_map_defer_code, dsn, text);
}

static enum check_result
act_defer_if_reject(struct action *a)
{
	char dsn[12];
	const char *text = later_text(a, dsn);

	return check_defer_if_reject(a->c,
	    (int)smtpd_conf.access_map_defer_code, dsn, text);
}

/* Not a word to the client. */
static enum check_result
act_hangup(struct action *a)
{
	log_action(a, "hangup", or_text(a, "triggers HANGUP action"));
	a->c->s->hung_up = a->c->s->leaving = true;
	trouble_note(a->c->s, TROUBLE_POLICY);
	return CHECK_REJECT;
}

static enum check_result
act_ok(struct action *a)
{
	return CHECK_PERMIT;
}

static enum check_result
act_dunno(struct action *a)
{
	return CHECK_DUNNO;
}

static enum check_result
act_warn(struct action *a)
{
	log_action(a, "warn", or_text(a, ""));
	return CHECK_DUNNO;
}

static enum check_result
act_info(struct action *a)
{
	log_action(a, "info", or_text(a, ""));
	return CHECK_DUNNO;
}

/* What cleanup would do: a filter cannot be told. */
static enum check_result
not_for_filter(struct action *a)
{
	return check_misconfigured(a->c, arena_printf(a->c->arena,
	    "access table %s: with smtpd_proxy_filter specified, action %.*s "
	    "is unavailable", a->table, SPAN_ARG(a->word)));
}

static const struct {
	const char *word;
	bool on_message;
	enum check_result (*run)(struct action *a);
} actions[] = {
	{ "OK", false, act_ok },
	{ "RELAY", false, act_ok },
	{ "DUNNO", false, act_dunno },
	{ "REJECT", false, act_reject },
	{ "DEFER", false, act_defer },
	{ "DEFER_IF_PERMIT", false, act_defer_if_permit },
	{ "DEFER_IF_REJECT", false, act_defer_if_reject },
	{ "HANGUP", false, act_hangup },
	{ "WARN", false, act_warn },
	{ "INFO", false, act_info },
	{ "HOLD", true, act_hold },
	{ "DISCARD", true, act_discard },
	{ "FILTER", true, act_filter },
	{ "REDIRECT", true, act_redirect },
	{ "BCC", true, act_bcc },
	{ "PREPEND", true, act_prepend },
};

static bool
all_digits(struct span word)
{
	for (size_t i = 0; i < word.len; i++)
		if (!ascii_is_digit(word.p[i]))
			return false;
	return word.len > 0;
}

enum check_result
access_action(struct check *c, struct span value, const char *table,
    const char *reply_class, struct span reply_name)
{
	struct action a = { .c = c, .table = table,
		.reply_class = reply_class, .reply_name = reply_name };
	enum check_result result = CHECK_DUNNO;
	size_t n = 0;

	value = span_trim(value);
	while (n < value.len && !ascii_is_space(value.p[n]))
		n++;
	a.word = span_sub(value, 0, n);
	a.text = span_ltrim(span_skip(value, n));
	if (all_digits(a.word)) {
		uint32_t code;

		if (a.word.len == 3 && scan_u32(a.word, &code)
		    && (code / 100 == 4 || code / 100 == 5))
			return refuse(&a, (int)code, "Access denied");
		if (span_empty(a.text))
			return CHECK_PERMIT;
	}
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (!span_is_nocase(a.word, actions[i].word))
			continue;
		if (actions[i].on_message
		    && !message_is_at_hand(&a, &result))
			return result;
		if (actions[i].on_message && proxy_is_wanted()
		    && actions[i].run != act_prepend)
			return not_for_filter(&a);
		return actions[i].run(&a);
	}
	if (span_empty(value))
		return check_misconfigured(c, arena_printf(c->arena,
		    "access table %s: a value is empty", table));
	return check_run_words(c, value, table);
}

/* ---- keys ---- */

static bool
parents_match(void)
{
	return tables_parent_style("smtpd_access_maps") != 0;
}

static enum check_result
answer(struct check *c, const struct restriction *r, enum map_status status,
    const struct str *value, const char *reply_class, struct span reply_name)
{
	switch (status) {
	case MAP_FOUND:
		return access_action(c, str_span(value), r->table,
		    reply_class, reply_name);
	case MAP_ABSENT:
		return CHECK_DUNNO;
	case MAP_FAILED:
		break;
	}
	c->trouble = TROUBLE_DATA;
	return check_refuse(c, 451, "4.3.5", "Server configuration error");
}

enum check_result
access_by_address(struct check *c, const struct restriction *r,
    struct span address, const char *reply_class, struct span reply_name)
{
	struct addrfind how = { .tries = ADDRFIND_ACCESS,
		.delimiters = conf_core.recipient_delimiter,
		.parent_style_domain = parents_match(), .order_access = true };
	struct str *value = str_in_arena(c->arena);
	enum map_status status;

	if (span_empty(address))
		status = maps_lookup(r->maps,
		    SPAN(smtpd_conf.null_access_lookup_key), 0, value, NULL);
	else
		status = addrfind(r->maps, &how, address, value, NULL);
	return answer(c, r, status, value, reply_class, reply_name);
}

static enum map_status
find_domain(struct maps *maps, struct span name, struct str *value)
{
	enum map_status status = maps_lookup(maps, name, 0, value, NULL);
	bool plain = parents_match();
	ssize_t dot;

	while (status == MAP_ABSENT
	    && (dot = span_find(span_skip(name, 1), '.')) >= 0) {
		name = span_skip(name, (size_t)dot + 1);	/* ".parent" */
		status = maps_lookup(maps, plain ? span_skip(name, 1) : name,
		    MAP_PATTERN, value, NULL);
	}
	return status;
}

/* The address, then its leading octets, or groups of a v6 address. */
static enum map_status
find_network(struct maps *maps, const char *ip, struct str *value)
{
	char separator = strchr(ip, ':') != NULL ? ':' : '.';
	struct span key = SPAN(ip);
	enum map_status status = maps_lookup(maps, key, 0, value, NULL);
	ssize_t at;

	while (status == MAP_ABSENT
	    && (at = span_rfind(key, separator)) > 0) {
		key = span_sub(key, 0, (size_t)at);
		status = maps_lookup(maps, key, MAP_PATTERN, value, NULL);
	}
	return status;
}

enum check_result
access_by_name(struct check *c, const struct restriction *r,
    struct span name, const char *ip, const char *reply_class,
    struct span reply_name)
{
	struct str *value = str_in_arena(c->arena);
	enum map_status status = find_domain(r->maps, name, value);

	if (status == MAP_ABSENT && ip != NULL)
		status = find_network(r->maps, ip, value);
	return answer(c, r, status, value, reply_class, reply_name);
}
