/*
 * mbox_lock - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/mbox_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/io/fiber.h"
#include "common/io/fs.h"

struct mbox_lock_conf mbox_lock_conf;

static const struct name_value lock_words[] = {
	{ "fcntl", MBOX_LOCK_FCNTL }, { "dotlock", MBOX_LOCK_DOTLOCK },
	{ "flock", MBOX_LOCK_FLOCK }, { NULL, 0 },
};

bool
mbox_lock_rules_read(const char *words, struct mbox_lock_rules *out,
    struct str *why)
{
	unsigned locks;

	if (!names_mask(lock_words, SPAN(words), &locks, why))
		return false;
	if (mbox_lock_conf.mailtool)
		locks = MBOX_LOCK_DOTLOCK;
	*out = (struct mbox_lock_rules){ .locks = locks,
		.attempts = (uint64_t)mbox_lock_conf.attempts,
		.delay = (uint64_t)mbox_lock_conf.delay,
		.stale_time = (uint64_t)mbox_lock_conf.stale_time };
	return true;
}

static bool
wait_between(const struct mbox_lock_rules *rules)
{
	int64_t seconds = rules->delay > 0 ? (int64_t)rules->delay : 1;

	if (fiber_self() != NULL)
		return fiber_sleep(deadline_in(seconds)) == IO_TIMEOUT;
	sleep((unsigned)seconds);
	clock_refresh();
	return true;
}

static bool
is_stale(const char *lock_path, const struct mbox_lock_rules *rules)
{
	struct stat st;

	return fs_stat_at(AT_FDCWD, lock_path, &st, NULL)
	    && clock_wall() - st.st_mtime > (time_t)rules->stale_time;
}

bool
mbox_lock_dot(const char *lock_path, const struct mbox_lock_rules *rules,
    struct str *why)
{
	bool removed = false;

	for (uint64_t i = 0; i < rules->attempts || i == 0; i++) {
		int fd = fs_create_at(AT_FDCWD, lock_path, 0600, why);

		if (fd >= 0) {
			close(fd);
			return true;
		}
		if (errno != EEXIST)
			return false;
		if (!removed && is_stale(lock_path, rules)) {
			removed = true;
			i--;
			fs_unlink_at(AT_FDCWD, lock_path, why);
		} else if (i + 1 < rules->attempts && !wait_between(rules)) {
			break;
		}
	}
	errno = EEXIST;
	return false;
}

bool
mbox_lock_fd(int fd, const struct mbox_lock_rules *rules)
{
	for (uint64_t i = 0; i < rules->attempts || i == 0; i++) {
		bool locked = true;

		if (rules->locks & MBOX_LOCK_FCNTL)
			locked = fs_ofd_lock(fd, true);
		if (locked && (rules->locks & MBOX_LOCK_FLOCK))
			locked = fs_flock(fd, true, false);
		if (locked)
			return true;
		if (i + 1 < rules->attempts && !wait_between(rules))
			break;
	}
	errno = EAGAIN;
	return false;
}
