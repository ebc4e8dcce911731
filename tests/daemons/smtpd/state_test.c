/*
 * Random commands against a model of the session: no order of commands gets a
 * reply that the model would not give.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/smtpd/state.h"

#include "common/base/random.h"
#include "common/io/deadline.h"
#include "tests/daemons/smtpd/world.h"
#include "tests/harness/t.h"

#define SIZE_LIMIT 1000

struct model {
	bool mail, tried, chunk;
	bool no_data, no_end;		/* restrictions will refuse it */
	bool lost;			/* a chunk failed: RSET is wanted */
	unsigned rcpts, messages;
};

static void
forget(struct model *m)
{
	m->mail = m->tried = m->chunk = false;
	m->no_data = m->no_end = m->lost = false;
	m->rcpts = 0;
}

static const char *
may_have_content(struct model *m)
{
	return !m->mail ? "503" : m->rcpts > 0 ? NULL : "554";
}

static const char *
on_helo(struct model *m)
{
	forget(m);
	return "250";
}

static const char *
on_mail(struct model *m)
{
	if (m->mail)
		return "503";
	m->mail = true;
	return "250";
}

static const char *
on_no_data_mail(struct model *m)
{
	bool nested = m->mail;
	const char *code = on_mail(m);

	if (!nested)
		m->no_data = true;
	return code;
}

static const char *
on_no_end_mail(struct model *m)
{
	bool nested = m->mail;
	const char *code = on_mail(m);

	if (!nested)
		m->no_end = true;
	return code;
}

static const char *
on_big_mail(struct model *m)
{
	return m->mail ? "503" : "552";
}

static const char *
on_bad_mail(struct model *m)
{
	return m->mail ? "503" : "501";
}

static const char *
on_rcpt(struct model *m)
{
	if (!m->mail || m->chunk)
		return "503";
	m->tried = true;
	m->rcpts++;
	return "250";
}

static const char *
on_refused_rcpt(struct model *m)
{
	if (!m->mail || m->chunk)
		return "503";
	m->tried = true;
	return "454";
}

static const char *
on_bad_rcpt(struct model *m)
{
	if (!m->mail || m->chunk)
		return "503";
	m->tried = true;
	return "501";
}

static const char *
on_data(struct model *m)
{
	const char *no = may_have_content(m);

	return m->chunk ? "503" : no != NULL ? no
	    : m->no_data ? "554" : "354";
}

/* What stands against a chunk of this message; it may be the end of it. */
static const char *
may_have_chunk(struct model *m)
{
	const char *no = m->lost ? "503" : may_have_content(m);

	if (no == NULL && m->no_data && !m->chunk) {
		m->chunk = m->lost = true;
		no = "554";
	}
	return no;
}

static const char *
on_chunk(struct model *m)
{
	const char *no = may_have_chunk(m);

	if (no != NULL)
		return no;
	m->chunk = true;
	return "250";
}

static const char *
on_big_chunk(struct model *m)
{
	const char *no = may_have_chunk(m);

	if (no != NULL)
		return no;
	m->chunk = m->lost = true;
	return "552";
}

static const char *
on_last_chunk(struct model *m)
{
	const char *no = may_have_chunk(m);
	bool refused = m->no_end;

	if (no != NULL)
		return no;
	forget(m);
	if (refused)
		return "554";
	m->messages++;
	return "250";
}

static const char *
on_noop(struct model *m)
{
	return "250";
}

static const char *
on_vrfy(struct model *m)
{
	return m->chunk ? "503" : "252";
}

static const char *
on_bad_vrfy(struct model *m)
{
	return m->chunk ? "503" : "501";
}

static const char *
on_bad_helo(struct model *m)
{
	return "501";
}

static const char *
on_bad_data(struct model *m)
{
	const char *no = may_have_content(m);

	return m->chunk ? "503" : no != NULL ? no : "501";
}

static const char *
on_unknown(struct model *m)
{
	return "500";
}

static char big_chunk[SIZE_LIMIT + 100];	/* "BDAT 1050", 1050 bytes */

static const struct {
	const char *line;
	const char *(*expect)(struct model *m);
} moves[] = {
	{ "HELO me.example\r\n", on_helo },
	{ "EHLO me.example\r\n", on_helo },
	{ "HELO\r\n", on_bad_helo },
	{ "RSET now\r\n", on_bad_helo },
	{ "DATA now\r\n", on_bad_data },
	{ "MAIL FROM:<nodata@b.example>\r\n", on_no_data_mail },
	{ "MAIL FROM:<noend@b.example>\r\n", on_no_end_mail },
	{ "MAIL FROM:<a@b.example> SIZE=5000\r\n", on_big_mail },
	{ "MAIL FROM:<a@b.example> SIZE=99999999999999999999\r\n",
	    on_big_mail },
	{ "MAIL FROM:<a@b.example>\r\n", on_mail },
	{ "MAIL FROM:<>\r\n", on_mail },
	{ "MAIL FROM:<a b>\r\n", on_bad_mail },
	{ "RCPT TO:<a@local.test>\r\n", on_rcpt },
	{ "RCPT TO:<b@virtual.test>\r\n", on_rcpt },
	{ "RCPT TO:<a@elsewhere.example>\r\n", on_refused_rcpt },
	{ "RCPT TO:<a b>\r\n", on_bad_rcpt },
	{ "DATA\r\n", on_data },
	/* more often, so that messages come about */
	{ "MAIL FROM:<c@b.example>\r\n", on_mail },
	{ "RCPT TO:<c@local.test>\r\n", on_rcpt },
	{ "RCPT TO:<d@local.test>\r\n", on_rcpt },
	{ "DATA\r\n", on_data },
	{ "DATA\r\n", on_data },
	{ "BDAT 4\r\nab\r\n", on_chunk },
	{ "BDAT 6 LAST\r\nQUIT\r\n", on_last_chunk },
	{ "BDAT 0 LAST\r\n", on_last_chunk },
	{ big_chunk, on_big_chunk },
	{ "RSET\r\n", on_helo },
	{ "NOOP\r\n", on_noop },
	{ "VRFY a@local.test\r\n", on_vrfy },
	{ "VRFY \xc3\xa9@local.test SMTPUTF8\r\n", on_vrfy },
	{ "VRFY \xc3\xa9@local.test\r\n", on_bad_vrfy },
	{ "FOO bar\r\n", on_unknown },
};

static void
make_big_chunk(void)
{
	int n = snprintf(big_chunk, sizeof(big_chunk), "BDAT %d\r\n",
	    SIZE_LIMIT + 50);

	for (int i = 0; i < SIZE_LIMIT + 50; i++)
		big_chunk[n + i] = i % 64 == 63 ? '\n' : 'Q';
	big_chunk[n + SIZE_LIMIT + 50] = '\0';
}

static bool
ask(struct stream *s, const char *text, const char *want)
{
	struct deadline end = deadline_in(60);
	struct span line = SPAN_NONE;

	enum io_status status = stream_write_flush(s, SPAN(text), end);

	do {
		if (status == IO_OK)
			status = stream_read_line(s, 1000, end, &line, NULL);
		if (status != IO_OK) {
			t_fail(T_HERE, "session ended at \"%s\"", text);
			return false;
		}
	} while (line.len > 3 && line.p[3] == '-');
	return T_EQ_TEXT(span_sub(line, 0, 3), want);
}

/* Content: some of it too much, some refused at its end. */
static bool
send_content(struct stream *s, struct model *m)
{
	bool big = random_below(4) == 0, refused = m->no_end;
	struct str text = STR_EMPTY;
	bool ok;

	str_adds(&text, "x: y\r\n\r\n..\r\n");
	for (int i = 0; big && i < 2 * SIZE_LIMIT; i += 64)
		str_adds(&text, "RSET --------------------------------------"
		    "----------------\r\n");
	str_adds(&text, ".\r\n");
	ok = ask(s, str_cstr(&text), big ? "552" : refused ? "554" : "250");
	str_fini(&text);
	m->messages += !big && !refused;
	forget(m);
	return ok;
}

static void
play(struct stream *s, void *arg)
{
	struct model *m = arg;
	struct span line;

	random_seed(t_seed());
	make_big_chunk();
	if (stream_read_line(s, 1000, deadline_in(60), &line, NULL) != IO_OK)
		return;
	for (unsigned i = 0; i < 20000 || m->messages <= 100; i++) {
		size_t n = random_below(T_COUNT(moves));
		const char *want = moves[n].expect(m);

		T_CASEF("move %u: %s", i, moves[n].line);
		if (!ask(s, moves[n].line, want))
			return;
		if (strcmp(want, "354") != 0)
			continue;
		if (!send_content(s, m))
			return;
	}
}

T_TEST(no_order_of_commands_surprises)
{
	struct model m = { .rcpts = 0 };

	world_reset();
	str_adds(&world.conf, "smtpd_soft_error_limit = 1000000\n"
	    "smtpd_hard_error_limit = 1000000\n"
	    "smtpd_junk_command_limit = 1000000\n"
	    "smtpd_forbid_unauth_pipelining = no\n"
	    "message_size_limit = 1000\n"
	    "smtpd_data_restrictions = check_sender_access "
	    "inline:{nodata@b.example=REJECT}\n"
	    "smtpd_end_of_data_restrictions = check_sender_access "
	    "inline:{noend@b.example=REJECT}\n");
	world_run(play, &m);
	T_EQ_INT(world.messages, m.messages);
	T_CHECK(m.messages > 100);
}
