/*
 * Each call that can fail fails once while a message goes to a server: "sent" means that
 * the server had all of it, "bounced" that the server refused and that this is
 * on record; anything else is tried again. Nothing stays open.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/io/fault.h"
#include "tests/daemons/smtp/world.h"

#define GREET "> 220 mx.example ESMTP\n< EHLO client.example\n"
#define LGREET "> 220 mx.example LMTP\n< LHLO client.example\n"
#define QUIT "< QUIT\n> 221 bye\n=\n"
#define MAIL "< MAIL FROM:<me@client.example>*\n"
#define RCPTS "< RCPT TO:<a@x.example>\n< RCPT TO:<b@x.example>\n< DATA\n"
#define NEXT MAIL RCPTS "> 250 ok\n> 250 ok\n> 250 ok\n> 354 go\n.\n> 250 ok\n"

#define LINE "some words of the content\n"

static const struct row {
	const char *name, *script, *nexthop;
	size_t lines;			/* of the content */
	enum outcome_kind a, b;		/* without a fault */
	bool lmtp;
	unsigned messages;		/* one after another, in one run */
	const char *settings;
} rows[] = {
	{ "in turn", GREET "> 250 mx\n" MAIL "> 250 ok\n"
	    "< RCPT TO:<a@x.example>\n> 250 ok\n"
	    "< RCPT TO:<b@x.example>\n> 250 ok\n< DATA\n> 354 go\n.\n"
	    "> 250 ok\n" QUIT, "[127.0.0.1]:@", 1, OUTCOME_SENT, OUTCOME_SENT,
	    false, 1, "" },
	{ "in one group", GREET "> 250-mx\n> 250 PIPELINING\n" NEXT QUIT,
	    "[127.0.0.1]:@", 1, OUTCOME_SENT, OUTCOME_SENT, false, 1, "" },
	{ "a large one", GREET "> 250-mx\n> 250 PIPELINING\n" NEXT QUIT,
	    "[127.0.0.1]:@", 20000, OUTCOME_SENT, OUTCOME_SENT, false, 1, "" },
	{ "by name, one refused", GREET "> 250-mx\n> 250 PIPELINING\n"
	    MAIL RCPTS "> 250 ok\n> 250 ok\n> 550 5.1.1 nobody\n> 354 go\n"
	    ".\n> 250 ok\n" QUIT, "[mx.example]:@", 1, OUTCOME_SENT,
	    OUTCOME_BOUNCED, false, 1, "" },
	{ "two over one connection", GREET "> 250-mx\n> 250 PIPELINING\n"
	    NEXT NEXT QUIT, "[127.0.0.1]:@", 1, OUTCOME_SENT, OUTCOME_SENT,
	    false, 2, "smtp_connection_cache_destinations = 127.0.0.1\n" },
	{ "lmtp, one refused", LGREET "> 250-mx\n> 250 PIPELINING\n"
	    MAIL RCPTS "> 250 ok\n> 250 ok\n> 250 ok\n> 354 go\n.\n"
	    "> 250 ok\n> 552 5.2.2 full\n" QUIT, "inet:127.0.0.1:@", 1,
	    OUTCOME_SENT, OUTCOME_BOUNCED, true, 1, "" },
	{ "lmtp, one deferred", LGREET "> 250-mx\n> 250 PIPELINING\n"
	    MAIL RCPTS "> 250 ok\n> 250 ok\n> 250 ok\n> 354 go\n.\n"
	    "> 250 ok\n> 452 4.2.2 full\n" QUIT, "inet:127.0.0.1:@", 1,
	    OUTCOME_SENT, OUTCOME_DEFERRED, true, 1, "" },
};

static const struct row *row;

static bool
content_is(struct span content)
{
	static const char head[] = "Subject: x||";
	size_t line = strlen(LINE);

	if (!span_starts(content, SPAN(head)))
		return false;
	content = span_skip(content, strlen(head));
	for (size_t i = 0; i < row->lines; i++) {
		if (!span_starts(content, span_of(LINE, line - 1)))
			return false;
		content = span_skip(content, line);	/* and its | */
	}
	return span_empty(content);
}

/* What was said of one recipient is true. */
static void
hold_against(struct world *w, const struct world_result *r, size_t i,
    enum outcome_kind wanted, bool hit)
{
	enum outcome_kind kind = r->kinds[i];

	T_CHECK(kind == wanted || (hit && kind == OUTCOME_DEFERRED));
	T_EQ_INT(r->done[i], kind != OUTCOME_DEFERRED);
	if (kind == OUTCOME_SENT)
		T_CHECK(w->contents >= 1);
	if (kind == OUTCOME_BOUNCED)
		T_CHECK(w->bounced >= 1);
}

/* True when some call failed. */
static bool
run_once(struct world *w, const struct world_mail *mail, int nth)
{
	char name[60];
	bool hit;

	w->contents = w->bounced = 0;
	str_clear(&w->content);
	fault_arm(NULL, nth, EIO);
	for (unsigned n = 0; n < row->messages; n++) {
		struct world_result r;
		unsigned before = w->contents;

		world_deliver(w, row->nexthop, mail, &r);
		snprintf(name, sizeof(name), "%s", fault_hit_name());
		hit = fault_was_hit();
		T_CASEF("%s, pass %d, %s", row->name, nth, name);
		hold_against(w, &r, 0, row->a, hit);
		hold_against(w, &r, 1, row->b, hit);
		/* Not what the one before it has brought. */
		if (r.kinds[0] == OUTCOME_SENT)
			T_CHECK(w->contents > before);
	}
	world_wait(1000);
	hit = fault_was_hit();
	fault_disarm();
	/* What had its final dot was whole. */
	if (w->contents > 0)
		T_CHECK(content_is(str_span(&w->content)));
	w->connections = 0;
	return hit;
}

static void
each_call_fails(struct world *w)
{
	struct world_mail mail = { .sender = "me@client.example",
		.rcpts = { "a@x.example", "b@x.example" } };
	struct str content = STR_EMPTY;
	size_t before;
	int nth;

	str_adds(&content, "Subject: x\n\n");
	for (size_t i = 0; i < row->lines; i++)
		str_adds(&content, LINE);
	mail.content = str_cstr(&content);
	T_CHECK(!run_once(w, &mail, 100000));
	before = t_open_fds();
	for (nth = 1; !t_failed(); nth++) {
		bool hit = run_once(w, &mail, nth);

		T_EQ_INT(t_open_fds(), before);
		str_clear(&w->log);
		if (!hit)
			break;
	}
	T_CHECK(nth > (row->lines > 1 ? 120 : 25));
	str_fini(&content);
}

static void
run_row(size_t i)
{
	struct world w = { .run = each_call_fails, .every = rows[i].script,
		.settings = rows[i].settings, .lmtp = rows[i].lmtp,
		.addresses = "127.0.0.1" };

	row = &rows[i];
	world_run(&w);
}

#define EACH_CALL(what, i) \
	T_TEST(what) \
	{ \
		run_row(i); \
	}

EACH_CALL(any_call_may_fail_in_turn, 0)
EACH_CALL(any_call_may_fail_in_one_group, 1)
EACH_CALL(any_call_may_fail_with_much_content, 2)
EACH_CALL(any_call_may_fail_where_one_is_refused, 3)
EACH_CALL(any_call_may_fail_over_a_connection_that_is_kept, 4)
EACH_CALL(any_call_may_fail_to_a_server_that_refuses_one_by_lmtp, 5)
EACH_CALL(any_call_may_fail_to_a_server_that_defers_one_by_lmtp, 6)
