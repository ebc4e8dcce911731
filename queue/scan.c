/*
 * scan - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/scan.h"

#include <errno.h>
#include <sys/stat.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/io/fs.h"
#include "queue/adopt.h"
#include "queue/commit_log.h"
#include "queue/message.h"
#include "queue/outcome_log.h"

void
queue_scan_start(struct queue_scan *scan, int queue_dir, enum queue_name name)
{
	*scan = (struct queue_scan){ .queue_dir = queue_dir, .name = name };
}

static bool
open_next_dir(struct queue_scan *scan)
{
	struct str path = STR_EMPTY;

	while (scan->dir == NULL && scan->subdir < queue_subdirs(scan->name)) {
		queue_subdir(scan->name, scan->subdir++, &path);
		scan->dir = fs_open_dir(scan->queue_dir, str_cstr(&path),
		    NULL);
		if (scan->dir == NULL && errno != ENOENT)
			scan->trouble = errno;
	}
	str_fini(&path);
	return scan->dir != NULL;
}

bool
queue_scan_next(struct queue_scan *scan, char id_out[QUEUE_ID_MAX])
{
	while (open_next_dir(scan)) {
		struct dirent *entry = fs_read_dir(scan->dir);

		if (entry == NULL) {
			if (errno != 0)
				scan->trouble = errno;
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

/* A file may have been looked at before its writer, who was at work, had locked it:
 * now that its mode says that it is complete, it may be. */
static bool
is_incomplete(int queue_dir, enum queue_name where, struct span id)
{
	struct arena *arena = arena_new();
	struct queue_message m;
	struct str why = STR_EMPTY;
	enum queue_result result = queue_message_open(queue_dir, where, id, true,
	    true, arena, &m, &why);

	if (result == QUEUE_OK)
		queue_message_close(&m);
	str_fini(&why);
	arena_free(&arena);
	return result == QUEUE_INCOMPLETE;
}

/* A file without a trailer: by its mode complete, and still without one, it is a
 * person's to look at; else, if it is old, its writer died. */
static void
sort_out_incomplete(int queue_dir, enum queue_name where, struct span id,
    time_t limit, struct queue_recovery *out, struct str *why)
{
	struct str path = STR_EMPTY;
	struct stat st;

	queue_path(where, id, &path);
	if (!fs_stat_at(queue_dir, str_cstr(&path), &st, why)) {
		str_printf(&path, "%s/%.*s", queue_name_text(where),
		    SPAN_ARG(id));		/* it may lie flat */
		if (!fs_stat_at(queue_dir, str_cstr(&path), &st, why)) {
			str_fini(&path);
			return;
		}
	}
	str_fini(&path);
	if ((st.st_mode & S_IXUSR) != 0) {
		if (is_incomplete(queue_dir, where, id)
		    && queue_move(queue_dir, id, where, QUEUE_CORRUPT, why))
			out->corrupt++;
	} else if (st.st_ctime < limit
	    && queue_remove(queue_dir, where, id, why)) {
		out->removed++;
	}
}

/* Of Postfix's it is read after it became one of ours. */
static enum queue_result
open_adopted(int queue_dir, enum queue_name where, struct span id,
    struct arena *arena, struct queue_message *m, struct str *why)
{
	enum queue_result result;
	bool adopted;

	result = queue_message_open(queue_dir, where, id, true, true, arena, m,
	    why);
	if (result != QUEUE_FOREIGN)
		return result;
	result = queue_adopt(queue_dir, where, id, &adopted, why);
	return result != QUEUE_OK ? result : queue_message_open(queue_dir,
	    where, id, true, true, arena, m, why);
}

void
queue_recover_one(int queue_dir, enum queue_name where, struct span id,
    time_t limit, struct queue_recovery *out)
{
	struct arena *arena = arena_new();
	struct queue_message m;
	struct str why = STR_EMPTY;

	switch (open_adopted(queue_dir, where, id, arena, &m, &why)) {
	case QUEUE_OK:
		if (where == QUEUE_ACTIVE && queue_move(queue_dir, id, where,
		    m.mtime > clock_wall() ? QUEUE_DEFERRED : QUEUE_INCOMING,
		    &why))
			out->requeued++;
		queue_message_close(&m);
		break;
	case QUEUE_INCOMPLETE:
		sort_out_incomplete(queue_dir, where, id, limit, out, &why);
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

/* False also when that cannot be asked. It may change queues while we look, but
 * not with each look. */
static bool
is_nobodys(int queue_dir, struct span id)
{
	enum { ANY = 1u << QUEUE_MAILDROP | 1u << QUEUE_INCOMING
		| 1u << QUEUE_ACTIVE | 1u << QUEUE_DEFERRED | 1u << QUEUE_HOLD
		| 1u << QUEUE_CORRUPT };
	struct commit_log_spot spot;
	enum queue_name where;

	for (int look = 0; look < 3; look++)
		if (queue_find(queue_dir, id, ANY, &where) != QUEUE_GONE)
			return false;
	commit_log_find(queue_dir, id, &spot);
	return spot.log == 0;
}

void
queue_recover_log(int queue_dir, enum queue_name kind, struct span id,
    time_t limit, struct queue_recovery *out)
{
	struct str path = STR_EMPTY, why = STR_EMPTY;
	struct stat st;

	queue_path(kind, id, &path);
	if (fs_stat_at(queue_dir, str_cstr(&path), &st, NULL)
	    && st.st_ctime < limit && is_nobodys(queue_dir, id)
	    && outcome_log_remove(queue_dir, kind, id, &why))
		out->logs++;
	str_fini(&path);
	str_fini(&why);
}

bool
queue_recover(int queue_dir, time_t limit, struct queue_recovery *out,
    struct str *why)
{
	static const enum queue_name queues[] = { QUEUE_ACTIVE,
		QUEUE_INCOMING, QUEUE_DEFERRED, QUEUE_HOLD };
	bool ok = true;

	*out = (struct queue_recovery){ .requeued = 0 };
	for (size_t i = 0; i < ARRAY_COUNT(queues); i++) {
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

/* ---- where files belong ---- */

struct restructure {
	int queue_dir;
	enum queue_name name;
	size_t moved;
	struct str path, right;
	struct str *why;
	bool ok;
};

static bool
is_same_file(const struct restructure *r)
{
	struct stat a, b;

	return fs_stat_at(r->queue_dir, str_cstr(&r->path), &a, r->why)
	    && fs_stat_at(r->queue_dir, str_cstr(&r->right), &b, r->why)
	    && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void
put_where_it_belongs(struct restructure *r, struct span id)
{
	queue_path(r->name, id, &r->right);
	if (span_eq(str_span(&r->path), str_span(&r->right)))
		return;
	/* A name that is taken is another message's, or what was left when
	 * this was stopped. */
	if (!fs_link_at(r->queue_dir, str_cstr(&r->path), r->queue_dir,
	    str_cstr(&r->right), r->why)) {
		bool gone = errno == ENOENT;

		if (errno != EEXIST || !is_same_file(r)) {
			r->ok &= gone;
			return;
		}
	}
	if (fs_unlink_at(r->queue_dir, str_cstr(&r->path), r->why))
		r->moved++;
	else
		r->ok = false;
}

static bool
is_hash_dir(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && entry->d_name[1] == '\0'
	    && entry->d_type == DT_DIR;
}

/* A directory of the right depth without sub-directories has nothing to move;
 * most file systems tell by the count of links. */
static bool
may_skip(const struct restructure *r, int fd, unsigned level)
{
	struct stat st;

	return level == queue_depth(r->name) && fstat(fd, &st) == 0
	    && st.st_nlink == 2;
}

static void restructure_below(struct restructure *r, unsigned level);

/* An entry of the directory whose path is in r->path. */
static void
restructure_entry(struct restructure *r, unsigned level,
    const struct dirent *entry)
{
	bool is_dir = is_hash_dir(entry);
	struct span id = SPAN(entry->d_name);
	size_t length = str_len(&r->path);

	if (!is_dir && (entry->d_type == DT_DIR || !queue_id_valid(id)))
		return;
	str_addf(&r->path, "/%s", entry->d_name);
	if (!is_dir)
		put_where_it_belongs(r, id);
	else if (level < QUEUE_DEPTH_MOST)
		restructure_below(r, level + 1);
	str_truncate(&r->path, length);
}

static void
restructure_below(struct restructure *r, unsigned level)
{
	DIR *dir = fs_open_dir(r->queue_dir, str_cstr(&r->path), r->why);

	if (dir == NULL) {
		r->ok &= errno == ENOENT;
		return;
	}
	while (!may_skip(r, dirfd(dir), level)) {
		const struct dirent *entry = fs_read_dir(dir);

		if (entry != NULL) {
			restructure_entry(r, level, entry);
			continue;
		}
		if (errno != 0) {
			str_printf(r->why, "%s: %m", str_cstr(&r->path));
			r->ok = false;
		}
		break;
	}
	closedir(dir);
}

bool
queue_restructure(int queue_dir, size_t *moved_out, struct str *why)
{
	struct restructure r = { .queue_dir = queue_dir, .why = why,
		.ok = true };

	for (int q = 0; q < QUEUE_NAME_COUNT; q++) {
		r.name = (enum queue_name)q;
		if (q == QUEUE_MAILDROP)	/* is never hashed */
			continue;
		str_sets(&r.path, queue_name_text(r.name));
		restructure_below(&r, 0);
	}
	*moved_out = r.moved;
	str_fini(&r.path);
	str_fini(&r.right);
	return r.ok;
}
