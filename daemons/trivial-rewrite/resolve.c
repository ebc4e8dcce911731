/*
 * resolve - see the header; the order of decisions is that of the address
 * classes: local, virtual alias, virtual mailbox, relay, default; then the
 * transport table; then relocated users.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/trivial-rewrite/resolve.h"

#include "common/base/hash.h"
#include "common/base/ipaddr.h"
#include "common/base/log.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/hostname.h"
#include "daemons/shared/tables.h"
#include "daemons/trivial-rewrite/rewrite.h"
#include "daemons/trivial-rewrite/trivial_rewrite_conf.h"
#include "maps/addrfind.h"
#include "maps/maps.h"
#include "maps/matchlist.h"

#define LOOKED_AT_MOST 1000

static struct hash *looked_at;		/* domains, for two lists that have them */
static struct matchlist *mydestination, *own_addresses, *alias_domains;
static struct matchlist *mailbox_domains, *relay_domains;
static struct maps *relocated_maps;

/* The routes of mail, and those of probes: which ways to other hosts may, but
 * which classes of addresses do not, depend on that. */
static struct routes {
	const struct routing *conf;
	struct maps *transports, *sender_relayhosts, *sender_transports;
} mail_routes, probe_routes;

static void
open_routes(struct routes *r, const struct routing *conf,
    const char *const titles[3])
{
	/* Who writes an address must not choose its transport: no $1 here. */
	const unsigned flags = MAP_FOLD | MAP_NO_REGSUB;

	r->conf = conf;
	r->transports = tables_open(titles[0], conf->transport_maps, flags);
	r->sender_relayhosts = tables_open(titles[1],
	    conf->sender_dependent_relayhost_maps, flags);
	r->sender_transports = tables_open(titles[2],
	    conf->sender_dependent_default_transport_maps, flags);
}

static void
close_routes(struct routes *r)
{
	maps_close(r->transports);
	maps_close(r->sender_relayhosts);
	maps_close(r->sender_transports);
}

void
resolve_setup(void)
{
	static const char *const of_mail[] = { "transport_maps",
		"sender_dependent_relayhost_maps",
		"sender_dependent_default_transport_maps" };
	static const char *const of_probes[] = {
		"address_verify_transport_maps",
		"address_verify_sender_dependent_relayhost_maps",
		"address_verify_sender_dependent_default_transport_maps" };
	struct str addresses = STR_EMPTY;

	/* Only of relay_domains are subdomains meant. */
	mydestination = tables_open_list("mydestination", conf_core.mydestination,
	    MATCHLIST_STRINGS);
	str_addf(&addresses, "%s %s", conf_own_addresses(),
	    conf_core.proxy_interfaces);
	own_addresses = tables_open_list("inet_interfaces", str_cstr(&addresses),
	    MATCHLIST_ADDRESSES);
	str_fini(&addresses);
	alias_domains = tables_open_list("virtual_alias_domains",
	    rewrite_conf.virtual_alias_domains, MATCHLIST_STRINGS);
	mailbox_domains = tables_open_list("virtual_mailbox_domains",
	    rewrite_conf.virtual_mailbox_domains, MATCHLIST_STRINGS);
	relay_domains = tables_open_list("relay_domains", conf_core.relay_domains,
	    MATCHLIST_DOMAINS | tables_parent_style("relay_domains"));
	relocated_maps = tables_open("relocated_maps",
	    rewrite_conf.relocated_maps, MAP_FOLD);
	open_routes(&mail_routes, &rewrite_conf.mail, of_mail);
	open_routes(&probe_routes, &rewrite_conf.probes, of_probes);
}

void
resolve_close(void)
{
	matchlist_close(mydestination);
	matchlist_close(own_addresses);
	matchlist_close(alias_domains);
	matchlist_close(mailbox_domains);
	matchlist_close(relay_domains);
	maps_close(relocated_maps);
	close_routes(&mail_routes);
	close_routes(&probe_routes);
	hash_free(&looked_at);
}

/* mydestination, or [ip] of one of our interfaces. */
static enum map_status
is_local_domain(struct span domain)
{
	struct ipaddr ip;
	enum map_status status = matchlist_name(mydestination, domain);

	if (status == MAP_ABSENT && hostname_literal_address(domain, &ip))
		return matchlist_client(own_addresses, SPAN_NONE, &ip);
	return status;
}

static bool
is_local_for_addrfind(struct span domain)
{
	return span_eq_nocase(domain, SPAN(conf_core.myorigin))
	    || is_local_domain(domain) == MAP_FOUND;
}

static void
fail(struct rewrite_answer *a)
{
	a->flags |= RESOLVE_FAIL;
}

static void
bad_address(struct rewrite_answer *a)
{
	a->transport = SPAN(conf_core.error_service_name);
	a->nexthop = SPAN("5.1.3 bad address syntax");
	a->flags |= RESOLVE_ERROR;
}

/* "transport:nexthop" onto what is there; an empty part keeps the old. */
static void
apply_route(struct rewrite_answer *a, struct span route, struct span domain,
    struct arena *arena)
{
	ssize_t colon = span_find(route, ':');
	struct span transport = colon < 0 ? route
	    : span_sub(route, 0, (size_t)colon);
	struct span nexthop = colon < 0 ? SPAN_NONE
	    : span_trim(span_skip(route, (size_t)colon + 1));

	if (!span_empty(transport)) {
		a->transport = arena_span(arena, transport);
		a->nexthop = domain;
	}
	if (!span_empty(nexthop))
		a->nexthop = arena_span(arena, nexthop);
}

/* True when a relay host was named for this sender or for all. */
static bool
find_relayhost(const struct routes *r, struct span sender, struct str *host,
    struct rewrite_answer *a)
{
	static const struct addrfind by_sender = { .tries = ADDRFIND_FULL
	    | ADDRFIND_NOEXT | ADDRFIND_AT_DOMAIN };
	struct addrfind how = by_sender;

	how.delimiters = conf_core.recipient_delimiter;
	if (span_empty(sender))
		sender = SPAN(rewrite_conf.null_sender_relayhost_key);
	if (!maps_empty(r->sender_relayhosts)) {
		switch (addrfind(r->sender_relayhosts, &how, sender, host,
		    NULL)) {
		case MAP_FOUND:
			if (span_is_nocase(str_span(host), "DUNNO"))
				break;
			return str_len(host) > 0;
		case MAP_FAILED:
			fail(a);
			return false;
		case MAP_ABSENT:
			break;
		}
	}
	str_sets(host, r->conf->relayhost);
	return str_len(host) > 0;
}

static void
route_by_class(const struct routes *r, struct rewrite_answer *a,
    const char *transport, struct span domain, struct span sender, bool may_use_relayhost,
    struct arena *arena)
{
	struct span route = SPAN(transport);
	ssize_t colon = span_find(route, ':');
	bool has_nexthop = colon >= 0 && (size_t)colon + 1 < route.len;

	a->nexthop = domain;
	apply_route(a, route, domain, arena);
	if (may_use_relayhost && !has_nexthop) {
		struct str *host = str_in_arena(arena);

		if (find_relayhost(r, sender, host, a))
			a->nexthop = str_span(host);
	}
}

static void
route_default(const struct routes *r, struct rewrite_answer *a,
    struct span domain, struct span sender, struct arena *arena)
{
	struct addrfind how = { .tries = ADDRFIND_FULL | ADDRFIND_NOEXT
	    | ADDRFIND_AT_DOMAIN, .delimiters = conf_core.recipient_delimiter };
	struct str *route = str_in_arena(arena);

	a->flags |= RESOLVE_DEFAULT;
	str_sets(route, r->conf->default_transport);
	if (!maps_empty(r->sender_transports)) {
		struct str *found = str_in_arena(arena);
		struct span key = !span_empty(sender) ? sender
		    : SPAN(rewrite_conf.null_sender_transport_key);

		switch (addrfind(r->sender_transports, &how, key, found,
		    NULL)) {
		case MAP_FOUND:
			if (span_is_nocase(str_span(found), "DUNNO"))
				break;
			if (str_cstr(found)[0] == ':')	/* only a host */
				str_truncate(route, strcspn(str_cstr(route),
				    ":"));
			else
				str_clear(route);
			str_add(route, str_span(found));
			break;
		case MAP_FAILED:
			fail(a);
			return;
		case MAP_ABSENT:
			break;
		}
	}
	route_by_class(r, a, str_cstr(route), domain, sender, true, arena);
}

static void
route_virtual_alias(struct rewrite_answer *a)
{
	a->flags |= RESOLVE_ALIAS;
	a->transport = SPAN(conf_core.error_service_name);
	a->nexthop = rewrite_conf.show_user_unknown_table_name
	    ? SPAN("5.1.1 User unknown in virtual alias table")
	    : SPAN("5.1.1 User unknown");
}

/* Asks one domain list; true when it decided (found or failed). */
static bool
is_in(struct matchlist *list, struct span domain, struct rewrite_answer *a,
    bool *found_out)
{
	enum map_status status = matchlist_name(list, domain);

	*found_out = status == MAP_FOUND;
	if (status == MAP_FAILED)
		fail(a);
	return status != MAP_ABSENT;
}

/* ---- domains in two lists ---- */

/* Asked once for each domain: the lists may be tables. */
static bool
is_looked_at(struct span domain)
{
	if (looked_at == NULL)
		looked_at = hash_new();
	if (hash_has(looked_at, domain) || hash_count(looked_at)
	    >= LOOKED_AT_MOST)
		return true;
	hash_put(looked_at, domain, looked_at);
	return false;
}

static void
say_if_in(struct span domain, const char *first, struct matchlist *list,
    const char *second)
{
	if (matchlist_name(list, domain) == MAP_FOUND)
		log_warn("do not list domain %.*s in BOTH %s and %s",
		    SPAN_ARG(domain), first, second);
}

/* One list wins; whoever wrote the other one wonders why. */
static void
say_other_lists(uint64_t flags, struct span domain)
{
	const char *first = flags & RESOLVE_LOCAL ? "mydestination"
	    : flags & RESOLVE_ALIAS ? "virtual_alias_domains"
	    : "virtual_mailbox_domains";

	if (!(flags & (RESOLVE_LOCAL | RESOLVE_ALIAS | RESOLVE_VIRTUAL))
	    || (flags & RESOLVE_FAIL) || is_looked_at(domain))
		return;
	if (flags & RESOLVE_LOCAL)
		say_if_in(domain, first, alias_domains,
		    "virtual_alias_domains");
	if (!(flags & RESOLVE_VIRTUAL))
		say_if_in(domain, first, mailbox_domains,
		    "virtual_mailbox_domains");
	else
		say_if_in(domain, first, relay_domains, "relay_domains");
}

/* ---- routes ---- */

static void
choose_by_class(const struct routes *r, struct rewrite_answer *a,
    struct span domain, struct span sender, struct arena *arena)
{
	bool found;

	if (is_in(alias_domains, domain, a, &found)) {
		if (found)
			route_virtual_alias(a);
	} else if (is_in(mailbox_domains, domain, a, &found)) {
		if (found) {
			a->flags |= RESOLVE_VIRTUAL;
			route_by_class(r, a, r->conf->virtual_transport,
			    domain, sender, false, arena);
		}
	} else if (is_in(relay_domains, domain, a, &found)) {
		if (found) {
			a->flags |= RESOLVE_RELAY;
			route_by_class(r, a, r->conf->relay_transport, domain,
			    sender, true, arena);
		}
	} else {
		route_default(r, a, domain, sender, arena);
	}
}

/* What "error:" and "retry:" of a table say; others go to the domain. */
static struct span
usual_nexthop(struct span route, struct span domain)
{
	ssize_t colon = span_find(route, ':');
	struct span transport = colon < 0 ? route
	    : span_sub(route, 0, (size_t)colon);

	if (span_is(transport, conf_core.error_service_name)
	    || span_is(transport, "retry"))
		return SPAN("Address is undeliverable");
	return domain;
}

static void
apply_transport_table(const struct routes *r, struct rewrite_answer *a,
    struct span domain, struct arena *arena)
{
	struct addrfind how = { .tries = ADDRFIND_FULL | ADDRFIND_NOEXT
	    | ADDRFIND_DOMAIN | ADDRFIND_PARENT,
		.delimiters = conf_core.recipient_delimiter,
		.parent_style_domain = tables_parent_style("transport_maps") != 0 };
	struct str *route = str_in_arena(arena);
	enum map_status status;

	if (maps_empty(r->transports))
		return;
	status = addrfind(r->transports, &how, a->recipient, route, NULL);
	if (status == MAP_ABSENT)
		status = maps_lookup(r->transports, SPAN("*"), 0, route,
		    NULL);
	switch (status) {
	case MAP_FOUND:
		apply_route(a, str_span(route),
		    usual_nexthop(str_span(route), domain), arena);
		return;
	case MAP_FAILED:
		fail(a);
		return;
	case MAP_ABSENT:
		return;
	}
}

static void
apply_relocated(struct rewrite_answer *a, struct arena *arena)
{
	struct addrfind how = { .tries = ADDRFIND_FULL | ADDRFIND_NOEXT
	    | ADDRFIND_LOCAL | ADDRFIND_AT_DOMAIN,
		.delimiters = conf_core.recipient_delimiter,
		.is_local_domain = is_local_for_addrfind };
	struct str *to = str_in_arena(arena);

	if (maps_empty(relocated_maps))
		return;
	switch (addrfind(relocated_maps, &how, a->recipient, to, NULL)) {
	case MAP_FOUND:
		a->transport = SPAN(conf_core.error_service_name);
		a->nexthop = SPAN(arena_printf(arena,
		    "%s%s", rewrite_conf.relocated_prefix_enable
		    ? "5.1.6 User has moved to " : "", str_cstr(to)));
		return;
	case MAP_FAILED:
		fail(a);
		return;
	case MAP_ABSENT:
		return;
	}
}

/* Notices that could not be delivered end here, on a machine without mailboxes,
 * too. */
static void
absorb_double_bounce(struct rewrite_answer *a, struct span local)
{
	if (!(a->flags & RESOLVE_LOCAL) || !span_is_nocase(local,
	    conf_core.double_bounce_sender))
		return;
	a->transport = SPAN("discard");
	a->nexthop = SPAN("undeliverable postmaster notification discarded");
}

static bool
wants_quotes(struct span local, struct arena *arena)
{
	struct str *quoted = str_in_arena(arena);

	if (span_has(local, '@'))
		return true;
	address_quote(quoted, local);
	return str_len(quoted) > 0 && quoted->buf[0] == '"';
}

/* Does a local part say where else to go, in a way we follow? */
static bool
routes_on(struct span local, struct arena *arena)
{
	if (!rewrite_conf.resolve_dequoted_address
	    && wants_quotes(local, arena))
		return false;
	return span_has(local, '@')
	    || (rewrite_conf.swap_bangpath && span_has(local, '!'))
	    || (rewrite_conf.allow_percent_hack && span_has(local, '%'));
}

/*
 * Behind a local domain more routing counts: user%other@here is user@other.
 * Bounded by the length of the address: each step takes a domain away.
 */
static struct span
strip_local_routing(struct span address, enum map_status *local_out,
    struct arena *arena)
{
	struct address_parts parts = address_split(address);

	*local_out = is_local_domain(parts.domain);
	while (*local_out == MAP_FOUND && routes_on(parts.local, arena)) {
		struct str *next = str_in_arena(arena);

		rewrite_standard_form(next, parts.local, SPAN("local"));
		address = str_span(next);
		parts = address_split(address);
		*local_out = is_local_domain(parts.domain);
	}
	return address;
}

static bool
domain_is_usable(struct span domain)
{
	struct str why = STR_EMPTY;
	struct ipaddr ip;
	bool ok = hostname_literal_address(domain, &ip)
	    || hostname_valid(domain, &why);

	str_fini(&why);
	return ok;
}

/* user, user@, user@1.2.3.4 with a domain as the rest of us knows it. */
static struct span
complete(struct span address, struct arena *arena)
{
	struct address_parts parts = address_split(address);
	struct ipaddr ip;

	if (span_empty(address))
		return SPAN(arena_printf(arena, "%s@%s",
		    rewrite_conf.empty_address_recipient,
		    conf_core.myhostname));
	/* Who sends "postmaster" did not always ask for its standard form. */
	if (!parts.has_domain && rewrite_conf.append_at_myorigin)
		return SPAN(arena_printf(arena, "%.*s@%s", SPAN_ARG(address),
		    conf_core.myorigin));
	if (!parts.has_domain || (span_empty(parts.domain)
	    && rewrite_conf.resolve_null_domain))
		return SPAN(arena_printf(arena, "%.*s@%s",
		    SPAN_ARG(parts.local), conf_core.myhostname));
	if (rewrite_conf.resolve_numeric_domain
	    && ipaddr_scan(parts.domain, &ip))
		return SPAN(arena_printf(arena, "%.*s@[%s%.*s]",
		    SPAN_ARG(parts.local), ip.family == AF_INET ? "" : "IPv6:",
		    SPAN_ARG(parts.domain)));
	return address;
}

void
resolve_address(struct span address, struct span sender, bool probe,
    struct rewrite_answer *a, struct arena *arena)
{
	const struct routes *r = probe ? &probe_routes : &mail_routes;
	enum map_status local;

	address = strip_local_routing(complete(address, arena), &local, arena);

	struct address_parts parts = address_split(address);
	struct span domain = parts.domain;

	a->recipient = address;
	/* Also what we do not follow, and what was quoted: others might. */
	if (span_has(parts.local, '@') || span_has(parts.local, '!')
	    || span_has(parts.local, '%'))
		a->flags |= RESOLVE_ROUTED;
	if (local == MAP_FAILED) {
		fail(a);
		return;
	}
	if (span_empty(parts.local)
	    || (parts.local.p[0] == '-' && !rewrite_conf.allow_min_user)
	    || !domain_is_usable(domain)) {
		bad_address(a);
		return;
	}
	if (local == MAP_FOUND) {
		a->flags |= RESOLVE_LOCAL;
		route_by_class(r, a, r->conf->local_transport, domain, sender,
		    false, arena);
	} else {
		choose_by_class(r, a, domain, sender, arena);
	}
	say_other_lists(a->flags, domain);
	/* Whoever is not in virtual_alias_maps is nowhere else, either. */
	if (!(a->flags & (RESOLVE_FAIL | RESOLVE_ALIAS)))
		apply_transport_table(r, a, domain, arena);
	if (!(a->flags & RESOLVE_FAIL))
		apply_relocated(a, arena);
	if (!(a->flags & RESOLVE_FAIL))
		absorb_double_bounce(a, parts.local);
}
