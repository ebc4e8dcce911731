/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/sync.h"
#include "tests/queue/files.h"

static const char mounts[] =
    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "22 21 8:2 / /var/spool/postfix rw shared:2 - ext4 /dev/sdb rw\n"
    "23 21 8:1 /srv/spool /srv/bound rw - ext4 /dev/sda1 rw\n"
    "24 21 8:3 / /mnt/with\\040space rw - xfs /dev/sdc rw\n"
    "25 21 8:4 / /over rw - ext4 /dev/sdd rw\n"
    "26 25 8:1 /part /over rw - ext4 /dev/sda1 rw\n"
    "27 21 0:40 /@spool /sub rw - btrfs /dev/sde rw\n"
    "torn line\n";

static const struct {
	const char *name, *path;
	bool owns;
} cases[] = {
	{ "a file system of its own", "/var/spool/postfix", true },
	{ "a directory in it", "/var/spool/postfix/x", false },
	{ "a directory of another one", "/var/spool", false },
	{ "a part of another one, bound", "/srv/bound", false },
	{ "a space in its name", "/mnt/with space", true },
	{ "a bound part over it", "/over", false },
	{ "a subvolume", "/sub", false },
	{ "the root of all", "/", true },
	{ "nothing", "", false },
};

T_TEST(a_file_system_of_its_own_is_told_by_the_table_of_mounts)
{
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASE(cases[i].name);
		T_EQ_INT(queue_sync_owns_system(SPAN(mounts),
		    SPAN(cases[i].path)), cases[i].owns);
	}
	T_CHECK(!queue_sync_owns_system(SPAN_NONE, SPAN("/")));
}

T_TEST(a_method_that_cannot_be_had_is_refused_with_a_reason)
{
	int queue = files_queue("queue");
	struct str why = STR_EMPTY;

	T_CHECK(!queue_sync_setup("fast", 0, queue, &why));
	T_EQ_STR(str_cstr(&why), "queue_sync_method: found \"fast\", expected "
	    "auto, fsync, log or group");
	T_CHECK(!queue_sync_setup("group", 0, queue, &why));
	T_HAS_STR(str_cstr(&why), "is not the root of a file system");
	T_EQ_STR(queue_sync_in_force(), "fsync");
	T_CHECK(queue_sync_setup("auto", 0, queue, &why));
	T_EQ_STR(queue_sync_in_force(), "fsync");
	str_fini(&why);
}
