/*
 * Descriptors are short when few are left of those that the process may have, or
 * none, or when a single one cannot be had.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/io/fault.h"
#include "common/io/fds.h"
#include "tests/harness/t.h"

static void
limit_to(rlim_t most)
{
	struct rlimit limit;

	T_NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = most;
	T_NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* Descriptors until the next number is that one. */
static void
fill_up_to(int next)
{
	int fd;

	while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0
	    && fd < next - 1)
		;
	T_NEED(fd == next - 1);
}

T_TEST(as_many_as_are_kept_free)
{
	enum { MOST = 1000 };

	limit_to(MOST);
	T_CHECK(!fds_near_limit(-1));
	T_CHECK(!fds_near_limit(3));
	T_CHECK(!fds_near_limit(MOST - FDS_RESERVED - 1));
	T_CHECK(fds_near_limit(MOST - FDS_RESERVED));
	fill_up_to(MOST - FDS_RESERVED);
	T_CHECK(fds_are_short());
	T_EQ_INT(close(MOST - FDS_RESERVED - 1), 0);
	T_CHECK(!fds_are_short());
}

T_TEST(half_where_there_are_but_few)
{
	limit_to(64);
	T_CHECK(!fds_near_limit(31));
	T_CHECK(fds_near_limit(32));
	fill_up_to(32);
	T_CHECK(fds_are_short());
	fill_up_to(64);
	T_CHECK(fds_are_short());
	for (int fd = 31; fd < 64; fd++)	/* who looks for leaks wants some */
		T_EQ_INT(close(fd), 0);
	T_CHECK(!fds_are_short());
}

T_TEST(a_number_that_cannot_be_had)
{
	T_CHECK(!fds_are_short());
	fault_arm("fds.dup", 1, EMFILE);
	T_CHECK(fds_are_short());
	T_CHECK(fault_was_hit());
	fault_disarm();
	/* What is closed says nothing of the others. */
	fault_arm("fds.dup", 1, EBADF);
	T_CHECK(!fds_are_short());
	fault_disarm();
}
