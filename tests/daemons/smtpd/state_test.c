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

struct model {
	bool mail, tried, chunk;
	unsigned rcpts, messages;
};

static void
forget(struct model *m)
{
	m->mail = m->tried = m->chunk = false;
	m->rcpts = 0;
}

static const char *
may_have_content(struct model *m)
{
	return !m->mail ? "503" : m->rcpts > 0 ? NULL
	    : m->tried ? "554" : "503";
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

	return m->chunk ? "503" : no != NULL ? no : "354";
}

static const char *
on_chunk(struct model *m)
{
	const char *no = may_have_content(m);

	if (no != NULL)
		return no;
	m->chunk = true;
	return "250";
}

static const char *
on_last_chunk(struct model *m)
{
	const char *no = may_have_content(m);

	if (no != NULL)
		return no;
	m->messages++;
	forget(m);
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
on_unknown(struct model *m)
{
	return "500";
}

static const struct {
	const char *line;
	const char *(*expect)(struct model *m);
} moves[] = {
	{ "HELO me.example\r\n", on_helo },
	{ "MAIL FROM:<a@b.example>\r\n", on_mail },
	{ "MAIL FROM:<>\r\n", on_mail },
	{ "MAIL FROM:<a b>\r\n", on_bad_mail },
	{ "RCPT TO:<a@local.test>\r\n", on_rcpt },
	{ "RCPT TO:<b@virtual.test>\r\n", on_rcpt },
	{ "RCPT TO:<a@elsewhere.example>\r\n", on_refused_rcpt },
	{ "RCPT TO:<a b>\r\n", on_bad_rcpt },
	{ "DATA\r\n", on_data },
	{ "BDAT 4\r\nab\r\n", on_chunk },
	{ "BDAT 6 LAST\r\nQUIT\r\n", on_last_chunk },
	{ "RSET\r\n", on_helo },
	{ "NOOP\r\n", on_noop },
	{ "VRFY a@local.test\r\n", on_vrfy },
	{ "FOO bar\r\n", on_unknown },
};

static bool
ask(struct stream *s, const char *text, const char *want)
{
	struct deadline end = deadline_in(60);
	struct span line = SPAN_NONE;

	if (stream_write_flush(s, SPAN(text), end) != IO_OK
	    || stream_read_line(s, 1000, end, &line, NULL) != IO_OK) {
		t_fail(T_HERE, "session ended at \"%s\"", text);
		return false;
	}
	return T_EQ_TEXT(span_sub(line, 0, 3), want);
}

static void
play(struct stream *s, void *arg)
{
	struct model *m = arg;
	struct span line;

	random_seed(t_seed());
	if (stream_read_line(s, 1000, deadline_in(60), &line, NULL) != IO_OK)
		return;
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = random_below(T_COUNT(moves));
		const char *want = moves[n].expect(m);

		T_CASEF("move %u: %s", i, moves[n].line);
		if (!ask(s, moves[n].line, want))
			return;
		if (strcmp(want, "354") != 0)
			continue;
		if (!ask(s, "x: y\r\n\r\n..\r\n.\r\n", "250"))
			return;
		m->messages++;
		forget(m);
	}
}

T_TEST(no_order_of_commands_surprises)
{
	struct model m = { .rcpts = 0 };

	world_reset();
	str_adds(&world.conf, "smtpd_soft_error_limit = 1000000\n"
	    "smtpd_hard_error_limit = 1000000\n"
	    "smtpd_junk_command_limit = 1000000\n");
	world_run(play, &m);
	T_EQ_INT(world.messages, m.messages);
	T_CHECK(m.messages > 100);
}
