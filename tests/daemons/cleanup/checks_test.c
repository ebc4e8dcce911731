/*
 * Header and body checks: which lines are seen by which tables, and what each
 * action does to the message and says in the log.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "tests/daemons/cleanup/world.h"
#include "tests/harness/t_maps.h"

#define TAIL " from unknown; from=<s@a> to=<a@b>"
#define X4 "xxxx"
#define X28 X4 X4 X4 X4 X4 X4 X4
#define X196 X28 X28 X28 X28 X28 X28 X28
#define X252 X196 X28 X28
#define X256 X252 X4
#define MULTI "Content-Type: multipart/mixed; boundary=b\n\n"

static const struct {
	const char *name, *conf, *content;
	const char *want;		/* reply, recipients, content */
	const char *log;		/* without queue id; NULL: nothing */
} cases[] = {
	{ "no match", "header_checks = regexp:{{/^X:/ REJECT}}",
	    "A: X:\n\nX: b\n", "250 s@a -> a@b\nA: X:\n\nX: b\n", NULL },
	{ "reject", "header_checks = regexp:{{/^A:/ REJECT}}",
	    "A: b\nC: d\n\nx\n", "550 5.7.1 message content rejected not queued",
	    "reject: header A: b" TAIL ": 5.7.1 message content rejected\n" },
	{ "reject, with a text", "header_checks = regexp:{{/^A: (.*)/ "
	    "REJECT no $$1 here}}", "A: b\n\nx\n",
	    "550 5.7.1 no b here not queued",
	    "reject: header A: b" TAIL ": 5.7.1 no b here\n" },
	{ "reject, with a code", "header_checks = regexp:{{/^A:/ "
	    "reject 5.7.0 go}}", "A: b\n\nx\n", "550 5.7.0 go not queued",
	    "reject: header A: b" TAIL ": 5.7.0 go\n" },
	{ "reject for now", "header_checks = regexp:{{/^A:/ "
	    "REJECT 4.7.0 later}}", "A: b\n\nx\n",
	    "451 4.7.0 later not queued",
	    "reject: header A: b" TAIL ": 4.7.0 later\n" },
	{ "folded headers are one", "header_checks = regexp:{{/^A:.*d/ "
	    "REPLACE E: f}}", "A: b\n c d\nG: h\n\n",
	    "250 s@a -> a@b\nE: f\nG: h\n\n",
	    "replace: header A: b? c d" TAIL ": E: f\n" },
	{ "ignore, strip", "header_checks = regexp:{{/^A:/ IGNORE}, {/^C:/ "
	    "STRIP why}}", "A: b\nC: d\nE: f\n\n", "250 s@a -> a@b\nE: f\n\n",
	    "strip: header C: d" TAIL ": why\n" },
	{ "prepend", "header_checks = regexp:{{/^C:/ PREPEND X: y}}",
	    "A: b\nC: d\n\n", "250 s@a -> a@b\nA: b\nX: y\nC: d\n\n",
	    "prepend: header C: d" TAIL ": X: y\n" },
	{ "dunno, ok, info, warn", "header_checks = regexp:{{/^A:/ DUNNO}, "
	    "{/^A:/ REJECT}, {/^C:/ OK}, {/^E:/ INFO look}, {/^G:/ WARN}}",
	    "A: b\nC: d\nE: f\nG: h\n\n",
	    "250 s@a -> a@b\nA: b\nC: d\nE: f\nG: h\n\n",
	    "info: header E: f" TAIL ": look\nwarning: header G: h" TAIL "\n" },
	{ "hold", "header_checks = regexp:{{/^A:/ HOLD}}", "A: b\n\n",
	    "250 (hold) s@a -> a@b\nA: b\n\n",
	    "hold: header A: b" TAIL "\n" },
	{ "discard", "header_checks = regexp:{{/^A:/ DISCARD junk}, {/^C:/ "
	    "REJECT}}", "A: b\nC: d\n\n", "250 not queued",
	    "discard: header A: b" TAIL ": junk\n" },
	{ "pass", "header_checks = regexp:{{/^A:/ PASS}, {/^C:/ REJECT}}\n"
	    "body_checks = regexp:{{/x/ REJECT}}", "A: b\nC: d\n\nx\n",
	    "250 s@a -> a@b\nA: b\nC: d\n\nx\n",
	    "pass: header A: b" TAIL "\n" },
	{ "bcc", "header_checks = regexp:{{/^A:/ BCC x@y}, {/^C:/ BCC a@b}}",
	    "A: b\nC: d\n\n", "250 s@a -> a@b x@y\nA: b\nC: d\n\n",
	    "bcc: header A: b" TAIL ": x@y\nbcc: header C: d" TAIL
	    ": a@b\n" },
	{ "redirect, which ends checks", "header_checks = regexp:{{/^A:/ REDIRECT p@q}, "
	    "{/^C:/ REDIRECT x@y}, {/^E:/ FILTER f:g}}", "A: b\nC: d\nE: f\n\n"
	    "body\n", "250 s@a -> p@q(a@b)\nA: b\nC: d\nE: f\n\nbody\n",
	    "redirect: header A: b" TAIL ": p@q\n" },
	{ "redirect to who had it anyway", "header_checks = "
	    "regexp:{{/^Bcc:/ REDIRECT a@b}}", "Bcc: x\n",
	    "250 s@a -> a@b\n", "redirect: header Bcc: x" TAIL ": a@b\n" },
	{ "filter", "header_checks = regexp:{{/^A:/ FILTER f:g}, {/^C:/ FILTER "
	    "smtp:[h]:25}}", "A: b\nC: d\n\nx\n",
	    "250 s@a -> a@b {smtp:[h]:25}\nA: b\nC: d\n\nx\n",
	    "filter: header A: b" TAIL ": f:g\nfilter: header C: d" TAIL
	    ": smtp:[h]:25\n" },
	{ "what is removed is seen first", "header_checks = "
	    "regexp:{{/^Bcc:/ WARN}}", "Bcc: x\nA: b\n\n",
	    "250 s@a -> a@b\nA: b\n\n", "warning: header Bcc: x" TAIL "\n" },
	{ "what was replaced counts as there", "header_checks = "
	    "regexp:{{/^X-To: (.*)/ REPLACE Message-Id: $$1}}\n"
	    "always_add_missing_headers = yes", "X-To: <m>\nDate: d\nFrom: f\n"
	    "\n", "250 s@a -> a@b\nMessage-Id: <m>\nDate: d\nFrom: f\n\n",
	    "replace: header X-To: <m>" TAIL ": Message-Id: <m>\n"
	    "message-id=<m>\n" },
	{ "nonsense is no match", "header_checks = regexp:{{/^A:/ BOUNCE}, "
	    "{/^C:/ REPLACE text}, {/^E:/ BCC joe}, {/^G:/ FILTER x}, "
	    "{/^I:/ PREPEND}}", "A: b\nC: d\nE: f\nG: h\nI: j\n\n",
	    "250 s@a -> a@b\nA: b\nC: d\nE: f\nG: h\nI: j\n\n",
	    "warning: header_checks: \"BOUNCE\" is no action\n"
	    "warning: header_checks: \"REPLACE\" wants a header\n"
	    "warning: header_checks: \"BCC\" wants user@domain\n"
	    "warning: header_checks: \"FILTER\" wants transport:destination\n"
	    "warning: header_checks: \"PREPEND\" wants a header\n" },
	{ "failed", "header_checks = fail:x", "A: b\n\n",
	    "451 4.3.0 content lookup problem not queued",
	    "warning: fail:x lookup error for \"A: b\": table fail:x: query "
	    "error\n"
	    "warning: header_checks map lookup problem -- message not "
	    "accepted, try again later\n" },
	{ "body", "body_checks = regexp:{{/^(x.*)/ REPLACE <$$1>}, {/^y/ "
	    "IGNORE}, {/^z/ PREPEND p}, {/^$$/ REJECT}}",
	    "x: 1\n\nx1\n\ny2\nz3\nw\nx4", "250 s@a -> a@b\nx: 1\n\n<x1>\n\n"
	    "p\nz3\nw\n<x4>", "replace: body x1" TAIL ": <x1>\n"
	    "prepend: body z3" TAIL ": p\nreplace: body x4" TAIL ": <x4>\n" },
	{ "body, redirected", "body_checks = regexp:{{/^x/ REDIRECT x@y}}",
	    "A: b\n\nx1\ny\n", "250 s@a -> x@y(a@b)\nA: b\n\nx1\ny\n",
	    "redirect: body x1" TAIL ": x@y\n" },
	{ "body, long lines in pieces", "line_length_limit = 512\n"
	    "body_checks = regexp:{{/^(cd.*)/ REPLACE <$$1>}}",
	    "A: b\n\n" X256 X256 "cdab" X256 X256 "ab\ncd\n",
	    "250 s@a -> a@b\nA: b\n\n" X256 X256 "<cdab" X256 X252 ">"
	    "xxxxab\n<cd>\n",
	    "replace: body cdab" X196 TAIL ": <cdab" X256 X252 ">\n"
	    "replace: body cd" TAIL ": <cd>\n" },
	{ "body, only so much", "body_checks_size_limit = 4\n"
	    "body_checks = regexp:{{/x/ REPLACE z}}", "A: b\n\nx\n1x\nx\nx\n",
	    "250 s@a -> a@b\nA: b\n\nz\nz\nx\nx\n", "replace: body x" TAIL
	    ": z\nreplace: body 1x" TAIL ": z\n" },
	/* parts */
	{ "places", "header_checks = regexp:{{/./ WARN h}}\n"
	    "mime_header_checks = regexp:{{/./ WARN m}}\n"
	    "nested_header_checks = regexp:{{/./ WARN n}}\n"
	    "body_checks = regexp:{{/./ WARN b}}",
	    "A: b\nMime-Version: 1.0\n" MULTI "p\n--b\nC: d\nContent-Type: "
	    "message/rfc822\n\nE: f\nContent-Id: g\n\nx\n--b--\n",
	    "250 s@a -> a@b\nA: b\nMime-Version: 1.0\n" MULTI "p\n--b\nC: d\n"
	    "Content-Type: message/rfc822\n\nE: f\nContent-Id: g\n\nx\n--b--\n",
	    "warning: header A: b" TAIL ": h\n"
	    "warning: header Mime-Version: 1.0" TAIL ": m\n"
	    "warning: header Content-Type: multipart/mixed; boundary=b" TAIL
	    ": m\nwarning: body p" TAIL ": b\nwarning: body --b" TAIL ": b\n"
	    "warning: header C: d" TAIL ": m\nwarning: header Content-Type: "
	    "message/rfc822" TAIL ": m\nwarning: header E: f" TAIL ": n\n"
	    "warning: header Content-Id: g" TAIL ": m\nwarning: body x" TAIL
	    ": b\nwarning: body --b--" TAIL ": b\n" },
	{ "header_checks stands for all", "header_checks = regexp:{{/^Content-"
	    "Type:.*(evil)/ REJECT no $$1}}", "A: b\n" MULTI "--b\n"
	    "Content-Type: x/evil\n\n", "550 5.7.1 no evil not queued",
	    "reject: header Content-Type: x/evil" TAIL ": 5.7.1 no evil\n" },
	{ "each part has so much", "body_checks_size_limit = 2\n"
	    "body_checks = regexp:{{/x/ REPLACE z}}", MULTI "--b\n\nx\nx\n--b\n"
	    "\nx\nx\n", "250 s@a -> a@b\n" MULTI "--b\n\nz\nx\n--b\n\nz\nx\n",
	    "replace: body x" TAIL ": z\nreplace: body x" TAIL ": z\n" },
	{ "headers of parts are changed", "mime_header_checks = "
	    "regexp:{{/^C:/ REPLACE D: e}, {/^F:/ IGNORE}, {/^G/ PREPEND H: i}"
	    "}", MULTI "--b\nC: d\nF: g\nG: h\n\nx\n", "250 s@a -> a@b\n" MULTI
	    "--b\nD: e\nH: i\nG: h\n\nx\n", "replace: header C: d" TAIL
	    ": D: e\nprepend: header G: h" TAIL ": H: i\n" },
	{ "no parts, as was said", "disable_mime_input_processing = yes\n"
	    "header_checks = regexp:{{/^C:/ REJECT}}\n"
	    "body_checks = regexp:{{/^C:/ IGNORE}}", MULTI "--b\nC: d\n\n",
	    "250 s@a -> a@b\n" MULTI "--b\n\n", NULL },
	{ "copies are not told of", "always_bcc = arc@x\n"
	    "header_checks = regexp:{{/^A:/ WARN}}", "A: b\n\n",
	    "250 s@a -> a@b arc@x\nA: b\n\n",
	    "warning: header A: b" TAIL "\n" },
	/* structure */
	{ "nested too deep", "header_checks = regexp:{{/^X/ REJECT}}\n"
	    "mime_nesting_limit = 1", MULTI "--b\nContent-Type: "
	    "multipart/x; boundary=c\n\n", "550 5.6.0 message parts are nested "
	    "too deep not queued", "reject: mime-error message parts are "
	    "nested too deep: c" TAIL "\n" },
	{ "a boundary as far as it counts", "mime_boundary_length_limit = 2\n"
	    "mime_header_checks = regexp:{{/^C:/ IGNORE}}", "Content-Type: "
	    "multipart/x; boundary=abc\n\n--abd\nC: 1\n\n--abc\nC: 2\n\n",
	    "250 s@a -> a@b\nContent-Type: multipart/x; boundary=abc\n\n"
	    "--abd\n\n--abc\n\n", NULL },
	{ "a boundary counts whole", "mime_header_checks = "
	    "regexp:{{/^C:/ IGNORE}}", "Content-Type: "
	    "multipart/x; boundary=abc\n\n--abd\nC: 1\n\n--abc\nC: 2\n\n",
	    "250 s@a -> a@b\nContent-Type: multipart/x; boundary=abc\n\n"
	    "--abd\nC: 1\n\n--abc\n\n", NULL },
	{ "nobody minds depth", "mime_nesting_limit = 1", MULTI "--b\n"
	    "Content-Type: multipart/x; boundary=c\n\n", "250 s@a -> a@b\n"
	    MULTI "--b\nContent-Type: multipart/x; boundary=c\n\n", NULL },
	{ "8-bit header", "strict_7bit_headers = yes", "A: \303\244\n\n\303\n",
	    "550 5.6.0 8-bit data in a message header not queued",
	    "reject: mime-error 8-bit data in a message header: A: "
	    "\303\244" TAIL "\n" },
	{ "8-bit body", "strict_8bitmime_body = yes", "A: \303\n\n\303\n",
	    "550 5.6.0 8-bit data in a body that is declared 7bit not queued",
	    "reject: mime-error 8-bit data in a body that is declared 7bit: "
	    "?" TAIL "\n" },
	{ "8-bit body, declared", "strict_8bitmime = yes",
	    "Content-Transfer-Encoding: 8bit\n\n\303\n", "250 s@a -> a@b\n"
	    "Content-Transfer-Encoding: 8bit\n\n\303\n", NULL },
	{ "encoded parts", "strict_mime_encoding_domain = yes",
	    "Content-Transfer-Encoding: base64\n" MULTI, "550 5.6.0 encoding "
	    "not allowed for this content type not queued", "reject: "
	    "mime-error encoding not allowed for this content type: "
	    "multipart/*" TAIL "\n" },
};

/* "250 s@a -> ...": "message-id=<>" of every message is left out. */
static void
shorten_log(struct str *out)
{
	struct span all = SPAN(logged()), line;

	str_clear(out);
	while (span_split(&all, '\n', &line)) {
		ssize_t id = span_search(line, SPAN("4F0A1B2C3D: "));

		if (span_ends(line, SPAN(": message-id=<>")))
			continue;
		if (id >= 0) {
			str_add(out, span_sub(line, 0, (size_t)id));
			line = span_skip(line, (size_t)id + 12);
		}
		str_addf(out, "%.*s\n", SPAN_ARG(line));
	}
}

static void
run_cases(void *arg)
{
	size_t chunk = (size_t)(uintptr_t)arg;
	struct str log = STR_EMPTY;

	keep_log();
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct world_message m = { .sender = "s@a", .rcpts = "a@b",
			.content = cases[i].content, .chunk = chunk };
		struct str reply = STR_EMPTY, stored = STR_EMPTY;

		T_CASEF("%s, %zu at once", cases[i].name, chunk);
		world_conf(cases[i].conf);
		logged();
		world_send(&m, &reply, &stored);
		str_addf(&reply, " %s", str_cstr(&stored));
		T_EQ_STR(str_cstr(&reply), cases[i].want);
		shorten_log(&log);
		T_EQ_STR(str_cstr(&log), cases[i].log != NULL ? cases[i].log
		    : "");
		str_fini(&reply);
		str_fini(&stored);
	}
	str_fini(&log);
}

T_TEST(lines_are_checked)
{
	world_run(run_cases, (void *)(uintptr_t)0);
}

T_TEST(lines_are_checked_byte_by_byte)
{
	world_run(run_cases, (void *)(uintptr_t)1);
}

static void
send_unchecked(void *arg)
{
	struct world_message m = { .sender = "s@a", .rcpts = "a@b",
		.content = "A: b\n\n", .flags = CLEANUP_INTERNAL };
	struct str reply = STR_EMPTY, stored = STR_EMPTY;

	(void)arg;
	world_conf("header_checks = regexp:{{/./ REJECT}}\n"
	    "always_bcc = x@y\nsender_bcc_maps = inline:{{s@a=x@y}}\n"
	    "recipient_bcc_maps = inline:{{a@b=x@y}}\n");
	world_send(&m, &reply, &stored);
	T_EQ_STR(str_cstr(&stored), "s@a -> a@b\nA: b\n\n");
	str_fini(&reply);
	str_fini(&stored);
}

T_TEST(mail_of_our_own_is_neither_checked_nor_copied)
{
	world_run(send_unchecked, NULL);
}
