/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/clock.h"
#include "common/io/fiber.h"
#include "common/io/fs.h"
#include "common/io/loop.h"
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
	str_fini(&why);
}

/* ---- auto ---- */

static char told[64];

static void
hear(const char *method)
{
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s ",
	    method);
}

static void
keep(void *arg)
{
	(void)arg;
	queue_sync_keep();
}

static void
commit_some(int count)
{
	struct commit_log_spot spot;
	struct str why = STR_EMPTY;

	for (int i = 0; i < count; i++)
		T_EQ_INT(queue_sync_commit("4F0A1B2C3D", QUEUE_INCOMING,
		    SPAN("bytes"), 7, &spot, &why), QUEUE_SYNC_ITSELF);
	str_fini(&why);
}

static void
take_the_log_when_it_pays(void *arg)
{
	int queue = *(int *)arg;
	struct fiber_group fibers;
	struct str why = STR_EMPTY;

	fiber_group_init(&fibers);
	T_CHECK(queue_sync_setup("auto", QUEUE_LOG_BYTES_MIN, queue, &why));
	queue_sync_watch(hear);
	fiber_spawn(&fibers, "keep", keep, NULL);
	clock_set_virtual(clock_now_ns(), clock_wall_us());
	commit_some(19);
	clock_advance_ns(INT64_C(3000000000));	/* too few in that time */
	commit_some(19);
	clock_set_real();
	fiber_yield();
	T_EQ_STR(told, "fsync ");
	T_CHECK(!commit_log_any(queue));
	commit_some(1);
	while (strcmp(queue_sync_in_force(), "log") != 0)
		fiber_sleep(deadline_in_ms(20));
	T_EQ_STR(told, "fsync log ");
	T_CHECK(commit_log_any(queue));
	queue_sync_finish();
	T_EQ_STR(told, "fsync log fsync ");
	fiber_group_cancel(&fibers);
	fiber_group_join(&fibers, DEADLINE_NEVER);
	T_CHECK(queue_sync_setup("fsync", 0, queue, &why));
	str_fini(&why);
}

T_TEST(the_log_is_taken_where_it_is_proven_and_when_it_pays)
{
	int queue = files_queue("queue");
	enum fs_kind kind;
	struct str why = STR_EMPTY;

	T_NEED(fs_kind_of(queue, &kind, &why));
	if (kind != FS_EXT && kind != FS_XFS)
		T_SKIP("not on ext4 or XFS here");
	loop_start();
	fiber_run_main(take_the_log_when_it_pays, &queue);
	/* No room for it, or nobody knows: no log. */
	T_CHECK(queue_sync_setup("auto", INT64_MAX / 2, queue, &why));
	commit_some(30);
	T_EQ_STR(queue_sync_in_force(), "fsync");
	T_EACH_FAULT("fs.statfs fs.space", EIO) {
		told[0] = '\0';
		T_CHECK(queue_sync_setup("auto", QUEUE_LOG_BYTES_MIN, queue,
		    &why));
		T_EQ_STR(queue_sync_in_force(), "fsync");
	}
	T_CHECK(queue_sync_setup("fsync", 0, queue, &why));
	str_fini(&why);
}
