/*
 * A queue file that is cut at any length, or wrong in any byte, is found out
 * before its content is trusted, and reading it harms nobody.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/fs.h"
#include "tests/queue/files.h"

#define ID "4F0A1B2C3D"

static int queue;
static struct str path, whole;

static void
make_whole(void)
{
	struct files_message m = { .id = ID, .sender = "s@a",
		.before = "a@b c@d", .after = "e@f", .content = 60 };
	struct str why = STR_EMPTY;

	queue = files_queue("q");
	T_NEED(files_write(queue, &m, QUEUE_INCOMING) == QUEUE_OK);
	queue_path(QUEUE_INCOMING, SPAN(ID), &path);
	T_NEED(fs_read_file_at(queue, str_cstr(&path), 100000, &whole, &why));
	str_fini(&why);
}

static void
put(struct span bytes)
{
	int fd = openat(queue, str_cstr(&path), O_WRONLY | O_TRUNC);

	T_NEED(fd >= 0);
	T_NEED(write(fd, bytes.p, bytes.len) == (ssize_t)bytes.len);
	close(fd);
}

static void
no_recipient(const struct envelope_rcpt *rcpt, bool done, void *arg)
{
	(void)rcpt;
	(void)done;
	(*(size_t *)arg)++;
}

/* As recovery reads it; then as showq and qmgr do, who trust the trailer. */
static enum queue_result
read_it(void)
{
	struct arena *arena = arena_new();
	struct queue_message m;
	struct str why = STR_EMPTY;
	struct envelope_rcpt rcpts[10];
	enum queue_result result, quick;
	uint64_t cursor = 0;
	size_t n = 0;

	result = queue_message_open(queue, QUEUE_INCOMING, SPAN(ID), true,
	    true, arena, &m, &why);
	if (result == QUEUE_OK)
		queue_message_close(&m);
	else
		T_CHECK(str_len(&why) > 0);
	quick = queue_message_open(queue, QUEUE_INCOMING, SPAN(ID), true,
	    false, arena, &m, &why);
	if (quick == QUEUE_OK) {
		queue_message_rcpts(&m, &cursor, 10, arena, rcpts, &n, &why);
		queue_message_each_rcpt(&m, no_recipient, &n, &why);
		queue_message_close(&m);
	}
	T_CHECK(result != QUEUE_OK || quick == QUEUE_OK);
	str_fini(&why);
	arena_free(&arena);
	return result;
}

T_TEST(a_file_cut_at_any_length_is_incomplete)
{
	make_whole();
	T_EQ_INT(read_it(), QUEUE_OK);
	for (size_t len = 0; len < str_len(&whole); len++) {
		T_CASEF("%zu bytes", len);
		put(span_sub(str_span(&whole), 0, len));
		enum queue_result got = read_it();

		T_CHECK(got == QUEUE_INCOMPLETE || got == QUEUE_DAMAGED
		    || got == QUEUE_FOREIGN);
	}
	T_CHECK(str_len(&whole) > 150);
}

/* Marks and late flags are changed in place, so no checksum covers them. */
static bool
may_change(size_t at, char now)
{
	size_t flags = str_len(&whole) - 8 - 8;

	if (at >= flags && at < flags + 8)
		return true;
	return whole.buf[at] == 'R' && now == 'D';
}

T_TEST(a_file_wrong_in_any_byte_is_found_out)
{
	static const char masks[] = { 1, (char)0x80, (char)0xff, 'R' ^ 'D' };
	struct str wrong = STR_EMPTY;
	size_t taken = 0;

	make_whole();
	for (size_t at = 0; at < str_len(&whole); at++)
		for (size_t k = 0; k < sizeof(masks); k++) {
			str_set(&wrong, str_span(&whole));
			wrong.buf[at] = (char)(wrong.buf[at] ^ masks[k]);
			T_CASEF("byte %zu of %zu, changed by %d", at,
			    str_len(&whole), masks[k]);
			put(str_span(&wrong));
			if (read_it() != QUEUE_OK)
				continue;
			taken++;
			T_CHECK(may_change(at, wrong.buf[at]));
		}
	/* The three marks and the flags. */
	T_CHECK(taken >= 3 && taken <= 3 + 8 * sizeof(masks));
	str_fini(&wrong);
}
