/*
 * What is kept comes back as it was, however long, whoever else keeps something;
 * the file holds no more than what waits, and its errors lose one message.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/smtpd/kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/str.h"
#include "common/io/fault.h"
#include "tests/harness/t.h"
#include "tests/harness/t_maps.h"

enum { PIECE = 65536 };

static char queue[300];

static void
setup(bool incoming)
{
	char path[340];
	int dir;

	snprintf(queue, sizeof(queue), "%s", t_tmpdir());
	snprintf(path, sizeof(path), "%s/incoming", queue);
	if (incoming)
		T_NEED(mkdir(path, 0700) == 0);
	dir = open(queue, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	T_NEED(dir >= 0);
	kept_setup(dir);
	close(dir);
}

/* Of the file without a name; -1: there is none. */
static off_t
file_size(void)
{
	for (int fd = 3; fd < 100; fd++) {
		char link[40], name[400];
		struct stat st;
		ssize_t n;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, name, sizeof(name) - 1);
		if (n <= 0)
			continue;
		name[n] = '\0';
		if (strncmp(name, queue, strlen(queue)) == 0
		    && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
		    && st.st_nlink == 0)
			return st.st_size;
	}
	return -1;
}

static size_t
names_in_incoming(void)
{
	char path[340];
	struct dirent *entry;
	size_t count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/incoming", queue);
	dir = opendir(path);
	T_NEED(dir != NULL);
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* Text of which no two places look the same. */
static void
make(struct str *out, size_t length, unsigned seed)
{
	str_clear(out);
	for (size_t n = 0; str_len(out) < length; n++)
		str_addf(out, "%u/%zu ", seed, n);
	str_truncate(out, length);
}

static bool
add(struct kept *k, struct span bytes, size_t step)
{
	while (!span_empty(bytes)) {
		struct span some = span_sub(bytes, 0, step < bytes.len ? step
		    : bytes.len);

		if (!kept_add(k, some))
			return false;
		bytes = span_skip(bytes, some.len);
	}
	return true;
}

static void
take(struct kept *k, struct str *out)
{
	struct span bytes;

	str_clear(out);
	while (kept_next(k, &bytes))
		str_add(out, bytes);
}

static bool
same(const struct str *a, const struct str *b)
{
	return str_len(a) == str_len(b)
	    && memcmp(str_cstr(a), str_cstr(b), str_len(a)) == 0;
}

T_TEST(what_is_kept_comes_back)
{
	static const size_t sizes[] = { 0, 1, PIECE - 1, PIECE, PIECE + 1,
		2 * PIECE, 2 * PIECE + 1, 10 * PIECE + 77 };
	static const size_t steps[] = { 1000, 16384, PIECE, 3 * PIECE };
	struct str sent = STR_EMPTY, got = STR_EMPTY;

	setup(true);
	T_EQ_INT(names_in_incoming(), 0);
	for (size_t i = 0; i < T_COUNT(sizes) * T_COUNT(steps); i++) {
		size_t size = sizes[i / T_COUNT(steps)];
		struct arena *arena = arena_new();
		struct kept *k = kept_new(arena);

		T_CASEF("%zu bytes, %zu at once", size,
		    steps[i % T_COUNT(steps)]);
		make(&sent, size, (unsigned)i);
		T_CHECK(add(k, str_span(&sent), steps[i % T_COUNT(steps)]));
		T_EQ_INT(file_size(), size == 0 ? 0
		    : (long long)((size - 1) / PIECE * PIECE));
		take(k, &got);
		T_CHECK(same(&sent, &got) && !kept_is_lost(k));
		arena_free(&arena);
		T_EQ_INT(file_size(), 0);
	}
	str_fini(&sent);
	str_fini(&got);
}

/* Messages come, grow, and go in any order. */
T_TEST(many_messages_share_the_file)
{
	enum { MANY = 20, ROUNDS = 1000 };
	struct { struct arena *arena; struct kept *k; struct str sent; }
	    all[MANY] = { 0 };
	struct str piece = STR_EMPTY, got = STR_EMPTY;
	size_t most = 0, ended = 0;

	setup(true);
	srandom((unsigned)t_seed());
	for (unsigned round = 0; round < ROUNDS && !t_failed(); round++) {
		size_t i = (size_t)random() % MANY, waiting = 0;

		if (all[i].k == NULL) {
			all[i].arena = arena_new();
			all[i].k = kept_new(all[i].arena);
		}
		make(&piece, (size_t)random() % (PIECE / 2), round);
		str_add(&all[i].sent, str_span(&piece));
		T_CHECK(kept_add(all[i].k, str_span(&piece)));
		for (size_t n = 0; n < MANY; n++)
			waiting += str_len(&all[n].sent) / PIECE;
		most = waiting > most ? waiting : most;
		if (random() % 12 != 0)
			continue;
		take(all[i].k, &got);
		T_CHECK(same(&all[i].sent, &got));
		arena_free(&all[i].arena);
		all[i].k = NULL;
		str_clear(&all[i].sent);
		/* A free piece is used before the file grows. */
		T_CHECK(file_size() <= (off_t)(most * PIECE));
		ended++;
	}
	T_CHECK(ended > 40 && most > 20);
	for (size_t i = 0; i < MANY; i++) {
		arena_free(&all[i].arena);
		str_fini(&all[i].sent);
	}
	T_EQ_INT(file_size(), 0);
	str_fini(&piece);
	str_fini(&got);
}

static void
one_message_is_lost(const char *point, int error)
{
	struct str sent = STR_EMPTY, other = STR_EMPTY, got = STR_EMPTY;
	unsigned hits = 0;

	make(&sent, 5 * PIECE + 5, 1);
	make(&other, 3 * PIECE + 3, 2);
	T_EACH_FAULT(point, error) {
		struct arena *arena = arena_new();
		struct kept *a = kept_new(arena), *b = kept_new(arena);
		bool a_whole, b_whole;

		T_CHECK(add(a, str_span(&sent), 20000) == !kept_is_lost(a));
		T_CHECK(add(b, str_span(&other), 20000) == !kept_is_lost(b));
		take(a, &got);
		a_whole = !kept_is_lost(a) && same(&sent, &got);
		take(b, &got);
		b_whole = !kept_is_lost(b) && same(&other, &got);
		hits += T_FAULT_HIT();
		/* One of the two, and it says so. */
		T_EQ_INT(a_whole + b_whole, T_FAULT_HIT() ? 1 : 2);
		T_EQ_INT(kept_is_lost(a) + kept_is_lost(b),
		    T_FAULT_HIT() ? 1 : 0);
		arena_free(&arena);
		T_EQ_INT(file_size(), 0);
	}
	T_EQ_INT(hits, 5 + 3);
	str_fini(&sent);
	str_fini(&other);
	str_fini(&got);
}

T_TEST(an_error_of_the_disk_loses_one_message)
{
	setup(true);
	one_message_is_lost("fs.pwrite", ENOSPC);
	one_message_is_lost("fs.pwrite", EIO);
	one_message_is_lost("fs.read", EIO);
}

static void
short_ones_alone(void)
{
	struct arena *arena = arena_new();
	struct kept *k = kept_new(arena), *big = kept_new(arena);
	struct str sent = STR_EMPTY, got = STR_EMPTY;

	make(&sent, PIECE, 1);
	T_CHECK(kept_add(k, str_span(&sent)));
	take(k, &got);
	T_CHECK(same(&sent, &got));
	make(&sent, PIECE + 1, 1);
	T_CHECK(!kept_add(big, str_span(&sent)));
	T_CHECK(kept_is_lost(big) && !kept_add(big, SPAN("x")));
	take(big, &got);
	T_EQ_INT(str_len(&got), 0);
	arena_free(&arena);
	str_fini(&sent);
	str_fini(&got);
}

T_TEST(without_a_file_long_messages_are_lost)
{
	keep_log();
	setup(false);
	T_CHECK(strstr(logged(), "no file for messages that wait: open incoming")
	    != NULL);
	short_ones_alone();
	T_CHECK(strstr(logged(), "no file for messages that wait -- restarting")
	    != NULL);
}

/* As by a process with our number that was stopped in that moment. */
static void
leave_a_name(void)
{
	char path[340];
	int fd;

	snprintf(path, sizeof(path), "%s/incoming", t_tmpdir());
	T_NEED(mkdir(path, 0700) == 0);
	snprintf(path, sizeof(path), "%s/incoming/nameless.%ld", t_tmpdir(),
	    (long)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	T_NEED(fd >= 0);
	close(fd);
}

T_TEST(a_file_system_without_nameless_files_will_do)
{
	struct str sent = STR_EMPTY, got = STR_EMPTY;
	struct arena *arena = arena_new();
	struct kept *k = kept_new(arena);

	leave_a_name();
	fault_arm("fs.open", 1, EOPNOTSUPP);
	setup(false);
	T_CHECK(fault_was_hit());
	fault_disarm();
	T_EQ_INT(names_in_incoming(), 0);
	make(&sent, 3 * PIECE, 1);
	T_CHECK(add(k, str_span(&sent), PIECE));
	T_EQ_INT(file_size(), 2 * PIECE);
	take(k, &got);
	T_CHECK(same(&sent, &got));
	arena_free(&arena);
	str_fini(&sent);
	str_fini(&got);
}
