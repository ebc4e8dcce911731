/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/io/fiber.h"
#include "common/io/fs.h"
#include "common/io/loop.h"
#include "tests/harness/t.h"

static int
open_dir(void)
{
	int fd = open(t_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	T_NEED(fd >= 0);
	return fd;
}

T_TEST(files_are_made_written_moved_and_read)
{
	int dir = open_dir();
	struct str why = STR_EMPTY, text = STR_EMPTY;
	int fd = fs_create_at(dir, "a", 0600, &why);
	char buf[8] = "";

	T_NEED(fd >= 0);
	T_EQ_INT(fs_create_at(dir, "a", 0600, &why), -1);
	T_EQ_INT(errno, EEXIST);
	T_EQ_STR(str_cstr(&why), "create a: File exists");
	T_CHECK(fs_write_all(fd, SPAN("hello world"), &why));
	T_CHECK(fs_pwrite_all(fd, SPAN("J"), 0, &why));
	T_CHECK(fs_chmod(fd, 0640, &why));
	T_CHECK(fs_sync_wait(fd, &why));
	T_CHECK(fs_pread_all(fd, buf, 5, 0, &why));
	T_EQ_STR(buf, "Jello");
	T_CHECK(!fs_pread_all(fd, buf, 5, 9, &why));
	T_EQ_INT(errno, ENODATA);
	T_HAS_STR(str_cstr(&why), "/a: No data available");
	T_CHECK(fs_mkdir_at(dir, "d", 0700, &why));
	int sub = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	T_CHECK(fs_rename_at(dir, "a", sub, "b", &why));
	T_CHECK(fs_link_at(sub, "b", dir, "c", &why));
	T_CHECK(fs_truncate(fd, 5, &why));
	T_CHECK(fs_set_mtime(fd, 86400, &why));
	T_CHECK(fs_sync_dir_wait(sub, &why));
	T_CHECK(fs_sync_dir_if_needed_wait(dir, &why));
	T_CHECK(fs_read_file_at(dir, "c", 5, &text, &why));
	T_EQ_STR(str_cstr(&text), "Jello");
	T_CHECK(!fs_read_file_at(dir, "c", 4, &text, &why));
	T_EQ_INT(errno, EFBIG);
	T_EQ_STR(str_cstr(&text), "Jello");
	T_CHECK(fs_unlink_at(dir, "c", &why));
	T_CHECK(!fs_unlink_at(dir, "c", &why));
	T_EQ_STR(str_cstr(&why), "remove c: No such file or directory");

	struct stat st;

	T_CHECK(fstat(fd, &st) == 0 && st.st_mtime == 86400 &&
	    (st.st_mode & 07777) == 0640 && st.st_nlink == 1);
	close(fd);
	close(sub);
	close(dir);
	str_fini(&why);
	str_fini(&text);
}

T_TEST(a_symbolic_link_is_not_followed_when_creating)
{
	int dir = open_dir();

	T_NEED(symlinkat("/nowhere/else", dir, "link") == 0);
	T_EQ_INT(fs_create_at(dir, "link", 0600, NULL), -1);
	T_EQ_INT(errno, EEXIST);
	close(dir);
}

T_TEST(each_failure_is_reported_and_leaves_errno)
{
	static const char *const points[] = { "fs.create", "fs.write",
		"fs.pwrite", "fs.read", "fs.chmod", "fs.rename", "fs.link",
		"fs.unlink", "fs.mkdir", "fs.fsync", "fs.fsyncdir",
		"fs.truncate", "fs.open", "fs.pwritev", "fs.fdatasync" };
	int dir = open_dir();

	for (size_t i = 0; i < T_COUNT(points); i++) {
		T_EACH_FAULT(points[i], ENOSPC)
		{
			struct str why = STR_EMPTY, text = STR_EMPTY;
			int fd = fs_create_at(dir, "x", 0600, &why);
			struct iovec pieces[] = { { (char []){ "ef" }, 2 },
				{ (char []){ "g" }, 1 } };
			char c;
			bool ok = fd >= 0 &&
			    fs_write_all(fd, SPAN("abc"), &why) &&
			    fs_pwrite_all(fd, SPAN("d"), 1, &why) &&
			    fs_pread_all(fd, &c, 1, 1, &why) &&
			    fs_chmod(fd, 0700, &why) &&
			    fs_truncate(fd, 2, &why) &&
			    fs_pwritev_all(fd, pieces, 2, 1, &why) &&
			    fs_datasync(fd, &why) &&
			    fs_sync_wait(fd, &why) &&
			    fs_sync_dir_wait(dir, &why) &&
			    fs_sync_dir_now(dir, &why) &&
			    fs_mkdir_at(dir, "y", 0700, &why) &&
			    fs_rename_at(dir, "x", dir, "z", &why) &&
			    fs_link_at(dir, "z", dir, "x", &why) &&
			    fs_read_file_at(dir, "x", 10, &text, &why) &&
			    fs_unlink_at(dir, "z", &why);

			T_EQ_INT(ok, !T_FAULT_HIT());
			if (!ok) {
				T_EQ_INT(errno, ENOSPC);
				T_HAS_STR(str_cstr(&why),
				    "No space left on device");
			}
			if (fd >= 0)
				close(fd);
			unlinkat(dir, "x", 0);
			unlinkat(dir, "z", 0);
			unlinkat(dir, "y", AT_REMOVEDIR);
			str_fini(&why);
			str_fini(&text);
		}
	}
	close(dir);
}

T_TEST(many_pieces_are_written_one_behind_the_other)
{
	enum { PIECES = 2500 };
	static struct iovec pieces[PIECES];
	static char bytes[PIECES * 3], back[PIECES * 3];
	int dir = open_dir(), fd = fs_create_at(dir, "x", 0600, NULL);

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i % 251);
	for (size_t i = 0; i < PIECES; i++)
		pieces[i] = (struct iovec){ bytes + 3 * i, 3 };
	T_CHECK(fs_pwritev_all(fd, pieces, PIECES, 5, NULL));
	T_CHECK(fs_pread_all(fd, back, sizeof(back), 5, NULL));
	T_CHECK(memcmp(bytes, back, sizeof(back)) == 0);
	T_CHECK(fs_pwritev_all(fd, pieces, 0, 5, NULL));
	T_EACH_FAULT("fs.syncfs", EIO) {
		bool ok = fs_sync_system(fd, NULL);

		T_EQ_INT(ok, !T_FAULT_HIT());
	}
	close(fd);
	close(dir);
}

static struct str seen;

static void
record(const struct fs_change *change)
{
	str_addf(&seen, "%s(%s%s%s) ", change->op,
	    change->name != NULL ? change->name : "",
	    change->to != NULL ? "," : "",
	    change->to != NULL ? change->to : "");
}

T_TEST(a_recorder_hears_of_changes_that_were_made)
{
	int dir = open_dir();

	fs_set_recorder(record);
	int fd = fs_create_at(dir, "a", 0600, NULL);

	fs_write_all(fd, SPAN("x"), NULL);
	fs_create_at(dir, "a", 0600, NULL);
	fs_pwritev_all(fd, &(struct iovec){ (char []){ "yz" }, 2 }, 1, 1, NULL);
	fs_datasync(fd, NULL);
	fs_sync_wait(fd, NULL);
	fs_rename_at(dir, "a", dir, "b", NULL);
	fs_set_recorder(NULL);
	fs_unlink_at(dir, "b", NULL);
	T_EQ_STR(str_cstr(&seen), "create(a) write() pwrite() fdatasync() "
	    "fsync() rename(a,b) ");
	str_fini(&seen);
	close(fd);
	close(dir);
}

static int first_fd, second_fd;
static bool got_lock;

static void
wait_for_lock(void *arg)
{
	(void)arg;
	got_lock = fs_flock(second_fd, true, true);
}

static void
hold_and_release(void *arg)
{
	struct fiber_group group;

	(void)arg;
	fiber_group_init(&group);
	T_CHECK(fs_flock(first_fd, true, false));
	T_CHECK(!fs_flock(second_fd, true, false));
	T_EQ_INT(errno, EWOULDBLOCK);
	fiber_spawn(&group, "waiter", wait_for_lock, NULL);
	fiber_sleep(deadline_in_ms(50));
	T_CHECK(!got_lock);
	flock(first_fd, LOCK_UN);
	fiber_group_join(&group, DEADLINE_NEVER);
	T_CHECK(got_lock);
}

T_TEST(a_lock_is_waited_for_on_a_thread)
{
	int dir = open_dir();

	first_fd = fs_create_at(dir, "l", 0600, NULL);
	second_fd = fs_open_at(dir, "l", O_RDWR, NULL);
	T_NEED(first_fd >= 0 && second_fd >= 0);
	loop_start();
	fiber_run_main(hold_and_release, NULL);
	T_CHECK(fs_ofd_lock(first_fd, true));
	T_CHECK(!fs_ofd_lock(second_fd, true));
	T_CHECK(fs_ofd_locked_by_other(second_fd));
	T_CHECK(!fs_ofd_locked_by_other(first_fd));
	close(first_fd);
	T_CHECK(!fs_ofd_locked_by_other(second_fd));
	close(second_fd);
	close(dir);
}

T_TEST(free_space_is_told)
{
	int dir = open_dir();
	uint64_t bytes = 0, inodes = 0;

	T_CHECK(fs_free_space(dir, &bytes, &inodes));
	T_CHECK(bytes > 0 && inodes > 0);
	T_CHECK(!fs_free_space(-1, &bytes, &inodes));
	close(dir);
}
