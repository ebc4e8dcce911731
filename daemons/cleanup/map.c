/*
 * map - addresses of the envelope and of headers through canonical and virtual
 * alias tables, with limits on recursion and growth.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/names.h"
#include "common/base/strlist.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/token822.h"
#include "common/service/service.h"
#include "daemons/cleanup/cleanup_priv.h"
#include "daemons/shared/propagate.h"
#include "daemons/shared/rewrite_client.h"
#include "daemons/shared/tables.h"
#include "maps/addrfind.h"
#include "maps/matchlist.h"

enum map_class {
	CLASS_ENVELOPE_SENDER = 1, CLASS_ENVELOPE_RCPT = 2,
	CLASS_HEADER_SENDER = 4, CLASS_HEADER_RCPT = 8,
};

static const struct name_value class_words[] = {
	{ "envelope_sender", CLASS_ENVELOPE_SENDER },
	{ "envelope_recipient", CLASS_ENVELOPE_RCPT },
	{ "header_sender", CLASS_HEADER_SENDER },
	{ "header_recipient", CLASS_HEADER_RCPT },
	{ NULL, 0 },
};
#define CANONICAL_DEPTH 10		/* tables that lead from one to the next */

static struct maps *canonical, *sender_canonical, *rcpt_canonical;
static struct maps *sender_bcc, *rcpt_bcc;
/* Where a message came from, for smtputf8_autodetect_classes; beside CLEANUP_OF_... */
enum { UTF8_SENDMAIL = 1, UTF8_SMTPD = 2 };

static const struct name_value utf8_words[] = {
	{ "none", 0 }, { "sendmail", UTF8_SENDMAIL }, { "smtpd", UTF8_SMTPD },
	{ "qmqpd", 0 }, { "forward", CLEANUP_OF_FORWARD },
	{ "bounce", CLEANUP_OF_BOUNCE }, { "notify", CLEANUP_OF_NOTIFY },
	{ "verify", CLEANUP_OF_VERIFY },
	{ "all", UTF8_SENDMAIL | UTF8_SMTPD | CLEANUP_OF_OUR_OWN },
	{ NULL, 0 },
};

static struct maps *virtual_alias;
static struct matchlist *local_domains;
static unsigned canonical_classes, sender_classes, rcpt_classes, propagate;
static unsigned masquerade_classes;
static unsigned utf8_classes;

static unsigned
words(const struct name_value *table, const char *name, const char *value)
{
	struct str why = STR_EMPTY;
	unsigned mask;

	if (!names_mask(table, SPAN(value), &mask, &why))
		fatal("%s: %s", name, str_cstr(&why));
	str_fini(&why);
	return mask;
}

void
map_setup(void)
{
	canonical = tables_open("canonical_maps",
	    cleanup_conf.canonical_maps, MAP_FOLD);
	sender_canonical = tables_open("sender_canonical_maps",
	    cleanup_conf.sender_canonical_maps, MAP_FOLD);
	rcpt_canonical = tables_open("recipient_canonical_maps",
	    cleanup_conf.recipient_canonical_maps, MAP_FOLD);
	virtual_alias = tables_open("virtual_alias_maps",
	    cleanup_conf.virtual_alias_maps, MAP_FOLD);
	sender_bcc = tables_open("sender_bcc_maps",
	    cleanup_conf.sender_bcc_maps, MAP_FOLD);
	rcpt_bcc = tables_open("recipient_bcc_maps",
	    cleanup_conf.recipient_bcc_maps, MAP_FOLD);
	masquerade_classes = words(class_words, "masquerade_classes",
	    cleanup_conf.masquerade_classes);
	canonical_classes = words(class_words, "canonical_classes",
	    cleanup_conf.canonical_classes);
	sender_classes = words(class_words, "sender_canonical_classes",
	    cleanup_conf.sender_canonical_classes);
	rcpt_classes = words(class_words, "recipient_canonical_classes",
	    cleanup_conf.recipient_canonical_classes);
	utf8_classes = words(utf8_words, "smtputf8_autodetect_classes",
	    cleanup_conf.smtputf8_autodetect_classes);
	propagate = propagate_read(
	    cleanup_conf.propagate_unmatched_extensions);
	local_domains = tables_open_list("mydestination",
	    conf_core.mydestination, MATCHLIST_STRINGS);
}

void
map_close_all(void)
{
	maps_close(canonical);
	maps_close(sender_canonical);
	maps_close(rcpt_canonical);
	maps_close(virtual_alias);
	maps_close(sender_bcc);
	maps_close(rcpt_bcc);
	matchlist_close(local_domains);
}

static bool
is_local_domain(struct span domain)
{
	return span_eq_nocase(domain, SPAN(conf_core.myorigin))
	    || matchlist_name(local_domains, domain) == MAP_FOUND;
}

static enum map_status
find(struct maps *maps, struct span address, struct str *value,
    struct str *extension)
{
	struct addrfind how = { .tries = ADDRFIND_FULL | ADDRFIND_NOEXT
	    | ADDRFIND_LOCAL | ADDRFIND_AT_DOMAIN,
		.delimiters = conf_core.recipient_delimiter,
		.is_local_domain = is_local_domain };

	return addrfind(maps, &how, address, value, extension);
}

/* Standard form of what a table said; an extension may be added. */
static void
standard_form(struct transaction *t, struct span address, struct str *out)
{
	struct rewrite_answer answer;

	if (!rewrite_address("local", REWRITE_STANDARD_FORM, SPAN_NONE,
	    address, &answer, t->scratch, service_ipc_deadline()))
		transaction_fail(t, CLEANUP_DEFER,
		    "4.3.0 address rewriting problem");
	str_set(out, answer.address);
}

static void
lookup_failed(struct transaction *t, struct maps *maps, struct span address)
{
	log_warn("%s map lookup problem for %.*s -- message not accepted, "
	    "try again later", maps_title(maps), SPAN_ARG(address));
	transaction_fail(t, CLEANUP_DEFER, "4.3.0 address lookup problem");
}

/* ---- canonical ---- */

/* One look-up in one table; true when it changed the address. */
static bool
canonical_step(struct transaction *t, struct maps *maps, struct str *address)
{
	struct str value = STR_EMPTY, extension = STR_EMPTY;
	struct str found = STR_EMPTY;
	bool changed = false;

	if (maps_empty(maps) || str_len(address) == 0)
		return false;
	switch (find(maps, str_span(address), &value, &extension)) {
	case MAP_FOUND:
		token822_first(str_span(&value), &found);
		if (str_len(&found) == 0) {
			lookup_failed(t, maps, str_span(address));
			break;
		}
		if (propagate_same_user(str_span(&found), str_span(address), &value)) {
			str_set(&found, str_span(&value));
			str_clear(&extension);
		}
		standard_form(t, str_span(&found), &found);
		if (propagate & PROPAGATE_CANONICAL)
			propagate_add(&found, str_span(&extension));
		changed = !address_eq(str_span(&found), str_span(address));
		str_set(address, str_span(&found));
		break;
	case MAP_FAILED:
		lookup_failed(t, maps, str_span(address));
		break;
	case MAP_ABSENT:
		break;
	}
	str_fini(&value);
	str_fini(&extension);
	str_fini(&found);
	return changed;
}

/* What a table made of an address is looked up in it again. */
static void
canonical_table(struct transaction *t, struct maps *maps, struct str *address)
{
	struct str given = STR_EMPTY;
	unsigned depth = 0;

	str_set(&given, str_span(address));
	while (t->status == CLEANUP_OK && canonical_step(t, maps, address)) {
		if (++depth <= CANONICAL_DEPTH)
			continue;
		log_warn("unreasonable %s map nesting for %s -- message not "
		    "accepted, try again later", maps_title(maps),
		    str_cstr(&given));
		transaction_fail(t, CLEANUP_DEFER,
		    "4.6.0 address mapping error");
	}
	str_fini(&given);
}

static void
canonical_map(struct transaction *t, unsigned class, struct str *address)
{
	if (!(t->flags & CLEANUP_MAP_OK))
		return;
	if ((class & (CLASS_ENVELOPE_SENDER | CLASS_HEADER_SENDER))
	    && (class & sender_classes))
		canonical_table(t, sender_canonical, address);
	if ((class & (CLASS_ENVELOPE_RCPT | CLASS_HEADER_RCPT))
	    && (class & rcpt_classes))
		canonical_table(t, rcpt_canonical, address);
	if (class & canonical_classes)
		canonical_table(t, canonical, address);
	if (class & masquerade_classes)
		masquerade(t, address);
}

/* A copy for whom a table names, if it names somebody for this address. */
static void
look_for_bcc(struct transaction *t, struct maps *maps, struct span address)
{
	struct str value = STR_EMPTY, extension = STR_EMPTY;

	if (!(t->flags & CLEANUP_BCC_OK) || maps_empty(maps)
	    || span_empty(address))
		return;
	switch (find(maps, address, &value, &extension)) {
	case MAP_FOUND:
		if (!span_empty(span_trim(str_span(&value))))
			transaction_bcc(t, span_trim(str_span(&value)));
		break;
	case MAP_ABSENT:
		break;
	case MAP_FAILED:
		lookup_failed(t, maps, address);
		break;
	}
	str_fini(&value);
	str_fini(&extension);
}

void
map_sender(struct transaction *t)
{
	struct str *sender = str_in_arena(t->arena);

	str_set(sender, t->envelope.sender);
	canonical_map(t, CLASS_ENVELOPE_SENDER, sender);
	if (str_len(sender) > ENVELOPE_ADDRESS_MOST)
		transaction_fail(t, CLEANUP_CONTENT,
		    "5.1.7 sender address too long");
	t->envelope.sender = str_span(sender);
	look_for_bcc(t, sender_bcc, t->envelope.sender);
}

bool
map_wants_headers(const struct transaction *t)
{
	return span_is(t->envelope.rewrite_context, "local") ||
	    cleanup_conf.remote_header_rewrite_domain[0] != '\0';
}

void
map_header_address(struct transaction *t, struct span address,
    unsigned header_kind, struct str *out)
{
	bool local = span_is(t->envelope.rewrite_context, "local");
	struct rewrite_answer answer;

	str_clear(out);
	if (!map_wants_headers(t) || address.len > ENVELOPE_ADDRESS_MOST)
		return;
	if (!rewrite_address(local ? "local" : "remote", REWRITE_STANDARD_FORM,
	    SPAN_NONE, address, &answer, t->scratch, service_ipc_deadline()))
		transaction_fail(t, CLEANUP_DEFER,
		    "4.3.0 address rewriting problem");
	str_set(out, answer.address);
	canonical_map(t, header_kind & HEADER_IS_RCPT ? CLASS_HEADER_RCPT
	    : CLASS_HEADER_SENDER, out);
}

/* ---- virtual aliases ---- */

/*
 * Depth first, so that members come out in the order they stand in; with a
 * list in place of recursion, for a loop of aliases goes a thousand deep.
 */
struct step {
	struct span address;
	int64_t depth;
	bool is_result;			/* names itself: not looked up again */
};

struct expansion {
	struct transaction *t;
	struct strlist results;
	struct strlist selves;		/* that stand for themselves, too */
	struct step *steps;		/* still to do, the next one last */
	size_t nsteps, room;
	bool failed;
};

static void
add_step(struct expansion *e, struct span address, int64_t depth,
    bool is_result)
{
	if (e->nsteps == e->room) {
		e->room = e->room == 0 ? 16 : 2 * e->room;
		e->steps = mem_regrow(e->steps, e->room, sizeof(*e->steps));
	}
	e->steps[e->nsteps++] = (struct step){
		.address = arena_span(e->t->arena, address), .depth = depth,
		.is_result = is_result };
}

static void
collect_address(const struct token822_address *found, void *arg)
{
	strlist_add(arg, found->internal);
}

static void
too_much(struct expansion *e, struct span address, const char *what)
{
	log_warn("unreasonable %s map %s for %.*s -- message not accepted, "
	    "try again later", maps_title(virtual_alias), what,
	    SPAN_ARG(address));
	transaction_fail(e->t, CLEANUP_DEFER,
	    "4.6.0 alias expansion error");
	e->failed = true;
}

static void
add_result(struct expansion *e, struct span address)
{
	if ((int64_t)e->results.count
	    >= cleanup_conf.virtual_alias_expansion_limit)
		too_much(e, address, "expansion size");
	else
		strlist_add(&e->results, address);
}

/* What a table says an address stands for becomes steps, the first one last. */
static void
add_members(struct expansion *e, const struct step *from, struct span value,
    const struct str *extension)
{
	struct strlist found = STRLIST_EMPTY;
	struct str next = STR_EMPTY, user = STR_EMPTY;

	token822_each_address(value, collect_address, &found);
	if (found.count == 0) {		/* mail for nobody would be lost */
		lookup_failed(e->t, virtual_alias, from->address);
		e->failed = true;
	}
	for (size_t i = found.count; i > 0 && !e->failed; i--) {
		bool same = i == 1 && propagate_same_user(
		    SPAN(found.items[0]), from->address, &user);

		standard_form(e->t, same ? str_span(&user)
		    : SPAN(found.items[i - 1]), &next);
		if (!same && (propagate & PROPAGATE_VIRTUAL))
			propagate_add(&next, str_span(extension));
		if ((int64_t)str_len(&next)
		    > cleanup_conf.virtual_alias_address_length_limit)
			too_much(e, from->address, "result length");
		else
			add_step(e, str_span(&next), from->depth + 1,
			    address_eq(str_span(&next), from->address));
		if (address_eq(str_span(&next), from->address))
			strlist_add(&e->selves, from->address);
	}
	str_fini(&next);
	str_fini(&user);
	strlist_fini(&found);
}

static void
take_step(struct expansion *e, const struct step *step)
{
	struct str value = STR_EMPTY, extension = STR_EMPTY;

	if (strlist_has_nocase(&e->selves, step->address)) {
		add_result(e, step->address);
		return;
	}
	if (step->depth > cleanup_conf.virtual_alias_recursion_limit) {
		too_much(e, step->address, "nesting");
		return;
	}
	switch (find(virtual_alias, step->address, &value, &extension)) {
	case MAP_FOUND:
		add_members(e, step, str_span(&value), &extension);
		break;
	case MAP_ABSENT:
		add_result(e, step->address);
		break;
	case MAP_FAILED:
		lookup_failed(e->t, virtual_alias, step->address);
		e->failed = true;
		break;
	}
	str_fini(&value);
	str_fini(&extension);
}

static void
expand(struct expansion *e, struct span address)
{
	add_step(e, address, 0, false);
	while (e->nsteps > 0 && !e->failed) {
		struct step step = e->steps[--e->nsteps];

		if (step.is_result)
			add_result(e, step.address);
		else
			take_step(e, &step);
	}
	mem_free(e->steps);
	strlist_fini(&e->selves);
}

/* ---- recipients ---- */

static bool
is_duplicate(struct transaction *t, struct span address, struct span original)
{
	struct str key = STR_EMPTY;
	bool known;

	if (cleanup_conf.duplicate_filter_limit > 0
	    && (int64_t)hash_count(t->seen)
	    >= cleanup_conf.duplicate_filter_limit)
		return false;
	str_set(&key, address);
	str_putc(&key, '\0');
	if (cleanup_conf.enable_original_recipient)
		str_add(&key, original);
	str_lower(&key);
	known = hash_has(t->seen, str_span(&key));
	if (!known)
		hash_put(t->seen, str_span(&key), t);
	str_fini(&key);
	return known;
}

static void
append_rcpt(struct transaction *t, const struct envelope_rcpt *from,
    struct span address, bool unchanged)
{
	struct envelope_rcpt *rcpt;

	if (address.len > ENVELOPE_ADDRESS_MOST
	    || from->original.len > ENVELOPE_ADDRESS_MOST) {
		transaction_fail(t, CLEANUP_CONTENT,
		    "5.1.3 recipient address too long");
		return;
	}
	if (t->nrcpts == t->room) {
		struct envelope_rcpt *wider;

		t->room = t->room == 0 ? 16 : 2 * t->room;
		wider = arena_array(t->arena, t->room, sizeof(*wider));
		if (t->nrcpts > 0)
			memcpy(wider, t->rcpts, t->nrcpts * sizeof(*wider));
		t->rcpts = wider;
	}
	rcpt = &t->rcpts[t->nrcpts++];
	*rcpt = *from;
	rcpt->address = arena_span(t->arena, address);
	if (!unchanged) {
		rcpt->generation = 0;
		rcpt->transport = rcpt->nexthop = rcpt->resolved = SPAN_NONE;
	}
}

static void
add_rcpt(struct transaction *t, const struct envelope_rcpt *from,
    struct span address, bool unchanged)
{
	if (!is_duplicate(t, address, from->original))
		append_rcpt(t, from, address, unchanged);
}

void
map_rcpt(struct transaction *t, const struct envelope_rcpt *rcpt)
{
	struct expansion e = { .t = t };
	struct str address = STR_EMPTY;
	struct envelope_rcpt from = *rcpt;

	if (span_empty(from.original))
		from.original = rcpt->address;
	str_set(&address, rcpt->address);
	canonical_map(t, CLASS_ENVELOPE_RCPT, &address);
	look_for_bcc(t, rcpt_bcc, str_span(&address));
	if (!(t->flags & CLEANUP_MAP_OK) || maps_empty(virtual_alias)) {
		add_rcpt(t, &from, str_span(&address),
		    span_eq(str_span(&address), rcpt->address));
		str_fini(&address);
		return;
	}
	expand(&e, str_span(&address));
	if (!e.failed && (e.results.count > 1
	    || !span_is(str_span(&address), e.results.items[0])))
		expanded_note(t, &from, str_span(&address));
	for (size_t i = 0; i < e.results.count && !e.failed; i++)
		add_rcpt(t, &from, SPAN(e.results.items[i]),
		    span_is(rcpt->address, e.results.items[i]));
	strlist_fini(&e.results);
	str_fini(&address);
}

void
map_redirect(struct transaction *t, struct span address,
    const struct envelope_rcpt *for_whom)
{
	struct str standard = STR_EMPTY;

	standard_form(t, address, &standard);
	append_rcpt(t, for_whom, str_span(&standard), false);
	str_fini(&standard);
}

void
map_bcc(struct transaction *t, struct span address)
{
	struct envelope_rcpt rcpt = { .notify = DSN_NOTIFY_NEVER };
	uint64_t flags = t->flags;
	struct str standard = STR_EMPTY;

	standard_form(t, address, &standard);
	rcpt.address = arena_span(t->arena, str_span(&standard));
	t->flags &= ~(uint64_t)CLEANUP_BCC_OK;	/* no copies of copies */
	map_rcpt(t, &rcpt);
	t->flags = flags;
	str_fini(&standard);
}

static bool
has_utf8(const struct transaction *t)
{
	if (t->has_utf8_header || !span_is_ascii(t->envelope.sender))
		return true;
	for (size_t i = 0; i < t->nrcpts; i++)
		if (!span_is_ascii(t->rcpts[i].address))
			return true;
	return false;
}

bool
map_wants_utf8(const struct transaction *t)
{
	uint64_t class = t->flags & CLEANUP_OF_OUR_OWN;

	if (!conf_core.smtputf8_enable)
		return false;
	if (class == 0)
		class = span_empty(t->envelope.client_address) ? UTF8_SENDMAIL
		    : UTF8_SMTPD;
	return (t->envelope.flags & ENVELOPE_SMTPUTF8_ASKED)
	    || ((class & utf8_classes) && has_utf8(t));
}

void
map_resolve(struct transaction *t)
{
	struct rewrite_want *wants;
	size_t *which, n = 0;

	wants = arena_array(t->arena, t->nrcpts + 1, sizeof(*wants));
	which = arena_array(t->arena, t->nrcpts + 1, sizeof(*which));
	for (size_t i = 0; i < t->nrcpts; i++) {
		if (!span_empty(t->rcpts[i].transport))
			continue;
		wants[n].address = t->rcpts[i].address;
		which[n++] = i;
	}
	if (n == 0 || !rewrite_addresses("local",
	    t->envelope.flags & ENVELOPE_PROBE
	    ? REWRITE_RESOLVE | REWRITE_FOR_PROBE : REWRITE_RESOLVE,
	    t->envelope.sender, wants, n, t->arena, service_ipc_deadline()))
		return;
	for (size_t i = 0; i < n; i++) {
		struct envelope_rcpt *rcpt = &t->rcpts[which[i]];

		rcpt->generation = wants[i].generation;
		rcpt->resolve_flags = wants[i].answer.flags;
		rcpt->transport = wants[i].answer.transport;
		rcpt->nexthop = wants[i].answer.nexthop;
		rcpt->resolved = wants[i].answer.recipient;
	}
}
