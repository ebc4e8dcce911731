/*
 * Logs of what became of recipients: appended, read, torn.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/outcome_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/fault.h"
#include "common/io/fs.h"
#include "tests/queue/files.h"

#define ID "4F0A1B2C3D"

static const struct outcome first = { .rcpt = SPAN_LIT("a@b"),
	.action = DSN_FAILED, .dsn = SPAN_LIT("5.1.1"),
	.reason = SPAN_LIT("no such user"), .notify = 3, .mark_at = 99,
	.when_us = 5 };
static const struct outcome second = { .rcpt = SPAN_LIT("c@d"),
	.action = DSN_DELAYED, .dsn = SPAN_LIT("4.4.1"),
	.reason = SPAN_LIT("connection refused") };

/* "a@b 5.1.1 no such user;" for each. */
static const char *
read_log(int q)
{
	static struct str text;
	struct arena *arena = arena_new();
	struct outcome *outcomes;
	struct str why = STR_EMPTY;
	size_t n = 0;
	enum queue_result result = outcome_log_read(q, QUEUE_BOUNCE, SPAN(ID),
	    arena, &outcomes, &n, &why);

	str_clear(&text);
	if (result == QUEUE_GONE)
		str_sets(&text, "gone");
	else
		T_EQ_INT(result, QUEUE_OK);
	for (size_t i = 0; i < n; i++)
		str_addf(&text, "%.*s %.*s %.*s;", SPAN_ARG(outcomes[i].rcpt),
		    SPAN_ARG(outcomes[i].dsn), SPAN_ARG(outcomes[i].reason));
	str_fini(&why);
	arena_free(&arena);
	return str_cstr(&text);
}

#define FIRST "a@b 5.1.1 no such user;"
#define SECOND "c@d 4.4.1 connection refused;"

T_TEST(outcomes_are_kept_in_order)
{
	int q = files_queue("q");
	struct outcome both[2] = { second, first };
	struct str why = STR_EMPTY;

	T_EQ_STR(read_log(q), "gone");
	T_CHECK(outcome_log_append(q, QUEUE_BOUNCE, SPAN(ID), &first, 1,
	    &why));
	T_EQ_STR(read_log(q), FIRST);
	T_CHECK(outcome_log_append(q, QUEUE_BOUNCE, SPAN(ID), both, 2, &why));
	T_EQ_STR(read_log(q), FIRST SECOND FIRST);
	T_CHECK(outcome_log_remove(q, QUEUE_BOUNCE, SPAN(ID), &why));
	T_EQ_STR(read_log(q), "gone");
	T_CHECK(outcome_log_remove(q, QUEUE_BOUNCE, SPAN(ID), &why));
	str_fini(&why);
}

T_TEST(a_torn_last_entry_is_dropped)
{
	int q = files_queue("q"), fd;
	struct str why = STR_EMPTY, path = STR_EMPTY;
	off_t one, two;

	T_CHECK(outcome_log_append(q, QUEUE_BOUNCE, SPAN(ID), &first, 1,
	    &why));
	queue_path(QUEUE_BOUNCE, SPAN(ID), &path);
	fd = openat(q, str_cstr(&path), O_RDWR);
	T_NEED(fd >= 0);
	one = lseek(fd, 0, SEEK_END);
	T_CHECK(outcome_log_append(q, QUEUE_BOUNCE, SPAN(ID), &second, 1,
	    &why));
	two = lseek(fd, 0, SEEK_END);
	T_EQ_STR(read_log(q), FIRST SECOND);
	for (off_t at = two - 1; at >= one; at--) {
		T_CASEF("%d bytes", (int)at);
		T_NEED(ftruncate(fd, at) == 0);
		T_EQ_STR(read_log(q), FIRST);
		/* It hides nothing that comes behind it. */
		T_CHECK(outcome_log_append(q, QUEUE_BOUNCE, SPAN(ID), &second,
		    1, &why));
		T_EQ_STR(read_log(q), FIRST SECOND);
	}
	/* Nor does it hide what comes behind it. */
	for (off_t at = one; at < two; at += 3) {
		T_CASEF("appended behind %d bytes", (int)at);
		T_NEED(ftruncate(fd, at) == 0);
		T_NEED(at % 2 == 0 || ftruncate(fd, at + 100) == 0);
		T_CHECK(outcome_log_append(q, QUEUE_BOUNCE, SPAN(ID), &second,
		    1, &why));
		T_EQ_STR(read_log(q), FIRST SECOND);
		T_NEED(ftruncate(fd, two) == 0);
	}
	close(fd);
	str_fini(&why);
	str_fini(&path);
}

/* What a power failure may leave: the length, but not the bytes. */
T_TEST(zeros_at_the_end_hide_nothing)
{
	int q = files_queue("q"), fd;
	struct str why = STR_EMPTY, path = STR_EMPTY, bytes = STR_EMPTY;

	T_CHECK(outcome_log_append(q, QUEUE_BOUNCE, SPAN("4F0A1B2C3E"), &first,
	    1, &why));
	queue_path(QUEUE_BOUNCE, SPAN("4F0A1B2C3E"), &path);
	T_CHECK(fs_read_file_at(q, str_cstr(&path), 10000, &bytes, &why));
	for (int i = 0; i < 100; i++)
		str_putc(&bytes, '\0');
	str_clear(&path);
	queue_path(QUEUE_BOUNCE, SPAN(ID), &path);
	fd = openat(q, str_cstr(&path), O_WRONLY | O_CREAT, 0600);
	T_NEED(write(fd, str_cstr(&bytes), str_len(&bytes))
	    == (ssize_t)str_len(&bytes));
	close(fd);
	T_CHECK(outcome_log_append(q, QUEUE_BOUNCE, SPAN(ID), &second, 1,
	    &why));
	T_EQ_STR(read_log(q), FIRST SECOND);
	str_fini(&why);
	str_fini(&path);
	str_fini(&bytes);
}

T_TEST(a_failed_append_leaves_what_was_there)
{
	int q = files_queue("q");
	struct str why = STR_EMPTY;

	T_CHECK(outcome_log_append(q, QUEUE_BOUNCE, SPAN(ID), &first, 1,
	    &why));
	T_EACH_FAULT(NULL, EIO) {
		bool ok = outcome_log_append(q, QUEUE_BOUNCE, SPAN(ID),
		    &second, 1, &why);

		T_EQ_INT(ok, !T_FAULT_HIT());
		if (T_FAULT_HIT())
			T_EQ_STR(read_log(q), FIRST);
	}
	T_EQ_STR(read_log(q), FIRST SECOND);
	str_fini(&why);
}

/* Whatever a power failure left of the last entry, cut off or empty pages. */
T_TEST(what_is_appended_behind_a_torn_entry_is_found)
{
	int q = files_queue("q"), fd;
	struct str why = STR_EMPTY, path = STR_EMPTY;
	off_t one, two;

	T_CHECK(outcome_log_append(q, QUEUE_BOUNCE, SPAN(ID), &first, 1,
	    &why));
	queue_path(QUEUE_BOUNCE, SPAN(ID), &path);
	fd = openat(q, str_cstr(&path), O_RDWR);
	T_NEED(fd >= 0);
	one = lseek(fd, 0, SEEK_END);
	T_CHECK(outcome_log_append(q, QUEUE_BOUNCE, SPAN(ID), &first, 1,
	    &why));
	two = lseek(fd, 0, SEEK_END);
	for (off_t at = one; at < two; at++)
		for (int zeros = 0; zeros < 2; zeros++) {
			T_CASEF("%d bytes, %d", (int)at, zeros);
			T_NEED(ftruncate(fd, two) == 0);
			T_NEED(ftruncate(fd, zeros ? one : at) == 0);
			T_NEED(ftruncate(fd, at) == 0);
			T_CHECK(outcome_log_append(q, QUEUE_BOUNCE, SPAN(ID),
			    &second, 1, &why));
			T_EQ_STR(read_log(q), FIRST SECOND);
			T_NEED(ftruncate(fd, one) == 0);
			T_CHECK(outcome_log_append(q, QUEUE_BOUNCE, SPAN(ID),
			    &first, 1, &why));
		}
	close(fd);
	str_fini(&why);
	str_fini(&path);
}
