/*
 * limits - see the header.
 *
 * The question about a connection is on its way while the client's name is
 * looked up. What no limit asks for is told afterwards, at most once a second
 * and when the session ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/smtpd/limits.h"

#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/service/peer.h"
#include "common/service/service.h"
#include "daemons/shared/anvil_proto.h"
#include "daemons/shared/tables.h"
#include "daemons/smtpd/clients.h"

#define ANSWER_SECONDS 5
#define TELL_NS 1000000000

struct client_limits {
	char *key;			/* "smtp:192.0.2.1" */
	struct peer_pending *asked;	/* about the connection; or NULL */
	uint64_t messages, rcpts;	/* not told yet */
	int64_t told_ns;
};

static struct matchlist *exceptions;
static struct hash *held;		/* key -> sessions here, as a pointer */

void
limits_setup(void)
{
	exceptions = tables_open_list("smtpd_client_event_limit_exceptions",
	    smtpd_conf.client_event_limit_exceptions,
	    MATCHLIST_ADDRESSES | MATCHLIST_DOMAINS
	    | tables_parent_style("smtpd_client_event_limit_exceptions"));
}

/* ---- anvil ---- */

static uint64_t
held_of(struct span key)
{
	return held == NULL ? 0 : (uint64_t)(uintptr_t)hash_get(held, key);
}

static void
hold(struct span key, int delta)
{
	uint64_t now = held_of(key) + (uint64_t)delta;

	if (held == NULL)
		held = hash_new();
	if (now > 0)
		hash_put(held, key, (void *)(uintptr_t)now);
	else
		hash_remove(held, key);
}

/* An anvil that is new, or new to us, learns who is here. */
static void
tell_all(struct stream *s)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *sessions;

	while (held != NULL && hash_next(held, &it, &key, &sessions)) {
		struct anvil_note note = { .key = key,
			.held = (uint64_t)(uintptr_t)sessions };

		attr_queue(s, &anvil_note_form, 0, &note);
	}
}

static struct peer *
anvil(void)
{
	static struct peer *peer;

	if (peer != NULL)
		return peer;
	/* One connection: what a client did first is heard first. It stays, and
	 * is made again: while it lasts anvil knows of our sessions. */
	peer = peer_named("private", "anvil", ANVIL_PROTOCOL,
	    ANVIL_VERSION);
	peer_set_spread(peer, SIZE_MAX, 1);
	peer_set_kept(peer);
	peer_set_opening(peer, tell_all);
	return peer;
}

static struct peer_pending *
ask(const struct client_limits *l, enum anvil_rate rate)
{
	struct anvil_event event = { .key = SPAN(l->key), .rate = rate,
		.held = held_of(SPAN(l->key)) };

	return peer_begin(anvil(), true, &anvil_event_form, &event,
	    &anvil_answer_form, NULL, NULL);
}

static bool
finish(struct peer_pending *call, struct anvil_answer *answer_out)
{
	struct arena *arena = arena_new();
	enum io_status status = peer_finish(call, answer_out, arena,
	    deadline_in(ANSWER_SECONDS));

	arena_free(&arena);
	if (status != IO_OK && status != IO_CANCELLED)
		log_warn("service anvil does not answer, clients are not "
		    "limited: %s", peer_why(anvil()));
	return status == IO_OK;
}

static void
tell(struct client_limits *l, uint64_t connections)
{
	struct anvil_note note = { .key = SPAN(l->key),
		.held = held_of(SPAN(l->key)), .connections = connections,
		.messages = l->messages, .rcpts = l->rcpts };

	l->told_ns = clock_now_ns();
	if (peer_notify(anvil(), &anvil_note_form, &note))
		l->messages = l->rcpts = 0;
}

/* ---- the client ---- */

static bool
is_counted(void)
{
	return smtpd_conf.client_connection_count_limit > 0
	    || smtpd_conf.client_connection_rate_limit > 0
	    || smtpd_conf.client_message_rate_limit > 0
	    || smtpd_conf.client_recipient_rate_limit > 0;
}

static bool
is_exempt(const struct session *s, struct span name)
{
	return matchlist_client(exceptions, name, &s->ip) == MAP_FOUND;
}

/* The first bits of an address, as a block; all of them: the address. */
static void
add_network(struct str *out, const struct session *s)
{
	bool v6 = s->ip.family == AF_INET6;
	int64_t bits = v6 ? smtpd_conf.client_ipv6_prefix_length
	    : smtpd_conf.client_ipv4_prefix_length;
	struct ipaddr net = s->ip;
	char text[IPADDR_TEXT_MAX];

	if (bits >= (v6 ? 128 : 32)) {
		str_adds(out, s->address);
		return;
	}
	for (int64_t i = bits; i < (v6 ? 128 : 32); i++)
		net.bytes[i / 8] &= (uint8_t)~(0x80 >> i % 8);
	net.scope = 0;
	ipaddr_print(&net, text);
	str_addf(out, "%s/%d", text, (int)bits);
}

static void
forget(struct session *s)
{
	struct client_limits *l = s->limits;

	peer_forget(l->asked);
	hold(SPAN(l->key), -1);
	tell(l, 0);
	mem_free(l->key);
	mem_free(l);
	s->limits = NULL;
}

void
limits_begin(struct session *s)
{
	struct client_limits *l;
	struct str key = STR_EMPTY;

	if (!is_counted() || s->ip.family == 0 || client_may_xclient(s)
	    || is_exempt(s, SPAN_NONE))
		return;
	str_printf(&key, "%s:", service_name());
	add_network(&key, s);
	l = s->limits = MEM_NEW(struct client_limits);
	l->key = str_release(&key);
	l->told_ns = clock_now_ns();
	hold(SPAN(l->key), 1);
	if (smtpd_conf.client_connection_count_limit > 0
	    || smtpd_conf.client_connection_rate_limit > 0)
		l->asked = ask(l, ANVIL_CONNECTIONS);
	else
		tell(l, 1);
}

static bool
is_above(struct session *s, uint64_t value, int64_t limit, const char *what)
{
	if (limit == 0 || value <= (uint64_t)limit)
		return false;
	fiber_log_context(NULL);	/* scripts read the line so */
	log_warn("%s limit exceeded: %llu from %s for service %s", what,
	    (unsigned long long)value, s->peer, service_name());
	if (s->tx != NULL)
		fiber_log_context(s->tx->id);
	return true;
}

bool
limits_admit(struct session *s)
{
	struct client_limits *l = s->limits;
	struct peer_pending *asked;
	struct anvil_answer answer;

	if (l == NULL)
		return true;
	if (s->may_xclient || is_exempt(s, SPAN(s->name))) {
		forget(s);
		return true;
	}
	asked = l->asked;
	l->asked = NULL;
	if (asked == NULL || !finish(asked, &answer))
		return true;
	if (!is_above(s, answer.sessions,
	    smtpd_conf.client_connection_count_limit,
	    "Connection concurrency")
	    && !is_above(s, answer.happened,
	    smtpd_conf.client_connection_rate_limit, "Connection rate"))
		return true;
	trouble_note(s, TROUBLE_POLICY);
	reply(s, "421", "4.7.0", "%s Error: too many connections from %s",
	    conf_core.myhostname, s->address);
	return false;
}

static bool
may(struct session *s, enum anvil_rate rate, uint64_t *untold, int64_t limit,
    const char *what, const char *too_many)
{
	struct client_limits *l = s->limits;
	struct anvil_answer answer;

	if (limit == 0) {
		++*untold;
		if (clock_now_ns() - l->told_ns >= TELL_NS)
			tell(l, 0);
		return true;
	}
	if (!finish(ask(l, rate), &answer)
	    || !is_above(s, answer.happened, limit, what))
		return true;
	trouble_note(s, TROUBLE_POLICY);
	reply(s, "450", "4.7.1", "Error: too %s from %s", too_many,
	    s->address);
	return false;
}

bool
limits_message(struct session *s)
{
	return s->limits == NULL || may(s, ANVIL_MESSAGES,
	    &s->limits->messages, smtpd_conf.client_message_rate_limit,
	    "Message delivery request rate", "much mail");
}

bool
limits_rcpt(struct session *s)
{
	return s->limits == NULL || may(s, ANVIL_RCPTS, &s->limits->rcpts,
	    smtpd_conf.client_recipient_rate_limit,
	    "Recipient address rate", "many recipients");
}

void
limits_end(struct session *s)
{
	if (s->limits != NULL)
		forget(s);
}
