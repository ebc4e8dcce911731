/*
 * Which addresses of a host are tried, in which order, and what is said of a
 * host that has none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/daemons/smtp/world.h"

#define V4 "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6"
#define V6 "2001:db8::1 2001:db8::2 2001:db8::3 2001:db8::4 2001:db8::5"

static const struct row {
	const char *name, *settings, *addresses, *want;
} rows[] = {
	{ "both families in the resolver's order", "",
	    "192.0.2.1 2001:db8::1", "2001:db8::1 192.0.2.1 " },
	{ "IPv4 first", "smtp_address_preference = ipv4\n",
	    "192.0.2.1 2001:db8::1", "192.0.2.1 2001:db8::1 " },
	{ "IPv6 first", "smtp_address_preference = ipv6\n",
	    "192.0.2.1 2001:db8::1", "2001:db8::1 192.0.2.1 " },
	{ "IPv4 alone", "inet_protocols = ipv4\n", "192.0.2.1 2001:db8::1",
	    "192.0.2.1 " },
	{ "so many and no more", "smtp_mx_address_limit = 2\n", V4,
	    "192.0.2.1 192.0.2.2 " },
	{ "no limit", "smtp_mx_address_limit = 0\n", V4, V4 " " },
	{ "each family has its half", "smtp_mx_address_limit = 5\n",
	    V4 " " V6, "2001:db8::1 2001:db8::2 2001:db8::3 192.0.2.1 "
	    "192.0.2.2 " },
	{ "and the places that the other leaves", "smtp_mx_address_limit = 5\n",
	    "192.0.2.1 " V6, "2001:db8::1 2001:db8::2 2001:db8::3 "
	    "2001:db8::4 192.0.2.1 " },
	{ "and uneven ones", "smtp_mx_address_limit = 5\n",
	    V4 " 2001:db8::1 2001:db8::2", "2001:db8::1 2001:db8::2 192.0.2.1 "
	    "192.0.2.2 192.0.2.3 " },
	{ "halves are not wanted", "smtp_mx_address_limit = 4\n"
	    "smtp_balance_inet_protocols = no\n", V4 " " V6,
	    "2001:db8::1 2001:db8::2 2001:db8::3 2001:db8::4 " },
};

static const struct row *row;

static void
look_up(struct world *w)
{
	struct str got = STR_EMPTY, why_not = STR_EMPTY;
	struct smtp_target *targets;
	struct smtp_why why;
	struct dest dest;
	size_t count = 0;

	(void)w;
	smtp_why_init(&why);
	T_NEED(dest_parse(SPAN("[mx.example]:26"), 25, false, &dest,
	    &why_not));
	T_CHECK(smtp_find_targets(&dest, fiber_arena(), &targets, &count,
	    &why));
	for (size_t i = 0; i < count; i++) {
		T_EQ_TEXT(targets[i].host, "mx.example");
		T_EQ_INT(targets[i].port, 26);
		str_add(&got, targets[i].address);
		str_putc(&got, ' ');
	}
	T_EQ_TEXT(str_span(&got), row->want);
	str_fini(&got);
	smtp_why_fini(&why);
}

static void
check_row(size_t i)
{
	struct str settings = STR_EMPTY;
	struct world w = { .run = look_up, .addresses = rows[i].addresses };

	row = &rows[i];
	str_printf(&settings, "inet_protocols = all\n"
	    "smtp_randomize_addresses = no\n%s", row->settings);
	w.settings = str_cstr(&settings);
	world_run(&w);
	if (!t_failed())
		fprintf(stderr, "row passed\n");
	str_fini(&settings);
	exit(0);
}

T_TEST(addresses_are_chosen_and_put_in_order)
{
	for (size_t i = 0; i < T_COUNT(rows); i++) {
		T_CASE(rows[i].name);
		if (t_failed())
			return;
		T_DIES(0, "row passed", check_row(i));
	}
}

static const struct {
	enum resolver_status status;
	enum outcome_kind want;
	const char *text;
} nameless[] = {
	{ RESOLVER_NO_NAME, OUTCOME_BOUNCED, "dsn=5.4.4, status=bounced (Host "
	    "or domain name not found. Name service error for name=no.example "
	    "type=A: Host not found)" },
	{ RESOLVER_NO_DATA, OUTCOME_BOUNCED, "dsn=5.4.4, status=bounced" },
	{ RESOLVER_TRY_AGAIN, OUTCOME_DEFERRED, "dsn=4.4.3, status=deferred "
	    "(Host or domain name not found. Name service error for "
	    "name=no.example type=A: Host not found, try again)" },
	{ RESOLVER_BOGUS, OUTCOME_DEFERRED, "dsn=4.4.3, status=deferred" },
	{ RESOLVER_UNSUPPORTED, OUTCOME_DEFERRED, "dsn=4.4.3" },
};
static size_t nth;

static const struct world_mail mail = { .sender = "me@client.example",
	.rcpts = { "a@x.example" }, .content = "x\n" };

static void
deliver_nameless(struct world *w)
{
	struct world_result r;

	world_deliver(w, "no.example", &mail, &r);
	T_EQ_INT(r.kinds[0], nameless[nth].want);
	T_HAS_STR(str_cstr(&w->log), nameless[nth].text);
}

static void
check_nameless(size_t i)
{
	struct world w = { .run = deliver_nameless,
		.resolver = nameless[i].status };

	nth = i;
	world_run(&w);
	if (!t_failed())
		fprintf(stderr, "row passed\n");
	exit(0);
}

T_TEST(only_a_sure_answer_returns_mail)
{
	for (size_t i = 0; i < T_COUNT(nameless); i++) {
		T_CASEF("%zu", i);
		T_DIES(0, "row passed", check_nameless(i));
	}
}

#define TALK "> 220 mx ESMTP\n< EHLO client.example\n> 250-mx\n" \
	"> 250 PIPELINING\n< MAIL FROM:<me@client.example>\n" \
	"< RCPT TO:<a@x.example>\n< DATA\n> 250 ok\n> 250 ok\n> 354 go\n.\n" \
	"> 250 ok\n< QUIT\n> 221 bye\n=\n"

static void
deliver_by_fallback(struct world *w)
{
	struct world_result r;

	world_configure(w, arena_printf(fiber_arena(),
	    "smtp_fallback_relay = [127.0.0.1]:%u\n", w->port));
	world_deliver(w, "no.example", &mail, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_SENT);
	T_HAS_STR(str_cstr(&w->log), "3QueueId: Host or domain name not "
	    "found.");
}

T_TEST(a_fallback_relay_is_the_last_resort)
{
	struct world w = { .run = deliver_by_fallback,
		.resolver = RESOLVER_NO_NAME, .scripts = { TALK } };

	world_run(&w);
}

/* Nobody listens at the first, the second has neither port nor an address. */
static void
deliver_by_fallbacks(struct world *w)
{
	struct world_result r;

	world_configure(w, arena_printf(fiber_arena(), "smtp_fallback_relay = "
	    "[127.0.0.1]:1, no.other.example [127.0.0.1]:%u\n", w->port));
	world_deliver(w, "no.example", &mail, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_SENT);
	T_HAS_STR(str_cstr(&w->log), "connect to 127.0.0.1[127.0.0.1]:1: ");
}

T_TEST(fallback_relays_are_tried_in_their_order)
{
	struct world w = { .run = deliver_by_fallbacks,
		.resolver = RESOLVER_NO_NAME, .scripts = { TALK } };

	world_run(&w);
}

/* The kernel answers nobody whose connection has no place in the queue. */
static uint16_t
listen_and_be_full(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(here);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	T_NEED(bind(listener, (struct sockaddr *)&here, sizeof(here)) == 0
	    && listen(listener, 0) == 0
	    && getsockname(listener, (struct sockaddr *)&here, &size) == 0);
	for (int i = 0; i < 8; i++)
		(void)connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0),
		    (struct sockaddr *)&here, sizeof(here));
	return ntohs(here.sin_port);
}

static void
wait_for_connection(struct world *w)
{
	int64_t began_ns = clock_now_ns();
	struct world_result r;

	world_deliver(w, arena_printf(fiber_arena(), "[127.0.0.1]:%u",
	    listen_and_be_full()), &mail, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_DEFERRED);
	T_EQ_INT((clock_now_ns() - began_ns) / 1000000000, 7);
	T_HAS_STR(str_cstr(&w->log), "Connection timed out");
}

T_TEST(a_connection_is_waited_for_so_long)
{
	struct world w = { .run = wait_for_connection,
		.settings = "smtp_connect_timeout = 7s\n" };

	world_run(&w);
}

static void
deliver_to_name(struct world *w)
{
	struct world_result r;

	world_deliver(w, "[mx.example]:@", &mail, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_SENT);
	T_HAS_STR(str_cstr(&w->log), "relay=mx.example[127.0.0.1]:");
}

T_TEST(a_host_is_logged_by_its_name)
{
	struct world w = { .run = deliver_to_name, .addresses = "127.0.0.1",
		.settings = "smtp_bind_address = 127.0.0.9\n"
		"inet_protocols = ipv4\n", .scripts = { TALK } };

	world_run(&w);
}

static void
deliver_to_busy(struct world *w)
{
	struct world_result r;

	world_deliver(w, "mx.example:@", &mail, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_DEFERRED);
}

#define BUSY "> 450 busy\n< QUIT\n> 221 bye\n=\n"

T_TEST(so_many_sessions_and_no_more)
{
	struct world w = { .run = deliver_to_busy, .addresses =
		"127.0.0.1 127.0.0.1 127.0.0.1", .settings =
		"smtp_mx_session_limit = 2\ninet_protocols = ipv4\n",
		.scripts = { BUSY, BUSY } };

	world_run(&w);
}

T_TEST(any_number_of_sessions)
{
	struct world w = { .run = deliver_to_busy, .addresses =
		"127.0.0.1 127.0.0.1 127.0.0.1", .settings =
		"smtp_mx_session_limit = 0\ninet_protocols = ipv4\n",
		.scripts = { BUSY, BUSY, BUSY } };

	world_run(&w);
}

static void
deliver_to_no_address(struct world *w)
{
	struct world_result r;

	world_deliver(w, "no.example", &mail, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_DEFERRED);
	world_deliver(w, "[no.example]", &mail, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_BOUNCED);
}

T_TEST(a_domain_without_addresses_may_get_some)
{
	struct world w = { .run = deliver_to_no_address,
		.resolver = RESOLVER_NO_NAME,
		.settings = "smtp_defer_if_no_mx_address_found = yes\n" };

	world_run(&w);
}

static void
deliver_from_elsewhere(struct world *w)
{
	struct world_result r;

	world_deliver(w, "[127.0.0.1]:@", &mail, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_DEFERRED);
	T_HAS_STR(str_cstr(&w->log), "warning: 3QueueId: bind 192.0.2.77: "
	    "Cannot assign requested address\n");
	world_configure(w, "smtp_bind_address = 192.0.2.77\n");
	world_deliver(w, "[127.0.0.1]:@", &mail, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_SENT);
}

T_TEST(an_address_that_we_have_not_may_be_a_must)
{
	struct world w = { .run = deliver_from_elsewhere, .scripts = { TALK },
		.settings = "smtp_bind_address = 192.0.2.77\n"
		"smtp_bind_address_enforce = yes\n" };

	world_run(&w);
}

static void
deliver_from_elsewhere_by_ipv6(struct world *w)
{
	struct world_result r;

	world_deliver(w, "[IPv6:::1]:@", &mail, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_DEFERRED);
	T_HAS_STR(str_cstr(&w->log), "warning: 3QueueId: bind 2001:db8::77: "
	    "Cannot assign requested address\n");
	T_CASE("another protocol has another address");
	world_deliver(w, "[127.0.0.1]:@", &mail, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_SENT);
}

T_TEST(each_protocol_has_an_address_of_ours)
{
	struct world w = { .run = deliver_from_elsewhere_by_ipv6,
		.scripts = { TALK }, .settings =
		"smtp_bind_address6 = 2001:db8::77\ninet_protocols = all\n"
		"smtp_bind_address_enforce = yes\n" };
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (fd < 0)
		T_SKIP("a system without IPv6");
	close(fd);
	world_run(&w);
}
