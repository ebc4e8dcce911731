/*
 * spool - the queue directory as a whole.
 *
 * Sockets and files that others have put there are left as they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/io/fs.h"
#include "daemons/shared/spool.h"
#include "queue/names.h"

enum spool_class { OF_ROOT, OF_OWNER, OF_OWNER_AND_GROUP };

static const struct {
	const char *name;
	mode_t mode;
	enum spool_class class;
} directories[] = {
	{ "pid", 0755, OF_ROOT },
	{ "private", 0700, OF_OWNER },
	{ "public", 0710, OF_OWNER_AND_GROUP },
	{ "maildrop", 0730, OF_OWNER_AND_GROUP },
	{ "flush", 0700, OF_OWNER },
	{ "saved", 0700, OF_OWNER },
};

static bool
refuse(struct str *why, const char *dir, const char *name)
{
	str_printf(why, "%s/%s: %m", dir, name);
	return false;
}

static bool
make_directory(int dir, const char *dir_name, size_t i,
    const struct spool_owner *owner, bool repair, struct str *why)
{
	const char *name = directories[i].name;
	bool made = mkdirat(dir, name, directories[i].mode) == 0;
	uid_t uid = directories[i].class == OF_ROOT ? 0 : owner->uid;
	gid_t gid = directories[i].class == OF_ROOT ? 0 :
	    directories[i].class == OF_OWNER ? owner->gid : owner->setgid_gid;

	if (!made && errno != EEXIST)
		return refuse(why, dir_name, name);
	if (!made && !repair)
		return true;
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);

	if (fd < 0)
		return refuse(why, dir_name, name);
	/* mkdir heeds the umask; the order matters for a setgid bit. */
	bool ok = (!owner->root || fchown(fd, uid, gid) == 0) &&
	    fchmod(fd, directories[i].mode) == 0;

	if (!ok)
		refuse(why, dir_name, name);
	close(fd);
	return ok;
}

static int
open_queue(const char *queue_dir, struct str *why)
{
	int fd = open(queue_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && mkdir(queue_dir, 0755) == 0) {
		fd = open(queue_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			fchmod(fd, 0755);
	}
	if (fd < 0)
		str_printf(why, "queue_directory = %s: %m", queue_dir);
	return fd;
}

bool
spool_prepare(const char *queue_dir, const struct spool_owner *owner,
    bool repair, struct str *why)
{
	uid_t uid = owner->root ? owner->uid : (uid_t)-1;
	gid_t gid = owner->root ? owner->setgid_gid : (gid_t)-1;
	int dir = open_queue(queue_dir, why);
	bool ok = dir >= 0;

	for (size_t i = 0; ok && i < ARRAY_COUNT(directories); i++)
		ok = make_directory(dir, queue_dir, i, owner, repair, why);
	ok = ok && (repair ? queue_directories_repair : queue_directories_make)
	    (dir, uid, gid, why);
	if (dir >= 0)
		close(dir);
	return ok;
}

bool
spool_prepare_data(const char *data_dir, const struct spool_owner *owner,
    bool repair, struct str *why)
{
	bool made = mkdir(data_dir, 0700) == 0;
	int fd = made || errno == EEXIST ? open(data_dir,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	bool ok = fd >= 0;

	if (ok && owner->root && (made || repair))
		ok = fchown(fd, owner->uid, owner->gid) == 0;
	if (!ok)
		str_printf(why, "data_directory = %s: %m", data_dir);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* --- Empty? --------------------------------------------------------------*/

static bool
is_hashed(const struct dirent *e)
{
	return e->d_name[1] == '\0' && e->d_type == DT_DIR;
}

/* Depth: 0 for the queue, more for its sub-directories. */
static bool
holds_nothing(int parent, const char *name, int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	bool empty = true;

	if (dir == NULL) {
		bool absent = fd < 0 && errno == ENOENT;

		if (fd >= 0)
			close(fd);
		return absent;
	}
	while (empty && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		empty = is_hashed(e) && depth < 3 &&
		    holds_nothing(fd, e->d_name, depth + 1);
	}
	closedir(dir);
	return empty;
}

bool
spool_is_empty(const char *queue_dir)
{
	static const char *const queues[] = { "incoming", "active",
		"deferred" };
	int dir = open(queue_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool empty = dir >= 0;

	for (size_t i = 0; empty && i < ARRAY_COUNT(queues); i++)
		empty = holds_nothing(dir, queues[i], 0);
	if (dir >= 0)
		close(dir);
	return empty;
}

/* --- Master's lock -------------------------------------------------------*/

/* Asks for the lock without taking it, or one who only looks would make a start
 * at that moment fail. */

enum spool_lock
spool_master(const char *queue_dir, pid_t *pid_out)
{
	struct str path = STR_EMPTY, text = STR_EMPTY;
	enum spool_lock answer = SPOOL_FREE;
	uint32_t pid;

	*pid_out = 0;
	str_printf(&path, "%s/pid/master.pid", queue_dir);
	int fd = open(str_cstr(&path), O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		answer = errno == ENOENT ? SPOOL_FREE : SPOOL_UNKNOWN;
	} else if (fs_ofd_locked_by_other(fd)) {
		answer = SPOOL_RUNNING;
		if (fs_read_file_at(AT_FDCWD, str_cstr(&path), 64, &text,
		    NULL) && scan_u32(span_trim(str_span(&text)), &pid))
			*pid_out = (pid_t)pid;
	}
	if (fd >= 0)
		close(fd);
	str_fini(&path);
	str_fini(&text);
	return answer;
}
