/*
 * tables in fibers - locks, rewriting under look-ups, deep stacks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "maps/make.h"
#include "maps/types.h"
#include "tests/harness/t_maps.h"

static const char *const types[] = {
#if HAVE_DB || HAVE_LMDB
	"hash", "btree",
#endif
#if HAVE_LMDB
	"lmdb",
#endif
};

static char spec[400];
static struct str why;

static bool
make_table(const char *type, const char *text, unsigned flags)
{
	const char *path = write_file("table", text);

	snprintf(spec, sizeof(spec), "%s:%s", type, path);
	return map_make(spec, flags | MAKE_FOLD | MAKE_SAVE_MODE, SPAN_NONE,
	    &why);
}

static struct map *in_fiber;
static unsigned good, bad;

static void
locked_lookups(void *arg)
{
	int fd = open(arg, O_RDWR);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	bool lmdb = strstr(arg, ".lmdb") != NULL;

	T_NEED(fd >= 0);
	T_NEED(lmdb ? fcntl(fd, F_OFD_SETLK, &lock) == 0 :
	    flock(fd, LOCK_EX) == 0);
	int64_t start = clock_now_ns();

	T_EQ_STR(look(in_fiber, "a"), "failed");
	T_HAS_STR(map_why(in_fiber), "is locked by a writer");
	T_CHECK(clock_now_ns() - start > INT64_C(1000000000));
	close(fd);
	T_EQ_STR(look(in_fiber, "a"), "1");
}

T_TEST(a_writer_elsewhere_delays_lookups_and_then_fails_them)
{
	char file[420];

	keep_log();
	loop_start();
	for (size_t i = 0; i < T_COUNT(types); i++) {
		T_CASE(types[i]);
		T_NEED(make_table(types[i], "a 1\n", 0));
		in_fiber = map_open(spec, 0, &why);
		snprintf(file, sizeof(file), "%s%s", strchr(spec, ':') + 1,
		    map_type_find(SPAN(types[i]))->maker->suffix);
		fiber_run_main(locked_lookups, file);
		map_close(in_fiber);
	}
	str_fini(&why);
}

enum { ROUNDS = 60, LOOKUPS_PER_ROUND = 20 };

static void
many_lookups(void *arg)
{
	char text[2000];
	const char *type = arg;

	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t len = 0;

		for (unsigned i = 0; i < 20; i++)
			len += (size_t)snprintf(text + len,
			    sizeof(text) - len, "k%u v%u\n", i, i);
		snprintf(text + len, sizeof(text) - len, "round %u\n", round);
		T_NEED(make_table(type, text, 0));
		for (unsigned i = 0; i < LOOKUPS_PER_ROUND; i++) {
			char key[20], want[20];

			snprintf(key, sizeof(key), "k%u", i % 20);
			snprintf(want, sizeof(want), "v%u", i % 20);
			if (strcmp(look(in_fiber, key), want) == 0)
				good++;
			else
				bad++;
		}
		clock_advance_ns(1100000000);
	}
}

T_TEST(lookups_are_right_while_the_table_is_rewritten)
{
	keep_log();
	loop_start();
	map_allow_reopen(true);
	for (size_t i = 0; i < T_COUNT(types); i++) {
		char first[400];

		T_CASE(types[i]);
		good = bad = 0;
		T_NEED(make_table(types[i], "k0 v0\n", 0));
		snprintf(first, sizeof(first), "%s", spec);
		in_fiber = map_open(first, 0, &why);
		clock_advance_ns(1100000000);
		fiber_run_main(many_lookups, (void *)(uintptr_t)types[i]);
		T_EQ_INT(bad, 0);
		T_EQ_INT(good, ROUNDS * LOOKUPS_PER_ROUND);
		map_close(in_fiber);
	}
	str_fini(&why);
}

static void
deep_subject(void *arg)
{
	struct str subject = STR_EMPTY, value = STR_EMPTY;

	for (size_t i = 0; i < 100 * 1024; i++)
		str_putc(&subject, i % 61 == 0 ? ' ' : 'a');
	T_EQ_INT(map_lookup(arg, str_span(&subject), &value), MAP_FOUND);
	str_fini(&subject);
	str_fini(&value);
}

T_TEST(a_subject_of_100_kilobytes_does_not_break_the_stack)
{
	static const char *const engines[] = { "regexp", "pcre" };

	loop_start();
	for (size_t i = 0; i < T_COUNT(engines); i++) {
		T_CASE(engines[i]);
		if (map_type_find(SPAN(engines[i]))->missing != NULL)
			continue;
		struct map *m = map_open_text(engines[i], "/^(([a ])*b)/ no\n"
		    "/(a| )(a+)( a+ a)$/ yes$1\n/x|a$/ end\n");

		fiber_run_main(deep_subject, m);
		map_close(m);
	}
}
