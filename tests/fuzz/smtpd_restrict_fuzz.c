/*
 * smtpd_restrict: any restriction list and any value of an access table give a
 * verdict; what cannot be understood is refused with 451 4.3.5 and never let
 * pass as if it were not there.
 *
 * The first line is the list smtpd_recipient_restrictions, the second one the
 * value of an access table, asked for a recipient.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/mail/conf_core.h"
#include "common/mail/dsn.h"
#include "common/service/service.h"
#include "daemons/shared/verify_client.h"
#include "daemons/smtpd/clients.h"
#include "daemons/smtpd/restrict.h"
#include "tests/fuzz/surroundings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 500 };

static const struct service service = { .name = "smtpd" };
static struct rewrite_want to;

/* Nothing that reaches outside. */
static bool
is_harmless(struct span text)
{
	static const char *const bad[] = { "unix:", "proxy:", "hash:",
		"btree:", "lmdb:", "texthash:", "environ:", "regexp:",
		"pcre:", "/", "$" };

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		if (span_search(text, SPAN(bad[i])) >= 0)
			return false;
	return !span_has(text, '\n') && !span_has(text, '\0');
}

static void
check_verdict(const struct check *c, enum check_result result)
{
	struct span text = str_span(&c->text), rest;
	char dsn[12];

	if (result != CHECK_REJECT || c->s->hung_up)
		return;
	CHECK(text.len > 6 && (text.p[0] == '4' || text.p[0] == '5'));
	CHECK(ascii_is_digit(text.p[1]) && ascii_is_digit(text.p[2])
	    && text.p[3] == ' ');
	dsn_split(span_skip(text, 4), "", 0, dsn, &rest);
	CHECK(dsn_valid(span_cstr(dsn)) && dsn[0] == text.p[0]);
	if (c->misconfigured)
		CHECK(span_starts(text, SPAN("451 4.3.5 ")));
}

/* A client that said hello and named a sender and a recipient. */
static void
start_session(struct session *s)
{
	*s = (struct session){ .client = stream_open_mem(SPAN_NONE),
		.where = "RCPT", .doing = SMTP_RCPT, .esmtp = true };
	CHECK(ipaddr_scan(SPAN("198.51.100.7"), &s->ip));
	ipaddr_print(&s->ip, s->address);
	s->name = mem_strdup("client.example");
	s->reverse_name = mem_strdup("other.example");
	s->peer = mem_strdup("client.example[198.51.100.7]");
	s->helo = mem_strdup("me.example");
	transaction_begin(s);
	s->tx->sender = s->tx->from.address = SPAN("a@b.example");
	s->tx->from.answer = to.answer;
	s->tx->from_known = true;
}

static void
end_session(struct session *s)
{
	transaction_end(s);
	stream_close(s->client);
	check_memory_free(&s->memory);
	mem_free(s->name);
	mem_free(s->reverse_name);
	mem_free(s->peer);
	mem_free(s->helo);
}

static void
run(void *arg)
{
	const struct span *value = arg;
	struct session s;
	struct check c;

	start_session(&s);
	check_begin(&c, &s, s.tx->arena);
	check_verdict(&c, check_rcpt(&c, to.address, &to));
	check_end(&c);
	check_begin(&c, &s, s.tx->arena);
	c.rcpt = c.rcpt_key = to.address;
	c.to = &to;
	c.stage = STAGE_RCPT;
	c.reply_class = CLASS_RCPT;
	c.reply_name = to.address;
	check_verdict(&c, access_action(&c, *value, "fuzz:table", CLASS_RCPT,
	    to.address));
	check_end(&c);
	end_session(&s);
}

static const char conf[] =
    "myhostname = mail.test\n"
    "inet_interfaces = 127.0.0.1\n"
    "smtpd_restriction_classes = one, two\n"
    "one = permit_mynetworks, two\n"
    "two = check_sender_access inline:{b.example=one}, reject\n"
    "local_recipient_maps =\n"
    "address_verify_poll_count = 1\n"
    "mynetworks = 192.0.2.0/24\n";

static void
set_up(void)
{
	surroundings_quiet();
	surroundings_rewrite_fails = true;
	to = (struct rewrite_want){ .address = SPAN("x@relay.example") };
	to.answer = (struct rewrite_answer){ .address = to.address,
		.recipient = to.address, .transport = SPAN("relay"),
		.nexthop = SPAN("relay.example"), .flags = RESOLVE_RELAY };
	service_double(&service, NULL);
	surroundings_configure(conf, &smtpd_params);
	clients_setup();
	unlisted_setup();
	loop_start();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct span text = span_of((const char *)data, size), list, value;
	struct strlist words = STRLIST_EMPTY;
	struct str why = STR_EMPTY;

	if (!ready)
		set_up();
	ready = true;
	if (size > TEXT_MAX || !span_split(&text, '\n', &list)
	    || !is_harmless(list))
		return 0;
	value = text.p != NULL ? text : SPAN_NONE;
	/* Braces that do not close stop the start. */
	char *copy = mem_strndup(list.p, list.len);

	if (strlist_split_braced(&words, span_trim(list), STRLIST_CONF, &why)) {
		smtpd_conf.recipient_restrictions = copy;
		restrict_setup();
		(void)restrict_report();
		fiber_run_main(run, &value);
		restrict_close();
	}
	mem_free(copy);
	strlist_fini(&words);
	str_fini(&why);
	return 0;
}
