/*
 * Power fails after any step of a commit: either nobody was told 250, or the
 * message is there. What follows the sync must not be needed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/io/fault.h"
#include "common/io/fs.h"
#include "queue/scan.h"
#include "tests/queue/files.h"

#define ID "4F0A1B2C3D"

static int queue, crashed;		/* and where the copies go */
static struct str steps;
static struct {
	bool synced, changed_since, unlinked;
} file;

/* The file as it is now, as after a crash that lost nothing; or cut short, as
 * after one that lost what was not synced. */
static void
copy_as_after_a_crash(size_t most)
{
	struct str path = STR_EMPTY, bytes = STR_EMPTY, why = STR_EMPTY;
	struct queue_recovery done;
	struct stat st;
	const char *left;
	int fd;

	queue_path(QUEUE_INCOMING, SPAN(ID), &path);
	if (fstatat(queue, str_cstr(&path), &st, 0) < 0) {
		str_fini(&path);
		return;
	}
	T_NEED(fs_read_file_at(queue, str_cstr(&path), 10000000, &bytes,
	    &why));
	if (str_len(&bytes) > most)
		str_truncate(&bytes, most);
	fd = openat(crashed, str_cstr(&path), O_WRONLY | O_CREAT | O_TRUNC,
	    0600);
	T_NEED(fd >= 0);
	T_NEED(write(fd, str_cstr(&bytes), str_len(&bytes))
	    == (ssize_t)str_len(&bytes));
	T_NEED(fchmod(fd, st.st_mode & 07777) == 0);
	close(fd);

	T_CHECK(queue_recover(crashed, clock_wall() + 100, &done, &why));
	left = files_list(crashed);
	if (strcmp(left, "incoming " ID ";") == 0)
		T_HAS_STR(files_read(crashed, QUEUE_INCOMING, ID), "s@a -> ");
	else if (strcmp(left, "corrupt " ID ";") == 0)
		queue_remove(crashed, QUEUE_CORRUPT, SPAN(ID), &why);
	else
		T_EQ_STR(left, "");
	queue_remove(crashed, QUEUE_INCOMING, SPAN(ID), &why);
	str_fini(&path);
	str_fini(&bytes);
	str_fini(&why);
}

static void
after_each_step(const struct fs_change *change)
{
	fs_set_recorder(NULL);
	if (str_len(&steps) > 0)
		str_putc(&steps, ' ');
	str_adds(&steps, change->op);
	if (strcmp(change->op, "fsync") == 0) {
		file.synced = true;
		file.changed_since = false;
	} else if (strcmp(change->op, "unlink") == 0) {
		file.unlinked = true;
	} else if (strcmp(change->op, "fsyncdir") != 0
	    && strcmp(change->op, "open") != 0) {
		file.changed_since = true;
	}
	copy_as_after_a_crash((size_t)-1);
	if (!file.synced)
		for (size_t most = 0; most < 400; most += 7)
			copy_as_after_a_crash(most);
	fs_set_recorder(after_each_step);
}

static enum queue_result
write_recorded(size_t content, enum queue_name to)
{
	struct files_message m = { .id = ID, .sender = "s@a",
		.before = "a@b c@d", .after = "e@f", .content = content };
	enum queue_result result;

	str_clear(&steps);
	memset(&file, 0, sizeof(file));
	fs_set_recorder(after_each_step);
	result = files_write(queue, &m, to);
	fs_set_recorder(NULL);
	return result;
}

T_TEST(nothing_but_a_sync_stands_between_a_message_and_its_250)
{
	struct str why = STR_EMPTY;

	queue = files_queue("queue");
	crashed = files_queue("crashed");
	T_EQ_INT(write_recorded(17, QUEUE_INCOMING), QUEUE_OK);
	T_CHECK(file.synced && !file.changed_since);
	T_CHECK(strncmp(str_cstr(&steps), "create write chmod fsync", 24)
	    == 0);
	T_EQ_STR(files_read(queue, QUEUE_INCOMING, ID),
	    "s@a -> a@b c@d e@f (17)");
	queue_remove(queue, QUEUE_INCOMING, SPAN(ID), &why);
	T_EQ_INT(write_recorded(500000, QUEUE_INCOMING), QUEUE_OK);
	T_CHECK(file.synced && !file.changed_since);
	queue_remove(queue, QUEUE_INCOMING, SPAN(ID), &why);
	T_EQ_INT(write_recorded(500000, QUEUE_HOLD), QUEUE_OK);
	T_CHECK(file.synced && !file.changed_since);
	T_EQ_STR(files_list(queue), "hold " ID ";");
	str_fini(&why);
}

T_TEST(a_step_that_fails_leaves_nothing_and_says_so)
{
	static const struct {
		const char *point;
		int error;
		enum queue_result want;
	} faults[] = {
		{ "fs.create", ENOSPC, QUEUE_NOSPACE },
		{ "fs.create", EDQUOT, QUEUE_NOSPACE },
		{ "fs.create", EACCES, QUEUE_IO_ERROR },
		{ "fs.write", ENOSPC, QUEUE_NOSPACE },
		{ "fs.write", EIO, QUEUE_IO_ERROR },
		{ "fs.chmod", EIO, QUEUE_IO_ERROR },
		{ "fs.fsync", EIO, QUEUE_IO_ERROR },
		{ "fs.fsync", ENOSPC, QUEUE_NOSPACE },
	};
	struct files_message m = { .id = ID, .sender = "s@a",
		.before = "a@b", .content = 300000 };
	struct str why = STR_EMPTY;

	queue = files_queue("queue");
	for (size_t i = 0; i < T_COUNT(faults); i++)
		T_EACH_FAULT(faults[i].point, faults[i].error) {
			enum queue_result result = files_write(queue, &m,
			    QUEUE_INCOMING);

			T_EQ_INT(result, T_FAULT_HIT() ? faults[i].want
			    : QUEUE_OK);
			T_EQ_STR(files_list(queue), T_FAULT_HIT() ? ""
			    : "incoming " ID ";");
			if (!T_FAULT_HIT())
				queue_remove(queue, QUEUE_INCOMING, SPAN(ID),
				    &why);
		}
	str_fini(&why);
}

static enum queue_name
where_it_is(void)
{
	enum queue_name where = QUEUE_CORRUPT;
	enum queue_result result = queue_find(queue, SPAN(ID), ~0u, &where);

	if (result == QUEUE_IO_ERROR && T_FAULT_HIT())
		result = queue_find(queue, SPAN(ID), ~0u, &where);
	T_NEED(result == QUEUE_OK);
	return where;
}

/* A message goes from queue to queue by one step each: it is in one of them,
 * whole, whenever the power fails. */
T_TEST(moves_are_one_step_each)
{
	struct files_message m = { .id = ID, .sender = "s@a",
		.before = "a@b", .content = 5 };
	struct str why = STR_EMPTY;

	queue = files_queue("queue");
	T_EQ_INT(files_write(queue, &m, QUEUE_INCOMING), QUEUE_OK);
	T_EACH_FAULT(NULL, EIO) {
		enum queue_name from = where_it_is();

		queue_move(queue, SPAN(ID), from, QUEUE_ACTIVE, &why);
		from = where_it_is();
		queue_defer(queue, SPAN(ID), from, 2000000000, &why);
		from = where_it_is();
		queue_move(queue, SPAN(ID), from, QUEUE_INCOMING, &why);
		from = where_it_is();
		const char *got = files_read(queue, from, ID);

		if (T_FAULT_HIT() && (strcmp(got, "i/o error") == 0
		    || strcmp(got, "busy") == 0))
			got = files_read(queue, from, ID);
		T_EQ_STR(got, "s@a -> a@b (5)");
	}
	str_fini(&why);
}
