/*
 * commit_log_recover - after a loss of power: what was promised and is not
 * there is written again.
 *
 * Nobody works on the queue meanwhile. Every step may be the last one: logs go
 * when all that depended on them is durable, and not before; to do it again
 * finds the files of the first time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fs.h"
#include "queue/commit_log_priv.h"
#include "queue/message.h"
#include "queue/message_priv.h"

struct recovery {
	int queue_dir;
	struct commit_log_recovery *out;
	bool failed;			/* this log had been set aside */
	bool trouble;			/* with this log */
	struct str path, why;
};

/* ---- one message ---- */

enum found { FOUND_WHOLE, FOUND_PART, FOUND_NONE, FOUND_TROUBLE };

/* A file in the wrong sub-directory is put where the others are. */
static bool
put_in_place(struct recovery *r, const char *id, enum queue_name where)
{
	struct str right = STR_EMPTY;
	bool ok = true;

	queue_path(where, SPAN(id), &right);
	if (!span_eq(str_span(&right), str_span(&r->path))) {
		ok = fs_rename_at(r->queue_dir, str_cstr(&r->path),
		    r->queue_dir, str_cstr(&right), &r->why);
		str_set(&r->path, str_span(&right));
	}
	str_fini(&right);
	return ok;
}

/* Reads all of it: a file may have its length and not its bytes. */
static enum found
judge_file(struct recovery *r, const char *id, enum queue_name where,
    struct str *bytes)
{
	struct arena *arena = arena_new();
	struct queue_message m;
	enum found found = FOUND_PART;

	switch (queue_message_open(r->queue_dir, where, SPAN(id), false, true,
	    arena, &m, &r->why)) {
	case QUEUE_OK:
		found = FOUND_WHOLE;
		if (m.is_copy || !fs_read_file_at(r->queue_dir,
		    str_cstr(&r->path), COMMIT_LOG_MESSAGE_MOST, bytes,
		    &r->why))
			found = FOUND_TROUBLE;
		queue_message_close(&m);
		break;
	case QUEUE_INCOMPLETE:
	case QUEUE_DAMAGED:
		break;
	case QUEUE_GONE:
	case QUEUE_BUSY:
	case QUEUE_FOREIGN:
	case QUEUE_NOSPACE:
	case QUEUE_EXISTS:
	case QUEUE_IO_ERROR:
		found = FOUND_TROUBLE;
		break;
	}
	arena_free(&arena);
	return found;
}

/* r->path is set where there is a file, bytes where it is whole. */
static enum found
find_message(struct recovery *r, const char *id, enum queue_name *where_out,
    struct str *bytes)
{
	int fd = clog_open_message(r->queue_dir, SPAN(id), where_out, &r->path,
	    &r->why);

	if (fd < 0)
		return errno == ENOENT ? FOUND_NONE : FOUND_TROUBLE;
	close(fd);
	if (!put_in_place(r, id, *where_out))
		return FOUND_TROUBLE;
	return judge_file(r, id, *where_out, bytes);
}

/* Made in the directory of the logs, moved to its place, then synced with its
 * name; takes the place of what is there. */
static bool
write_again(struct recovery *r, const char *id, enum queue_name to,
    struct span bytes)
{
	struct str aside = STR_EMPTY, path = STR_EMPTY;
	bool ok;
	int fd;

	str_printf(&aside, COMMIT_LOG_DIR "/%s", id);
	queue_path(to, SPAN(id), &path);
	fs_unlink_at(r->queue_dir, str_cstr(&aside), &r->why);
	fd = fs_create_at(r->queue_dir, str_cstr(&aside), QUEUE_MODE_WRITING,
	    &r->why);
	ok = fd >= 0 && fs_write_all(fd, bytes, &r->why)
	    && fs_chmod(fd, QUEUE_MODE_COMPLETE, &r->why)
	    && fs_datasync(fd, &r->why)
	    && fs_rename_at(r->queue_dir, str_cstr(&aside), r->queue_dir,
	    str_cstr(&path), &r->why)
	    && fs_sync_wait(fd, &r->why)
	    && clog_settle_message(r->queue_dir, SPAN(id), &r->why) == SETTLED;
	if (fd >= 0)
		close(fd);
	str_fini(&aside);
	str_fini(&path);
	return ok;
}

/* Back to where it was written, but what somebody put on hold stays there. An
 * unfinished file elsewhere goes when the new one is safe. */
static bool
restore(struct recovery *r, const struct clog_record *record, enum found found,
    enum queue_name where)
{
	enum queue_name to = found == FOUND_PART && where == QUEUE_HOLD
	    ? QUEUE_HOLD : record->where;

	if (!write_again(r, record->id, to, record->bytes))
		return false;
	if (found == FOUND_PART && where != to
	    && !fs_unlink_at(r->queue_dir, str_cstr(&r->path), &r->why))
		return false;
	log_info("%s: written again from the commit log", record->id);
	r->out->restored++;
	return true;
}

/* The file is whole. One whose sync has failed before is written anew, marks
 * and all: another sync might tell us nothing. */
static bool
settle_whole(struct recovery *r, const struct clog_record *record,
    enum queue_name where, struct span bytes)
{
	bool ok = r->failed ? write_again(r, record->id, where, bytes)
	    : clog_settle_message(r->queue_dir, SPAN(record->id), &r->why)
		== SETTLED;

	r->out->complete += ok;
	return ok;
}

/* By length and checksum: an id may be given again in a day. */
static bool
is_same_message(struct span file, struct span bytes)
{
	size_t sum = TRAILER_BYTES - TRAILER_FLAGS_BACK;
	struct span a = span_skip(file, file.len - TRAILER_BYTES);
	struct span b = span_skip(bytes, bytes.len - TRAILER_BYTES);

	return file.len == bytes.len && span_eq(span_sub(a, 0, sum),
	    span_sub(b, 0, sum));
}

/* Its file may come back, as files do whose removal was not durable. */
static void
bury(struct recovery *r, const struct clog_record *record)
{
	enum queue_name where;
	struct str bytes = STR_EMPTY;
	enum found found = find_message(r, record->id, &where, &bytes);

	if (found == FOUND_PART || (found == FOUND_WHOLE && !record->damaged
	    && is_same_message(str_span(&bytes), record->bytes))) {
		if (fs_unlink_at(r->queue_dir, str_cstr(&r->path), &r->why)
		    && clog_sync_name(r->queue_dir, &r->path, true,
		    &r->why) == SETTLED) {
			log_info("%s: removed again: it was over",
			    record->id);
			r->out->removed++;
		} else {
			found = FOUND_TROUBLE;
		}
	}
	if (found == FOUND_TROUBLE) {
		log_error("%s: is over, and its file remains: %s", record->id,
		    str_cstr(&r->why));
		r->out->troubles++;
		r->trouble = true;
	}
	str_fini(&bytes);
}

static void
recover_record(const struct clog_record *record, void *arg)
{
	struct recovery *r = arg;
	enum queue_name where;
	struct str bytes = STR_EMPTY;
	enum found found;
	bool ok = false;

	if (record->over) {
		bury(r, record);
		return;
	}
	str_clear(&r->why);
	found = find_message(r, record->id, &where, &bytes);
	if (found == FOUND_WHOLE) {
		ok = settle_whole(r, record, where, str_span(&bytes));
	} else if (found == FOUND_TROUBLE) {
		ok = false;
	} else if (record->damaged) {
		log_error("%s: lost: its record in the commit log is damaged, "
		    "and it has no whole queue file", record->id);
		r->out->lost++;
		ok = true;
	} else {
		ok = restore(r, record, found, where);
	}
	if (!ok) {
		log_error("%s: not recovered from the commit log: %s",
		    record->id, str_cstr(&r->why));
		r->out->troubles++;
		r->trouble = true;
	}
	str_fini(&bytes);
}

/* ---- one log ---- */

enum log_end { LOG_DONE, LOG_NEEDED, LOG_IN_USE };

static enum log_end
recover_log(struct recovery *r, uint64_t name)
{
	struct clog_contents contents;
	int fd = clog_open_free(r->queue_dir, name, r->failed, &r->why);
	bool ok;

	r->trouble = false;
	r->out->logs++;
	if (fd < 0) {
		log_error("commit log: %s", str_cstr(&r->why));
		r->out->troubles++;
		return LOG_IN_USE;
	}
	ok = clog_read(fd, recover_record, r, &contents, &r->why);
	if (!ok) {
		log_error("commit log: %s", str_cstr(&r->why));
		r->out->troubles++;
	}
	if (contents.missing > 0) {
		log_error("commit log: %zu records could not be read",
		    contents.missing);
		r->out->lost += contents.missing;
	}
	close(fd);
	return ok && !r->trouble ? LOG_DONE : LOG_NEEDED;
}

static void
put_away(struct recovery *r, uint64_t name, enum log_end end)
{
	struct str path = STR_EMPTY;

	if (end == LOG_IN_USE)
		return;
	if (end == LOG_DONE) {
		if (clog_remove(r->queue_dir, name, r->failed, &r->why))
			return;
		log_error("commit log: %s", str_cstr(&r->why));
		r->out->troubles++;
		return;
	}
	/* Nobody else may think that a message without a file is over. */
	if (!r->failed && !clog_set_aside(r->queue_dir, name, &r->why))
		log_error("commit log: %s", str_cstr(&r->why));
	clog_path(name, true, &path);
	log_error("%s is kept for the next start", str_cstr(&path));
	str_fini(&path);
}

static void
recover_logs(struct recovery *r, bool failed)
{
	uint64_t *names;
	size_t n = clog_names(r->queue_dir, failed, &names);

	r->failed = failed;
	for (size_t i = 0; i < n; i++)
		put_away(r, names[i], recover_log(r, names[i]));
	mem_free(names);
}

/* Copies that an earlier recovery was stopped over. */
static void
remove_copies(struct recovery *r)
{
	int fd = openat(r->queue_dir, COMMIT_LOG_DIR, O_RDONLY | O_DIRECTORY
	    | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL)
		if (queue_id_valid(SPAN(entry->d_name)))
			fs_unlink_at(fd, entry->d_name, &r->why);
	closedir(dir);
}

void
commit_log_recover(int queue_dir, struct commit_log_recovery *out)
{
	struct recovery r = { .queue_dir = queue_dir, .out = out };

	*out = (struct commit_log_recovery){ .logs = 0 };
	remove_copies(&r);
	/* Failed ones first: the others may join them. */
	recover_logs(&r, true);
	recover_logs(&r, false);
	/* A log that came back would bring its messages back. */
	if (out->logs > 0 && !clog_sync_directory(queue_dir, &r.why)) {
		log_error("commit log: %s", str_cstr(&r.why));
		out->troubles++;
	}
	str_fini(&r.path);
	str_fini(&r.why);
}

bool
commit_log_any(int queue_dir)
{
	uint64_t *names;
	size_t n = 0;

	for (int failed = 0; failed < 2 && n == 0; failed++) {
		n = clog_names(queue_dir, failed, &names);
		mem_free(names);
	}
	return n > 0;
}

/* ---- to look at ---- */

struct listing {
	struct str log;
	commit_log_list_fn *fn;
	void *arg;
};

static void
list_record(const struct clog_record *record, void *arg)
{
	struct listing *l = arg;

	if (!record->over)
		l->fn(str_cstr(&l->log), record->id, l->arg);
}

void
commit_log_list(int queue_dir, commit_log_list_fn *fn, void *arg)
{
	struct listing l = { .log = STR_EMPTY, .fn = fn, .arg = arg };
	struct str why = STR_EMPTY;

	for (int failed = 0; failed < 2; failed++) {
		struct clog_contents contents;
		uint64_t *names;
		size_t n = clog_names(queue_dir, failed, &names);

		for (size_t i = 0; i < n; i++) {
			clog_path(names[i], failed, &l.log);
			int fd = fs_open_at(queue_dir, str_cstr(&l.log),
			    O_RDONLY | O_NOFOLLOW, &why);

			if (fd < 0)
				continue;
			clog_read(fd, list_record, &l, &contents, &why);
			close(fd);
		}
		mem_free(names);
	}
	str_fini(&l.log);
	str_fini(&why);
}
