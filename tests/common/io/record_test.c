/*
 * The trace tells what was changed, in its order, by several processes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/str.h"
#include "common/io/fs.h"
#include "common/io/record.h"
#include "tests/harness/t.h"

static const char *trace_path;
static int dir;
static struct str why;

static void
start(enum record_fs fs)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/trace", t_tmpdir());
	trace_path = path;
	T_NEED(record_make(path, 1 << 20, fs));
	T_NEED(record_to(path));
	dir = open(t_tmpdir(), O_RDONLY | O_DIRECTORY);
	T_NEED(dir >= 0);
}

static const struct record_trace *
map(void)
{
	int fd = open(trace_path, O_RDONLY);
	void *at = mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, fd, 0);

	T_NEED(at != MAP_FAILED);
	close(fd);
	return at;
}

/* "create f; write 3@0 abc; ..." */
static const char *
trace(void)
{
	static const char *const ops[] = { "", "base", "base", "create",
		"write", "truncate", "allocate", "chmod", "mtime", "rename",
		"link", "unlink", "mkdir", "sync", "synced", "event" };
	static struct str text;
	const struct record_trace *t = map();
	const char *at = (const char *)(t + 1), *end = (const char *)t + t->used;

	str_clear(&text);
	while (at < end) {
		const struct record_entry *e = (const void *)at;
		const char *name = at + sizeof(*e);

		str_addf(&text, "%s", ops[e->op]);
		if (e->op == RECORD_WRITE || e->op == RECORD_TRUNCATE
		    || e->op == RECORD_MTIME)
			str_addf(&text, " @%lld", (long long)e->at);
		if (e->name_len > 0)
			str_addf(&text, " %.*s", (int)e->name_len, name);
		if (e->to_len > 0)
			str_addf(&text, " %.*s", (int)e->to_len,
			    name + e->name_len);
		if (e->bytes_len > 0)
			str_addf(&text, " %.*s", (int)e->bytes_len,
			    name + e->name_len + e->to_len);
		str_putc(&text, ';');
		at += e->size;
	}
	return str_cstr(&text);
}

T_TEST(every_change_is_noted_with_what_it_takes_to_repeat_it)
{
	int fd, log;

	start(RECORD_FS_REAL);
	T_CHECK(fs_mkdir_at(dir, "d", 0700, &why));
	fd = fs_create_at(dir, "d/f", 0600, &why);
	T_CHECK(fs_write_all(fd, SPAN("abc"), &why));
	T_CHECK(fs_write_all(fd, SPAN("defg"), &why));
	T_CHECK(fs_pwrite_all(fd, SPAN("X"), 2, &why));
	T_CHECK(fs_chmod(fd, 0700, &why));
	T_CHECK(fs_sync_wait(fd, &why));
	T_CHECK(fs_rename_at(dir, "d/f", dir, "g", &why));
	T_CHECK(fs_link_at(dir, "g", dir, "h", &why));
	T_CHECK(fs_set_mtime(fd, 12, &why));
	T_CHECK(fs_truncate(fd, 1, &why));
	T_CHECK(fs_unlink_at(dir, "g", &why));
	T_CHECK(!fs_unlink_at(dir, "g", &why));
	T_CHECK(fs_sync_dir_wait(dir, &why));
	log = fs_open_append_at(dir, "log", 0600, &why);
	T_CHECK(fs_write_all(log, SPAN("one"), &why));
	close(log);
	log = fs_open_append_at(dir, "log", 0600, &why);
	T_CHECK(fs_write_all(log, SPAN("two"), &why));
	RECORD_THAT("accepted", SPAN("4F0A1B2C3D"), "%s", "x");
	T_EQ_STR(trace(), "mkdir d;create f;write @0 abc;write @3 defg;"
	    "write @2 X;chmod;sync;synced;rename f g;link g h;mtime @12;"
	    "truncate @1;unlink g;sync;synced;create log;write @0 one;"
	    "write @3 two;event accepted 4F0A1B2C3D x;");
	record_to(NULL);
	T_CHECK(fs_write_all(log, SPAN("three"), &why));
	T_CHECK(strstr(trace(), "three") == NULL);
	close(log);
	close(fd);
}

/* Each child appends its letter; offsets tell the true order. */
T_TEST(the_order_of_notes_is_the_order_of_changes)
{
	enum { CHILDREN = 4, EACH = 200 };
	const struct record_trace *t;
	const char *at, *end;
	long long next = 0;

	start(RECORD_FS_REAL);
	close(fs_open_append_at(dir, "log", 0600, &why));
	for (int i = 0; i < CHILDREN; i++) {
		if (fork() == 0) {
			int fd = fs_open_append_at(dir, "log", 0600, &why);

			for (int n = 0; n < EACH; n++)
				fs_write_all(fd, SPAN("x"), &why);
			_exit(0);
		}
	}
	for (int i = 0; i < CHILDREN; i++)
		wait(NULL);
	t = map();
	end = (const char *)t + t->used;
	for (at = (const char *)(t + 1); at < end;) {
		const struct record_entry *e = (const void *)at;

		if (e->op == RECORD_WRITE)
			T_EQ_INT(e->at, next++);
		at += e->size;
	}
	T_EQ_INT(next, CHILDREN * EACH);
	T_EQ_INT(t->torn, 0);
	T_EQ_INT(t->full, 0);
}

T_TEST(a_process_killed_in_the_middle_of_a_change_spoils_the_trace)
{
	int state;

	if (getenv("T_EMULATED") != NULL)
		T_SKIP("an emulator does not tell that a lock's owner died");
	start(RECORD_FS_REAL);
	if (fork() == 0) {
		record_hold();
		_exit(0);
	}
	wait(&state);
	T_EQ_INT(map()->torn, 0);
	T_CHECK(fs_mkdir_at(dir, "d", 0700, &why));
	T_EQ_INT(map()->torn, 1);
	T_EQ_STR(trace(), "mkdir d;");
}

T_TEST(a_full_trace_says_so)
{
	struct str big = STR_EMPTY;
	int fd;

	start(RECORD_FS_REAL);
	for (int i = 0; i < 1 << 20; i++)
		str_putc(&big, 'x');
	fd = fs_create_at(dir, "f", 0600, &why);
	T_EQ_INT(map()->full, 0);
	T_CHECK(fs_write_all(fd, str_span(&big), &why));
	T_EQ_INT(map()->full, 1);
	T_EQ_STR(trace(), "create f;");
	close(fd);
	str_fini(&big);
}

T_TEST(processes_believe_what_the_trace_says_of_the_file_system)
{
	start(RECORD_FS_JOURNAL);
	T_CHECK(fs_sync_dir_if_needed_wait(dir, &why));
	T_EQ_STR(trace(), "");
	record_to(NULL);
	start(RECORD_FS_OTHER);
	T_CHECK(fs_sync_dir_if_needed_wait(dir, &why));
	T_EQ_STR(trace(), "sync;synced;");
}

/* As postdrop meets maildrop: its group may write there and not read. */
T_TEST(a_name_in_a_directory_that_cannot_be_read_is_synced_all_the_same)
{
	start(RECORD_FS_OTHER);
	T_CHECK(fs_mkdir_at(dir, "drop", 0700, &why));
	int fd = fs_create_at(dir, "drop/m", 0600, &why);

	T_NEED(fd >= 0);
	if (geteuid() == 0) {
		T_NEED(fchownat(dir, "drop", 12345, (gid_t)-1, 0) == 0);
		T_NEED(fchown(fd, 12345, (gid_t)-1) == 0);
		T_NEED(setresuid(12345, 12345, 12345) == 0);
	}
	T_NEED(fchmodat(dir, "drop", 0300, 0) == 0);
	T_CHECK(fs_sync_name_if_needed_wait(dir, "drop/m", &why));
	T_HAS_STR(trace(), ";sync;synced;");
	close(fd);
	T_CHECK(fchmodat(dir, "drop", 0700, 0) == 0);
}
