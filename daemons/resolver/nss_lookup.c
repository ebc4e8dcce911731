/*
 * nss_lookup - see the header.
 *
 * getaddrinfo and getnameinfo ask the hosts file and DNS in the order of the
 * system's configuration. EAI_NONAME covers both "no such name" and "no
 * address"; EAI_AGAIN and system errors are temporary.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/resolver/nss_lookup.h"

#include <netdb.h>

#include "common/base/ipaddr.h"
#include "common/mail/hostname.h"

#define RECORDS_MOST 100		/* of one name; the others are left out */

static uint64_t
status_of(int eai)
{
	switch (eai) {
	case 0:
		return RESOLVER_FOUND;
	case EAI_NONAME:
		return RESOLVER_NO_NAME;
#ifdef EAI_NODATA
	case EAI_NODATA:
#endif
#ifdef EAI_ADDRFAMILY
	case EAI_ADDRFAMILY:
#endif
		return RESOLVER_NO_DATA;
	default:
		return RESOLVER_TRY_AGAIN;
	}
}

static void
set_status(struct resolver_reply *reply, int eai)
{
	reply->status = status_of(eai);
	switch ((enum resolver_status)reply->status) {
	case RESOLVER_FOUND:
		break;
	case RESOLVER_NO_NAME:
	case RESOLVER_NO_DATA:
	case RESOLVER_BAD_NAME:
		reply->why = SPAN("Host not found");
		break;
	case RESOLVER_TRY_AGAIN:
	case RESOLVER_BOGUS:
	case RESOLVER_UNSUPPORTED:
		reply->why = SPAN("Host not found, try again");
		break;
	}
}

/* Other names are none of DNS either, and some libraries would ask for a part
 * of them. */
static bool
is_name(struct span name)
{
	struct str why = STR_EMPTY;
	struct ipaddr ip;
	bool ok;

	if (name.len > 1 && name.p[name.len - 1] == '.')
		name.len--;
	ok = ipaddr_scan(name, &ip) || hostname_valid(name, &why);
	str_fini(&why);
	return ok;
}

static void
look_up_addresses(const struct resolver_request *request,
    struct resolver_reply *reply, struct arena *arena)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_CANONNAME,
		.ai_family = request->type == RESOLVER_A ? AF_INET : AF_INET6 };
	struct addrinfo *list = NULL;
	size_t count = 0;

	if (!is_name(request->name)) {
		reply->status = RESOLVER_BAD_NAME;
		reply->why = SPAN("not a host name");
		return;
	}
	set_status(reply, getaddrinfo(arena_cstr(arena, request->name), NULL,
	    &hints, &list));
	if (reply->status != RESOLVER_FOUND)
		return;
	for (struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next)
		count += count < RECORDS_MOST;

	struct resolver_record *records =
	    arena_array(arena, count, sizeof(*records));
	size_t n = 0;

	for (struct addrinfo *ai = list; ai != NULL && n < count;
	    ai = ai->ai_next) {
		char text[IPADDR_TEXT_MAX];
		struct ipaddr ip;
		uint16_t port;

		if (!ipaddr_from_sockaddr(ai->ai_addr, &ip, &port))
			continue;
		if (ai->ai_canonname != NULL && span_empty(reply->canonical))
			reply->canonical = arena_span(arena,
			    SPAN(ai->ai_canonname));
		ipaddr_print(&ip, text);
		records[n++] = (struct resolver_record){
			.type = request->type, .name = request->name,
			.address = arena_span(arena, SPAN(text)) };
	}
	freeaddrinfo(list);
	reply->records = (struct attr_list){ records, n };
	if (n == 0)
		reply->status = RESOLVER_NO_DATA;
}

static void
look_up_name(const struct resolver_request *request,
    struct resolver_reply *reply, struct arena *arena)
{
	struct sockaddr_storage sa;
	struct ipaddr ip;
	char *name = arena_alloc(arena, NI_MAXHOST);

	if (!ipaddr_scan(request->name, &ip)) {
		reply->status = RESOLVER_BAD_NAME;
		reply->why = SPAN("not an address");
		return;
	}

	socklen_t len = ipaddr_to_sockaddr(&ip, 0, &sa);

	set_status(reply, getnameinfo((struct sockaddr *)&sa, len, name,
	    NI_MAXHOST, NULL, 0, NI_NAMEREQD));
	if (reply->status != RESOLVER_FOUND)
		return;

	struct resolver_record *record = arena_zalloc(arena, sizeof(*record));

	record->type = RESOLVER_PTR;
	record->name = request->name;
	record->target = SPAN(name);
	reply->records = (struct attr_list){ record, 1 };
}

void
nss_lookup(const struct resolver_request *request,
    struct resolver_reply *reply_out, struct arena *arena)
{
	switch (request->type) {
	case RESOLVER_A:
	case RESOLVER_AAAA:
		look_up_addresses(request, reply_out, arena);
		return;
	case RESOLVER_PTR:
		look_up_name(request, reply_out, arena);
		return;
	default:
		reply_out->status = RESOLVER_UNSUPPORTED;
		reply_out->why = SPAN("record type is not supported yet");
		return;
	}
}
