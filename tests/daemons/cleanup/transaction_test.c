/*
 * A message from begin to its status: what is stored, what qmgr hears, what
 * becomes of it when the disk, a neighbour or the client fails.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <unistd.h>

#include "common/io/fault.h"
#include "common/mail/conf_core.h"
#include "common/service/peer.h"
#include "common/service/service.h"
#include "queue/scan.h"
#include "tests/daemons/cleanup/world.h"
#include "tests/harness/t_maps.h"

static struct str reply, stored;

static const struct world_message plain = { .sender = "s@a",
	.rcpts = "a@b c@d", .content = "A: b\n\nbody\n" };

static size_t
files_in(enum queue_name name)
{
	struct queue_scan scan;
	char id[QUEUE_ID_MAX];
	size_t n = 0;

	queue_scan_start(&scan, service_queue_dir(), name);
	while (queue_scan_next(&scan, id))
		n++;
	queue_scan_stop(&scan);
	return n;
}

/* Lets what was sent last arrive. */
static void
settle(void)
{
	fiber_sleep(deadline_in(1));
}

static void
notes(void *arg)
{
	struct world_message m = plain;

	(void)arg;
	/* The first one finds qmgr not connected; it is told to look. */
	world_send(&m, &reply, &stored);
	settle();
	world_send(&m, &reply, &stored);
	settle();
	T_EQ_STR(str_cstr(&reply), "250");
	T_EQ_STR(str_cstr(&stored), "s@a -> a@b c@d\nA: b\n\nbody\n");
	T_CHECK(world_note.count >= 1);
	T_EQ_STR(world_note.id, "4F0A1B2C3D");
	T_EQ_INT(world_note.data_size, 11);
	T_EQ_INT(world_note.rcpt_count, 2);
	T_EQ_STR(world_note.rcpts, "a@b smtp:b;c@d smtp:d;");
	T_CHECK(world_note.claimed);
	T_EQ_INT(world_note.flags, 0);

	unsigned before = world_note.count;

	m.flags = CLEANUP_EXTERNAL | CLEANUP_HOLD;
	world_send(&m, &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "250");
	T_EQ_STR(str_cstr(&stored), "(hold) s@a -> a@b c@d\nA: b\n\nbody\n");
	m.flags = CLEANUP_EXTERNAL | CLEANUP_DISCARD;
	world_send(&m, &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "250");
	T_EQ_STR(str_cstr(&stored), "not queued");
	settle();
	T_EQ_INT(world_note.count, before);
	m.flags = 0;
	m.content = "A: b\n\n\xc3\xa4\n";
	world_send(&m, &reply, &stored);
	settle();
	T_EQ_INT(world_note.flags, ENVELOPE_8BIT);
	/* An address that cannot be resolved now is qmgr's to ask again. */
	world_rewrite_fails = true;
	m.rcpts = "x@y";
	world_send(&m, &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "250");
}

T_TEST(qmgr_hears_of_what_was_committed)
{
	keep_log();
	world_run(notes, NULL);
}

#define ASKED ENVELOPE_SMTPUTF8_ASKED
#define NEEDED ENVELOPE_SMTPUTF8_NEEDED

static const struct {
	const char *name, *conf, *client, *sender, *rcpts, *content;
	uint64_t asked, want;
} utf8_cases[] = {
	{ "plain", "", "192.0.2.1", "s@a", "a@b", "A: b\n\n", 0, 0 },
	{ "asked for, not used", "", "192.0.2.1", "s@a", "a@b", "A: b\n\n",
	    ASKED, ASKED },
	{ "asked for and used", "", "192.0.2.1", "s@a", "a@b",
	    "A: \xc3\xa4\n\n", ASKED, ASKED | NEEDED | ENVELOPE_8BIT },
	{ "used in the body alone", "", "192.0.2.1", "s@a", "a@b",
	    "A: b\n\n\xc3\xa4\n", ASKED, ASKED | ENVELOPE_8BIT },
	{ "no UTF-8 at all", "", "192.0.2.1", "s@a", "a@b", "A: \xe4\n\n",
	    ASKED, ASKED | ENVELOPE_8BIT },
	{ "used by a client, unasked", "", "192.0.2.1", "s@a", "a@b",
	    "A: \xc3\xa4\n\n", 0, ENVELOPE_8BIT },
	{ "unasked, all looked at", "smtputf8_autodetect_classes = all",
	    "192.0.2.1", "s@a", "a@b", "A: \xc3\xa4\n\n", 0,
	    ASKED | NEEDED | ENVELOPE_8BIT },
	{ "from sendmail", "", NULL, "s@a", "a@b", "A: \xc3\xa4\n\n", 0,
	    ASKED | NEEDED | ENVELOPE_8BIT },
	{ "from sendmail, an address", "", NULL, "s@a", "\xc3\xa4@b",
	    "A: b\n\n", 0, ASKED },
	{ "from sendmail, not looked at", "smtputf8_autodetect_classes = none",
	    NULL, "s@a", "a@b", "A: \xc3\xa4\n\n", 0, ENVELOPE_8BIT },
	{ "switched off", "smtputf8_enable = no", NULL, "s@a", "a@b",
	    "A: \xc3\xa4\n\n", 0, ENVELOPE_8BIT },
};

static void
utf8(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < T_COUNT(utf8_cases); i++) {
		struct world_message m = { .client = utf8_cases[i].client,
			.sender = utf8_cases[i].sender,
			.rcpts = utf8_cases[i].rcpts,
			.content = utf8_cases[i].content,
			.envelope_flags = utf8_cases[i].asked };

		T_CASE(utf8_cases[i].name);
		world_conf(utf8_cases[i].conf);
		world_send(&m, &reply, &stored);
		T_EQ_STR(str_cstr(&reply), "250");
		settle();
		T_EQ_INT(world_note.flags, utf8_cases[i].want);
	}
	world_conf("");
}

T_TEST(mail_that_needs_smtputf8_is_marked)
{
	keep_log();
	world_run(utf8, NULL);
}

/* Mail of our own: each class by its word alone. */
static const struct {
	const char *word;
	uint64_t flag;
} own_classes[] = {
	{ "forward", CLEANUP_OF_FORWARD }, { "bounce", CLEANUP_OF_BOUNCE },
	{ "notify", CLEANUP_OF_NOTIFY }, { "verify", CLEANUP_OF_VERIFY },
	{ "sendmail, smtpd", 0 }, { "none", 0 },
};

static void
own_utf8(void *arg)
{
	struct world_message first = plain;

	(void)arg;
	world_send(&first, &reply, &stored);	/* qmgr is connected behind it */
	settle();
	for (size_t i = 0; i < T_COUNT(own_classes); i++) {
		char conf[80];

		snprintf(conf, sizeof(conf), "smtputf8_autodetect_classes = %s\n",
		    own_classes[i].word);
		world_conf(conf);
		for (size_t k = 0; own_classes[k].flag != 0; k++) {
			struct world_message m = { .sender = "s@a",
				.rcpts = "\xc3\xa4@b", .content = "A: b\n\n",
				.envelope_flags = ENVELOPE_INTERNAL,
				.flags = CLEANUP_INTERNAL | own_classes[k].flag };

			T_CASEF("%s: mail of %s", own_classes[i].word,
			    own_classes[k].word);
			world_send(&m, &reply, &stored);
			T_EQ_STR(str_cstr(&reply), "250");
			settle();
			T_EQ_INT(world_note.flags & ASKED, i == k ? ASKED : 0);
		}
	}
	world_conf("");
}

T_TEST(smtputf8_of_mail_of_our_own_goes_by_its_class)
{
	keep_log();
	world_run(own_utf8, NULL);
}

static const struct {
	const char *name, *rcpts, *content, *want;
} extractions[] = {
	{ "all fields", "", "To: a@b, joe\nCc: c@d\nBcc: e@f\n\n",
	    "s@a -> a@b joe@example.com(joe) c@d e@f\n"
	    "To: a@b, joe@example.com\nCc: c@d\n" },
	{ "besides the given ones", "x@y", "To: a@b\n\n",
	    "s@a -> x@y a@b\nTo: a@b\n" },
	{ "not twice", "a@b", "To: a@b, A@B\n\n", "s@a -> a@b\nTo: a@b, A@B\n" },
	{ "resent ones alone", "", "To: a@b\nResent-To: c@d\n\n",
	    "s@a -> c@d\nTo: a@b\nResent-To: c@d\n" },
	{ "groups", "", "To: us: a@b, c@d;, e@f\n\n",
	    "s@a -> a@b c@d e@f\nTo: us: a@b, c@d;, e@f\n" },
};

static void
extract(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < T_COUNT(extractions); i++) {
		struct world_message m = { .sender = "s@a",
			.rcpts = extractions[i].rcpts, .context = "local",
			.content = extractions[i].content,
			.flags = CLEANUP_EXTERNAL | CLEANUP_EXTRACT_RCPT };
		size_t n = strlen(extractions[i].want);

		T_CASE(extractions[i].name);
		world_send(&m, &reply, &stored);
		T_EQ_STR(str_cstr(&reply), "250");
		str_truncate(&stored, n);
		T_EQ_STR(str_cstr(&stored), extractions[i].want);
	}
	struct world_message m = { .sender = "s@a", .rcpts = "",
		.context = "local", .content = "Subject: nobody\n\n",
		.flags = CLEANUP_EXTERNAL | CLEANUP_EXTRACT_RCPT };

	T_CASE("nobody");
	world_send(&m, &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "550");

	struct str text = STR_EMPTY;

	T_CASE("longer than any address");
	str_adds(&text, "To: ");
	for (int i = 0; i < 5000; i++)
		str_putc(&text, 'x');
	str_adds(&text, "@b\n\n");
	m.content = str_cstr(&text);
	world_send(&m, &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "550 5.1.3 recipient address too long");
	T_EQ_STR(str_cstr(&stored), "not queued");
	str_fini(&text);
}

T_TEST(recipients_come_from_headers_if_asked)
{
	world_run(extract, NULL);
}

/* A probe of one is queued, with the address that was asked about. */
static void
probes(void *arg)
{
	const uint64_t flags = ENVELOPE_INTERNAL | ENVELOPE_VERIFY
	    | ENVELOPE_PROBE;
	struct world_message one = { .context = "local", .sender = "s@a",
		.rcpts = "one@v", .content = "", .envelope_flags = flags,
		.flags = CLEANUP_INTERNAL }, all = one;

	(void)arg;
	all.rcpts = "all@v";
	world_conf("virtual_alias_maps = inline:{{one@v=x@y}, "
	    "{all@v=x@y, z@y}}\nenable_original_recipient = no\n");
	world_send(&one, &reply, &stored);
	T_HAS_STR(str_cstr(&stored), "s@a -> x@y");
	world_send(&all, &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "250");
	T_EQ_STR(str_cstr(&stored), "not queued");
}

T_TEST(a_probe_of_several_is_not_queued)
{
	keep_log();
	world_run(probes, NULL);
}

/* ---- trouble ---- */

static void
disk_trouble(void *arg)
{
	unsigned refused = 0;

	(void)arg;
	world_send(&plain, &reply, &stored);
	settle();
	T_EACH_FAULT("fs.create", ENOSPC) {
		world_send(&plain, &reply, &stored);
		T_EQ_STR(str_cstr(&reply), T_FAULT_HIT() ? "452" : "250");
		refused += T_FAULT_HIT();
	}
	T_EACH_FAULT("fs.write", ENOSPC) {
		world_send(&plain, &reply, &stored);
		T_EQ_STR(str_cstr(&reply), T_FAULT_HIT() ? "452" : "250");
		refused += T_FAULT_HIT();
	}
	T_EACH_FAULT("fs.fsync", EIO) {
		world_send(&plain, &reply, &stored);
		T_EQ_STR(str_cstr(&reply), T_FAULT_HIT() ? "451" : "250");
		T_EQ_STR(str_cstr(&stored), T_FAULT_HIT() ? "not queued"
		    : "s@a -> a@b c@d\nA: b\n\nbody\n");
		refused += T_FAULT_HIT();
	}
	T_CHECK(refused >= 3);
	T_EQ_INT(files_in(QUEUE_INCOMING), 0);
}

T_TEST(a_disk_that_fails_is_told_to_the_client)
{
	keep_log();
	world_run(disk_trouble, NULL);
}

static void
clients_that_leave(void *arg)
{
	(void)arg;
	for (int stage = 0; stage < 4; stage++) {
		struct arena *arena = arena_new();
		struct envelope e = { .sender = SPAN("s@a") };
		struct cleanup_begin begin = { .queue_id = SPAN("4F0A1B2C3D"),
			.flags = CLEANUP_EXTERNAL, .envelope = { &e, 1 } };
		struct envelope_rcpt rcpt = { .address = SPAN("a@b") };
		struct cleanup_client *c = cleanup_client_begin(arena, &begin,
		    deadline_in(10));
		struct str much = STR_EMPTY;

		T_CASEF("stage %d", stage);
		T_NEED(c != NULL);
		for (int i = 0; i < 20000; i++)
			str_adds(&much, "A line of some length.\n");
		if (stage > 0)
			cleanup_client_rcpt(c, &rcpt);
		if (stage > 1)
			T_EQ_INT(cleanup_client_data(c, SPAN("A: b\n\n"),
			    deadline_in(10)), IO_OK);
		if (stage > 2)
			T_EQ_INT(cleanup_client_data(c, str_span(&much),
			    deadline_in(10)), IO_OK);
		settle();
		if (stage > 2)
			T_EQ_INT(files_in(QUEUE_INCOMING), 1);
		if (stage % 2 == 0)
			cleanup_client_abort(c);
		arena_free(&arena);
		settle();
		T_EQ_INT(files_in(QUEUE_INCOMING), 0);
		str_fini(&much);
	}
	world_send(&plain, &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "250");
}

T_TEST(a_client_that_leaves_leaves_nothing)
{
	keep_log();
	world_run(clients_that_leave, NULL);
}

/* What is logged of a message that was dropped, one way and the other. */
static void
drop_two(const char *canceled, const char *discarded)
{
	struct arena *arena = arena_new();
	struct envelope e = { .sender = SPAN("s@a") };
	struct cleanup_begin begin = { .queue_id = SPAN("4F0A1B2C3D"),
		.flags = CLEANUP_EXTERNAL, .envelope = { &e, 1 } };
	struct world_message m = plain;

	struct cleanup_client *c = cleanup_client_begin(arena, &begin,
	    deadline_in(10));

	logged();
	T_EQ_INT(cleanup_client_data(c, SPAN("A: b\n\n"), deadline_in(10)),
	    IO_OK);
	settle();
	cleanup_client_abort(c);
	settle();
	T_EQ_STR(logged(), canceled);
	m.flags = CLEANUP_EXTERNAL | CLEANUP_DISCARD;
	world_send(&m, &reply, &stored);
	T_EQ_STR(str_cstr(&stored), "not queued");
	T_EQ_STR(logged(), discarded);
	arena_free(&arena);
}

static void
drops(void *arg)
{
	(void)arg;
	drop_two("4F0A1B2C3D: message-id=<>\n", "");
	world_conf("log_compat_level = 3.10\n");
	drop_two("4F0A1B2C3D: message-id=<>\n4F0A1B2C3D: removed (canceled)\n",
	    "4F0A1B2C3D: removed (discarded)\n");
}

T_TEST(dropped_messages_are_logged_as_the_release_did)
{
	keep_log();
	world_run(drops, NULL);
}

/* ---- nonsense ---- */

struct frame {
	const struct attr_form *form;
	const void *fields;
};

static void
send_frames(const struct frame *frames, size_t n, bool close_expected)
{
	struct peer *peer = peer_named("public", "cleanup", CLEANUP_PROTOCOL,
	    CLEANUP_VERSION);
	struct stream *s = peer_take_connection(peer, deadline_in(10));
	struct span rest;

	T_NEED(s != NULL);
	for (size_t i = 0; i < n; i++)
		attr_queue(s, frames[i].form, 0, frames[i].fields);
	T_EQ_INT(stream_flush(s, deadline_in(10)), IO_OK);
	if (close_expected) {
		enum io_status got = stream_peek(s, deadline_in(10), &rest);

		T_CHECK(got == IO_EOF || got == IO_ERROR);
	}
	peer_give_connection(peer, s, false);
	settle();
}

static void
nonsense(void *arg)
{
	struct envelope e = { .sender = SPAN("s@a") };
	struct envelope_rcpt rcpt = { .address = SPAN("a@b") };
	struct cleanup_begin begin = { .envelope = { &e, 1 },
		.rcpts = { &rcpt, 1 } };
	struct cleanup_begin two = { .envelope = { &(struct envelope[2]){ e,
		e }, 2 } };
	struct cleanup_begin none = { .flags = 1 };
	struct cleanup_rcpts rcpts = { .rcpts = { &rcpt, 1 } };
	struct cleanup_data data = { .bytes = SPAN("A: b\n\n") };
	struct cleanup_end end = { .has_prepended = false };
	struct cleanup_result result = { .status = 0 };
	const struct frame begins[] = { { &cleanup_begin_form, &begin },
		{ &cleanup_begin_form, &begin } };
	const struct frame late[] = { { &cleanup_begin_form, &begin },
		{ &cleanup_data_form, &data }, { &cleanup_rcpts_form, &rcpts } };
	const struct frame data_first[] = { { &cleanup_data_form, &data } };
	const struct frame end_first[] = { { &cleanup_end_form, &end } };
	const struct frame answer[] = { { &cleanup_begin_form, &begin },
		{ &cleanup_result_form, &result } };
	const struct frame no_envelope[] = { { &cleanup_begin_form, &none } };
	const struct frame envelopes[] = { { &cleanup_begin_form, &two } };

	(void)arg;
	logged();
	send_frames(begins, 2, true);
	T_HAS_STR(logged(), "client of cleanup: begin inside a message");
	send_frames(late, 3, true);
	T_HAS_STR(logged(), "client of cleanup: recipients after content");
	send_frames(data_first, 1, true);
	T_HAS_STR(logged(), "client of cleanup: no message has begun");
	send_frames(end_first, 1, true);
	T_HAS_STR(logged(), "client of cleanup: no message has begun");
	send_frames(answer, 2, true);
	T_HAS_STR(logged(), "client of cleanup: unknown form");
	send_frames(no_envelope, 1, true);
	T_HAS_STR(logged(), "client of cleanup: ");
	send_frames(envelopes, 1, true);
	T_HAS_STR(logged(), "client of cleanup: ");
	T_EQ_INT(files_in(QUEUE_INCOMING), 0);
	world_send(&plain, &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "250");
}

T_TEST(nonsense_ends_the_connection_and_nothing_else)
{
	keep_log();
	world_run(nonsense, NULL);
}
