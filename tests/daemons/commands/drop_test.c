/*
 * drop - a message is in maildrop, whole, when postdrop says so; whichever call
 * fails before, it says "try again", and nothing is there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/io/fault.h"
#include "daemons/commands/lib/commands_conf.h"
#include "daemons/commands/lib/drop.h"
#include "daemons/shared/submit.h"
#include "queue/message.h"
#include "queue/scan.h"
#include "tests/harness/t.h"
#include "tests/harness/t_double.h"

#define LINE "a line of content, one of many\n"

static int dir;

static void
add(struct str *out, const struct attr_form *form, const void *fields)
{
	int fds[ATTR_FDS_MAX];
	size_t nfds;

	attr_encode(out, form, 0, fields, fds, &nfds);
}

/* What sendmail writes for a message of that many lines, in a pipe. */
static int
input(size_t lines, bool ended)
{
	struct envelope envelope = { .sender = SPAN("s@a.example") };
	struct cleanup_begin begin = { .envelope = { &envelope, 1 } };
	struct envelope_rcpt rcpt[] = { { .address = SPAN("a@b.example") },
		{ .address = SPAN("c@d.example") } };
	struct cleanup_rcpts rcpts = { .rcpts = { rcpt, T_COUNT(rcpt) } };
	struct cleanup_data data = { .bytes = SPAN(LINE) };
	struct cleanup_end end = { .has_prepended = false };
	struct str out = STR_EMPTY;
	int ends[2];

	add(&out, &cleanup_begin_form, &begin);
	add(&out, &cleanup_rcpts_form, &rcpts);
	for (size_t i = 0; i < lines; i++)
		add(&out, &cleanup_data_form, &data);
	if (ended)
		add(&out, &cleanup_end_form, &end);
	T_NEED(pipe2(ends, O_CLOEXEC) == 0);
	T_NEED(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) >= 0);
	T_EQ_INT(write(ends[1], str_cstr(&out), str_len(&out)), str_len(&out));
	close(ends[1]);
	T_EQ_INT(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	str_fini(&out);
	return ends[0];
}

static bool
is_whole(const char *id, size_t lines)
{
	struct arena *arena = arena_new();
	struct str why = STR_EMPTY;
	struct envelope_rcpt rcpts[3];
	struct queue_message q;
	uint64_t cursor = 0;
	size_t n = 0, at = 0;
	char line[sizeof(LINE)];
	bool whole = queue_message_open(dir, QUEUE_MAILDROP, SPAN(id), false,
	    true, arena, &q, &why) == QUEUE_OK;

	if (whole) {
		whole = q.layout.content_length == lines * strlen(LINE)
		    && (q.mode & S_IXUSR) != 0
		    && span_is(q.envelope.sender, "s@a.example")
		    && queue_message_rcpts(&q, &cursor, T_COUNT(rcpts), arena,
		    rcpts, &n, &why) == QUEUE_OK && n == 2
		    && span_is(rcpts[0].address, "a@b.example")
		    && span_is(rcpts[1].address, "c@d.example");
		for (; whole && at < q.layout.content_length; at += strlen(LINE))
			whole = pread(q.fd, line, strlen(LINE), (off_t)
			    (q.layout.content_offset + at)) > 0
			    && memcmp(line, LINE, strlen(LINE)) == 0;
		queue_message_close(&q);
	}
	str_fini(&why);
	arena_free(&arena);
	return whole;
}

/* How many whole files are in maildrop; all go. Others may be there only where
 * they could not be removed. */
static size_t
clear_maildrop(size_t lines, bool others)
{
	struct arena *arena = arena_new();
	struct queue_message q;
	struct str why = STR_EMPTY;
	struct queue_scan scan;
	char id[QUEUE_ID_MAX];
	size_t n = 0;

	queue_scan_start(&scan, dir, QUEUE_MAILDROP);
	while (queue_scan_next(&scan, id)) {
		if (queue_message_open(dir, QUEUE_MAILDROP, SPAN(id), false,
		    true, arena, &q, &why) != QUEUE_INCOMPLETE) {
			queue_message_close(&q);
			T_CHECK(is_whole(id, lines));
			n++;
		} else {
			T_CHECK(others);
		}
		T_CHECK(queue_remove(dir, QUEUE_MAILDROP, SPAN(id), &why));
	}
	queue_scan_stop(&scan);
	arena_free(&arena);
	str_fini(&why);
	return n;
}

static void
each_call_fails(size_t lines, bool ended, int least)
{
	size_t before = t_open_fds();
	int nth, refused = 0;

	for (nth = 1; !t_failed(); nth++) {
		int fd = input(lines, ended), status;
		char name[60];
		size_t left;
		bool hit;

		fault_arm(NULL, nth, EIO);
		status = drop_message(fd, dir, SPAN("*"));
		hit = fault_was_hit();
		snprintf(name, sizeof(name), "%s", fault_hit_name());
		fault_disarm();
		T_CASEF("%zu lines, %s, pass %d, %s", lines, ended ? "ended"
		    : "broken off", nth, name);
		left = clear_maildrop(lines, strcmp(name, "fs.unlink") == 0);
		if (status == EX_OK) {
			T_CHECK(ended);
			T_EQ_INT(left, 1);
		} else if (status == EX_TEMPFAIL) {
			T_CHECK(hit);
			refused++;
		} else {
			T_CHECK(!ended);
			T_EQ_INT(status, EX_DATAERR);
		}
		T_CHECK(left <= ended);
		T_EQ_INT(t_open_fds(), before);
		if (!hit) {
			T_EQ_INT(status, ended ? EX_OK : EX_DATAERR);
			break;
		}
	}
	T_CHECK(nth > least);
	T_CHECK(refused >= least / 2);
}

static void
all_sizes(void *arg)
{
	(void)arg;
	/* Opens what stays open. */
	T_EQ_INT(drop_message(input(1, true), dir, SPAN("*")), EX_OK);
	T_EQ_INT(clear_maildrop(1, false), 1);
	each_call_fails(1, true, 8);
	each_call_fails(10000, true, 20);
	each_call_fails(10000, false, 5);
}

T_TEST(any_call_may_fail_and_ex_ok_stays_true)
{
	struct str why = STR_EMPTY;

	t_double_conf("", &commands_params);
	queue_names_setup("", 1);
	dir = open(t_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	T_NEED(dir >= 0);
	T_NEED(queue_directories_make(dir, (uid_t)-1, (gid_t)-1, &why));
	t_double_run(all_sizes, NULL);
	str_fini(&why);
}
