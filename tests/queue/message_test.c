/*
 * Queue files: written, read, marked, moved, and read again when they are not
 * what they should be.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/io/fault.h"
#include "queue/outcome_log.h"
#include "queue/scan.h"
#include "tests/queue/files.h"

#define ID "4F0A1B2C3D"

static const struct files_message simple = { .id = ID, .sender = "s@a",
	.before = "a@b c@d e@f", .content = 17 };

static const struct {
	const char *name;
	struct files_message m;
	const char *want;
} shapes[] = {
	{ "simple", { ID, "s@a", "a@b", NULL, 17, NULL, false }, "s@a -> a@b (17)" },
	{ "null sender", { ID, "", "a@b", NULL, 17, NULL, false }, " -> a@b (17)" },
	{ "empty", { ID, "s@a", "a@b", NULL, 0, NULL, false }, "s@a -> a@b (0)" },
	{ "recipients behind", { ID, "s@a", "", "a@b c@d", 17, NULL, false },
	    "s@a -> a@b c@d (17)" },
	{ "on both sides", { ID, "s@a", "a@b c@d e@f", "g@h i@j k@l m@n", 9, NULL, false },
	    "s@a -> a@b c@d e@f g@h i@j k@l m@n (9)" },
	{ "empty, on both sides", { ID, "s@a", "a@b", "g@h", 0, NULL, false },
	    "s@a -> a@b g@h (0)" },
	{ "large", { ID, "s@a", "a@b", "c@d", 300000, NULL, false },
	    "s@a -> a@b c@d (300000)" },
	{ "filtered late", { ID, "s@a", "a@b", "c@d", 9, "f:g", false },
	    "s@a -> a@b c@d (9) {f:g}" },
	{ "filtered late, nothing in it", { ID, "s@a", "a@b", NULL, 0, "f:g",
	    false }, "s@a -> a@b (0) {f:g}" },
	{ "redirected", { ID, "s@a", "a@b c@d e@f", "x@y", 9, NULL, true },
	    "s@a -> x@y (9)" },
	{ "redirected, large", { ID, "s@a", "a@b", "x@y", 300000, "", true },
	    "s@a -> x@y (300000)" },
	{ "long id", { "4XyzBCDFGHzJKLMN", "s@a", "a@b", NULL, 5, NULL, false },
	    "s@a -> a@b (5)" },
};

T_TEST(what_was_written_is_read)
{
	int q = files_queue("q");
	struct str why = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(shapes); i++) {
		const char *id = shapes[i].m.id;

		T_CASE(shapes[i].name);
		T_EQ_INT(files_write(q, &shapes[i].m, QUEUE_INCOMING),
		    QUEUE_OK);
		T_EQ_STR(files_read(q, QUEUE_INCOMING, id), shapes[i].want);
		T_CHECK(queue_move(q, SPAN(id), QUEUE_INCOMING, QUEUE_ACTIVE,
		    &why));
		T_EQ_STR(files_read(q, QUEUE_INCOMING, id), "gone");
		T_EQ_STR(files_read(q, QUEUE_ACTIVE, id), shapes[i].want);
		T_CHECK(queue_remove(q, QUEUE_ACTIVE, SPAN(id), &why));
		T_EQ_STR(files_list(q), "");
	}
	str_fini(&why);
}

static void
mark(int q, const char *address)
{
	struct arena *arena = arena_new();
	struct queue_message m;
	struct envelope_rcpt rcpts[10];
	struct str why = STR_EMPTY;
	uint64_t cursor = 0;
	size_t n = 0;

	T_NEED(queue_message_open(q, QUEUE_INCOMING, SPAN(ID), false, true,
	    arena, &m, &why) == QUEUE_OK);
	T_EQ_INT(queue_message_rcpts(&m, &cursor, 10, arena, rcpts, &n, &why),
	    QUEUE_OK);
	for (size_t i = 0; i < n; i++)
		if (span_is(rcpts[i].address, address))
			T_EQ_INT(queue_marks_write(q, QUEUE_INCOMING,
			    SPAN(ID), &rcpts[i].mark_at, 1, &why), QUEUE_OK);
	queue_message_close(&m);
	str_fini(&why);
	arena_free(&arena);
}

T_TEST(marked_recipients_are_done_and_the_file_still_holds)
{
	int q = files_queue("q");
	struct files_message m = simple;
	struct str why = STR_EMPTY;
	uint64_t nonsense = 3;

	m.after = "g@h";
	T_EQ_INT(files_write(q, &m, QUEUE_INCOMING), QUEUE_OK);
	mark(q, "c@d");
	T_EQ_STR(files_read(q, QUEUE_INCOMING, ID), "s@a -> a@b e@f g@h (17)");
	mark(q, "g@h");
	mark(q, "a@b");
	T_EQ_STR(files_read(q, QUEUE_INCOMING, ID), "s@a -> e@f (17)");
	T_EQ_INT(queue_marks_write(q, QUEUE_INCOMING, SPAN(ID), &nonsense, 1,
	    &why), QUEUE_DAMAGED);
	T_EQ_STR(files_read(q, QUEUE_INCOMING, ID), "s@a -> e@f (17)");
	mark(q, "e@f");
	T_EQ_STR(files_read(q, QUEUE_INCOMING, ID), "s@a -> (17)");
	T_EQ_INT(queue_late_flags_write(q, QUEUE_INCOMING, SPAN(ID),
	    ENVELOPE_WARNED, &why), QUEUE_OK);
	T_EQ_STR(files_read(q, QUEUE_INCOMING, ID), "s@a -> (17)");
	T_EQ_INT(queue_marks_write(q, QUEUE_ACTIVE, SPAN(ID), &nonsense, 1,
	    &why), QUEUE_GONE);
	str_fini(&why);
}

T_TEST(names_are_given_once)
{
	int q = files_queue("q");

	T_EQ_INT(files_write(q, &simple, QUEUE_INCOMING), QUEUE_OK);
	T_EQ_INT(files_write(q, &simple, QUEUE_INCOMING), QUEUE_EXISTS);
	T_EQ_STR(files_read(q, QUEUE_INCOMING, ID),
	    "s@a -> a@b c@d e@f (17)");
	T_EQ_STR(files_list(q), "incoming " ID ";");
}

T_TEST(held_mail_is_written_to_hold)
{
	int q = files_queue("q");
	struct files_message m = simple;

	T_EQ_INT(files_write(q, &m, QUEUE_HOLD), QUEUE_OK);
	T_EQ_STR(files_list(q), "hold " ID ";");
	m.id = "4F0A1B2C3E";
	m.content = 300000;
	T_EQ_INT(files_write(q, &m, QUEUE_HOLD), QUEUE_OK);
	T_EQ_STR(files_read(q, QUEUE_HOLD, m.id),
	    "s@a -> a@b c@d e@f (300000)");
}

static int
open_it(int q, int flags)
{
	struct str path = STR_EMPTY;
	int fd;

	queue_path(QUEUE_INCOMING, SPAN(ID), &path);
	fd = openat(q, str_cstr(&path), flags);
	T_NEED(fd >= 0);
	str_fini(&path);
	return fd;
}

T_TEST(a_claim_belongs_to_one)
{
	int q = files_queue("q"), other;

	T_EQ_INT(files_write(q, &simple, QUEUE_INCOMING), QUEUE_OK);
	other = open_it(q, O_RDONLY);
	T_NEED(flock(other, LOCK_EX) == 0);
	T_EQ_STR(files_read(q, QUEUE_INCOMING, ID), "busy");
	close(other);
	T_EQ_STR(files_read(q, QUEUE_INCOMING, ID),
	    "s@a -> a@b c@d e@f (17)");
}

T_TEST(deferred_mail_knows_its_time)
{
	int q = files_queue("q");
	struct arena *arena = arena_new();
	struct queue_message m;
	struct str why = STR_EMPTY;
	enum queue_name where;

	T_EQ_INT(files_write(q, &simple, QUEUE_INCOMING), QUEUE_OK);
	T_CHECK(queue_defer(q, SPAN(ID), QUEUE_INCOMING, 2000000000, &why));
	T_EQ_INT(queue_find(q, SPAN(ID), ~0u, &where), QUEUE_OK);
	T_EQ_INT(where, QUEUE_DEFERRED);
	T_EQ_INT(queue_message_open(q, where, SPAN(ID), true, true, arena, &m,
	    &why), QUEUE_OK);
	T_EQ_INT(m.mtime, 2000000000);
	queue_message_close(&m);
	T_EQ_INT(queue_find(q, SPAN("4F0A1B2C3E"), ~0u, &where), QUEUE_GONE);
	/* "Could not ask" is no "not there". */
	T_EACH_FAULT("fs.look", EIO) {
		enum queue_result found = queue_find(q, SPAN("4F0A1B2C3E"),
		    ~0u, &where);

		T_EQ_INT(found, T_FAULT_HIT() ? QUEUE_IO_ERROR : QUEUE_GONE);
	}
	T_CHECK(!queue_move(q, SPAN("4F0A1B2C3E"), QUEUE_ACTIVE, QUEUE_HOLD,
	    &why));
	T_CHECK(str_len(&why) > 0);
	str_fini(&why);
	arena_free(&arena);
}

T_TEST(a_file_left_flat_is_found)
{
	int q = files_queue("q");
	struct str why = STR_EMPTY;
	enum queue_name where;

	T_EQ_INT(files_write(q, &simple, QUEUE_INCOMING), QUEUE_OK);
	T_CHECK(queue_move(q, SPAN(ID), QUEUE_INCOMING, QUEUE_DEFERRED,
	    &why));
	queue_names_setup("deferred", 2);
	T_EQ_INT(queue_find(q, SPAN(ID), ~0u, &where), QUEUE_OK);
	T_EQ_INT(where, QUEUE_DEFERRED);
	T_EQ_STR(files_read(q, where, ID), "s@a -> a@b c@d e@f (17)");
	T_CHECK(queue_move(q, SPAN(ID), where, QUEUE_ACTIVE, &why));
	T_EQ_STR(files_list(q), "active " ID ";");
	T_CHECK(queue_remove(q, QUEUE_ACTIVE, SPAN(ID), &why));
	str_fini(&why);
}

/* ---- damage ---- */

T_TEST(no_flipped_byte_goes_unnoticed)
{
	int q = files_queue("q"), fd;
	off_t size, flags;
	char was, is;

	T_EQ_INT(files_write(q, &simple, QUEUE_INCOMING), QUEUE_OK);
	fd = open_it(q, O_RDWR);
	size = lseek(fd, 0, SEEK_END);
	flags = size - 16;		/* these may change late */
	for (off_t at = 0; at < size; at++) {
		const char *got;

		if (at >= flags && at < flags + 8)
			continue;
		T_CASEF("byte %d", (int)at);
		T_NEED(pread(fd, &was, 1, at) == 1);
		is = (char)(was ^ 0x10);
		T_NEED(pwrite(fd, &is, 1, at) == 1);
		got = files_read(q, QUEUE_INCOMING, ID);
		T_CHECK(strncmp(got, "s@a", 3) != 0);
		T_NEED(pwrite(fd, &was, 1, at) == 1);
	}
	close(fd);
	T_EQ_STR(files_read(q, QUEUE_INCOMING, ID),
	    "s@a -> a@b c@d e@f (17)");
}

T_TEST(a_file_cut_anywhere_is_incomplete)
{
	int q = files_queue("q"), fd;
	off_t size;

	T_EQ_INT(files_write(q, &simple, QUEUE_INCOMING), QUEUE_OK);
	fd = open_it(q, O_RDWR);
	for (size = lseek(fd, 0, SEEK_END) - 1; size >= 0; size--) {
		T_CASEF("%d bytes", (int)size);
		T_NEED(ftruncate(fd, size) == 0);
		T_EQ_STR(files_read(q, QUEUE_INCOMING, ID), "incomplete");
	}
	close(fd);
}

static void
put_file(int q, const char *path, const char *bytes, mode_t mode)
{
	int fd = openat(q, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	T_NEED(fd >= 0);
	T_NEED(write(fd, bytes, strlen(bytes)) == (ssize_t)strlen(bytes));
	T_NEED(fchmod(fd, mode) == 0);
	close(fd);
}

T_TEST(what_is_no_queue_file_is_told_apart)
{
	int q = files_queue("q");

	put_file(q, "deferred/4F0A1B2C01", "C              5             1\n",
	    0700);
	put_file(q, "deferred/4F0A1B2C02", "not a queue file at all", 0700);
	put_file(q, "deferred/4F0A1B2C03", "", 0700);
	T_NEED(mkdirat(q, "deferred/4F0A1B2C04", 0700) == 0);
	T_NEED(symlinkat("/etc/passwd", q, "deferred/4F0A1B2C05") == 0);
	T_EQ_STR(files_read(q, QUEUE_DEFERRED, "4F0A1B2C01"), "foreign");
	T_EQ_STR(files_read(q, QUEUE_DEFERRED, "4F0A1B2C02"), "damaged");
	T_EQ_STR(files_read(q, QUEUE_DEFERRED, "4F0A1B2C03"), "incomplete");
	T_EQ_STR(files_read(q, QUEUE_DEFERRED, "4F0A1B2C04"), "damaged");
	T_NE_STR(files_read(q, QUEUE_DEFERRED, "4F0A1B2C05"), "ok");
	T_EQ_STR(files_read(q, QUEUE_DEFERRED, "../main.cf"), "gone");
	T_EQ_STR(files_read(q, QUEUE_DEFERRED, ""), "gone");
}

T_TEST(recovery_requeues_removes_and_sets_aside)
{
	int q = files_queue("q");
	struct files_message m = simple;
	struct queue_recovery done;
	struct str why = STR_EMPTY;

	T_EQ_INT(files_write(q, &m, QUEUE_INCOMING), QUEUE_OK);
	T_CHECK(queue_move(q, SPAN(m.id), QUEUE_INCOMING, QUEUE_ACTIVE,
	    &why));
	m.id = "4F0A1B2C01";
	T_EQ_INT(files_write(q, &m, QUEUE_INCOMING), QUEUE_OK);
	put_file(q, "active/4F0A1B2C02", "WAYPOST1E", 0600);
	put_file(q, "active/4F0A1B2C03", "WAYPOST1E", 0700);
	put_file(q, "deferred/4F0A1B2C04", "nonsense", 0700);
	put_file(q, "deferred/4F0A1B2C05", "C   foreign", 0700);
	T_CHECK(queue_recover(q, clock_wall() - 100, &done, &why));
	T_EQ_INT(done.requeued, 1);
	T_EQ_INT(done.removed, 0);	/* it may be being written */
	T_EQ_INT(done.corrupt, 3);
	T_CHECK(queue_recover(q, clock_wall() + 100, &done, &why));
	T_EQ_INT(done.requeued, 0);
	T_EQ_INT(done.removed, 1);
	T_EQ_INT(done.corrupt, 0);
	T_EQ_STR(files_read(q, QUEUE_INCOMING, ID),
	    "s@a -> a@b c@d e@f (17)");
	T_EQ_STR(files_read(q, QUEUE_INCOMING, "4F0A1B2C01"),
	    "s@a -> a@b c@d e@f (17)");
	T_EQ_STR(files_read(q, QUEUE_CORRUPT, "4F0A1B2C03"), "incomplete");
	T_EQ_STR(files_read(q, QUEUE_CORRUPT, "4F0A1B2C04"), "damaged");
	T_EQ_STR(files_read(q, QUEUE_CORRUPT, "4F0A1B2C05"), "foreign");
	str_fini(&why);
}

/* Bits that were set before stay: a warning was sent, and then it expires. */
static bool
has_log(int q, enum queue_name kind, struct span id)
{
	struct str path = STR_EMPTY;
	bool there;

	queue_path(kind, id, &path);
	there = faccessat(q, str_cstr(&path), F_OK, 0) == 0;
	str_fini(&path);
	return there;
}

/* Whether one is left after a look at it that takes those of before then. */
static bool
log_stays(int q, enum queue_name kind, const char *id, time_t before)
{
	static const struct outcome one = { .rcpt = SPAN_LIT("a@b"),
		.action = DSN_EXPANDED, .dsn = SPAN_LIT("2.0.0") };
	struct queue_recovery done = { .requeued = 0 };
	struct str why = STR_EMPTY;

	if (!has_log(q, kind, SPAN(id)))
		T_NEED(outcome_log_append(q, kind, SPAN(id), &one, 1, &why));
	queue_recover_log(q, kind, SPAN(id), before, &done);
	T_EQ_INT(done.logs, !has_log(q, kind, SPAN(id)));
	str_fini(&why);
	return has_log(q, kind, SPAN(id));
}

T_TEST(a_log_of_no_message_goes_when_it_is_old)
{
	static const enum queue_name kinds[] = { QUEUE_DEFER, QUEUE_BOUNCE,
		QUEUE_TRACE };
	int q = files_queue("q");
	time_t young = clock_wall() - 100, old = clock_wall() + 100;
	struct files_message m = simple;
	struct queue_recovery done = { .requeued = 0 };
	struct str why = STR_EMPTY;
	int looks = 0;

	for (size_t i = 0; i < T_COUNT(kinds); i++) {
		T_CASE(queue_name_text(kinds[i]));
		T_CHECK(log_stays(q, kinds[i], ID, young));
		T_CHECK(!log_stays(q, kinds[i], ID, old));
	}
	queue_recover_log(q, QUEUE_TRACE, SPAN(ID), old, &done);
	T_EQ_INT(done.logs, 0);
	/* Wherever its message is. */
	T_EQ_INT(files_write(q, &m, QUEUE_INCOMING), QUEUE_OK);
	for (int at = QUEUE_INCOMING; at <= QUEUE_CORRUPT; at++) {
		T_CASE(queue_name_text(at));
		T_CHECK(at == QUEUE_INCOMING || queue_move(q, SPAN(ID), at - 1,
		    at, &why));
		T_CHECK(log_stays(q, QUEUE_TRACE, ID, old));
	}
	T_CHECK(queue_move(q, SPAN(ID), QUEUE_CORRUPT, QUEUE_MAILDROP, &why));
	T_CHECK(log_stays(q, QUEUE_BOUNCE, ID, old));
	T_CHECK(queue_remove(q, QUEUE_MAILDROP, SPAN(ID), &why));
	/* It may be there, who knows. */
	while (has_log(q, QUEUE_TRACE, SPAN(ID)) && !t_failed()) {
		T_CASEF("look %d", ++looks);
		fault_arm("fs.look", looks, EIO);
		T_CHECK(log_stays(q, QUEUE_TRACE, ID, old) == fault_was_hit());
		fault_disarm();
	}
	T_CHECK(looks > 6);
	str_fini(&why);
}

T_TEST(late_flags_add_up)
{
	int q = files_queue("q");
	struct arena *arena = arena_new();
	struct queue_message m;
	struct files_message file = simple;
	struct str why = STR_EMPTY;

	T_EQ_INT(files_write(q, &file, QUEUE_INCOMING), QUEUE_OK);
	T_EQ_INT(queue_late_flags_write(q, QUEUE_INCOMING, SPAN(file.id),
	    ENVELOPE_WARNED, &why), QUEUE_OK);
	T_EQ_INT(queue_late_flags_write(q, QUEUE_INCOMING, SPAN(file.id),
	    ENVELOPE_EXPIRE_NOW, &why), QUEUE_OK);
	T_EQ_INT(queue_message_open(q, QUEUE_INCOMING, SPAN(file.id), false,
	    true, arena, &m, &why), QUEUE_OK);
	T_EQ_INT(m.envelope.flags & (ENVELOPE_WARNED | ENVELOPE_EXPIRE_NOW),
	    ENVELOPE_WARNED | ENVELOPE_EXPIRE_NOW);
	queue_message_close(&m);
	put_file(q, "incoming/9/4F0A1B2C09", "WAYPOST1 but no end of it", 0600);
	T_CHECK(queue_late_flags_write(q, QUEUE_INCOMING,
	    SPAN("4F0A1B2C09"), ENVELOPE_WARNED, &why) != QUEUE_OK);
	str_fini(&why);
	arena_free(&arena);
}

T_TEST(files_find_their_place_when_the_hashing_changes)
{
	static const struct {
		const char *names;
		int64_t depth;
	} steps[] = { { "deferred", 2 }, { "deferred, hold", 1 },
		{ "", 1 }, { "deferred", 2 }, { "active", 1 }, { "", 1 } };
	int q = files_queue("q");
	struct files_message m = simple;
	struct str why = STR_EMPTY;
	size_t moved;

	T_EQ_INT(files_write(q, &m, QUEUE_INCOMING), QUEUE_OK);
	T_CHECK(queue_defer(q, SPAN(ID), QUEUE_INCOMING, 5, &why));
	put_file(q, "incoming/4F0A1B2C01", "flat", 0600);
	for (size_t i = 0; i < T_COUNT(steps); i++) {
		queue_names_setup(steps[i].names, steps[i].depth);
		T_CHECK(queue_directories_make(q, (uid_t)-1, (gid_t)-1,
		    &why));
		T_CHECK(queue_restructure(q, &moved, &why));
		T_EQ_STR(files_list(q), "incoming 4F0A1B2C01;deferred "
		    ID ";");
		T_EQ_STR(files_read(q, QUEUE_DEFERRED, ID),
		    "s@a -> a@b c@d e@f (17)");
		T_CHECK(queue_restructure(q, &moved, &why));
		T_EQ_INT(moved, 0);
	}
	/* stopped between its two steps: both names are there */
	queue_names_setup("deferred", 1);
	T_CHECK(queue_directories_make(q, (uid_t)-1, (gid_t)-1, &why));
	T_NEED(linkat(q, "deferred/" ID, q, "deferred/4/" ID, 0) == 0);
	T_CHECK(queue_restructure(q, &moved, &why));
	T_EQ_INT(moved, 1);
	/* the place is taken by another file: both stay */
	put_file(q, "deferred/4F0A1B2C02", "one", 0600);
	put_file(q, "deferred/4/4F0A1B2C02", "two", 0600);
	T_CHECK(!queue_restructure(q, &moved, &why));
	T_NEED(faccessat(q, "deferred/4F0A1B2C02", F_OK, 0) == 0);
	queue_names_setup("", 1);
	str_fini(&why);
}
