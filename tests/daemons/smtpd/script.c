/*
 * script - runs a conversation from a file. The first line says what must
 * hold; then, one thing per line:
 *
 *	main.cf: NAME = VALUE	configuration, before the client connects
 *	client: ADDRESS [NAME | unknown | tempfail | NAME mismatch]
 *	refusal: TEXT		the service lacks a protection
 *	cleanup: STATUS [TEXT]	what cleanup will say; "down", "stalls"
 *	rewrite: down
 *	anvil: down
 *	verify: down
 *	filter: STEP REPLY	a server at smtpd_proxy_filter: what it says to
 *				CONNECT, EHLO, MAIL, ..., DOT; "close", "stall";
 *				"offers A,B" to EHLO, "down", "ready"; what it
 *				hears is in got: behind F: and F|
 *
 *	C: TEXT			the client sends a line; lines that follow one
 *				another leave in one send
 *	raw: BYTES		with \r \n \t \\ \0 \xHH, no line end added
 *	many: N BYTES		the same, N times
 *	S: PATTERN		a line from the server; * stands for anything
 *	S+ PATTERN		the same, and it came with the line before
 *	quiet:			nothing comes from the server now
 *	wait: SECONDS
 *	again:			another client from there comes and is spoken to
 *	back:			the one before is spoken to, and it goes
 *	close:			the client goes away
 *	closed:			the server has gone away
 *	drain:			master tells the server to finish
 *	took: LEAST MOST	seconds since the connection
 *
 *	log: PATTERN		a line of the log, in this order
 *	nolog: PATTERN		no line of the log
 *	got: PATTERN		a line that reached cleanup, in this order
 *	nogot: PATTERN
 *	told: PATTERN		a note that reached anvil; nottold:
 *	messages: N		complete messages that reached cleanup
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fnmatch.h>

#include "common/base/scan.h"
#include "common/io/fiber.h"
#include "common/mail/conf.h"
#include "common/service/service.h"
#include "tests/daemons/smtpd/world.h"
#include "tests/harness/t.h"

#define ANSWER_SECONDS 400

struct script {
	const char *path;
	struct span text, rest;
	unsigned line;
	struct stream *s, *first;
	struct str out;
	int64_t connected_ns;
	size_t log_at, got_at, told_at;
};

static void
fail(struct script *sc, const char *what, struct span got, struct span want)
{
	t_fail(sc->path, (int)sc->line, "%s: got \"%.*s\", want \"%.*s\"",
	    what, SPAN_ARG(got), SPAN_ARG(want));
}

static bool
next(struct script *sc, struct span *word, struct span *arg)
{
	struct span line;

	while (span_split(&sc->rest, '\n', &line)) {
		ssize_t end;

		sc->line++;
		if (span_empty(span_trim(line)) || line.p[0] == '#')
			continue;
		if (span_starts(line, SPAN("S+"))) {
			*word = span_sub(line, 0, 2);
			*arg = span_sub(line, 3, line.len);
			return true;
		}
		end = span_find(line, ':');
		if (end < 0) {
			fail(sc, "no such directive", line, SPAN("word:"));
			return false;
		}
		*word = span_sub(line, 0, (size_t)end);
		*arg = span_skip(line, (size_t)end + 1);
		if (arg->len > 0 && arg->p[0] == ' ')
			*arg = span_skip(*arg, 1);
		return true;
	}
	return false;
}

static bool
matches(struct span pattern, struct span line)
{
	char p[2000], l[4000];

	snprintf(p, sizeof(p), "%.*s", SPAN_ARG(pattern));
	snprintf(l, sizeof(l), "%.*s", SPAN_ARG(line));
	/* Brackets are common in what servers say: no sets. */
	for (char *at = p; *at != '\0'; at++)
		if (*at == '[' || *at == '?' || *at == '\\') {
			memmove(at + 1, at, strlen(at) + 1);
			*at++ = '\\';
		}
	return fnmatch(p, l, 0) == 0;
}

/* ---- before the client connects ---- */

static void
set_client(struct script *sc, struct span arg)
{
	struct span word;

	if (!span_token(&arg, " ", &word) || !ipaddr_scan(word, &world.ip))
		fail(sc, "client", word, SPAN("an address"));
	while (span_token(&arg, " ", &word)) {
		if (span_is(word, "mismatch"))
			world.mismatch = true;
		else if (span_is(word, "tempfail"))
			world.dns = RESOLVER_TRY_AGAIN;
		else if (span_is(word, "unknown"))
			world.name[0] = '\0';
		else
			snprintf(world.name, sizeof(world.name), "%.*s",
			    SPAN_ARG(word));
	}
}

static void
set_cleanup(struct span arg)
{
	struct span word;

	if (!span_token(&arg, " ", &word))
		return;
	if (span_is(word, "down"))
		world.no_cleanup = true;
	else if (span_is(word, "stalls"))
		world.cleanup_stalls = true;
	else
		(void)scan_u64(word, &world.cleanup_status);
	snprintf(world.cleanup_text, sizeof(world.cleanup_text), "%.*s",
	    SPAN_ARG(span_ltrim(arg)));
}

static void
set_filter(struct span arg)
{
	struct span step;

	world.filter = true;
	T_NEED(span_token(&arg, " ", &step));
	arg = span_ltrim(arg);
	if (span_is(step, "down")) {
		world.filter_down = true;
	} else if (span_is(step, "offers")) {
		snprintf(world.filter_offers, sizeof(world.filter_offers),
		    "%.*s", SPAN_ARG(arg));
	} else if (!span_is(step, "ready")) {
		size_t i = world.nfilter_says++;

		T_NEED(i < T_COUNT(world.filter_says));
		snprintf(world.filter_says[i].step, 16, "%.*s",
		    SPAN_ARG(step));
		snprintf(world.filter_says[i].reply, 200, "%.*s",
		    SPAN_ARG(arg));
	}
}

static bool
set_up(struct script *sc, struct span word, struct span arg)
{
	if (span_is(word, "main.cf")) {
		str_add(&world.conf, arg);
		str_putc(&world.conf, '\n');
	} else if (span_is(word, "client")) {
		set_client(sc, arg);
	} else if (span_is(word, "refusal")) {
		static char text[256];

		snprintf(text, sizeof(text), "%.*s", SPAN_ARG(arg));
		world.refusal = text;
	} else if (span_is(word, "cleanup")) {
		set_cleanup(arg);
	} else if (span_is(word, "anvil")) {
		world.no_anvil = span_is(arg, "down");
	} else if (span_is(word, "filter")) {
		set_filter(arg);
	} else if (span_is(word, "verify")) {
		world.no_verify = span_is(arg, "down");
	} else if (span_is(word, "rewrite")) {
		world.no_rewrite = span_is(arg, "down");
	} else {
		return false;
	}
	return true;
}

/* ---- the conversation ---- */

static void
unescape(struct str *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint64_t byte;

		if (text.p[i] != '\\' || i + 1 == text.len) {
			str_putc(out, text.p[i]);
			continue;
		}
		switch (text.p[++i]) {
		case 'r':
			str_putc(out, '\r');
			break;
		case 'n':
			str_putc(out, '\n');
			break;
		case 't':
			str_putc(out, '\t');
			break;
		case '0':
			str_putc(out, '\0');
			break;
		case 'x':
			if (scan_hex64(span_sub(text, i + 1, 2), &byte))
				str_putc(out, (char)byte);
			i += 2;
			break;
		default:
			str_putc(out, text.p[i]);
			break;
		}
	}
}

static void
send_out(struct script *sc)
{
	if (str_len(&sc->out) == 0 || sc->s == NULL)
		return;
	(void)stream_write_flush(sc->s, str_span(&sc->out),
	    deadline_in(ANSWER_SECONDS));
	str_clear(&sc->out);
}

static void
expect_line(struct script *sc, struct span want, bool at_once)
{
	struct span line = SPAN_NONE;
	enum io_status status;

	if (at_once && stream_buffered(sc->s) == 0) {
		fail(sc, "came later", SPAN(""), want);
		return;
	}
	status = stream_read_line(sc->s, 4000, deadline_in(ANSWER_SECONDS),
	    &line, NULL);
	if (status != IO_OK)
		fail(sc, "no line", SPAN(io_status_name(status)), want);
	else if (!matches(want, line))
		fail(sc, "reply", line, want);
}

static void
expect_end(struct script *sc, enum io_status want)
{
	struct span bytes = SPAN_NONE;
	enum io_status status = stream_peek(sc->s, want == IO_TIMEOUT
	    ? deadline_in_ms(500) : deadline_in(ANSWER_SECONDS), &bytes);

	if (status == IO_ERROR)
		status = IO_EOF;
	if (status != want)
		fail(sc, "server", status == IO_OK ? bytes
		    : SPAN(io_status_name(status)),
		    SPAN(io_status_name(want)));
}

/* ---- what came of it ---- */

static void
expect_text(struct script *sc, struct str *text, size_t *at, struct span want,
    bool wanted)
{
	struct span rest = span_skip(str_span(text), wanted ? *at : 0);
	struct span line;

	while (span_split(&rest, '\n', &line)) {
		if (!matches(want, line))
			continue;
		*at = (size_t)(line.p - str_cstr(text)) + line.len;
		if (!wanted)
			fail(sc, "unwanted", line, want);
		return;
	}
	if (wanted)
		fail(sc, "not found", str_span(text), want);
}

static void
check_took(struct script *sc, struct span arg)
{
	int64_t seconds = (clock_now_ns() - sc->connected_ns) / 1000000000;
	struct span word;
	int64_t least = 0, most = 0;
	char got[32];

	if (span_token(&arg, " ", &word))
		(void)scan_i64(word, &least);
	if (span_token(&arg, " ", &word))
		(void)scan_i64(word, &most);
	snprintf(got, sizeof(got), "%lld s", (long long)seconds);
	if (seconds < least || seconds > most)
		fail(sc, "time", SPAN(got), arg);
}

static void
check_messages(struct script *sc, struct span arg)
{
	char got[16];

	snprintf(got, sizeof(got), "%u", world.messages);
	if (!span_is(arg, got))
		fail(sc, "messages", SPAN(got), arg);
}

static void
many(struct script *sc, struct span arg)
{
	struct span word;
	uint64_t n = 0;

	if (span_token(&arg, " ", &word))
		(void)scan_u64(word, &n);
	while (n-- > 0) {
		unescape(&sc->out, span_skip(arg, 1));
		if (str_len(&sc->out) > 65536)
			send_out(sc);
	}
}

static void
come_again(struct script *sc)
{
	sc->first = sc->s;
	sc->s = world_connect();
}

static void
go_back(struct script *sc)
{
	if (sc->first == NULL)
		return;
	stream_close(sc->s);
	sc->s = sc->first;
	sc->first = NULL;
	/* The server notices. */
	fiber_sleep(deadline_in_ms(100));
}

static void
step(struct script *sc, struct span word, struct span arg)
{
	int64_t seconds = 0;

	if (span_is(word, "C")) {
		str_add(&sc->out, arg);
		str_adds(&sc->out, "\r\n");
		return;
	}
	if (span_is(word, "raw")) {
		unescape(&sc->out, arg);
		return;
	}
	if (span_is(word, "many")) {
		many(sc, arg);
		return;
	}
	send_out(sc);
	if (span_is(word, "S"))
		expect_line(sc, arg, false);
	else if (span_is(word, "S+"))
		expect_line(sc, arg, true);
	else if (span_is(word, "quiet"))
		expect_end(sc, IO_TIMEOUT);
	else if (span_is(word, "closed"))
		expect_end(sc, IO_EOF);
	else if (span_is(word, "took"))
		check_took(sc, arg);
	else if (span_is(word, "drain"))
		service_double_drain();
	else if (span_is(word, "again"))
		come_again(sc);
	else if (span_is(word, "back"))
		go_back(sc);
	else if (span_is(word, "wait") && scan_i64(arg, &seconds))
		fiber_sleep(deadline_in(seconds));
	else if (!set_up(sc, word, arg))
		fail(sc, "no such directive", word, SPAN("see script.c"));
}

static bool
is_afterwards(struct span word)
{
	return span_is(word, "close") || span_is(word, "log")
	    || span_is(word, "nolog") || span_is(word, "got")
	    || span_is(word, "nogot") || span_is(word, "told")
	    || span_is(word, "nottold") || span_is(word, "messages");
}

static void
converse(struct stream *s, void *arg)
{
	struct script *sc = arg;
	struct span word, value, before;

	sc->s = s;
	sc->connected_ns = clock_now_ns();
	for (;;) {
		unsigned line = sc->line;

		before = sc->rest;
		if (!next(sc, &word, &value))
			break;
		if (is_afterwards(word)) {
			sc->rest = before;
			sc->line = line;
			break;
		}
		step(sc, word, value);
	}
	send_out(sc);
	go_back(sc);
	str_fini(&sc->out);
}

static void
check_results(struct script *sc)
{
	struct span word, arg;
	size_t none;

	while (next(sc, &word, &arg)) {
		if (span_is(word, "log"))
			expect_text(sc, &world.log, &sc->log_at, arg, true);
		else if (span_is(word, "nolog"))
			expect_text(sc, &world.log, &none, arg, false);
		else if (span_is(word, "got"))
			expect_text(sc, &world.got, &sc->got_at, arg, true);
		else if (span_is(word, "nogot"))
			expect_text(sc, &world.got, &none, arg, false);
		else if (span_is(word, "told"))
			expect_text(sc, &world.told, &sc->told_at, arg, true);
		else if (span_is(word, "nottold"))
			expect_text(sc, &world.told, &none, arg, false);
		else if (span_is(word, "messages"))
			check_messages(sc, arg);
		else if (!span_is(word, "close"))
			fail(sc, "not after the conversation", word,
			    SPAN("log: or got:"));
	}
}

void
script_run(const char *path)
{
	struct script sc = { .path = path, .text = t_read_file(path) };
	struct span word, arg, before;

	world_reset();
	sc.rest = sc.text;
	for (;;) {
		unsigned line = sc.line;

		before = sc.rest;
		if (!next(&sc, &word, &arg) || !set_up(&sc, word, arg)) {
			sc.rest = before;
			sc.line = line;
			break;
		}
	}
	world_run(converse, &sc);
	check_results(&sc);
	if (t_failed())
		fprintf(stderr, "--- log\n%s--- cleanup\n%s",
		    str_cstr(&world.log), str_cstr(&world.got));
}
