/*
 * connect - from a destination to addresses in order, and from an address to
 * a session that has been greeted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/random.h"
#include "common/io/sock.h"
#include "daemons/shared/resolver_client.h"
#include "daemons/smtp/smtp_priv.h"

/* --- Addresses -----------------------------------------------------------*/

static bool
name_trouble(const struct dest *dest, const struct resolver_host *host,
    struct smtp_why *why)
{
	static const char *const words[] = {
		[RESOLVER_FOUND] = "Host found but no data record of "
		    "requested type",
		[RESOLVER_NO_NAME] = "Host not found",
		[RESOLVER_NO_DATA] = "Host found but no data record of "
		    "requested type",
		[RESOLVER_TRY_AGAIN] = "Host not found, try again",
		[RESOLVER_BOGUS] = "Host not found, try again",
		[RESOLVER_BAD_NAME] = "Invalid host name",
		[RESOLVER_UNSUPPORTED] = "Host not found, try again",
	};
	bool for_good = host->status == RESOLVER_NO_NAME ||
	    host->status == RESOLVER_NO_DATA ||
	    host->status == RESOLVER_BAD_NAME ||
	    host->status == RESOLVER_FOUND;
	bool v6_only = span_is_nocase(span_trim(SPAN(
	    conf_core.inet_protocols)), "ipv6");

	if (for_good && smtp_conf.defer_if_no_address && !dest->bracketed)
		for_good = false;
	smtp_why_set(why, for_good ? OUTCOME_BOUNCED : OUTCOME_DEFERRED,
	    for_good ? "5.4.4" : "4.4.3", "Host or domain name not found. "
	    "Name service error for name=%.*s type=%s: %s",
	    SPAN_ARG(dest->host), v6_only ? "AAAA" : "A",
	    (unsigned)host->status < ARRAY_COUNT(words) ? words[host->status]
	    : words[RESOLVER_TRY_AGAIN]);
	return false;
}

static void
shuffle(struct ipaddr *list, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t at = (size_t)random_below((uint32_t)i);
		struct ipaddr other = list[at];

		list[at] = list[i - 1];
		list[i - 1] = other;
	}
}

/* Those of the preferred family first; both keep their order. */
static void
prefer(struct ipaddr *list, size_t count, uint8_t family, struct arena *arena)
{
	struct ipaddr *sorted = arena_array(arena, count, sizeof(*sorted));
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (list[i].family == family)
			sorted[n++] = list[i];
	for (size_t i = 0; i < count; i++)
		if (list[i].family != family)
			sorted[n++] = list[i];
	memcpy(list, sorted, count * sizeof(*list));
}

/* With a limit, no family may crowd the other out: each has half of the
 * places, and what the other one leaves. */
static size_t
limit_addresses(struct ipaddr *list, size_t count, size_t limit)
{
	size_t total[2] = { 0, 0 }, quota[2], n = 0;

	for (size_t i = 0; i < count; i++)
		total[list[i].family == AF_INET6]++;
	if (total[0] == 0 || total[1] == 0 || !smtp_conf.balance)
		return limit;
	for (int f = 0; f < 2; f++) {
		size_t half = (limit + (f == (list[0].family == AF_INET6)))
		    / 2;
		size_t spare = total[1 - f] < limit ? limit - total[1 - f]
		    : 0;

		quota[f] = half > spare ? half : spare;
	}
	for (size_t i = 0; i < count && n < limit; i++) {
		bool six = list[i].family == AF_INET6;

		if (quota[six] == 0)
			continue;
		quota[six]--;
		list[n++] = list[i];
	}
	return n;
}

static size_t
order_addresses(struct ipaddr *list, size_t count, struct arena *arena)
{
	if (smtp_conf.randomize)
		shuffle(list, count);
	if (smtp_setup.prefer != 0)
		prefer(list, count, smtp_setup.prefer, arena);
	if (smtp_conf.address_limit > 0 &&
	    count > (size_t)smtp_conf.address_limit)
		return limit_addresses(list, count,
		    (size_t)smtp_conf.address_limit);
	return count;
}

static struct span
address_text(const struct ipaddr *ip, struct arena *arena)
{
	char text[IPADDR_TEXT_MAX];

	ipaddr_print(ip, text);
	return arena_span(arena, SPAN(text));
}

bool
smtp_find_targets(const struct dest *dest, struct arena *arena,
    struct smtp_target **targets_out, size_t *count_out, struct smtp_why *why)
{
	struct resolver_host host = { .status = RESOLVER_FOUND };
	struct ipaddr literal = dest->literal;
	struct smtp_target *list;

	if (dest->unix_socket) {
		list = arena_array(arena, 1, sizeof(*list));
		list->host = SPAN(conf_core.myhostname);
		list->address = dest->host;
		*targets_out = list;
		*count_out = 1;
		return true;
	}
	if (literal.family != 0) {
		host.addresses = &literal;
		host.count = 1;
	} else {
		resolver_host_addresses(dest->host, smtp_setup.lookup, &host,
		    arena, service_ipc_deadline());
		if (host.count == 0)
			return name_trouble(dest, &host, why);
		host.count = order_addresses(host.addresses, host.count,
		    arena);
	}
	list = arena_array(arena, host.count, sizeof(*list));
	for (size_t i = 0; i < host.count; i++)
		list[i] = (struct smtp_target){ .host = dest->host,
			.address = address_text(&host.addresses[i], arena),
			.port = dest->port, .ip = host.addresses[i] };
	*targets_out = list;
	*count_out = host.count;
	return true;
}

struct span
smtp_target_relay(const struct smtp_target *t, struct arena *arena)
{
	char *text = arena_printf(arena, "%.*s[%.*s]", SPAN_ARG(t->host),
	    SPAN_ARG(t->address));

	return SPAN(t->ip.family == 0 ? text
	    : arena_printf(arena, "%s:%u", text, t->port));
}

/* --- Sockets -------------------------------------------------------------*/

static enum io_status
connect_inet(const struct smtp_target *t, struct deadline deadline, int *fd)
{
	const struct ipaddr *from = t->ip.family == AF_INET6
	    ? &smtp_setup.bind6 : &smtp_setup.bind4;
	char text[IPADDR_TEXT_MAX];
	enum io_status status;

	if (from->family == 0)
		return sock_connect_inet(&t->ip, t->port, NULL, deadline, fd);
	status = sock_connect_inet(&t->ip, t->port, from, deadline, fd);
	if (status != IO_ERROR || errno != EADDRNOTAVAIL)
		return status;
	ipaddr_print(from, text);
	log_warn("bind %s: Cannot assign requested address", text);
	if (smtp_conf.bind_enforce) {
		errno = EADDRNOTAVAIL;
		return status;
	}
	return sock_connect_inet(&t->ip, t->port, NULL, deadline, fd);
}

static enum io_status
open_socket(const struct smtp_target *t, struct arena *arena, int *fd)
{
	struct deadline deadline = smtp_conf.connect_timeout > 0
	    ? deadline_in(smtp_conf.connect_timeout) : DEADLINE_NEVER;

	*fd = -1;
	if (t->ip.family == 0)
		return sock_connect_unix(arena_cstr(arena, t->address),
		    deadline, fd);
	return connect_inet(t, deadline, fd);
}

struct smtp_session *
smtp_connect(const struct smtp_target *t, struct arena *arena,
    struct smtp_why *why)
{
	int fd;
	enum io_status status = open_socket(t, arena, &fd);

	if (status == IO_OK)
		return smtp_session_new(fd, t->host, t->address, t->port);
	smtp_why_set(why, OUTCOME_DEFERRED, "4.4.1",
	    "connect to %.*s: %s", SPAN_ARG(smtp_target_relay(t, arena)),
	    status == IO_ERROR ? strerror(errno) : status == IO_TIMEOUT
	    ? strerror(ETIMEDOUT) : io_status_name(status));
	why->site = true;
	log_info("%s", str_cstr(&why->reason));
	return NULL;
}
