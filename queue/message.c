/*
 * message - writing and changing queue files; message_read.c reads them.
 *
 * A message below WHOLE_MOST is composed in memory and goes to disk in one
 * write at commit. A larger one is created when it outgrows that. The order at
 * commit is fixed: bytes, mode, fsync, and nothing after it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/message.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/base/reader.h"
#include "common/io/fs.h"
#include "queue/message_priv.h"

#define WHOLE_MOST (64 * 1024)

enum writer_stage { STAGE_ENVELOPE, STAGE_CONTENT, STAGE_AFTER };

struct queue_writer {
	int queue_dir;
	char id[QUEUE_ID_MAX];
	int fd;				/* -1: nothing on disk yet */
	struct str buf;			/* not written yet */
	uint64_t written;		/* bytes before buf */
	uint32_t crc;
	enum writer_stage stage;
	struct queue_layout layout;
	uint64_t flags;			/* late ones */
	enum queue_name where;
	enum queue_result status;
	struct str why;
	bool committed;
	bool over;			/* a file of the caller's */
	struct commit_log_spot spot;
};

/* After a failed fsync nobody is told 250 before a probe has succeeded. */
static bool disk_is_doubtful;

static enum queue_result
result_of_errno(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return QUEUE_NOSPACE;
	case EEXIST:
		return QUEUE_EXISTS;
	case ENOENT:
		return QUEUE_GONE;
	default:
		return QUEUE_IO_ERROR;
	}
}

static void
fail(struct queue_writer *w)
{
	if (w->status == QUEUE_OK)
		w->status = result_of_errno(errno);
}

static void
drop_file(struct queue_writer *w)
{
	struct str path = STR_EMPTY, why = STR_EMPTY;

	if (w->fd < 0 || w->over)
		return;
	queue_path(w->where, SPAN(w->id), &path);
	fs_unlink_at(w->queue_dir, str_cstr(&path), &why);
	close(w->fd);
	w->fd = -1;
	str_fini(&path);
	str_fini(&why);
}

static void
writer_over(void *arg)
{
	struct queue_writer *w = arg;

	if (!w->committed)
		queue_writer_abort(w);
	if (w->fd >= 0 && !w->over)
		close(w->fd);
	w->fd = -1;
	str_fini(&w->buf);
	str_fini(&w->why);
}

struct queue_writer *
queue_writer_over(struct arena *arena, int fd)
{
	struct queue_writer *w = arena_zalloc(arena, sizeof(*w));

	w->fd = fd;
	w->over = true;
	w->where = QUEUE_INCOMING;
	str_adds(&w->buf, QUEUE_MAGIC);
	arena_on_free(arena, writer_over, w);
	return w;
}

struct queue_writer *
queue_writer_new(struct arena *arena, int queue_dir, const char *id)
{
	struct queue_writer *w = queue_writer_over(arena, -1);

	CHECK(queue_id_valid(SPAN(id)));
	w->over = false;
	w->queue_dir = queue_dir;
	memcpy(w->id, id, strlen(id) + 1);
	return w;
}

void
queue_writer_to_maildrop(struct queue_writer *w)
{
	CHECK(w->fd < 0);
	w->where = QUEUE_MAILDROP;
}

const char *
queue_writer_id(const struct queue_writer *w)
{
	return w->id;
}

enum queue_result
queue_writer_status(const struct queue_writer *w)
{
	return w->status;
}

static bool
create(struct queue_writer *w)
{
	struct str path = STR_EMPTY;

	if (w->fd >= 0)
		return true;
	queue_path(w->where, SPAN(w->id), &path);
	w->fd = fs_create_at(w->queue_dir, str_cstr(&path),
	    w->where == QUEUE_MAILDROP ? QUEUE_MODE_DROPPING
	    : QUEUE_MODE_WRITING, &w->why);
	str_fini(&path);
	if (w->fd < 0) {
		fail(w);
		return false;
	}
	fs_ofd_lock(w->fd, true);
	return true;
}

/* What is in the buffer goes to the file, and stays. */
static bool
write_buffer(struct queue_writer *w)
{
	if (w->status != QUEUE_OK)
		return false;
	if (!create(w))
		return false;
	w->crc = crc32c(w->crc, str_cstr(&w->buf), str_len(&w->buf));
	if (!fs_write_all(w->fd, str_span(&w->buf), &w->why)) {
		fail(w);
		drop_file(w);
		return false;
	}
	return true;
}

static bool
spill(struct queue_writer *w)
{
	if (!write_buffer(w))
		return false;
	w->written += str_len(&w->buf);
	str_clear(&w->buf);
	return true;
}

static uint64_t
position(const struct queue_writer *w)
{
	return w->written + str_len(&w->buf);
}

void
queue_writer_envelope(struct queue_writer *w, const struct envelope *envelope)
{
	struct str body = STR_EMPTY;

	CHECK(w->stage == STAGE_ENVELOPE && position(w) == 8);
	attr_encode_body(&body, &envelope_form, envelope);
	str_putc(&w->buf, RECORD_ENVELOPE);
	writer_varint(&w->buf, str_len(&body));
	str_add(&w->buf, str_span(&body));
	str_fini(&body);
}

/* An empty message has content, too. */
static void
need_content(struct queue_writer *w)
{
	if (w->stage == STAGE_ENVELOPE)
		queue_writer_content(w, SPAN_NONE);
}

static void
end_content(struct queue_writer *w)
{
	if (w->stage != STAGE_CONTENT)
		return;
	w->layout.content_length = position(w) - w->layout.content_offset;
	w->stage = STAGE_AFTER;
}

void
queue_writer_rcpt(struct queue_writer *w, struct envelope_rcpt *rcpt)
{
	struct envelope_rcpt stored = *rcpt;
	struct str body = STR_EMPTY;

	end_content(w);
	stored.mark_at = stored.generation = stored.resolve_flags = 0;
	stored.transport = stored.nexthop = stored.resolved = SPAN_NONE;
	attr_encode_body(&body, &envelope_rcpt_form, &stored);
	str_putc(&w->buf, RECORD_RCPT);
	writer_varint(&w->buf, str_len(&body) + 1);
	rcpt->mark_at = position(w);
	str_putc(&w->buf, MARK_LEFT);
	str_add(&w->buf, str_span(&body));
	w->layout.rcpt_count++;
	str_fini(&body);
	if (str_len(&w->buf) > WHOLE_MOST)
		spill(w);
}

void
queue_writer_content(struct queue_writer *w, struct span bytes)
{
	CHECK(w->stage != STAGE_AFTER);
	if (w->stage == STAGE_ENVELOPE) {
		str_putc(&w->buf, RECORD_CONTENT);
		w->layout.content_offset = position(w);
		w->stage = STAGE_CONTENT;
	}
	if (w->status != QUEUE_OK)
		return;
	str_add(&w->buf, bytes);
	if (str_len(&w->buf) > WHOLE_MOST)
		spill(w);
}

void
queue_writer_filter(struct queue_writer *w, struct span filter)
{
	need_content(w);
	end_content(w);
	CHECK(position(w) == w->layout.content_offset
	    + w->layout.content_length);
	str_putc(&w->buf, RECORD_FILTER);
	writer_varint(&w->buf, filter.len);
	str_add(&w->buf, filter);
	w->flags |= ENVELOPE_LATE_FILTER;
}

void
queue_writer_redirect(struct queue_writer *w)
{
	need_content(w);
	end_content(w);
	w->layout.rcpt_count = 0;
	w->flags |= ENVELOPE_REDIRECTED;
}

void
queue_writer_final_flags(struct queue_writer *w, uint64_t add_flags)
{
	w->flags |= add_flags;
}

uint64_t
queue_writer_content_length(const struct queue_writer *w)
{
	return w->stage == STAGE_CONTENT
	    ? position(w) - w->layout.content_offset
	    : w->layout.content_length;
}

static void
add_trailer(struct queue_writer *w)
{
	uint32_t crc;

	need_content(w);
	end_content(w);
	crc = crc32c(w->crc, str_cstr(&w->buf), str_len(&w->buf));
	w->layout.file_length = position(w) + TRAILER_BYTES;
	str_putc(&w->buf, RECORD_TRAILER);
	writer_u64(&w->buf, w->layout.content_offset);
	writer_u64(&w->buf, w->layout.content_length);
	writer_u64(&w->buf, w->layout.rcpt_count);
	writer_u64(&w->buf, w->layout.file_length);
	writer_u32(&w->buf, crc);
	writer_u64(&w->buf, w->flags);
	str_adds(&w->buf, TRAILER_MAGIC);
}

/* Writes and syncs a file of its own, to learn whether the disk works again. */
static bool
probe_disk(struct queue_writer *w)
{
	struct str name = STR_EMPTY;
	int fd;
	bool ok;

	str_printf(&name, "incoming/probe.%s", w->id);
	fd = fs_create_at(w->queue_dir, str_cstr(&name), 0600, &w->why);
	/* One that could not be removed is no news about the disk. */
	if (fd < 0 && errno == EEXIST && fs_unlink_at(w->queue_dir,
	    str_cstr(&name), &w->why))
		fd = fs_create_at(w->queue_dir, str_cstr(&name), 0600,
		    &w->why);
	ok = fd >= 0 && fs_write_all(fd, SPAN("probe\n"), &w->why)
	    && fs_sync_wait(fd, &w->why);
	if (!ok)
		fail(w);
	if (fd >= 0) {
		struct str why = STR_EMPTY;

		close(fd);
		fs_unlink_at(w->queue_dir, str_cstr(&name), &why);
		str_fini(&why);
	}
	str_fini(&name);
	if (ok)
		disk_is_doubtful = false;
	return ok;
}

static bool
sync_directory(struct queue_writer *w)
{
	struct str path = STR_EMPTY;
	bool ok;

	queue_path(w->where, SPAN(w->id), &path);
	ok = fs_sync_name_of_wait(w->fd, w->queue_dir, str_cstr(&path),
	    &w->why);
	str_fini(&path);
	return ok;
}

/* False with errno. The buffer holds the whole file if nothing was written
 * before it. */
static bool
sync_file(struct queue_writer *w)
{
	switch (queue_sync_commit(w->id, w->where, w->written == 0
	    ? str_span(&w->buf) : SPAN_NONE, w->crc, &w->spot, &w->why)) {
	case QUEUE_SYNCED:
		return true;
	case QUEUE_SYNC_FAILED:
		errno = EIO;
		return false;
	case QUEUE_SYNC_ITSELF:
		break;
	}
	return fs_sync_wait(w->fd, &w->why) && sync_directory(w);
}

static bool
make_durable(struct queue_writer *w)
{
	if (!fs_chmod(w->fd, w->where == QUEUE_MAILDROP ? QUEUE_MODE_DROPPED
	    : QUEUE_MODE_COMPLETE, &w->why)) {
		fail(w);
		return false;
	}
	if (sync_file(w))
		return true;
	fail(w);
	disk_is_doubtful = true;
	log_error("%s: queue file could not be made durable: %s", w->id,
	    str_cstr(&w->why));
	return false;
}

/* A large message was begun in incoming before somebody put it on hold. It moves
 * before the sync, which makes the new name durable, too. */
static bool
move_to(struct queue_writer *w, enum queue_name to)
{
	if (w->where == to)
		return true;
	if (!queue_move(w->queue_dir, SPAN(w->id), w->where, to, &w->why)) {
		fail(w);
		return false;
	}
	w->where = to;
	return true;
}

enum queue_result
queue_writer_commit(struct queue_writer *w, enum queue_name to,
    struct str *why)
{
	CHECK(!w->over && !w->committed && (to == QUEUE_INCOMING || to == QUEUE_HOLD
	    || to == w->where));
	if (w->fd < 0)
		w->where = to;
	add_trailer(w);
	if (disk_is_doubtful)
		probe_disk(w);
	if (w->status == QUEUE_OK && move_to(w, to) && write_buffer(w)
	    && make_durable(w)) {
		w->committed = true;
		return QUEUE_OK;
	}
	drop_file(w);
	w->committed = true;		/* nothing is left to abort */
	str_set(why, str_span(&w->why));
	return w->status;
}

enum queue_result
queue_writer_end(struct queue_writer *w, struct str *why)
{
	CHECK(w->over && !w->committed);
	add_trailer(w);
	write_buffer(w);
	w->committed = true;
	str_set(why, str_span(&w->why));
	return w->status;
}

void
queue_writer_abort(struct queue_writer *w)
{
	drop_file(w);
	w->committed = true;
}

void
queue_writer_layout(const struct queue_writer *w, struct queue_layout *out)
{
	*out = w->layout;
}

void
queue_writer_spot(const struct queue_writer *w, struct commit_log_spot *out)
{
	*out = w->spot;
}

int
queue_writer_reader_fd(struct queue_writer *w)
{
	struct str path = STR_EMPTY, why = STR_EMPTY;
	int fd;

	queue_path(w->where, SPAN(w->id), &path);
	fd = fs_open_at(w->queue_dir, str_cstr(&path), O_RDONLY | O_NOFOLLOW,
	    &why);
	if (fd >= 0 && !fs_flock(fd, true, false)) {
		close(fd);
		fd = -1;
	}
	str_fini(&path);
	str_fini(&why);
	return fd;
}

/* ---- changing ---- */

static enum queue_result
open_for_change(int queue_dir, enum queue_name where, struct span id,
    int *fd_out, struct str *why)
{
	struct str path = STR_EMPTY;

	queue_path(where, id, &path);
	*fd_out = fs_open_at(queue_dir, str_cstr(&path), O_RDWR | O_NOFOLLOW,
	    why);
	str_fini(&path);
	return *fd_out >= 0 ? QUEUE_OK : result_of_errno(errno);
}

enum queue_result
queue_marks_write(int queue_dir, enum queue_name where, struct span id,
    const uint64_t *marks, size_t count, struct str *why)
{
	int fd;
	enum queue_result result = open_for_change(queue_dir, where, id, &fd,
	    why);
	char done = MARK_DONE;

	if (result != QUEUE_OK)
		return result;
	for (size_t i = 0; i < count && result == QUEUE_OK; i++) {
		char now;

		if (!fs_pread_all(fd, &now, 1, (off_t)marks[i], why)
		    || (now != MARK_LEFT && now != MARK_DONE))
			result = QUEUE_DAMAGED;
		else if (!fs_pwrite_all(fd, span_of(&done, 1),
		    (off_t)marks[i], why))
			result = result_of_errno(errno);
	}
	close(fd);
	return result;
}

enum queue_result
queue_late_flags_write(int queue_dir, enum queue_name where, struct span id,
    uint64_t flags, struct str *why)
{
	int fd;
	enum queue_result result = open_for_change(queue_dir, where, id, &fd,
	    why);
	struct str word = STR_EMPTY;
	char end[TRAILER_FLAGS_BACK];
	off_t at;

	if (result != QUEUE_OK)
		return result;
	at = lseek(fd, 0, SEEK_END) - TRAILER_FLAGS_BACK;
	if (at < QUEUE_MAGIC_BYTES
	    || !fs_pread_all(fd, end, sizeof(end), at, why)) {
		result = QUEUE_IO_ERROR;
	} else if (memcmp(end + 8, TRAILER_MAGIC, 8) != 0) {
		str_sets(why, "no end of message");
		result = QUEUE_INCOMPLETE;
	} else {
		struct reader r = reader_over(span_of(end, 8));

		writer_u64(&word, reader_u64(&r) | flags);
		if (!fs_pwrite_all(fd, str_span(&word), at, why))
			result = result_of_errno(errno);
	}
	str_fini(&word);
	close(fd);
	return result;
}

bool
queue_move(int queue_dir, struct span id, enum queue_name from,
    enum queue_name to, struct str *why)
{
	struct str old = STR_EMPTY, new = STR_EMPTY;
	bool ok;

	queue_path(from, id, &old);
	queue_path(to, id, &new);
	ok = fs_rename_at(queue_dir, str_cstr(&old), queue_dir,
	    str_cstr(&new), why);
	if (!ok && errno == ENOENT) {	/* left flat by an older system */
		str_printf(&old, "%s/%.*s", queue_name_text(from),
		    SPAN_ARG(id));
		ok = fs_rename_at(queue_dir, str_cstr(&old), queue_dir,
		    str_cstr(&new), why);
	}
	str_fini(&old);
	str_fini(&new);
	return ok;
}

bool
queue_defer(int queue_dir, struct span id, enum queue_name from,
    time_t next_try, struct str *why)
{
	struct str path = STR_EMPTY;
	bool ok = false;
	int fd;

	queue_path(from, id, &path);
	fd = fs_open_at(queue_dir, str_cstr(&path), O_RDONLY | O_NOFOLLOW,
	    why);
	if (fd >= 0) {
		ok = fs_set_mtime(fd, next_try, why);
		close(fd);
	}
	str_fini(&path);
	return ok && (from == QUEUE_DEFERRED
	    || queue_move(queue_dir, id, from, QUEUE_DEFERRED, why));
}

bool
queue_remove(int queue_dir, enum queue_name where, struct span id,
    struct str *why)
{
	struct str path = STR_EMPTY;
	bool ok;

	queue_path(where, id, &path);
	ok = fs_unlink_at(queue_dir, str_cstr(&path), why);
	if (!ok && errno == ENOENT) {
		str_printf(&path, "%s/%.*s", queue_name_text(where),
		    SPAN_ARG(id));
		ok = fs_unlink_at(queue_dir, str_cstr(&path), why);
	}
	str_fini(&path);
	return ok;
}

static enum fs_presence
look_in(int queue_dir, enum queue_name where, struct span id)
{
	struct str path = STR_EMPTY;
	enum fs_presence found;

	queue_path(where, id, &path);
	found = fs_look_at(queue_dir, str_cstr(&path), NULL);
	if (found == FS_ABSENT) {	/* left flat */
		str_printf(&path, "%s/%.*s", queue_name_text(where),
		    SPAN_ARG(id));
		found = fs_look_at(queue_dir, str_cstr(&path), NULL);
	}
	str_fini(&path);
	return found;
}

enum queue_result
queue_find(int queue_dir, struct span id, unsigned where_mask,
    enum queue_name *out)
{
	enum queue_result result = QUEUE_GONE;

	for (int q = 0; q < QUEUE_NAME_COUNT; q++) {
		if (!(where_mask & 1u << q))
			continue;
		switch (look_in(queue_dir, (enum queue_name)q, id)) {
		case FS_PRESENT:
			*out = (enum queue_name)q;
			return QUEUE_OK;
		case FS_UNKNOWN:
			result = QUEUE_IO_ERROR;
			break;
		case FS_ABSENT:
			break;
		}
	}
	return result;
}
