/*
 * sync - see the header.
 *
 * An error of syncfs may belong to a file that was written after the call had
 * begun: its pages were tried, lost and taken for clean, and a later syncfs
 * would not tell. But each writer keeps its file open, and the error stays with
 * it: so after the first error every message is settled by its own fsync, those
 * that wait now and those to come.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/io/batch.h"
#include "common/io/fs.h"
#include "queue/sync.h"

#define MOUNTINFO_MOST (4 << 20)

/* auto: what a log costs (it is written once, zeros first) pays from so many
 * messages in so much time on, and may take so much of the room there is. */
#define AUTO_MESSAGES 20
#define AUTO_NS (2 * INT64_C(1000000000))
#define AUTO_SHARE 32

enum method { METHOD_FSYNC, METHOD_LOG, METHOD_GROUP };

static struct {
	enum method method;
	struct commit_log *log;
	struct batch *group;
	int group_fd;
	_Atomic bool group_failed;
	struct str group_why;		/* of the first error */
	bool told;			/* of that error */
	bool automatic;			/* log, if that pays */
	unsigned synced;		/* without the log, since then */
	int64_t since_ns;
	void (*watcher)(const char *method);
} now = { .group_fd = -1 };

static void
tell_watcher(void *arg)
{
	(void)arg;
	if (now.watcher != NULL)
		now.watcher(queue_sync_in_force());
}

/* ---- group ---- */

static struct span
unescape(struct span word, struct str *room)
{
	str_clear(room);
	for (size_t i = 0; i < word.len; i++) {
		char c = word.p[i];

		if (c == '\\' && i + 3 < word.len) {	/* \040 */
			c = (char)((word.p[i + 1] - '0') << 6
			    | (word.p[i + 2] - '0') << 3
			    | (word.p[i + 3] - '0'));
			i += 3;
		}
		str_putc(room, c);
	}
	return str_span(room);
}

bool
queue_sync_owns_system(struct span mountinfo, struct span path)
{
	struct str room = STR_EMPTY;
	struct span line;
	bool owns = false;

	/* id, parent, device, root in the file system, mount point; the last
	 * mount on a point is what is seen there. */
	while (span_split(&mountinfo, '\n', &line)) {
		struct span word, root = SPAN_NONE, point = SPAN_NONE;

		for (int i = 0; i < 5 && span_token(&line, " ", &word); i++) {
			if (i == 3)
				root = word;
			if (i == 4)
				point = word;
		}
		if (span_eq(unescape(point, &room), path))
			owns = span_is(root, "/");
	}
	str_fini(&room);
	return owns;
}

/* Since 5.17 syncfs tells of all errors. */
static bool
kernel_tells_errors(struct str *why)
{
	struct utsname u;
	unsigned major = 0, minor = 0;

	if (uname(&u) == 0)
		sscanf(u.release, "%u.%u", &major, &minor);
	if (major > 5 || (major == 5 && minor >= 17))
		return true;
	str_printf(why, "queue_sync_method = group: Linux %s does not tell of "
	    "all write errors, 5.17 does", u.release);
	return false;
}

static bool
group_is_possible(int queue_dir, struct str *why)
{
	struct str mounts = STR_EMPTY;
	char link[32];
	static char path[4096];
	ssize_t n;
	bool ok;

	if (!kernel_tells_errors(why))
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", queue_dir);
	n = readlink(link, path, sizeof(path));
	ok = n > 0 && fs_read_file_at(AT_FDCWD, "/proc/self/mountinfo",
	    MOUNTINFO_MOST, &mounts, why);
	if (!ok) {
		str_sets(why, "queue_sync_method = group: the mounts cannot "
		    "be read");
	} else if (!queue_sync_owns_system(str_span(&mounts),
	    span_of(path, (size_t)n))) {
		str_printf(why, "queue_sync_method = group: queue_directory "
		    "%.*s is not the root of a file system of its own",
		    (int)n, path);
		ok = false;
	}
	str_fini(&mounts);
	return ok;
}

struct group_job {
	struct batch_job head;
	bool ok;
};

/* In the thread. */
static void
sync_group(struct batch_job *jobs, void *arg)
{
	(void)arg;
	if (!now.group_failed
	    && !fs_sync_system(now.group_fd, &now.group_why))
		now.group_failed = true;
	for (; jobs != NULL; jobs = jobs->next)
		((struct group_job *)jobs)->ok = !now.group_failed;
}

static enum queue_synced
commit_by_group(void)
{
	struct group_job job = { .ok = false };

	if (!now.group_failed)
		batch_run(now.group, &job.head);
	if (job.ok)
		return QUEUE_SYNCED;
	if (!now.told)
		log_error("syncfs of the queue failed: %s; from now on each "
		    "queue file is synced by itself",
		    str_cstr(&now.group_why));
	if (!now.told)
		tell_watcher(NULL);
	now.told = true;
	return QUEUE_SYNC_ITSELF;
}

/* ---- log ---- */

/* One more message without it. */
static void
weigh_log(void)
{
	int64_t ns = clock_now_ns();

	if (ns - now.since_ns > AUTO_NS) {
		now.since_ns = ns;
		now.synced = 0;
	}
	if (++now.synced == AUTO_MESSAGES)
		commit_log_want(now.log);
}

static enum queue_synced
commit_by_log(const char *id, enum queue_name where, struct span whole,
    uint32_t crc, struct commit_log_spot *spot_out, struct str *why)
{
	if (span_empty(whole))
		return QUEUE_SYNC_ITSELF;
	if (now.automatic && !commit_log_ready(now.log))
		weigh_log();
	switch (commit_log_append(now.log, id, where, whole, crc, spot_out,
	    why)) {
	case COMMIT_LOG_DURABLE:
		return QUEUE_SYNCED;
	case COMMIT_LOG_FAILED:
		return QUEUE_SYNC_FAILED;
	case COMMIT_LOG_PASSED:
		break;
	}
	return QUEUE_SYNC_ITSELF;
}

/* ---- all of them ---- */

enum queue_synced
queue_sync_commit(const char *id, enum queue_name where, struct span whole,
    uint32_t crc, struct commit_log_spot *spot_out, struct str *why)
{
	*spot_out = (struct commit_log_spot){ .log = 0 };
	switch (now.method) {
	case METHOD_LOG:
		return commit_by_log(id, where, whole, crc, spot_out, why);
	case METHOD_GROUP:
		return commit_by_group();
	case METHOD_FSYNC:
		break;
	}
	return QUEUE_SYNC_ITSELF;
}

/* Those of an earlier set-up go; no message may be on its way. */
static void
forget(void)
{
	commit_log_free(now.log);
	batch_free(now.group);
	if (now.group_fd >= 0)
		close(now.group_fd);
	now.log = NULL;
	now.group = NULL;
	now.group_fd = -1;
	now.group_failed = now.told = now.automatic = false;
	now.synced = 0;
	now.watcher = NULL;
	str_fini(&now.group_why);
	now.method = METHOD_FSYNC;
}

static bool
begin_group(int queue_dir, struct str *why)
{
	if (!group_is_possible(queue_dir, why))
		return false;
	/* Errors are told to each descriptor from its opening on. */
	now.group_fd = fs_open_at(queue_dir, ".", O_RDONLY | O_DIRECTORY, why);
	if (now.group_fd < 0)
		return false;
	now.group = batch_new(sync_group, NULL);
	now.method = METHOD_GROUP;
	return true;
}

/* What cannot be asked is synced by fsync, which needs no answer. */
static bool
log_is_proven(int queue_dir, uint64_t log_bytes)
{
	struct str why = STR_EMPTY;
	enum fs_kind kind = FS_OTHER;
	uint64_t space, inodes;
	bool proven = fs_kind_of(queue_dir, &kind, &why)
	    && (kind == FS_EXT || kind == FS_XFS)
	    && fs_free_space(queue_dir, &space, &inodes)
	    && space / AUTO_SHARE >= log_bytes;

	str_fini(&why);
	return proven;
}

static void
begin_log(int queue_dir, const struct commit_log_size *size)
{
	now.log = commit_log_new(queue_dir, size);
	commit_log_watch(now.log, tell_watcher, NULL);
	now.method = METHOD_LOG;
}

bool
queue_sync_setup(const char *method, int64_t log_bytes, int queue_dir,
    struct str *why)
{
	struct commit_log_size size;

	forget();
	if (strcmp(method, "fsync") == 0)
		return true;
	if (strcmp(method, "group") == 0)
		return begin_group(queue_dir, why);
	if (strcmp(method, "auto") == 0) {
		if (!log_is_proven(queue_dir, (uint64_t)log_bytes))
			return true;
		size = commit_log_size_of((uint64_t)log_bytes);
		begin_log(queue_dir, &size);
		commit_log_put_off(now.log);
		now.automatic = true;
		return true;
	}
	if (strcmp(method, "log") != 0) {
		str_printf(why, "queue_sync_method: found \"%s\", expected "
		    "auto, fsync, log or group", method);
		return false;
	}
	size = commit_log_size_of((uint64_t)log_bytes);
	begin_log(queue_dir, &size);
	return true;
}

void
queue_sync_keep(void)
{
	if (now.log != NULL)
		commit_log_keep(now.log);
}

void
queue_sync_finish(void)
{
	if (now.log != NULL)
		commit_log_close(now.log);
}

void
queue_sync_watch(void (*fn)(const char *method))
{
	now.watcher = fn;
	tell_watcher(NULL);
}

const char *
queue_sync_in_force(void)
{
	if (now.method == METHOD_LOG && commit_log_ready(now.log))
		return "log";
	if (now.method == METHOD_GROUP && !now.group_failed)
		return "group";
	return "fsync";
}
