/*
 * Who is told, what the notice says, and in which form.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/daemons/bounce/world.h"

#include "common/mail/conf_core.h"
#include "common/service/service.h"
#include "daemons/shared/cleanup_proto.h"
#include "daemons/shared/postmaster.h"

#define CONTENT "Subject: hi\nMessage-ID:\n <1@b>\n\nthe body\n"
#define DOUBLE "double-bounce@mail.example.com"

static struct outcome one = { .rcpt = SPAN_LIT("c@d.test"),
	.original = SPAN_LIT("list@example.com"), .dsn = SPAN_LIT("5.1.1"),
	.reason = SPAN_LIT("no such user here"), .when_us = 1 };

static const char *
text_of(size_t i)
{
	return i < t_mail_count ? str_cstr(&t_mails[i].text) : "";
}

/* ---- NOTIFY, RET and senders, in all combinations ---- */

static const uint64_t notify_values[] = { 0, DSN_NOTIFY_NEVER,
	DSN_NOTIFY_SUCCESS, DSN_NOTIFY_FAILURE, DSN_NOTIFY_DELAY,
	DSN_NOTIFY_SUCCESS | DSN_NOTIFY_FAILURE,
	DSN_NOTIFY_SUCCESS | DSN_NOTIFY_DELAY,
	DSN_NOTIFY_FAILURE | DSN_NOTIFY_DELAY,
	DSN_NOTIFY_SUCCESS | DSN_NOTIFY_FAILURE | DSN_NOTIFY_DELAY };
static const char *const class_values[] = { "", "2bounce", "bounce", "delay",
	"resource, software", "bounce, delay, 2bounce" };

struct combination {
	enum bounce_what what;
	uint64_t notify, ret, flags;
	const char *sender, *classes;
};

/* "sender: full", "postmaster: headers" ... in the order they are sent. */
static void
wanted(const struct combination *c, struct str *out)
{
	bool bounce = strstr(c->classes, "bounce") != NULL
	    && strcmp(c->classes, "2bounce") != 0;
	bool person = c->sender[0] != '\0' && strcmp(c->sender, DOUBLE) != 0;
	bool hears = c->notify == 0
	    || (c->what == BOUNCE_FAILED && (c->notify & DSN_NOTIFY_FAILURE))
	    || (c->what == BOUNCE_DELAYED && (c->notify & DSN_NOTIFY_DELAY))
	    || (c->what == BOUNCE_TRACE && (c->notify != DSN_NOTIFY_NEVER
	    || c->flags != 0));

	str_clear(out);
	if (person && hears)
		str_adds(out, c->what == BOUNCE_FAILED && c->ret
		    != DSN_RET_HDRS ? "sender: full;" : "sender: headers;");
	if (c->what == BOUNCE_FAILED && c->sender[0] == '\0'
	    && strstr(c->classes, "bounce") != NULL)
		str_adds(out, "postmaster: full;");
	if (c->what == BOUNCE_FAILED && person && bounce)
		str_adds(out, "postmaster: headers;");
	if (c->what == BOUNCE_DELAYED && strcmp(c->sender, DOUBLE) != 0
	    && strstr(c->classes, "delay") != NULL)
		str_adds(out, "postmaster: headers;");
}

static void
found(struct str *out)
{
	str_clear(out);
	for (size_t i = 0; i < t_mail_count; i++) {
		const struct t_mail *n = &t_mails[i];
		bool sender = strcmp(str_cstr(&n->rcpt), "a@b.test") == 0;
		bool full = strstr(text_of(i), "\nthe body\n") != NULL;

		str_adds(out, sender ? "sender: " : "postmaster: ");
		str_adds(out, full ? "full;" : "headers;");
		T_EQ_STR(str_cstr(&n->sender), sender ? "" : DOUBLE);
		T_CHECK((strstr(text_of(i), "Content-Type: message/rfc822\n")
		    != NULL) == full);
		T_CHECK((strstr(text_of(i),
		    "Content-Type: text/rfc822-headers\n") != NULL) == !full);
		T_HAS_STR(text_of(i), "\nFinal-Recipient: rfc822; c@d.test\n");
	}
}

static void
try_combination(const struct combination *c)
{
	static const enum queue_name logs[] = { [BOUNCE_FAILED] = QUEUE_BOUNCE,
		[BOUNCE_DELAYED] = QUEUE_DEFER, [BOUNCE_TRACE] = QUEUE_TRACE };
	struct envelope envelope = { .sender = SPAN(c->sender),
		.arrival_us = 1, .dsn_ret = c->ret, .flags = c->flags };
	struct outcome o = one;
	struct str got = STR_EMPTY, want = STR_EMPTY;

	T_CASEF("what %d notify %llu ret %llu flags %llu sender <%s> classes "
	    "\"%s\"", c->what, (unsigned long long)c->notify,
	    (unsigned long long)c->ret, (unsigned long long)c->flags,
	    c->sender, c->classes);
	postmaster_conf.classes = c->classes;
	postmaster_setup();
	o.notify = c->notify;
	world_append(logs[c->what], &o, 1);
	t_mail_count = 0;
	T_CHECK(world_tell(c->what, &envelope, CONTENT));
	found(&got);
	wanted(c, &want);
	T_EQ_STR(str_cstr(&got), str_cstr(&want));
	/* Delays are told of again, and showq reads them. */
	T_EQ_INT(world_has_log(logs[c->what]), c->what == BOUNCE_DELAYED);
	if (c->what == BOUNCE_DELAYED) {
		struct str why = STR_EMPTY;

		T_CHECK(outcome_log_remove(service_queue_dir(), QUEUE_DEFER,
		    SPAN(WORLD_ID), &why));
		str_fini(&why);
	}
	str_fini(&got);
	str_fini(&want);
}

static void
try_all(void *arg)
{
	static const char *const senders[] = { "a@b.test", "", DOUBLE };
	struct combination c;
	size_t count = 0;

	(void)arg;
	for (int what = BOUNCE_FAILED; what <= BOUNCE_TRACE; what++)
	for (size_t n = 0; n < T_COUNT(notify_values); n++)
	for (uint64_t ret = DSN_RET_NONE; ret <= DSN_RET_HDRS; ret++)
	for (size_t s = 0; s < T_COUNT(senders); s++)
	for (size_t k = 0; k < T_COUNT(class_values); k++)
	for (uint64_t f = 0; f <= (what == BOUNCE_TRACE); f++) {
		c = (struct combination){ .what = (enum bounce_what)what,
			.notify = notify_values[n], .ret = ret,
			.flags = f ? ENVELOPE_TRACE : 0,
			.sender = senders[s], .classes = class_values[k] };
		try_combination(&c);
		count++;
	}
	T_EQ_INT(count, 9 * 3 * 3 * 6 * 4);
}

T_TEST(notify_ret_and_classes_decide_who_is_told_and_how_much)
{
	world_run("", try_all, NULL);
}

/* ---- what it says ---- */

static void
tell_of_one(void *arg)
{
	struct envelope envelope = { .sender = SPAN("a@b.test"),
		.arrival_us = 1700000000000000, .dsn_envid = SPAN("my id") };
	const char *text;

	(void)arg;
	one.orcpt = SPAN("rfc822;list+40example.com");
	one.diag_type = SPAN("smtp");
	one.diag_text = SPAN("550 5.1.1 \xff\r\nno");
	one.mta_type = SPAN("dns");
	one.mta_name = SPAN("mx.d.test");
	world_append(QUEUE_BOUNCE, &one, 1);
	T_CHECK(world_tell(BOUNCE_FAILED, &envelope, CONTENT));
	T_EQ_INT(t_mail_count, 1);
	T_EQ_INT(t_mails[0].notify, 0);
	T_EQ_INT(t_mails[0].flags, CLEANUP_INTERNAL | CLEANUP_OF_BOUNCE);
	T_EQ_INT(t_mails[0].envelope_flags, ENVELOPE_INTERNAL);
	text = text_of(0);
	T_HAS_STR(text, "\nSubject: Undelivered Mail Returned to Sender\n"
	    "To: a@b.test\n");
	T_HAS_STR(text, "\nContent-Type: multipart/report; "
	    "report-type=delivery-status;\n");
	T_HAS_STR(text, "\nThis is the mail system at host mail.example.com.\n");
	T_HAS_STR(text, "\n<c@d.test> (expanded from <list@example.com>):\n"
	    "    no such user here\n");
	T_HAS_STR(text, "\nContent-Type: message/delivery-status\n\n"
	    "Reporting-MTA: dns; mail.example.com\n"
	    "Original-Envelope-Id: my id\n"
	    "X-Postfix-Queue-ID: " WORLD_ID "\n"
	    "X-Postfix-Sender: rfc822; a@b.test\n"
	    "Arrival-Date: ");
	T_HAS_STR(text, "\n\nFinal-Recipient: rfc822; c@d.test\n"
	    "Original-Recipient: rfc822;list+40example.com\n"
	    "Action: failed\nStatus: 5.1.1\nRemote-MTA: dns; mx.d.test\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 ?  no\n\n--");
	T_HAS_STR(text, "\nContent-Description: Undelivered Message\n"
	    "Content-Type: message/rfc822\n\n" CONTENT);
	T_CHECK(strstr(text, "In-Reply-To") == NULL);
	T_CHECK(strstr(text, "8bit") == NULL);
}

T_TEST(a_notice_has_words_a_report_and_the_message)
{
	world_run("", tell_of_one, NULL);
}

static void
tell_in_words_of_ours(void *arg)
{
	struct envelope envelope = { .sender = SPAN("a@b.test"),
		.arrival_us = 1700000000000000 };

	(void)arg;
	one.reason = SPAN("\xc3\xa4");
	world_append(QUEUE_BOUNCE, &one, 1);
	T_CHECK(world_tell(BOUNCE_FAILED, &envelope, CONTENT));
	T_EQ_INT(t_mail_count, 2);
	T_HAS_STR(text_of(0), "\nFrom: Robot <r@b.test>\nSubject: Zur\n");
	T_HAS_STR(text_of(0), "\nContent-Type: text/plain; "
	    "charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\n"
	    "Zur\xfc" "ck von mail.example.com\n\n<c@d.test>");
	T_HAS_STR(text_of(0), "):\n    ??\n");
	T_HAS_STR(text_of(0), "\nReferences: <1@b>\nIn-Reply-To: <1@b>\n");
	T_EQ_INT(t_mails[0].flags, CLEANUP_INTERNAL | CLEANUP_OF_BOUNCE
	    | CLEANUP_FILTER);
	T_CASE("the postmaster gets another subject and no words");
	T_HAS_STR(text_of(1), "\nSubject: Kopie\n");
	T_CHECK(strstr(text_of(1), "von mail.example.com") == NULL);
	T_HAS_STR(text_of(1), "\n<c@d.test> (expanded");
	T_EQ_STR(str_cstr(&t_mails[1].rcpt), "pm@example.com");
}

T_TEST(a_template_file_says_it_in_other_words)
{
	struct str conf = STR_EMPTY, path = STR_EMPTY;
	FILE *file;

	t_tmpdir_in_memory();
	str_printf(&path, "%s/b.cf", t_tmpdir());
	file = fopen(str_cstr(&path), "w");
	T_NEED(file != NULL);
	fputs("failure_template = <<EOF\nCharset: iso-8859-1\n"
	    "From: Robot <r@b.test>\nSubject: Zur\nPostmaster-Subject: Kopie\n"
	    "\nZur\xfc" "ck von $myhostname\nEOF\n", file);
	fclose(file);
	str_printf(&conf, "bounce_template_file = %s\nnotify_classes = bounce\n"
	    "bounce_notice_recipient = pm\nenable_threaded_bounces = yes\n"
	    "internal_mail_filter_classes = notify, bounce\n",
	    str_cstr(&path));
	world_run(str_cstr(&conf), tell_in_words_of_ours, NULL);
	str_fini(&conf);
	str_fini(&path);
}

static void
tell_in_utf8(void *arg)
{
	struct envelope envelope = { .sender = SPAN("\xc3\xa4@b.test"),
		.arrival_us = 1700000000000000,
		.flags = ENVELOPE_SMTPUTF8_ASKED | ENVELOPE_SMTPUTF8_NEEDED };
	struct outcome o = { .rcpt = SPAN("\xc3\xb6@d.test"),
		.original = SPAN("\xc3\xbc@d.test"), .dsn = SPAN("5.1.1"),
		.reason = SPAN("no \xc3\x9f"), .when_us = 1 };

	(void)arg;
	world_append(QUEUE_BOUNCE, &o, 1);
	T_CHECK(world_tell(BOUNCE_FAILED, &envelope, CONTENT));
	T_EQ_INT(t_mails[0].envelope_flags,
	    ENVELOPE_INTERNAL | ENVELOPE_SMTPUTF8_ASKED);
	T_HAS_STR(text_of(0), "report-type=global-delivery-status;\n");
	T_HAS_STR(text_of(0), "\n<\xc3\xb6@d.test> (expanded from "
	    "<\xc3\xbc@d.test>):\n    no \xc3\x9f\n");
	T_HAS_STR(text_of(0),
	    "\nContent-Type: message/global-delivery-status\n"
	    "Content-Transfer-Encoding: 8bit\n\n");
	T_HAS_STR(text_of(0), "\nX-Postfix-Sender: utf-8; \xc3\xa4@b.test\n");
	T_HAS_STR(text_of(0), "\nFinal-Recipient: utf-8; \xc3\xb6@d.test\n"
	    "Original-Recipient: utf-8;\xc3\xbc@d.test\n");
	T_HAS_STR(text_of(0), "\nContent-Type: message/global\n"
	    "Content-Transfer-Encoding: 8bit\n\nSubject: hi\n");
	T_CASE("headers alone");
	envelope.dsn_ret = DSN_RET_HDRS;
	o.rcpt = SPAN("c@d.test");
	world_append(QUEUE_BOUNCE, &o, 1);
	t_mail_count = 0;
	T_CHECK(world_tell(BOUNCE_FAILED, &envelope, CONTENT));
	T_HAS_STR(text_of(0), "\nContent-Type: message/global-headers\n");
	T_HAS_STR(text_of(0), "\nFinal-Recipient: rfc822; c@d.test\n");
}

T_TEST(mail_with_utf8_addresses_is_told_of_as_rfc_6533_says)
{
	world_run("", tell_in_utf8, NULL);
}

static void
tell_each(void *arg)
{
	struct envelope envelope = { .sender = SPAN("own@l.test"),
		.verp = SPAN("+="), .arrival_us = 1700000000000000 };
	struct outcome outcomes[] = { one, one, one };

	(void)arg;
	outcomes[1].rcpt = SPAN("e@f.test");
	outcomes[1].original = SPAN_NONE;
	outcomes[2].rcpt = SPAN("never@f.test");
	outcomes[2].notify = DSN_NOTIFY_NEVER;
	world_append(QUEUE_BOUNCE, outcomes, 3);
	t_cleanup_status = CLEANUP_WRITE_ERROR;
	T_CHECK(!world_tell(BOUNCE_FAILED, &envelope, CONTENT));
	T_EQ_INT(t_mail_count, 1);
	t_cleanup_status = CLEANUP_OK;
	t_mail_count = 0;
	T_CHECK(world_tell(BOUNCE_FAILED, &envelope, CONTENT));
	T_EQ_INT(t_mail_count, 2);
	T_EQ_STR(str_cstr(&t_mails[0].rcpt),
	    "own+list=example.com@l.test");
	T_HAS_STR(text_of(0), "\nFinal-Recipient: rfc822; c@d.test\n");
	T_CHECK(strstr(text_of(0), "e@f.test") == NULL);
	T_EQ_STR(str_cstr(&t_mails[1].rcpt), "own+e=f.test@l.test");
	T_HAS_STR(text_of(1), "\nFinal-Recipient: rfc822; e@f.test\n");
	T_CHECK(strstr(text_of(1), "c@d.test") == NULL);
	T_CASE("unless that is not wanted");
	world_conf("disable_verp_bounces = yes\n");
	world_append(QUEUE_BOUNCE, outcomes, 3);
	t_mail_count = 0;
	T_CHECK(world_tell(BOUNCE_FAILED, &envelope, CONTENT));
	T_EQ_INT(t_mail_count, 1);
	T_EQ_STR(str_cstr(&t_mails[0].rcpt), "own@l.test");
	T_HAS_STR(text_of(0), "c@d.test");
	T_HAS_STR(text_of(0), "e@f.test");
	T_CHECK(strstr(text_of(0), "never@") == NULL);
}

T_TEST(each_recipient_of_a_verp_mailing_bounces_by_itself)
{
	world_run("", tell_each, NULL);
}

static void
tell_late(void *arg)
{
	struct envelope envelope = { .sender = SPAN("a@b.test"),
		.arrival_us = 1700000000000000 };

	(void)arg;
	world_append(QUEUE_DEFER, &one, 1);
	T_CHECK(world_tell(BOUNCE_DELAYED, &envelope, CONTENT));
	T_EQ_INT(t_mail_count, 2);
	T_EQ_STR(str_cstr(&t_mails[0].rcpt), "a@b.test");
	T_EQ_STR(str_cstr(&t_mails[1].rcpt), "late@d.test");
}

T_TEST(another_than_the_postmaster_hears_of_delays)
{
	world_run("notify_classes = delay\n"
	    "delay_notice_recipient = late@d.test\n", tell_late, NULL);
}

static void
tell_with_trouble(void *arg)
{
	struct envelope envelope = { .sender = SPAN("a@b.test"),
		.arrival_us = 1700000000000000 };

	(void)arg;
	T_CASE("nothing to tell");
	T_CHECK(world_tell(BOUNCE_FAILED, &envelope, CONTENT));
	T_EQ_INT(t_mail_count, 0);
	T_CASE("cleanup does not take it");
	world_append(QUEUE_BOUNCE, &one, 1);
	t_cleanup_status = CLEANUP_WRITE_ERROR;
	T_CHECK(!world_tell(BOUNCE_FAILED, &envelope, CONTENT));
	T_CHECK(world_has_log(QUEUE_BOUNCE));
	T_CASE("later it does, but it is too large");
	t_cleanup_status = CLEANUP_OK;
	t_mail_count = 0;
	bounce_conf.bounce_size_limit = 10;
	T_CHECK(world_tell(BOUNCE_FAILED, &envelope, CONTENT));
	T_CHECK(!world_has_log(QUEUE_BOUNCE));
	T_HAS_STR(text_of(0), "Content-Description: Undelivered Message "
	    "Headers\nContent-Type: text/rfc822-headers\n");
	T_CASE("a delay says until when");
	t_mail_count = 0;
	one.action = DSN_DELAYED;
	world_append(QUEUE_DEFER, &one, 1);
	T_CHECK(world_tell(BOUNCE_DELAYED, &envelope, NULL));
	T_HAS_STR(text_of(0), "\nSubject: Delayed Mail (still being retried)");
	T_HAS_STR(text_of(0), "\nAction: delayed\n");
	T_HAS_STR(text_of(0), "\nWill-Retry-Until: Sun, 19 Nov 2023 ");
	T_EQ_INT(t_mails[0].notify, DSN_NOTIFY_NEVER);
}

T_TEST(a_log_is_kept_until_its_notice_is_in_the_queue)
{
	world_run("", tell_with_trouble, NULL);
}
