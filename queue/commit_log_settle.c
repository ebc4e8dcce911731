/*
 * commit_log_settle - makes the files durable that depend on a log.
 *
 * Messages are found by their ids. They move while we look, from incoming to
 * active to deferred mostly; queues are looked through in that order, and more
 * than once, so that only a message that moves backwards several times within
 * microseconds could be missed. What is in none of them is over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/fs.h"
#include "queue/commit_log_priv.h"

#define LOOKS 3
#define AT_ONCE 8			/* files synced at the same time */

static const enum queue_name queues[] = { QUEUE_INCOMING, QUEUE_ACTIVE,
	QUEUE_DEFERRED, QUEUE_HOLD, QUEUE_MAILDROP, QUEUE_CORRUPT };

static int
open_file(int queue_dir, const struct str *path, struct str *why)
{
	return fs_open_at(queue_dir, str_cstr(path),
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK, why);
}

/* Where it belongs. */
static int
look(int queue_dir, struct span id, enum queue_name *where_out,
    struct str *path, struct str *why)
{
	int fd = -1;

	errno = ENOENT;
	for (size_t i = 0; i < ARRAY_COUNT(queues); i++) {
		*where_out = queues[i];
		queue_path(queues[i], id, path);
		fd = open_file(queue_dir, path, why);
		if (fd >= 0 || errno != ENOENT)
			break;
	}
	return fd;
}

/* Left flat by another system, or moved since hash_queue_depth has changed,
 * which this process has not heard of yet. */
static int
look_at_all_depths(int queue_dir, struct span id, enum queue_name *where_out,
    struct str *path, struct str *why)
{
	int fd = -1;

	for (size_t i = 0; fd < 0 && i < ARRAY_COUNT(queues); i++)
		for (unsigned depth = 0; depth <= QUEUE_DEPTH_MOST; depth++) {
			*where_out = queues[i];
			queue_path_at_depth(queues[i], id, depth, path);
			fd = open_file(queue_dir, path, why);
			if (fd >= 0 || errno != ENOENT)
				return fd;
		}
	return fd;
}

int
clog_open_message(int queue_dir, struct span id, enum queue_name *where_out,
    struct str *path_out, struct str *why)
{
	int fd = -1;

	for (int i = 0; i < LOOKS; i++) {
		fd = look(queue_dir, id, where_out, path_out, why);
		if (fd >= 0 || errno != ENOENT)
			return fd;
		fd = look_at_all_depths(queue_dir, id, where_out, path_out,
		    why);
		if (fd >= 0 || errno != ENOENT)
			return fd;
	}
	return fd;
}

enum settled
clog_sync_name(int queue_dir, struct str *path, bool always, struct str *why)
{
	enum settled result = SETTLED_LATER;
	int fd;

	str_truncate(path, (size_t)span_rfind(str_span(path), '/'));
	fd = fs_open_at(queue_dir, str_cstr(path), O_RDONLY | O_DIRECTORY,
	    why);
	if (fd < 0)
		return result;
	result = (always ? fs_sync_dir_wait(fd, why)
	    : fs_sync_dir_if_needed_wait(fd, why)) ? SETTLED : SETTLED_FAILED;
	close(fd);
	return result;
}

enum settled
clog_settle_message(int queue_dir, struct span id, struct str *why)
{
	struct str path = STR_EMPTY;
	enum queue_name where;
	enum settled result;
	int fd = clog_open_message(queue_dir, id, &where, &path, why);

	if (fd < 0)
		result = errno == ENOENT ? SETTLED_GONE : SETTLED_LATER;
	else if (!fs_sync_wait(fd, why))
		result = SETTLED_FAILED;
	else
		result = clog_sync_name(queue_dir, &path, false, why);
	if (fd >= 0)
		close(fd);
	str_fini(&path);
	return result;
}

/* ---- many of them ---- */

struct settling {
	int queue_dir;
	struct clog_entry *entries;
	size_t next, count;
	struct str *why;
	enum settled worst;
};

static void
settle_some(void *arg)
{
	struct settling *s = arg;
	struct str why = STR_EMPTY;

	while (s->next < s->count) {
		struct clog_entry *e = &s->entries[s->next++];

		e->result = clog_settle_message(s->queue_dir, SPAN(e->id),
		    &why);
		if (e->result <= s->worst)
			continue;
		s->worst = e->result;
		if (s->worst >= SETTLED_LATER)
			str_printf(s->why, "%s: %s", e->id, str_cstr(&why));
	}
	str_fini(&why);
}

enum settled
clog_settle_entries(int queue_dir, struct clog_entry *entries, size_t count,
    struct str *why)
{
	struct settling s = { .queue_dir = queue_dir, .entries = entries,
		.count = count, .why = why };
	struct fiber_group group;

	if (fiber_self() != NULL && count > 1) {
		fiber_group_init(&group);
		for (size_t i = 0; i < AT_ONCE && i < count; i++)
			if (fiber_spawn(&group, "settle", settle_some, &s)
			    == NULL)
				break;
		if (fiber_group_join(&group, DEADLINE_NEVER) != IO_OK)
			fiber_group_close(&group);
	}
	settle_some(&s);		/* what is left, without fibers all */
	return s.worst;
}
