/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "common/base/clock.h"
#include "common/io/fault.h"
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

/* Who keeps a log stays with it. */
static void
take_no_log(void *arg)
{
	struct fiber_group fibers;
	struct str why = STR_EMPTY;

	fiber_group_init(&fibers);
	T_CHECK(queue_sync_setup("auto", QUEUE_LOG_BYTES_MIN, *(int *)arg,
	    &why));
	T_CHECK(fault_was_hit());
	fault_disarm();
	fiber_spawn(&fibers, "keep", keep, NULL);
	T_EQ_INT(fiber_group_join(&fibers, deadline_in(10)), IO_OK);
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
	T_CASE("who cannot be asked");
	fault_arm("fs.statfs", 1, EIO);
	fiber_run_main(take_no_log, &queue);
	fault_arm("fs.space", 1, EIO);
	fiber_run_main(take_no_log, &queue);
	T_CHECK(queue_sync_setup("fsync", 0, queue, &why));
	str_fini(&why);
}

/* ---- group ---- */

/* A queue on a file system of its own, seen by this process alone. */
static int
own_system(void)
{
	struct str path = STR_EMPTY, why = STR_EMPTY;
	int fd;

	str_printf(&path, "%s/own", t_tmpdir());
	T_NEED(mkdir(str_cstr(&path), 0700) == 0);
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL,
	    MS_REC | MS_PRIVATE, NULL) < 0 || mount("none", str_cstr(&path),
	    "tmpfs", 0, "mode=700") < 0)
		T_SKIP("mounting takes root");
	queue_names_setup("", 1);
	fd = fs_open_at(AT_FDCWD, str_cstr(&path), O_RDONLY | O_DIRECTORY,
	    &why);
	T_NEED(fd >= 0);
	T_NEED(queue_directories_make(fd, (uid_t)-1, (gid_t)-1, &why));
	str_fini(&path);
	str_fini(&why);
	return fd;
}

#define MEMBERS 12

static int own_queue;
static size_t taken, refused;

static void
write_one(void *arg)
{
	char id[QUEUE_ID_MAX];
	struct files_message m = { .id = id, .sender = "s@a", .before = "r@b",
		.content = 2000 };

	snprintf(id, sizeof(id), "4F0A1B2C%02zX", (size_t)(uintptr_t)arg);
	if (files_write(own_queue, &m, QUEUE_INCOMING) == QUEUE_OK) {
		T_EQ_STR(files_read(own_queue, QUEUE_INCOMING, id),
		    "s@a -> r@b (2000)");
		taken++;
	} else {
		T_EQ_STR(files_read(own_queue, QUEUE_INCOMING, id), "gone");
		refused++;
	}
}

/* Side by side, so that one sync is of several of them. */
static void
write_all(size_t first)
{
	struct fiber_group fibers;

	taken = refused = 0;
	fiber_group_init(&fibers);
	for (size_t i = 0; i < MEMBERS; i++)
		T_NEED(fiber_spawn(&fibers, "write", write_one,
		    (void *)(uintptr_t)(first + i)) != NULL);
	T_EQ_INT(fiber_group_join(&fibers, DEADLINE_NEVER), IO_OK);
}

static size_t syncs, groups;

static void
count_syncs(const struct fs_change *change)
{
	syncs += strcmp(change->op, "fsync") == 0;
	groups += strcmp(change->op, "syncfs") == 0;
}

static void
set_up_group(void)
{
	struct str why = STR_EMPTY;

	told[0] = '\0';
	syncs = groups = 0;
	T_CHECK(queue_sync_setup("group", 0, own_queue, &why));
	queue_sync_watch(hear);
	T_EQ_STR(queue_sync_in_force(), "group");
	str_fini(&why);
}

static void
sync_groups(void *arg)
{
	(void)arg;
	fs_set_recorder(count_syncs);
	set_up_group();
	write_all(0);
	T_EQ_INT(taken, MEMBERS);
	T_EQ_INT(syncs, 0);
	T_CHECK(groups >= 1 && groups < MEMBERS);
	T_EQ_STR(told, "group ");

	T_CASE("the sync of a group fails");
	set_up_group();
	fault_arm("fs.syncfs", 1, EIO);
	write_all(0x10);
	/* Each is settled by its own sync, also those that come later. */
	T_CHECK(fault_was_hit());
	fault_disarm();
	T_EQ_INT(taken, MEMBERS);
	T_EQ_INT(syncs, MEMBERS);
	T_EQ_INT(groups, 0);
	T_EQ_STR(told, "group fsync ");
	write_all(0x20);
	T_EQ_INT(syncs, 2 * MEMBERS);
	T_EQ_INT(groups, 0);
	fs_set_recorder(NULL);
}

T_TEST(a_group_is_synced_at_once_and_one_by_one_after_an_error)
{
	own_queue = own_system();
	loop_start();
	fiber_run_main(sync_groups, NULL);
}

/* The group's sync has failed; from now on any other does. */
static void
fail_too(const char *method)
{
	if (strcmp(method, "fsync") == 0)
		fault_arm_lasting("fs.fsync", 1, EIO);
}

static void
fail_groups(void *arg)
{
	(void)arg;
	set_up_group();
	write_all(0);
	T_EQ_INT(taken, MEMBERS);
	queue_sync_watch(fail_too);
	fault_arm("fs.syncfs", 1, EIO);
	write_all(0x10);
	T_EQ_STR(fault_hit_name(), "fs.fsync");
	fault_disarm();
	T_EQ_INT(taken, 0);
	T_EQ_INT(refused, MEMBERS);
	T_EQ_STR(queue_sync_in_force(), "fsync");
}

T_TEST(no_member_of_a_group_that_cannot_be_synced_is_safe)
{
	own_queue = own_system();
	loop_start();
	fiber_run_main(fail_groups, NULL);
}
