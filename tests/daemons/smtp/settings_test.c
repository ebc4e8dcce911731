/*
 * Settings that decide how a server is found and left, and who has been told
 * of a delivery; and that LMTP's are those of SMTP under other names.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/dsn.h"
#include "tests/daemons/smtp/world.h"

#define TALK(hello) "> 220 mx\n< " hello " client.example\n> 250-mx\n" \
	"> 250 PIPELINING\n< MAIL FROM:<me@client.example>\n" \
	"< RCPT TO:<a@x.example>\n< DATA\n> 250 ok\n> 250 ok\n> 354 go\n.\n" \
	"> 250 ok\n< QUIT\n"

static const struct row {
	const char *name, *settings, *nexthop;
	uint64_t asked_flags;		/* of the resolver */
	int64_t left_s;			/* seconds that the connection lasts */
	bool lmtp;
	unsigned delivered, relayed;
} rows[] = {
	{ "DNS", "", "mx.example:@", 0, 0 },
	{ "no DNS", "disable_dns_lookups = yes\n", "mx.example:@",
	    RESOLVER_HOSTS, 0 },
	{ "as the system has it", "smtp_host_lookup = native\n",
	    "mx.example:@", RESOLVER_HOSTS, 0 },
	{ "DNS and then the system", "smtp_host_lookup = dns, native\n",
	    "mx.example:@", RESOLVER_HOSTS, 0 },
	{ "the farewell is not waited for", "smtp_skip_quit_response = yes\n"
	    "smtp_quit_timeout = 7s\n", "[127.0.0.1]:@", 0, 0 },
	{ "the farewell is waited for", "smtp_skip_quit_response = no\n"
	    "smtp_quit_timeout = 7s\n", "[127.0.0.1]:@", 0, 7 },
	{ "LMTP: its port", "lmtp_tcp_port = @\n", "[127.0.0.1]", 0, 300,
	    true, 0, 1 },
	{ "its port", "smtp_tcp_port = @\n", "[127.0.0.1]", 0, 0 },
	{ "LMTP: the farewell is waited for, unless", "lmtp_skip_quit_response "
	    "= yes\n", "[127.0.0.1]:@", 0, 0, true, 0, 1 },
	{ "LMTP: a server without DSN has relayed", "", "[127.0.0.1]:@", 0,
	    300, true, 0, 1 },
	{ "LMTP: a server without DSN has delivered",
	    "lmtp_assume_final = yes\n", "[127.0.0.1]:@", 0, 300, true, 1, 0 },
};
static const struct row *row;

static void
deliver(struct world *w)
{
	struct world_mail mail = { .sender = "me@client.example",
		.rcpts = { "a@x.example" }, .content = "x\n",
		.notify = row->lmtp ? DSN_NOTIFY_SUCCESS : 0 };
	const char *at = strchr(row->settings, '@');
	int64_t began_ns = clock_now_ns();
	struct world_result r;

	if (at != NULL)
		world_configure(w, arena_printf(fiber_arena(), "%.*s%u\n",
		    (int)(at - row->settings), row->settings, w->port));
	world_deliver(w, row->nexthop, &mail, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_SENT);
	world_wait(400);
	T_EQ_INT((w->ended_ns - began_ns) / 1000000000, row->left_s);
	T_EQ_INT(w->asked_flags, row->asked_flags);
	T_EQ_INT(w->delivered, row->delivered);
	T_EQ_INT(w->relayed, row->relayed);
}

static void
check_row(size_t i)
{
	struct world w = { .run = deliver, .lmtp = rows[i].lmtp,
		.addresses = "127.0.0.1", .settings =
		strchr(rows[i].settings, '@') != NULL ? "" : rows[i].settings,
		.scripts = { rows[i].lmtp ? TALK("LHLO") "=\n"
		    : TALK("EHLO") "=\n" } };

	row = &rows[i];
	world_run(&w);
	if (!t_failed())
		fprintf(stderr, "row passed\n");
	exit(0);
}

T_TEST(servers_are_found_and_left_as_configured)
{
	for (size_t i = 0; i < T_COUNT(rows); i++) {
		T_CASE(rows[i].name);
		if (t_failed())
			return;
		T_DIES(0, "row passed", check_row(i));
	}
}

static const struct param *
row_named(const struct param_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->rows[i].name, name) == 0)
			return &set->rows[i];
	return NULL;
}

/* What a test shows of smtp_x holds for lmtp_x (tests/lint/settings.sh). */
T_TEST(lmtp_has_the_fields_of_smtp_under_other_names)
{
	char name[100];

	for (size_t i = 0; i < lmtp_params.count; i++) {
		const struct param *own = &lmtp_params.rows[i], *twin;
		char *lhlo;

		T_CASE(own->name);
		snprintf(name, sizeof(name), "%s", own->name);
		if (strncmp(name, "lmtp_", 5) == 0)
			memcpy(name, "smtp_", 5);
		if ((lhlo = strstr(name, "_lhlo")) != NULL)
			memcpy(lhlo, strstr(name, "lhlo_name") ? "_helo" : "_ehlo", 5);
		twin = row_named(&smtp_params, name);
		if (strcmp(own->name, "lmtp_assume_final") == 0) {
			T_CHECK(twin == NULL);
			continue;
		}
		if (twin == NULL && strcmp(own->name, "lmtp_lhlo_timeout") == 0)
			twin = row_named(&smtp_params, "smtp_helo_timeout");
		T_NEED(twin != NULL);
		T_CHECK(own->field == twin->field && own->type == twin->type &&
		    own->min == twin->min && own->max == twin->max);
	}
}
