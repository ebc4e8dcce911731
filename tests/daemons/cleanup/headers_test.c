/*
 * Headers: kept, rewritten, dropped, added; and what is no header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/mail/conf_core.h"
#include "tests/daemons/cleanup/world.h"
#include "tests/harness/t_maps.h"

static const struct {
	const char *name, *conf, *context, *content, *want;
} cases[] = {
	{ "as it came", "", "remote", "A: b\nC: d\n\nbody\n",
	    "A: b\nC: d\n\nbody\n" },
	{ "folded", "", "remote", "A: b\n c\n\td\nE: f\n\n",
	    "A: b\n c\n\td\nE: f\n\n" },
	{ "no body", "", "remote", "A: b\n", "A: b\n" },
	{ "no header", "", "remote", "\nbody\n", "\nbody\n" },
	{ "nothing", "", "remote", "", "" },
	{ "body at once", "", "remote", "body is here\nA: b\n",
	    "\nbody is here\nA: b\n" },
	{ "what is no white space continues nothing", "", "remote",
	    "A: b\n\vC: d\nE: f\n", "A: b\n\n\vC: d\nE: f\n" },
	{ "body without an empty line", "", "remote", "A: b\nbody\nC: d\n",
	    "A: b\n\nbody\nC: d\n" },
	{ "begins with a space", "", "remote", " x\nA: b\n\n",
	    "\n x\nA: b\n\n" },
	{ "from a mailbox", "", "remote", "From a@b Mon\n>From x\nA: b\n\n",
	    "A: b\n\n" },
	{ "From in a body", "", "remote", "A: b\n\nFrom x\n",
	    "A: b\n\nFrom x\n" },
	{ "space before the colon", "", "remote", "A : b\n\n", "A: b\n\n" },
	{ "spaces before the colon", "", "remote", "A \t : b : c\n d : e\n\n",
	    "A: b : c\n d : e\n\n" },
	{ "no last line end", "", "remote", "A: b\n\nbody", "A: b\n\nbody" },
	{ "no line end in headers", "", "remote", "A: b", "A: b\n" },
	{ "dropped", "", "remote", "Bcc: x\n y\nReturn-Path: <z>\n"
	    "content-length: 5\nResent-Bcc: q\nA: b\n\nBcc: x\n",
	    "A: b\n\nBcc: x\n" },
	{ "dropped by name", "message_drop_headers = x-mailer, subject",
	    "remote", "Bcc: x\nSubject: y\nX-Mailer: z\nX: a\n\n",
	    "Bcc: x\nX: a\n\n" },
	{ "carriage returns", "", "remote", "A: b\rc\n\nd\r\re\n",
	    "A: b c\n\nd  e\n" },
	{ "carriage returns, kept", "cleanup_replace_stray_cr_lf = no",
	    "remote", "A: b\rc\n\nd\re\n", "A: b\rc\n\nd\re\n" },
	/* rewriting */
	{ "remote addresses stay", "canonical_maps = inline:{{a@b=c@d}}",
	    "remote", "From: a@b\nTo: joe\n\n", "From: a@b\nTo: joe\n\n" },
	{ "local ones are completed", "", "local", "Message-Id: <x>\n"
	    "Date: y\nFrom: a (A)\nTo: B <b>, c@d, \"q r\" <e>\n\n",
	    "Message-Id: <x>\nDate: y\nFrom: a@example.com (A)\n"
	    "To: B <b@example.com>, c@d, \"q r\" <e@example.com>\n\n" },
	{ "and mapped", "canonical_maps = inline:{{a@b=\"x y\"@d}}", "local",
	    "Message-Id: <x>\nDate: y\nFrom: N <a@b>\nCc: k,\n a@b\n\n",
	    "Message-Id: <x>\nDate: y\nFrom: N <\"x y\"@d>\n"
	    "Cc: k@example.com,\n \"x y\"@d\n\n" },
	{ "words side by side", "", "local", "Message-Id: <x>\nDate: y\n"
	    "From: J D (x)\nTo: a c@d\n e, f <g@h> i\n\n",
	    "Message-Id: <x>\nDate: y\n"
	    "From: J@example.com, D@example.com (x)\n"
	    "To: a@example.com, c@d,\n e@example.com, f <g@h>, "
	    "i@example.com\n\n" },
	{ "side by side and complete", "", "local", "Message-Id: <x>\n"
	    "Date: y\nFrom: a@b\nTo: c@d e@f\n\n", "Message-Id: <x>\n"
	    "Date: y\nFrom: a@b\nTo: c@d e@f\n\n" },
	{ "by class", "sender_canonical_maps = inline:{{a@b=s@d}}\n"
	    "recipient_canonical_maps = inline:{{a@b=r@d}}", "local",
	    "Message-Id: <x>\nDate: y\nFrom: a@b\nReply-To: a@b\nTo: a@b\n\n",
	    "Message-Id: <x>\nDate: y\nFrom: s@d\nReply-To: s@d\nTo: r@d\n"
	    "\n" },
	{ "classes of each, not headers", "sender_canonical_maps = "
	    "inline:{{a@b=s@d}}\nrecipient_canonical_maps = "
	    "inline:{{a@b=r@d}}\ncanonical_maps = inline:{{a@b=c@d}}\n"
	    "sender_canonical_classes = envelope_sender\n"
	    "recipient_canonical_classes = envelope_recipient\n"
	    "canonical_classes = header_recipient", "local",
	    "Message-Id: <x>\nDate: y\nFrom: a@b\nTo: a@b\n\n",
	    "Message-Id: <x>\nDate: y\nFrom: a@b\nTo: c@d\n\n" },
	{ "masquerading", "masquerade_domains = b\n"
	    "masquerade_classes = header_recipient\nmasquerade_exceptions = "
	    "root", "local",
	    "Message-Id: <x>\nDate: y\nFrom: a@x.b\nTo: a@x.b, root@x.b\n\n",
	    "Message-Id: <x>\nDate: y\nFrom: a@x.b\nTo: a@b, root@x.b\n\n" },
	{ "not in a body", "", "local", "Message-Id: <x>\nDate: y\n"
	    "From: a@b\nTo: c@d\n\nFrom: joe\n", "Message-Id: <x>\nDate: y\n"
	    "From: a@b\nTo: c@d\n\nFrom: joe\n" },
	/* missing ones */
	{ "added for local mail", "undisclosed_recipients_header = "
	    "To: undisclosed-recipients:;", "local", "A: b\n\nbody\n",
	    "A: b\nMessage-Id: <20231114221320.4F0A1B2C3D@mail.example.com>\n"
	    "Date: Tue, 14 Nov 2023 22:13:20 +0000 (UTC)\nFrom: s@a\n"
	    "To: undisclosed-recipients:;\n\nbody\n" },
	{ "not for remote mail", "", "remote", "A: b\n\n", "A: b\n\n" },
	{ "always", "always_add_missing_headers = yes", "remote", "To: b\n",
	    "To: b\n"
	    "Message-Id: <20231114221320.4F0A1B2C3D@mail.example.com>\n"
	    "Date: Tue, 14 Nov 2023 22:13:20 +0000 (UTC)\nFrom: s@a\n" },
	{ "resent", "", "local", "From: a@b\nResent-From: c@d\n\n",
	    "From: a@b\nResent-From: c@d\nResent-Message-Id: "
	    "<20231114221320.4F0A1B2C3D@mail.example.com>\n"
	    "Resent-Date: Tue, 14 Nov 2023 22:13:20 +0000 (UTC)\n\n" },
	{ "resent, by any header", "", "local", "From: a@b\nTo: c@d\n"
	    "Resent-Cc: e@f\nResent-From: g@h\nResent-Date: x\n\n",
	    "From: a@b\nTo: c@d\nResent-Cc: e@f\nResent-From: g@h\n"
	    "Resent-Date: x\nResent-Message-Id: "
	    "<20231114221320.4F0A1B2C3D@mail.example.com>\n\n" },
	{ "recipients that nobody sees", "undisclosed_recipients_header = "
	    "To: undisclosed-recipients:;", "local", "Message-Id: <x>\n"
	    "Date: y\nFrom: a@b\nBcc: c@d\n\n", "Message-Id: <x>\n"
	    "Date: y\nFrom: a@b\nTo: undisclosed-recipients:;\n\n" },
	{ "recipients of the second way", "undisclosed_recipients_header = "
	    "To: undisclosed-recipients:;", "local", "Resent-Message-Id: <x>\n"
	    "Resent-Date: y\nResent-From: a@b\nResent-To: c@d\n\n",
	    "Resent-Message-Id: <x>\nResent-Date: y\nResent-From: a@b\n"
	    "Resent-To: c@d\n\n" },
	{ "with long ids", "enable_long_queue_ids = yes", "local",
	    "Date: x\nFrom: a@b\n\n", "Date: x\nFrom: a@b\n"
	    "Message-Id: <4F0A1B2C3D@mail.example.com>\n\n" },
	{ "remote ones, if it is said", "remote_header_rewrite_domain = "
	    "dom.invalid\ncanonical_maps = inline:{{a@b=c@d}}", "remote",
	    "From: a@b\nTo: joe\n\n", "From: c@d\nTo: joe@dom.invalid\n"
	    "Message-Id: <20231114221320.4F0A1B2C3D@mail.example.com>\n"
	    "Date: Tue, 14 Nov 2023 22:13:20 +0000 (UTC)\n\n" },
	/* where they end */
	{ "no empty line, and told", "non_empty_end_of_header_action = "
	    "add_header", "remote", "A: b\n c\nbody\nC: d\n", "A: b\n c\n"
	    "MIME-Error: message header was not terminated by empty line\n\n"
	    "body\nC: d\n" },
	{ "nothing to tell", "non_empty_end_of_header_action = add_header",
	    "remote", "A: b\n\nbody\nC: d\n", "A: b\n\nbody\nC: d\n" },
	{ "nothing to tell of headers alone",
	    "non_empty_end_of_header_action = reject", "remote", "A: b\n",
	    "A: b\n" },
	/* 8-bit parts */
	{ "8-bit as it came", "", "remote", "Content-Transfer-Encoding: 8bit\n"
	    "\n\303\244 \n", "Content-Transfer-Encoding: 8bit\n\n\303\244 "
	    "\n" },
	{ "8-bit made quoted-printable", "force_mime_input_conversion = yes",
	    "remote", "Content-Transfer-Encoding: 8bit\nA: b\n\n\303\244= \n",
	    "A: b\nContent-Transfer-Encoding: quoted-printable\n\n"
	    "=C3=A4=3D=20\n" },
	{ "parts made quoted-printable", "force_mime_input_conversion = yes\n"
	    "body_checks = regexp:{{/^=C3=A4$$/ REPLACE x}}", "remote",
	    "Content-Type: multipart/mixed; boundary=b\n"
	    "Content-Transfer-Encoding: 8bit\n\n--b\n"
	    "Content-Transfer-Encoding: binary\n\n\303\244\n--b\n\n\303\n"
	    "--b--\n", "Content-Type: multipart/mixed; boundary=b\n"
	    "Content-Transfer-Encoding: 7bit\n\n--b\n"
	    "Content-Transfer-Encoding: quoted-printable\n\nx\n--b\n\n\303\n"
	    "--b--\n" },
	{ "no look at parts, no conversion", "force_mime_input_conversion = "
	    "yes\ndisable_mime_input_processing = yes", "remote",
	    "Content-Transfer-Encoding: 8bit\n\n\303\244 \n",
	    "Content-Transfer-Encoding: 8bit\n\n\303\244 \n" },
	/* bytes */
	{ "bytes taken out", "message_strip_characters = \\001z\\t\\\\\\r",
	    "remote", "A: b\001z\tc\n\nza\\b\rc\001\n", "A: bc\n\nabc\n" },
	{ "nothing to refuse", "message_reject_characters = \\000\\377z",
	    "remote", "A: b\n\n\376Z\n", "A: b\n\n\376Z\n" },
	/* limits */
	{ "so many tokens of addresses", "header_address_token_limit = 7",
	    "local", "Message-Id: <x>\nDate: y\nFrom: a@b\nTo: a, (x y) "
	    "\"q r\" <e>, f, g\nSubject: 1 2 3 4 5 6 7 8\n\n",
	    "Message-Id: <x>\nDate: y\nFrom: a@b\nTo: a@example.com, (x y) "
	    "\"q r\" <e@example.com>\nSubject: 1 2 3 4 5 6 7 8\n\n" },
	{ "not of addresses that stay", "header_address_token_limit = 1",
	    "remote", "To: a, b\n\n", "To: a, b\n\n" },
	{ "a header that is too long", "header_size_limit = 10", "remote",
	    "A: 3456789012\n continued\nB: c\n\n", "A: 3456789\nB: c\n\n" },
};

static void
run_cases(void *arg)
{
	size_t chunk = (size_t)(uintptr_t)arg;

	setenv("TZ", "UTC", 1);
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct world_message m = { .sender = "s@a", .rcpts = "a@b",
			.context = cases[i].context,
			.content = cases[i].content, .chunk = chunk };
		struct str reply = STR_EMPTY, stored = STR_EMPTY;
		const char *content;

		T_CASEF("%s, %zu at once", cases[i].name, chunk);
		world_conf(cases[i].conf);
		world_send(&m, &reply, &stored);
		T_EQ_STR(str_cstr(&reply), "250");
		content = strchr(str_cstr(&stored), '\n');
		T_NEED(content != NULL);
		T_EQ_STR(content + 1, cases[i].want);
		str_fini(&reply);
		str_fini(&stored);
	}
}

T_TEST(headers_are_put_in_order)
{
	world_run(run_cases, (void *)(uintptr_t)0);
}

T_TEST(however_they_are_cut)
{
	world_run(run_cases, (void *)(uintptr_t)1);
}

static void
send_text(const char *context, const char *content, struct str *reply,
    struct str *stored)
{
	struct world_message m = { .sender = "s@a", .rcpts = "a@b",
		.context = context, .content = content };

	world_send(&m, reply, stored);
}

static const struct {
	const char *name, *conf, *sender, *full_name, *want;
} senders[] = {
	{ "an address alone", "", "s@a", NULL, "From: s@a\n\n" },
	{ "a name", "", "s@a", "Ann B", "From: Ann B <s@a>\n\n" },
	{ "a name behind", "header_from_format = obsolete", "s@a", "Ann (B)",
	    "From: s@a (Ann \\(B\\))\n\n" },
	{ "a coded name", "", "s@a", "J\303\266rg",
	    "From: =?utf-8?Q?J=C3=B6rg?=\n <s@a>\n\n" },
	{ "in another character set", "full_name_encoding_charset = "
	    "iso-8859-1", "s@a", "J\366rg",
	    "From: =?iso-8859-1?Q?J=F6rg?=\n <s@a>\n\n" },
	{ "not coded", "full_name_encoding_charset =", "s@a", "J\303\266rg",
	    "From: \"J\303\266rg\" <s@a>\n\n" },
	{ "nobody", "", "", "Ann B", "From: Mail Delivery System "
	    "<MAILER-DAEMON@example.com>\n\n" },
	{ "nobody, the old way", "header_from_format = Obsolete", "", NULL,
	    "From: MAILER-DAEMON@example.com (Mail Delivery System)\n\n" },
};

static void
run_senders(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < T_COUNT(senders); i++) {
		struct world_message m = { .sender = senders[i].sender,
			.rcpts = "a@b", .context = "local",
			.full_name = senders[i].full_name,
			.content = "Message-Id: <x>\nDate: y\n\n" };
		struct str reply = STR_EMPTY, stored = STR_EMPTY;

		T_CASE(senders[i].name);
		world_conf(senders[i].conf);
		world_send(&m, &reply, &stored);
		T_EQ_STR(str_cstr(&reply), "250");
		T_HAS_STR(str_cstr(&stored), "\nDate: y\n");
		T_EQ_STR(strstr(str_cstr(&stored), "From:"), senders[i].want);
		str_fini(&reply);
		str_fini(&stored);
	}
}

T_TEST(a_sender_has_a_name)
{
	world_run(run_senders, NULL);
}

static void
no_end(void *arg)
{
	struct str reply = STR_EMPTY, stored = STR_EMPTY;

	(void)arg;
	world_conf("non_empty_end_of_header_action = reject");
	send_text("remote", "A: b\nbody\n", &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "550 5.6.0 no empty line behind the message "
	    "header");
	T_EQ_STR(str_cstr(&stored), "not queued");
	T_HAS_STR(logged(), "4F0A1B2C3D: reject: mime-error no empty line "
	    "behind the message header: body from ");
	str_fini(&reply);
	str_fini(&stored);
}

T_TEST(headers_without_an_end_are_refused_if_asked)
{
	keep_log();
	world_run(no_end, NULL);
}

static void
bad_bytes(void *arg)
{
	struct world_message own = { .sender = "s@a", .rcpts = "a@b",
		.content = "A: b\n\nc\1\n", .flags = CLEANUP_INTERNAL };
	struct str reply = STR_EMPTY, stored = STR_EMPTY;

	(void)arg;
	world_conf("message_reject_characters = \\1");
	send_text("remote", "A: b\n\nc\1\n", &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "550 5.7.1 disallowed character");
	T_EQ_STR(str_cstr(&stored), "not queued");
	T_HAS_STR(logged(), "4F0A1B2C3D: reject: content disallowed character "
	    "in ");
	world_send(&own, &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "250");
	str_fini(&reply);
	str_fini(&stored);
}

T_TEST(bytes_that_are_not_wanted_are_refused)
{
	keep_log();
	world_run(bad_bytes, NULL);
}

static void
size_limits(void *arg)
{
	struct str reply = STR_EMPTY, stored = STR_EMPTY, text = STR_EMPTY;

	(void)arg;
	world_conf("message_size_limit = 20");
	send_text("remote", "A: b\n\n3456789012345\n", &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "250");
	send_text("remote", "A: b\n\n34567890123456\n", &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "552");
	T_EQ_STR(str_cstr(&stored), "not queued");
	T_HAS_STR(logged(), "warning: 4F0A1B2C3D: queue file size limit "
	    "exceeded\n");
	world_conf("hopcount_limit = 2");
	send_text("remote", "Received: a\nReceived: b\n\n", &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "250");
	send_text("remote", "Received: a\nRECEIVED: b\nReceived: c\n\n",
	    &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "554");
	T_HAS_STR(logged(), "warning: 4F0A1B2C3D: message rejected: "
	    "hopcount exceeded\n");
	/* One line that never ends is a body, and arrives whole. */
	world_conf("message_size_limit = 0");
	for (int i = 0; i < 300000; i++)
		str_putc(&text, (char)('a' + i % 23));
	send_text("remote", str_cstr(&text), &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "250");
	T_EQ_INT(str_len(&stored), strlen("s@a -> a@b\n\n") + 300000);
	T_EQ_STR(strchr(str_cstr(&stored), '\n') + 2, str_cstr(&text));
	str_fini(&reply);
	str_fini(&stored);
	str_fini(&text);
}

/* Of a header that is too long the beginning stays, and nothing behind it. */
static void
long_header(void *arg)
{
	struct str reply = STR_EMPTY, stored = STR_EMPTY, text = STR_EMPTY;
	static const int64_t limits[] = { 1000, 102400, 300000, 1000000 };
	size_t length = 400000;

	str_adds(&text, "A: ");
	for (size_t i = 3; i < length; i++)
		str_putc(&text, (char)('a' + i % 23));
	str_adds(&text, "\nB: c\n\nbody\n");
	for (size_t i = 0; i < T_COUNT(limits); i++) {
		struct str conf = STR_EMPTY, want = STR_EMPTY;
		size_t kept = (size_t)limits[i] < length ? (size_t)limits[i]
		    : length;

		T_CASEF("header_size_limit %lld", (long long)limits[i]);
		str_printf(&conf, "header_size_limit = %lld",
		    (long long)limits[i]);
		world_conf(str_cstr(&conf));
		send_text("remote", str_cstr(&text), &reply, &stored);
		T_EQ_STR(str_cstr(&reply), "250");
		str_add(&want, span_sub(str_span(&text), 0, kept));
		str_adds(&want, "\nB: c\n\nbody\n");
		T_CHECK(strcmp(strchr(str_cstr(&stored), '\n') + 1,
		    str_cstr(&want)) == 0);
		str_fini(&conf);
		str_fini(&want);
	}
	str_fini(&reply);
	str_fini(&stored);
	str_fini(&text);
}

T_TEST(a_long_header_keeps_its_beginning)
{
	world_run(long_header, NULL);
}

T_TEST(size_and_hops_are_limited)
{
	keep_log();
	world_run(size_limits, NULL);
}

static void
message_ids(void *arg)
{
	struct str reply = STR_EMPTY, stored = STR_EMPTY;

	(void)arg;
	logged();
	send_text("remote", "Message-ID:\n  <x@y>\n\n", &reply, &stored);
	T_HAS_STR(logged(), "4F0A1B2C3D: message-id=<x@y>\n");
	send_text("remote", "A: b\n\n", &reply, &stored);
	T_HAS_STR(logged(), "4F0A1B2C3D: message-id=<>\n");
	send_text("remote", "Message-Id: a\tb\n 2A: removed\x1b\n\n", &reply,
	    &stored);
	T_HAS_STR(logged(), "4F0A1B2C3D: message-id=a?b? 2A: removed?\n");
	str_fini(&reply);
	str_fini(&stored);
}

T_TEST(message_ids_are_logged_on_one_line)
{
	keep_log();
	world_run(message_ids, NULL);
}
