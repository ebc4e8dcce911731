/*
 * What a server gets of the content: checks of the client, generic addresses,
 * and 7-bit for those that want it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/daemons/smtp/world.h"

#define GREET "> 220 mx.example ESMTP\n< EHLO client.example\n"
#define PLAIN GREET "> 250 mx.example\n"
#define GO "> 250 ok\n< RCPT TO:<a@x.example>\n> 250 ok\n< DATA\n> 354 go\n"
#define DONE ".\n> 250 ok\n< QUIT\n> 221 bye\n=\n"
#define SCRIPT PLAIN "< MAIL FROM:<me@client.example>\n" GO DONE
#define SCRIPT_8BIT GREET "> 250-mx.example\n> 250 8BITMIME\n" \
	"< MAIL FROM:<me@client.example> BODY=8BITMIME\n" GO DONE
#define E_ACUTE "\303\251"
#define X35 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *name, *settings, *script, *content;
	const char *want;		/* LF as "|" */
	const char *log;
	uint64_t flags;
} cases[] = {
	{ "nobody asked", "", SCRIPT, "A: b\n\n=" E_ACUTE "\n",
	    "A: b||=" E_ACUTE "|", NULL, 0 },
	/* 8-bit */
	{ "a server of today", "", SCRIPT_8BIT,
	    "Content-Transfer-Encoding: 8bit\n\n" E_ACUTE "\n",
	    "Content-Transfer-Encoding: 8bit||" E_ACUTE "|", NULL,
	    ENVELOPE_8BIT },
	{ "one of before", "", SCRIPT, "A: b\nContent-Transfer-Encoding: 8BIT\n"
	    "C: d\n\n" E_ACUTE " = \t\nend ", "A: b|C: d|Content-Transfer-"
	    "Encoding: quoted-printable||=C3=A9 =3D =09|end=20|", NULL,
	    ENVELOPE_8BIT },
	{ "long lines", "", SCRIPT, "Content-Transfer-Encoding: binary\n\n"
	    X35 X35 "xxxxx" "\n" X35 X35 "xxxxxx" "\n" X35 X35 "xxx" E_ACUTE
	    "\n", "Content-Transfer-Encoding: quoted-printable||" X35 X35
	    "xxxxx|" X35 X35 "xxxxx=|x|" X35 X35 "xxx=|=C3=A9|", NULL,
	    ENVELOPE_8BIT },
	{ "parts", "", SCRIPT, "Content-Transfer-Encoding: 8bit\nContent-Type: "
	    "multipart/mixed; boundary=b\n\npre=\n--b\nContent-Transfer-"
	    "Encoding: 8bit\n\n" E_ACUTE "\n--b\n\nx=\n--b\nContent-Type: "
	    "message/rfc822\nContent-Transfer-Encoding: 8bit\n\nS: t\n\ny\n"
	    "--b--\n",
	    "Content-Type: multipart/mixed; boundary=b|Content-Transfer-"
	    "Encoding: 7bit||pre=|--b|Content-Transfer-Encoding: quoted-"
	    "printable||=C3=A9|--b||x=|--b|Content-Type: message/rfc822|"
	    "Content-Transfer-Encoding: 7bit||S: t||y|--b--|", NULL,
	    ENVELOPE_8BIT },
	{ "not said to be 8bit", "", SCRIPT, "A: b\n\n" E_ACUTE "\n",
	    "A: b||" E_ACUTE "|", NULL, ENVELOPE_8BIT },
	{ "no conversion", "disable_mime_output_conversion = yes", SCRIPT,
	    "Content-Transfer-Encoding: 8bit\n\n" E_ACUTE "\n",
	    "Content-Transfer-Encoding: 8bit||" E_ACUTE "|", NULL,
	    ENVELOPE_8BIT },
	/* checks */
	{ "headers", "smtp_header_checks = regexp:{{/^A/ IGNORE}, "
	    "{/^B: (.*)/ REPLACE X: $$1}, {/^C/ PREPEND Y: z}, {/^D/ STRIP x}, "
	    "{/^E/ WARN careful}, {/^F/ REJECT}}", SCRIPT,
	    "A: 1\nB: 2\nC: 3\nD: 4\nE: 5\nF: 6\nContent-Type: text/plain\n\n"
	    "A: 1\n", "X: 2|Y: z|C: 3|E: 5|F: 6|Content-Type: text/plain||"
	    "A: 1|", "3QueueId: replace: header B: 2: X: 2\n"
	    "3QueueId: prepend: header C: 3: Y: z\n"
	    "3QueueId: strip: header D: 4: x\n"
	    "3QueueId: warning: header E: 5: careful\n"
	    "warning: 3QueueId: smtp_header_checks: \"reject\" is not possible "
	    "while mail is delivered\n", 0 },
	{ "parts and body", "smtp_mime_header_checks = regexp:{{/^A/ IGNORE}}\n"
	    "smtp_nested_header_checks = regexp:{{/^B/ IGNORE}}\n"
	    "smtp_body_checks = regexp:{{/^x(.*)/ REPLACE <$$1>}, {/^--b$$/ "
	    "PREPEND p}}", SCRIPT, "A: 1\nContent-Type: multipart/mixed; "
	    "boundary=b\n\n--b\nA: 1\nContent-Type: message/rfc822\n\nA: 1\n"
	    "B: 2\n\nx1\n", "A: 1|Content-Type: multipart/mixed; boundary=b||"
	    "p|--b|Content-Type: message/rfc822||A: 1||<1>|",
	    "3QueueId: prepend: body --b: p\n"
	    "3QueueId: replace: body x1: <1>\n", 0 },
	{ "a boundary as far as it counts", "mime_boundary_length_limit = 2\n"
	    "smtp_mime_header_checks = regexp:{{/^C:/ IGNORE}}", SCRIPT,
	    "Content-Type: multipart/x; boundary=abc\n\n--abd\nC: 1\n\n--x\n",
	    "Content-Type: multipart/x; boundary=abc||--abd||--x|", NULL, 0 },
	{ "as deep as parts count", "mime_nesting_limit = 1\n"
	    "smtp_mime_header_checks = regexp:{{/^C:/ IGNORE}}", SCRIPT,
	    "Content-Type: multipart/x; boundary=a\n\n--a\nC: 1\n"
	    "Content-Type: multipart/x; boundary=b\n\n--b\nC: 2\n\n",
	    "Content-Type: multipart/x; boundary=a||--a|Content-Type: "
	    "multipart/x; boundary=b||--b|C: 2||", NULL, 0 },
	{ "and 7-bit", "smtp_body_checks = regexp:{{/^" E_ACUTE "/ REPLACE ="
	    "}}", SCRIPT, "Content-Transfer-Encoding: 8bit\n\n" E_ACUTE "\n",
	    "Content-Transfer-Encoding: quoted-printable||=3D|", NULL,
	    ENVELOPE_8BIT },
	/* generic */
	{ "headers by generic", "smtp_generic_maps = inline:"
	    "{{joe@host.lan=joe@isp.example}, {@lan=all@isp.example}}", SCRIPT,
	    "From: Joe <joe@host.lan> (x)\nTo: b@lan,\n c@y\nSubject: "
	    "joe@host.lan\nReceived: joe@host.lan\n\nFrom: joe@host.lan\n",
	    "From: Joe <joe@isp.example> (x)|To: all@isp.example,| c@y|"
	    "Subject: joe@host.lan|Received: joe@host.lan||"
	    "From: joe@host.lan|", NULL, 0 },
};

static void
deliver_cases(struct world *w)
{
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct world_mail mail = { .sender = "me@client.example",
			.rcpts = { "a@x.example" },
			.content = cases[i].content, .flags = cases[i].flags };
		struct world_result r;

		T_CASE(cases[i].name);
		world_configure(w, cases[i].settings);
		str_clear(&w->content);
		str_clear(&w->log);
		world_deliver(w, "[127.0.0.1]:@", &mail, &r);
		T_EQ_INT(r.kinds[0], OUTCOME_SENT);
		T_EQ_TEXT(str_span(&w->content), cases[i].want);
		if (cases[i].log != NULL)
			T_HAS_STR(str_cstr(&w->log), cases[i].log);
		smtp_idle_close_all();
	}
}

T_TEST(content_is_made_fit_for_the_server)
{
	struct world w = { .run = deliver_cases };

	T_NEED(T_COUNT(cases) <= T_COUNT(w.scripts));
	for (size_t i = 0; i < T_COUNT(cases); i++)
		w.scripts[i] = cases[i].script;
	world_run(&w);
}

static void
deliver_from_lan(struct world *w)
{
	struct world_mail mail = { .sender = "joe+x@lan",
		.rcpts = { "ann@lan", "a@x.example" }, .content = "A: b\n\n" };
	struct world_result r;

	world_deliver(w, "[127.0.0.1]:@", &mail, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_SENT);
	T_EQ_INT(r.kinds[1], OUTCOME_SENT);
	T_HAS_STR(str_cstr(&w->log), "to=<ann@lan>, ");
}

T_TEST(envelopes_are_what_the_world_sees)
{
	struct world w = { .run = deliver_from_lan, .settings =
		"recipient_delimiter = +\n"
		"propagate_unmatched_extensions = generic\n"
		"smtp_generic_maps = inline:{{joe@lan=j@isp.example}, "
		"{ann@lan=@isp.example}}", .scripts = {
		PLAIN "< MAIL FROM:<j+x@isp.example>\n> 250 ok\n"
		"< RCPT TO:<ann@isp.example>\n> 250 ok\n"
		"< RCPT TO:<a@x.example>\n> 250 ok\n< DATA\n> 354 go\n" DONE } };

	world_run(&w);
}

static void
defer(struct world *w)
{
	struct world_mail mail = { .sender = "me@client.example",
		.rcpts = { "a@x.example" }, .content = "A: b\n\n" };
	struct world_result r;

	world_deliver(w, "[127.0.0.1]:@", &mail, &r);
	T_EQ_INT(r.kinds[0], OUTCOME_DEFERRED);
	T_HAS_STR(str_cstr(&w->log), "dsn=4.3.0, status=deferred (table lookup "
	    "problem)");
	T_EQ_INT(w->contents, 0);
}

T_TEST(mail_waits_for_a_generic_table_that_fails)
{
	struct world w = { .run = defer, .settings =
		"smtp_generic_maps = fail:x", .scripts = {
		PLAIN "< QUIT\n> 221 bye\n=\n" } };

	world_run(&w);
}

T_TEST(mail_waits_for_a_check_that_fails)
{
	struct world w = { .run = defer, .settings =
		"smtp_header_checks = fail:x", .scripts = {
		PLAIN "< MAIL FROM:<me@client.example>\n" GO "%\n" } };

	world_run(&w);
}
