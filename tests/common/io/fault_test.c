/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>

#include "common/io/fault.h"
#include "tests/harness/t.h"

T_TEST(the_nth_pass_of_a_point_fails_once)
{
	fault_arm("a", 2, EIO);
	T_CHECK(!FAULT("a"));
	T_CHECK(!FAULT("b"));
	T_CHECK(!fault_was_hit());
	T_EQ_STR(fault_hit_name(), "");
	T_CHECK(FAULT("a"));
	T_EQ_INT(errno, EIO);
	T_CHECK(fault_was_hit());
	T_CHECK(!FAULT("a"));
	fault_arm(NULL, 2, ENOSPC);
	T_CHECK(!FAULT("a"));
	T_CHECK(FAULT("b"));
	T_EQ_STR(fault_hit_name(), "b");
}

T_TEST(a_lasting_fault_lasts)
{
	fault_arm_lasting("a", 2, ENOSPC);
	T_CHECK(!FAULT("a"));
	for (int i = 0; i < 3; i++)
		T_CHECK(FAULT("a") && !FAULT("b"));
	fault_disarm();
	T_CHECK(!FAULT("a"));
}

T_TEST(a_point_can_kill)
{
	fault_arm("a", 1, FAULT_KILL);
	T_CHECK(!FAULT("b"));
	T_DIES(-SIGKILL, NULL, (void)FAULT("a"));
}

T_TEST(a_process_can_be_armed_from_outside)
{
	setenv("WAYPOST_FAULT", "fs.fsync:1:28", 1);
	fault_arm_from_environment("smtpd");
	T_CHECK(!FAULT("fs.write"));
	T_CHECK(FAULT("fs.fsync"));
	T_EQ_INT(errno, ENOSPC);
	setenv("WAYPOST_FAULT", "fs.fsync:1:28:cleanup", 1);
	fault_arm_from_environment("smtpd");
	T_CHECK(!FAULT("fs.fsync"));
	fault_arm_from_environment("cleanup");
	T_CHECK(FAULT("fs.fsync"));
	setenv("WAYPOST_FAULT", "fs.fsync:x:28", 1);
	T_DIES(1, NULL, fault_arm_from_environment("smtpd"));
}
