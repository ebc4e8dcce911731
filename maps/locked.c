/*
 * locked - locks and changes of indexed files.
 *
 * The descriptor is ours alone: libraries open their own, and closing those
 * must not drop a lock. hash: and btree: go by flock, lmdb: by fcntl, as
 * other mail systems on Linux do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/locked_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/fault.h"
#include "common/io/fiber.h"
#include "common/io/fs.h"
#include "common/io/loop.h"
#include "maps/make_priv.h"

enum { RETRY_MS = 20, WAIT_MS = 5000, START_WAIT_MS = 10000 };

void
locked_file_init(struct locked_file *f, const char *name, const char *suffix,
    enum locked_kind kind)
{
	struct str text = STR_EMPTY;

	*f = (struct locked_file){ .kind = kind, .fd = -1 };
	str_printf(&text, "%s%s", name, suffix);
	f->shown = str_release(&text);
	f->path = make_absolute(f->shown);
}

static bool
try_lock(struct locked_file *f)
{
	if (f->kind == LOCKED_FLOCK)
		return fs_flock(f->fd, false, false);
	return fs_ofd_lock(f->fd, false);
}

static void
unlock(struct locked_file *f)
{
	struct flock none = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (f->kind == LOCKED_FLOCK)
		(void)flock(f->fd, LOCK_UN);
	else
		(void)fcntl(f->fd, F_OFD_SETLK, &none);
}

static bool
lock_within(struct locked_file *f, int64_t wait_ms, struct str *why)
{
	struct deadline end = deadline_in_ms(wait_ms);

	while (!try_lock(f)) {
		if (errno != EWOULDBLOCK && errno != EAGAIN &&
		    errno != EACCES && errno != EINTR) {
			str_printf(why, "lock %s: %s", f->shown,
			    strerror(errno));
			return false;
		}
		if (deadline_passed(end)) {
			str_printf(why, "%s is locked by a writer", f->shown);
			return false;
		}
		if (fiber_self() == NULL) {
			const struct timespec pause =
			    { 0, RETRY_MS * 1000000L };

			nanosleep(&pause, NULL);
			clock_refresh();
		} else if (fiber_sleep(deadline_in_ms(RETRY_MS)) ==
		    IO_CANCELLED) {
			str_printf(why, "%s is locked by a writer", f->shown);
			return false;
		}
	}
	return true;
}

static int64_t
open_wait_ms(void)
{
	if (fiber_self() != NULL)
		return WAIT_MS;
	return loop_started() ? 0 : START_WAIT_MS;
}

bool
locked_file_open(struct locked_file *f, bool may_wait, struct str *why)
{
	f->fd = FAULT("map.open") ? -1 :
	    open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (f->fd < 0 || fstat(f->fd, &f->as_opened) != 0) {
		str_printf(why, "open database %s: %s", f->shown,
		    strerror(errno));
		locked_file_close(f);
		return false;
	}
	if (!lock_within(f, may_wait ? open_wait_ms() : 0, why) ||
	    fstat(f->fd, &f->as_opened) != 0) {
		locked_file_close(f);
		return false;
	}
	f->holders = 1;
	return true;
}

bool
locked_file_acquire(struct locked_file *f, struct str *why)
{
	if (f->holders == 0 && !lock_within(f, WAIT_MS, why))
		return false;
	f->holders++;
	return true;
}

void
locked_file_release(struct locked_file *f)
{
	if (f->fd >= 0 && f->holders > 0 && --f->holders == 0)
		unlock(f);
}

static bool
same_contents(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool
locked_file_was_rewritten(const struct locked_file *f)
{
	struct stat now;

	return f->fd >= 0 && fstat(f->fd, &now) == 0 &&
	    !same_contents(&f->as_opened, &now);
}

bool
locked_file_changed(const struct locked_file *f)
{
	struct stat now;

	if (f->fd < 0 || fstat(f->fd, &now) != 0)
		return false;
	return now.st_nlink == 0 || !same_contents(&f->as_opened, &now);
}

void
locked_file_close(struct locked_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->holders = 0;
}

void
locked_file_fini(struct locked_file *f)
{
	locked_file_close(f);
	mem_free(f->path);
	mem_free(f->shown);
	f->path = f->shown = NULL;
}
