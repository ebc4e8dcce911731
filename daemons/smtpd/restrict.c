/*
 * restrict - see the header.
 *
 * Lists are parsed and their tables opened before the jail. What cannot be run
 * (a name we do not know, a table that cannot be opened by its syntax) keeps
 * its place in the list: a client that comes that far gets 451 4.3.5, so that
 * no protection is ever passed by because of a misspelling.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/smtpd/restrict.h"

#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/mail/conf.h"
#include "common/mail/restriction_names.h"
#include "daemons/shared/tables.h"

static const struct restriction_type types[] = {
	{ "permit", TAKES_NOTHING, run_permit },
	{ "reject", TAKES_NOTHING, run_reject },
	{ "defer", TAKES_NOTHING, run_defer },
	{ "defer_if_permit", TAKES_NOTHING, run_defer_if_permit },
	{ "defer_if_reject", TAKES_NOTHING, run_defer_if_reject },
	{ "warn_if_reject", TAKES_NOTHING, run_warn_if_reject },
	{ "reject_unauth_pipelining", TAKES_NOTHING,
	    run_reject_unauth_pipelining },
	{ "permit_mynetworks", TAKES_NOTHING, run_permit_mynetworks },
	{ "permit_inet_interfaces", TAKES_NOTHING, run_permit_inet_interfaces },
	{ "permit_sasl_authenticated", TAKES_NOTHING, run_never },
	{ "permit_tls_clientcerts", TAKES_NOTHING, run_never },
	{ "permit_tls_all_clientcerts", TAKES_NOTHING, run_never },
	{ "reject_unknown_client_hostname", TAKES_NOTHING,
	    run_reject_unknown_client },
	{ "reject_unknown_client", TAKES_NOTHING, run_reject_unknown_client },
	{ "reject_unknown_reverse_client_hostname", TAKES_NOTHING,
	    run_reject_unknown_reverse_client },
	{ "check_client_access", TAKES_TABLE, run_check_client_access },
	{ "check_address_map", TAKES_TABLE, run_check_address_map },
	{ "check_reverse_client_hostname_access", TAKES_TABLE,
	    run_check_reverse_client_access },
	{ "reject_invalid_helo_hostname", TAKES_NOTHING,
	    run_reject_invalid_helo },
	{ "reject_invalid_hostname", TAKES_NOTHING, run_reject_invalid_helo },
	{ "reject_non_fqdn_helo_hostname", TAKES_NOTHING,
	    run_reject_non_fqdn_helo },
	{ "reject_non_fqdn_hostname", TAKES_NOTHING, run_reject_non_fqdn_helo },
	{ "check_helo_access", TAKES_TABLE, run_check_helo_access },
	{ "check_etrn_access", TAKES_TABLE, run_check_etrn_access },
	{ "reject_non_fqdn_sender", TAKES_NOTHING, run_reject_non_fqdn_sender },
	{ "reject_unlisted_sender", TAKES_NOTHING, run_reject_unlisted_sender },
	{ "reject_unverified_sender", TAKES_NOTHING,
	    run_reject_unverified_sender },
	{ "check_sender_access", TAKES_TABLE, run_check_sender_access },
	{ "reject_unauth_destination", TAKES_NOTHING,
	    run_reject_unauth_destination },
	{ "defer_unauth_destination", TAKES_NOTHING,
	    run_defer_unauth_destination },
	{ "permit_auth_destination", TAKES_NOTHING,
	    run_permit_auth_destination },
	{ "reject_non_fqdn_recipient", TAKES_NOTHING,
	    run_reject_non_fqdn_rcpt },
	{ "reject_unlisted_recipient", TAKES_NOTHING,
	    run_reject_unlisted_rcpt },
	{ "reject_unverified_recipient", TAKES_NOTHING,
	    run_reject_unverified_rcpt },
	{ "check_recipient_maps", TAKES_NOTHING, run_reject_unlisted_rcpt },
	{ "check_recipient_access", TAKES_TABLE, run_check_rcpt_access },
	{ "reject_multi_recipient_bounce", TAKES_NOTHING,
	    run_reject_multi_recipient_bounce },
	{ "sleep", TAKES_SECONDS, run_sleep },
};

static struct restriction_list lists[LIST_COUNT];
static struct hash *classes;		/* name -> struct restriction_list */
static bool relaying_guarded;
static struct matchlist *logged_permits;
static struct arena *setup_arena;

/* ---- parsing ---- */

static const struct restriction_type *
find_type(struct span word)
{
	for (size_t i = 0; i < ARRAY_COUNT(types); i++)
		if (span_is_nocase(word, types[i].name))
			return &types[i];
	return NULL;
}

static struct restriction *
add_item(struct restriction_list *list, struct span word)
{
	if (list->count == list->room) {
		list->room = list->room == 0 ? 8 : 2 * list->room;
		list->items = mem_regrow(list->items, list->room,
		    sizeof(*list->items));
	}
	struct restriction *r = &list->items[list->count++];

	*r = (struct restriction){ .word = arena_cstr(setup_arena, word) };
	return r;
}

/* A bare type:table means the access check of the list it stands in. */
static const char *
implied_check(const char *title)
{
	static const char *const pairs[][2] = {
		{ "smtpd_client_restrictions", "check_client_access" },
		{ "smtpd_helo_restrictions", "check_helo_access" },
		{ "smtpd_sender_restrictions", "check_sender_access" },
		{ "smtpd_relay_restrictions", "check_recipient_access" },
		{ "smtpd_recipient_restrictions", "check_recipient_access" },
		{ "smtpd_etrn_restrictions", "check_etrn_access" },
		{ "local_header_rewrite_clients", "check_address_map" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(pairs); i++)
		if (strcmp(title, pairs[i][0]) == 0)
			return pairs[i][1];
	return NULL;
}

static void
open_table(struct restriction *r, struct span spec)
{
	struct str why = STR_EMPTY;

	r->table = arena_cstr(setup_arena, spec);
	r->maps = maps_open(r->word, r->table, MAP_FOLD, &why);
	if (r->maps == NULL)
		r->trouble = arena_strdup(setup_arena, str_cstr(&why));
	str_fini(&why);
}

static void
read_seconds(struct restriction *r, struct span word)
{
	if (!scan_u32(word, &r->seconds))
		r->trouble = arena_printf(setup_arena, "restriction \"%s\": "
		    "found \"%.*s\", expected seconds", r->word,
		    SPAN_ARG(word));
}

/* A word we cannot run. What looks like its argument is no restriction. */
static void
note_trouble(struct restriction *r, const struct restriction_name *known,
    const struct strlist *words, size_t *at)
{
	const char *nearest = restriction_name_nearest(SPAN(r->word));

	if (known != NULL)
		r->trouble = arena_printf(setup_arena, "restriction \"%s\" is "
		    "not supported by this version", r->word);
	else
		r->trouble = arena_printf(setup_arena,
		    "unknown restriction \"%s\"%s%s%s", r->word,
		    nearest != NULL ? ", did you mean \"" : "",
		    nearest != NULL ? nearest : "",
		    nearest != NULL ? "\"?" : "");
	if (*at < words->count && ((known != NULL && known->takes_argument)
	    || span_has(SPAN(words->items[*at]), ':')))
		++*at;
}

static void
parse_item(struct restriction_list *list, const char *title,
    const struct strlist *words, size_t *at)
{
	struct span word = SPAN(words->items[*at]);
	const struct restriction_type *type = find_type(word);
	struct restriction *r = add_item(list, word);

	++*at;
	if (type == NULL && span_has(word, ':') && implied_check(title)) {
		r->type = find_type(SPAN(implied_check(title)));
		open_table(r, word);
		return;
	}
	r->type = type;
	if (type == NULL) {
		r->list = classes != NULL ? hash_get(classes, word) : NULL;
		if (r->list == NULL)
			note_trouble(r, restriction_name_find(word), words,
			    at);
		return;
	}
	if (type->takes == TAKES_NOTHING)
		return;
	if (*at >= words->count)
		r->trouble = arena_printf(setup_arena, "restriction \"%s\" "
		    "wants %s", r->word, type->takes == TAKES_TABLE
		    ? "a table" : "seconds");
	else if (type->takes == TAKES_TABLE)
		open_table(r, SPAN(words->items[(*at)++]));
	else
		read_seconds(r, SPAN(words->items[(*at)++]));
}

static void
parse_list(struct restriction_list *list, const char *title,
    const char *value)
{
	struct strlist words = STRLIST_EMPTY;
	struct str why = STR_EMPTY;

	if (!conf_list(value, &words, &why))
		fatal("parameter %s: %s", title, str_cstr(&why));
	for (size_t at = 0; at < words.count;)
		parse_item(list, title, &words, &at);
	strlist_fini(&words);
	str_fini(&why);
}

/* All names first: classes may name each other. */
static void
parse_classes(void)
{
	struct span words = SPAN(smtpd_conf.restriction_classes), word;
	struct hash_iter it = HASH_ITER_START;
	void *list;

	classes = hash_new();
	while (span_token(&words, STRLIST_CONF, &word))
		if (!hash_has(classes, word))
			hash_put(classes, word,
			    MEM_NEW(struct restriction_list));
	while (hash_next(classes, &it, &word, &list)) {
		struct str value = STR_EMPTY, why = STR_EMPTY;

		if (!conf_value(word.p, &value, &why))
			fatal("parameter %s: %s", word.p, str_cstr(&why));
		if (str_len(&value) == 0)
			log_warn("restriction class \"%s\" has no definition",
			    word.p);
		parse_list(list, word.p, str_cstr(&value));
		str_fini(&value);
		str_fini(&why);
	}
}

/* Somewhere a list must stop mail for the rest of the world. */
static bool
guards(const struct restriction_list *list, unsigned depth)
{
	static restriction_fn *const stops[] = { run_reject, run_defer,
		run_defer_if_permit, run_reject_unauth_destination,
		run_defer_unauth_destination };

	for (size_t i = 0; i < list->count; i++) {
		const struct restriction *r = &list->items[i];

		if (r->type != NULL && r->type->run == run_warn_if_reject) {
			i++;
			continue;
		}
		if (r->type != NULL && r->type->run == run_permit)
			return false;
		if (r->list != NULL && depth < RESTRICT_DEPTH_MOST
		    && guards(r->list, depth + 1))
			return true;
		for (size_t k = 0; r->type != NULL && k < ARRAY_COUNT(stops);
		    k++)
			if (r->type->run == stops[k])
				return true;
	}
	return false;
}

static const struct {
	enum restrict_list_id id;
	const char *title, *const *value;
} sources[] = {
	{ LIST_CLIENT, "smtpd_client_restrictions",
	    &smtpd_conf.client_restrictions },
	{ LIST_HELO, "smtpd_helo_restrictions",
	    &smtpd_conf.helo_restrictions },
	{ LIST_SENDER, "smtpd_sender_restrictions",
	    &smtpd_conf.sender_restrictions },
	{ LIST_RELAY, "smtpd_relay_restrictions",
	    &smtpd_conf.relay_restrictions },
	{ LIST_RCPT, "smtpd_recipient_restrictions",
	    &smtpd_conf.recipient_restrictions },
	{ LIST_DATA, "smtpd_data_restrictions",
	    &smtpd_conf.data_restrictions },
	{ LIST_END_OF_DATA, "smtpd_end_of_data_restrictions",
	    &smtpd_conf.end_of_data_restrictions },
	{ LIST_ETRN, "smtpd_etrn_restrictions",
	    &smtpd_conf.etrn_restrictions },
	{ LIST_REWRITE, "local_header_rewrite_clients",
	    &smtpd_conf.local_header_rewrite_clients },
};

void
restrict_setup(void)
{
	setup_arena = arena_new();
	parse_classes();
	for (size_t i = 0; i < ARRAY_COUNT(sources); i++)
		parse_list(&lists[sources[i].id], sources[i].title,
		    *sources[i].value);
	logged_permits = tables_open_list("smtpd_log_access_permit_actions",
	    smtpd_conf.log_access_permit_actions, MATCHLIST_STRINGS);
	unverified_setup();
	relaying_guarded = guards(&lists[LIST_RELAY], 0)
	    || guards(&lists[LIST_RCPT], 0);
}

static void
drop_list(struct restriction_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		maps_close(list->items[i].maps);
	mem_free(list->items);
	*list = (struct restriction_list){ NULL, 0, 0 };
}

void
restrict_close(void)
{
	struct hash_iter it = HASH_ITER_START;
	struct span name;
	void *list;

	for (size_t i = 0; i < LIST_COUNT; i++)
		drop_list(&lists[i]);
	while (classes != NULL && hash_next(classes, &it, &name, &list)) {
		drop_list(list);
		mem_free(list);
	}
	hash_free(&classes);
	matchlist_close(logged_permits);
	logged_permits = NULL;
	arena_free(&setup_arena);
}

static void
warn_of(const struct restriction_list *list, const char *title)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].trouble != NULL)
			log_warn("parameter %s: %s", title,
			    list->items[i].trouble);
}

void
restrict_warn(void)
{
	struct hash_iter it = HASH_ITER_START;
	struct span name;
	void *list;

	for (size_t i = 0; i < ARRAY_COUNT(sources); i++)
		warn_of(&lists[sources[i].id], sources[i].title);
	while (classes != NULL && hash_next(classes, &it, &name, &list))
		warn_of(list, name.p);
}

static bool
report_list(const struct restriction_list *list, const char *title, int depth)
{
	const struct conf_entry *entry = conf_find(title);
	bool good = true;

	for (size_t i = 0; i < list->count; i++) {
		const struct restriction *r = &list->items[i];

		if (r->trouble != NULL && entry != NULL && entry->line > 0)
			log_error("%s:%u: %s: %s", entry->origin, entry->line,
			    title, r->trouble);
		else if (r->trouble != NULL)
			log_error("%s: %s", title, r->trouble);
		if (r->trouble != NULL)
			good = false;
		else if (r->list != NULL && depth < RESTRICT_DEPTH_MOST &&
		    !report_list(r->list, r->word, depth + 1))
			good = false;
	}
	return good;
}

bool
restrict_report(void)
{
	bool good = true;

	for (size_t i = 0; i < ARRAY_COUNT(sources); i++)
		if (!report_list(&lists[sources[i].id], sources[i].title, 0))
			good = false;
	if (!relaying_guarded) {
		log_error("smtpd_relay_restrictions or "
		    "smtpd_recipient_restrictions: found nothing that stops "
		    "relaying, expected reject_unauth_destination or the like");
		good = false;
	}
	return good;
}

const struct restriction_list *
restrict_list(enum restrict_list_id id)
{
	return &lists[id];
}

bool
restrict_logs_permit(struct span name)
{
	return matchlist_name(logged_permits, name) == MAP_FOUND;
}

bool
restrict_guards_relaying(void)
{
	return relaying_guarded;
}

const struct restriction_type *
restrict_find_type(struct span word)
{
	return find_type(word);
}

const struct restriction_list *
restrict_find_class(struct span word)
{
	return classes != NULL ? hash_get(classes, word) : NULL;
}

const struct restriction_type *
restrict_nth_type(size_t index)
{
	return index < ARRAY_COUNT(types) ? &types[index] : NULL;
}
