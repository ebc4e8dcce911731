/*
 * scan - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/io/fs.h"
#include "queue/message.h"

void
queue_scan_start(struct queue_scan *scan, int queue_dir, enum queue_name name)
{
	*scan = (struct queue_scan){ .queue_dir = queue_dir, .name = name };
}

static bool
open_next_dir(struct queue_scan *scan)
{
	struct str path = STR_EMPTY;
	int fd;

	while (scan->dir == NULL && scan->subdir < queue_subdirs(scan->name)) {
		queue_subdir(scan->name, scan->subdir++, &path);
		fd = openat(scan->queue_dir, str_cstr(&path),
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			scan->dir = fdopendir(fd);
		else if (errno != ENOENT)
			scan->trouble = errno;
	}
	str_fini(&path);
	return scan->dir != NULL;
}

bool
queue_scan_next(struct queue_scan *scan, char id_out[QUEUE_ID_MAX])
{
	while (open_next_dir(scan)) {
		struct dirent *entry = readdir(scan->dir);

		if (entry == NULL) {
			closedir(scan->dir);
			scan->dir = NULL;
			continue;
		}
		if (!queue_id_valid(SPAN(entry->d_name))
		    || entry->d_type == DT_DIR)
			continue;
		memcpy(id_out, entry->d_name, strlen(entry->d_name) + 1);
		return true;
	}
	return false;
}

void
queue_scan_stop(struct queue_scan *scan)
{
	if (scan->dir != NULL)
		closedir(scan->dir);
	scan->dir = NULL;
}

/* ---- recovery ---- */

static bool
older_than(int queue_dir, enum queue_name where, struct span id,
    time_t limit)
{
	struct str path = STR_EMPTY;
	struct stat st;
	bool older;

	queue_path(where, id, &path);
	older = fstatat(queue_dir, str_cstr(&path), &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && st.st_ctime < limit;
	str_fini(&path);
	return older;
}

static bool
has_complete_mode(int queue_dir, enum queue_name where, struct span id)
{
	struct str path = STR_EMPTY;
	struct stat st;
	bool complete;

	queue_path(where, id, &path);
	complete = fstatat(queue_dir, str_cstr(&path), &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & 0100);
	str_fini(&path);
	return complete;
}

void
queue_recover_one(int queue_dir, enum queue_name where, struct span id,
    time_t limit, struct queue_recovery *out)
{
	struct arena *arena = arena_new();
	struct queue_message m;
	struct str why = STR_EMPTY;

	switch (queue_message_open(queue_dir, where, id, true, true, arena,
	    &m, &why)) {
	case QUEUE_OK:
		if (where == QUEUE_ACTIVE && queue_move(queue_dir, id, where,
		    m.mtime > clock_wall() ? QUEUE_DEFERRED : QUEUE_INCOMING,
		    &why))
			out->requeued++;
		queue_message_close(&m);
		break;
	case QUEUE_INCOMPLETE:
		if (has_complete_mode(queue_dir, where, id)) {
			if (queue_move(queue_dir, id, where, QUEUE_CORRUPT,
			    &why))
				out->corrupt++;
		} else if (older_than(queue_dir, where, id, limit)
		    && queue_remove(queue_dir, where, id, &why)) {
			out->removed++;
		}
		break;
	case QUEUE_DAMAGED:
		if (queue_move(queue_dir, id, where, QUEUE_CORRUPT, &why))
			out->corrupt++;
		break;
	case QUEUE_GONE:
	case QUEUE_BUSY:
	case QUEUE_FOREIGN:
	case QUEUE_NOSPACE:
	case QUEUE_EXISTS:
	case QUEUE_IO_ERROR:
		break;
	}
	str_fini(&why);
	arena_free(&arena);
}

bool
queue_recover(int queue_dir, time_t limit, struct queue_recovery *out,
    struct str *why)
{
	static const enum queue_name queues[] = { QUEUE_ACTIVE,
		QUEUE_INCOMING, QUEUE_DEFERRED };
	bool ok = true;

	*out = (struct queue_recovery){ 0, 0, 0 };
	for (size_t i = 0; i < 3; i++) {
		struct queue_scan scan;
		char id[QUEUE_ID_MAX];

		queue_scan_start(&scan, queue_dir, queues[i]);
		while (queue_scan_next(&scan, id))
			queue_recover_one(queue_dir, queues[i], SPAN(id),
			    limit, out);
		if (scan.trouble != 0) {
			errno = scan.trouble;
			str_printf(why, "%s: %m", queue_name_text(queues[i]));
			ok = false;
		}
		queue_scan_stop(&scan);
	}
	return ok;
}
