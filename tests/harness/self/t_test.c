/*
 * The harness keeps what t.h promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/t.h"

T_TEST(checks_tell_whether_they_held)
{
	T_CHECK(T_EQ_INT(2, 2));
	T_CHECK(T_EQ_STR("a", "a"));
	T_CHECK(T_EQ_STR(NULL, NULL));
	T_CHECK(T_EQ_TEXT(span_of("abc", 2), "ab"));
	T_CHECK(T_NE_STR("a", "b"));
	T_CHECK(T_HAS_STR("one two", "two"));
	T_CHECK(!t_failed());
}

T_TEST(a_failed_check_fails_the_test)
{
	T_DIES(1, "got  \"x\\n\"", {
		T_CASE("a label");
		T_EQ_STR("x\n", "y");
		_exit(t_failed());
	});
	T_DIES(1, "[a label]", {
		T_CASE("a label");
		T_NEED(1 == 2);
	});
	T_DIES(77, "no reason", T_SKIP("no reason"));
}

T_TEST(deaths_are_seen)
{
	T_DIES(-SIGKILL, NULL, kill(getpid(), SIGKILL));
	T_DIES(3, "last words", {
		fprintf(stderr, "last words\n");
		_exit(3);
	});
}

T_TEST(each_test_has_a_directory_of_its_own)
{
	struct stat st;

	T_NEED(stat(t_tmpdir(), &st) == 0);
	T_CHECK(S_ISDIR(st.st_mode));
	T_EQ_STR(t_tmpdir(), t_tmpdir());
}

T_TEST(input_files_are_read_whole)
{
	struct span text = t_read_file(T_DATA("params.txt"));

	T_CHECK(text.len > 10000);
	T_EQ_INT(text.p[text.len], '\0');
}
