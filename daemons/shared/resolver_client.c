/*
 * resolver_client - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/resolver_client.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/mail/conf_core.h"
#include "common/mail/hostname.h"
#include "common/service/peer.h"

#define CLIENTS_KNOWN 1000		/* then all are forgotten */
#define CLIENT_KNOWN_MS 5000

static struct peer *
resolver_peer(void)
{
	static struct peer *peer;

	if (peer == NULL)
		peer = peer_named("private", conf_core.resolver_service_name,
		    RESOLVER_PROTOCOL, RESOLVER_VERSION);
	return peer;
}

void
resolver_lookup(struct span name, enum resolver_type type, unsigned flags,
    struct resolver_reply *reply_out, struct arena *arena,
    struct deadline deadline)
{
	struct resolver_request request = { .name = name, .type = type,
		.flags = flags };

	if (peer_call(resolver_peer(), true, &resolver_request_form, &request,
	    &resolver_reply_form, reply_out, arena, deadline) == IO_OK)
		return;
	*reply_out = (struct resolver_reply){
		.status = RESOLVER_TRY_AGAIN,
		.why = SPAN(arena_printf(arena, "resolver service: %s",
		    peer_why(resolver_peer()))),
	};
}

/* Adds the addresses of one reply; keeps the better of two failures. */
static void
collect(struct resolver_host *host, const struct resolver_reply *reply)
{
	if (reply->status != RESOLVER_FOUND) {
		bool temporary = reply->status == RESOLVER_TRY_AGAIN
		    || reply->status == RESOLVER_BOGUS
		    || reply->status == RESOLVER_UNSUPPORTED;

		if (host->count == 0 && (temporary
		    || host->status == RESOLVER_FOUND)) {
			host->status = (enum resolver_status)reply->status;
			host->why = reply->why;
		}
		return;
	}
	for (size_t i = 0; i < reply->records.count; i++) {
		const struct resolver_record *r =
		    ATTR_AT(reply->records, struct resolver_record, i);

		if ((r->type == RESOLVER_A || r->type == RESOLVER_AAAA)
		    && ipaddr_scan(r->address, &host->addresses[host->count]))
			host->count++;
	}
}

void
resolver_host_addresses(struct span host, unsigned flags,
    struct resolver_host *out, struct arena *arena, struct deadline deadline)
{
	struct span protocols = SPAN(conf_core.inet_protocols);
	bool all = span_search(protocols, SPAN("all")) >= 0;
	bool v4 = all || span_search(protocols, SPAN("ipv4")) >= 0;
	bool v6 = all || span_search(protocols, SPAN("ipv6")) >= 0;
	struct resolver_reply a = { .status = RESOLVER_NO_DATA };
	struct resolver_reply aaaa = { .status = RESOLVER_NO_DATA };

	*out = (struct resolver_host){ .status = RESOLVER_FOUND };
	if (v6)
		resolver_lookup(host, RESOLVER_AAAA, flags, &aaaa, arena,
		    deadline);
	if (v4)
		resolver_lookup(host, RESOLVER_A, flags, &a, arena, deadline);
	out->addresses = arena_array(arena,
	    a.records.count + aaaa.records.count + 1, sizeof(struct ipaddr));
	if (v6)
		collect(out, &aaaa);
	if (v4)
		collect(out, &a);
	if (out->count > 0)
		out->status = RESOLVER_FOUND;
	else if (out->status == RESOLVER_FOUND)
		out->status = RESOLVER_NO_DATA;
}

static bool
has_address(const struct resolver_reply *reply, const struct ipaddr *ip)
{
	struct ipaddr got;

	for (size_t i = 0; i < reply->records.count; i++) {
		const struct resolver_record *r =
		    ATTR_AT(reply->records, struct resolver_record, i);

		if (ipaddr_scan(r->address, &got) && ipaddr_eq(&got, ip))
			return true;
	}
	return false;
}

static void
ask_client_name(const struct ipaddr *ip, const char *text,
    struct resolver_client_name *out, struct arena *arena,
    struct deadline deadline)
{
	struct resolver_reply reverse, forward;
	struct str why = STR_EMPTY;

	*out = (struct resolver_client_name){ .name = SPAN("unknown"),
		.reverse_name = SPAN("unknown") };
	resolver_lookup(SPAN(text), RESOLVER_PTR, RESOLVER_HOSTS, &reverse,
	    arena, deadline);
	out->name_status = out->reverse_status =
	    (enum resolver_status)reverse.status;
	if (reverse.status != RESOLVER_FOUND || reverse.records.count == 0)
		return;

	struct span name =
	    ATTR_AT(reverse.records, struct resolver_record, 0)->target;

	if (!hostname_valid(name, &why)) {
		str_fini(&why);
		out->name_status = out->reverse_status = RESOLVER_BAD_NAME;
		return;
	}
	str_fini(&why);
	out->reverse_name = name;
	resolver_lookup(name,
	    ip->family == AF_INET6 ? RESOLVER_AAAA : RESOLVER_A,
	    RESOLVER_HOSTS, &forward, arena, deadline);
	if (forward.status == RESOLVER_FOUND && has_address(&forward, ip)) {
		out->name = name;
		return;
	}
	out->name_status = forward.status == RESOLVER_FOUND
	    ? RESOLVER_NO_NAME : (enum resolver_status)forward.status;
	out->mismatch_why = forward.status == RESOLVER_FOUND
	    ? SPAN(arena_printf(arena,
		"hostname %.*s does not resolve to address %s",
		SPAN_ARG(name), text))
	    : SPAN(arena_printf(arena,
		"hostname %.*s does not resolve to address %s: %.*s",
		SPAN_ARG(name), text, SPAN_ARG(forward.why)));
}

/* ---- clients that come again at once ---- */

struct known_client {
	struct resolver_client_name name;
	struct arena *arena;		/* holds its spans */
	int64_t until_ns;
};

static struct hash *known;		/* by address */

static bool
may_remember(const struct resolver_client_name *name)
{
	const enum resolver_status statuses[] = { name->name_status,
		name->reverse_status };

	for (size_t i = 0; i < 2; i++)
		if (statuses[i] == RESOLVER_TRY_AGAIN
		    || statuses[i] == RESOLVER_BOGUS
		    || statuses[i] == RESOLVER_UNSUPPORTED)
			return false;
	return true;
}

static void
known_client_free(struct known_client *k)
{
	arena_free(&k->arena);
	mem_free(k);
}

static void
forget_clients(void)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	while (hash_next(known, &it, &key, &value))
		known_client_free(value);
	hash_free(&known);
}

static void
remember(const char *text, const struct resolver_client_name *name)
{
	struct known_client *k, *before;

	if (known != NULL && hash_count(known) >= CLIENTS_KNOWN)
		forget_clients();
	if (known == NULL)
		known = hash_new();
	k = MEM_NEW(struct known_client);
	k->arena = arena_new();
	k->until_ns = clock_now_ns() + (int64_t)CLIENT_KNOWN_MS * 1000000;
	k->name = *name;
	k->name.name = arena_span(k->arena, name->name);
	k->name.reverse_name = arena_span(k->arena, name->reverse_name);
	k->name.mismatch_why = arena_span(k->arena, name->mismatch_why);
	before = hash_put(known, SPAN(text), k);
	if (before != NULL)
		known_client_free(before);
}

void
resolver_client_name(const struct ipaddr *ip,
    struct resolver_client_name *out, struct arena *arena,
    struct deadline deadline)
{
	const struct known_client *k;
	char text[IPADDR_TEXT_MAX];

	ipaddr_print(ip, text);
	k = known != NULL ? hash_get(known, SPAN(text)) : NULL;
	if (k != NULL && clock_now_ns() < k->until_ns) {
		*out = k->name;
		out->name = arena_span(arena, k->name.name);
		out->reverse_name = arena_span(arena, k->name.reverse_name);
		out->mismatch_why = arena_span(arena, k->name.mismatch_why);
		return;
	}
	ask_client_name(ip, text, out, arena, deadline);
	if (may_remember(out))
		remember(text, out);
}
