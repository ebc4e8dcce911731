/*
 * message_read - opening queue files and reading what is in them, trusting
 * nothing: every length is held against the file and the limits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "common/base/mem.h"
#include "common/base/reader.h"
#include "common/io/fs.h"
#include "queue/message.h"
#include "queue/message_priv.h"
#include "queue/postfix_file.h"
#include "queue/window.h"

#define READ_BYTES (32 * 1024)

/* The records of a region of the file. */
struct records {
	struct window w;
	uint64_t at;
};

struct record {
	char type;
	uint64_t body_at;
	struct span body;
};

static struct records
records_of(int fd, uint64_t from, uint64_t to)
{
	return (struct records){ .w = { .fd = fd, .end = to }, .at = from };
}

/* The next record of the region; false at its end or on damage (`at` tells
 * which: at the end it equals `end`). */
static bool
next_record(struct records *r, struct record *out)
{
	struct reader reader;
	uint64_t length;

	if (r->at >= r->w.end || !window_fill(&r->w, r->at,
	    12 < r->w.end - r->at ? 12 : (size_t)(r->w.end - r->at)))
		return false;
	reader = reader_over(window_at(&r->w, r->at));
	out->type = (char)reader_u8(&reader);
	length = reader_varint(&reader);
	if (reader_failed(&reader) || length > RECORD_MOST)
		return false;
	out->body_at = r->at
	    + (window_at(&r->w, r->at).len - reader_left(&reader));
	if (length > r->w.end - out->body_at
	    || !window_fill(&r->w, out->body_at, (size_t)length))
		return false;
	out->body = span_sub(window_at(&r->w, out->body_at), 0,
	    (size_t)length);
	if (out->body.len != length)
		return false;
	r->at = out->body_at + length;
	return true;
}

static enum queue_result
damaged(struct str *why, const char *what)
{
	str_sets(why, what);
	return QUEUE_DAMAGED;
}

/* What next_record could not give: damage sets a file aside for good, trouble
 * with the disk does not. */
static enum queue_result
bad_record(const struct records *r, struct str *why, const char *what)
{
	if (!r->w.failed)
		return damaged(why, what);
	str_sets(why, "read error");
	return QUEUE_IO_ERROR;
}

static enum queue_result
read_trailer(struct queue_message *m, uint64_t size, uint32_t *crc_out,
    uint64_t *flags_out, struct str *why)
{
	char bytes[TRAILER_BYTES], magic[QUEUE_MAGIC_BYTES];
	struct reader r;

	if (size >= QUEUE_MAGIC_BYTES) {
		if (!fs_pread_all(m->fd, magic, sizeof(magic), 0, why))
			return QUEUE_IO_ERROR;
		if (memcmp(magic, QUEUE_MAGIC, sizeof(magic)) != 0) {
			if (postfix_file_is(span_of(magic, sizeof(magic)))) {
				str_sets(why, "a queue file of Postfix's");
				return QUEUE_FOREIGN;
			}
			return damaged(why, "not a queue file");
		}
	}
	if (size < QUEUE_MAGIC_BYTES + TRAILER_BYTES) {
		str_sets(why, "no end of message");
		return QUEUE_INCOMPLETE;
	}
	if (!fs_pread_all(m->fd, bytes, sizeof(bytes),
	    (off_t)(size - TRAILER_BYTES), why))
		return QUEUE_IO_ERROR;
	r = reader_over(span_of(bytes, sizeof(bytes)));
	if (reader_u8(&r) != RECORD_TRAILER
	    || memcmp(bytes + sizeof(bytes) - 8, TRAILER_MAGIC, 8) != 0) {
		str_sets(why, "no end of message");
		return QUEUE_INCOMPLETE;
	}
	m->layout.content_offset = reader_u64(&r);
	m->layout.content_length = reader_u64(&r);
	m->layout.rcpt_count = reader_u64(&r);
	m->layout.file_length = reader_u64(&r);
	*crc_out = reader_u32(&r);
	*flags_out = reader_u64(&r);
	if (m->layout.file_length != size)
		return damaged(why, "length does not match");
	if (m->layout.content_offset < QUEUE_MAGIC_BYTES + 1
	    || m->layout.content_offset > size - TRAILER_BYTES
	    || m->layout.content_length
	    > size - TRAILER_BYTES - m->layout.content_offset)
		return damaged(why, "content lies outside of the file");
	return QUEUE_OK;
}

static uint64_t
content_end(const struct queue_message *m)
{
	return m->layout.content_offset + m->layout.content_length;
}

static enum queue_result
read_late_filter(struct queue_message *m, struct arena *arena,
    struct str *why)
{
	struct records r = records_of(m->fd, content_end(m),
	    m->layout.file_length - TRAILER_BYTES);
	struct record record;
	enum queue_result result = QUEUE_OK;

	if (!next_record(&r, &record))
		result = bad_record(&r, why, "no filter");
	else if (record.type != RECORD_FILTER)
		result = damaged(why, "no filter");
	else
		m->envelope.filter = arena_span(arena, record.body);
	window_fini(&r.w);
	return result;
}

static enum queue_result
read_envelope(struct queue_message *m, struct arena *arena, uint64_t flags,
    struct str *why)
{
	struct records r = records_of(m->fd, QUEUE_MAGIC_BYTES,
	    m->layout.content_offset - 1);
	struct record record;
	enum queue_result result = QUEUE_OK;

	if (!next_record(&r, &record))
		result = bad_record(&r, why, "no envelope");
	else if (record.type != RECORD_ENVELOPE)
		result = damaged(why, "no envelope");
	else if (!attr_decode_body(&envelope_form, record.body, arena,
	    &m->envelope, why))
		result = QUEUE_DAMAGED;
	m->envelope.flags |= flags;
	if (m->envelope.data_size == 0)
		m->envelope.data_size = m->layout.content_length;
	window_fini(&r.w);
	if (result == QUEUE_OK && (flags & ENVELOPE_LATE_FILTER))
		result = read_late_filter(m, arena, why);
	return result;
}

/* ---- the checksum over everything ---- */

static bool
sum_range(struct records *r, uint64_t from, uint64_t to, uint32_t *crc,
    char *buf, size_t room)
{
	while (from < to) {
		size_t want = to - from < room ? (size_t)(to - from) : room;
		ssize_t n = fs_pread(r->w.fd, buf, want, (off_t)from);

		r->w.failed |= n < 0;
		if (n <= 0)
			return false;
		*crc = crc32c(*crc, buf, (size_t)n);
		from += (uint64_t)n;
	}
	return true;
}

/* Sums records with their marks taken as MARK_LEFT, as they were written. */
static bool
sum_records(struct records *r, uint32_t *crc, char *buf, size_t room,
    uint64_t *rcpts)
{
	struct record record;
	uint64_t summed = r->at;
	static const char left = MARK_LEFT;

	while (next_record(r, &record)) {
		if (record.type != RECORD_RCPT)
			continue;
		if (record.body.len < 1 || (record.body.p[0] != MARK_LEFT
		    && record.body.p[0] != MARK_DONE))
			return false;
		(*rcpts)++;
		if (!sum_range(r, summed, record.body_at, crc, buf, room))
			return false;
		*crc = crc32c(*crc, &left, 1);
		summed = record.body_at + 1;
	}
	return r->at == r->w.end
	    && sum_range(r, summed, r->w.end, crc, buf, room);
}

static enum queue_result
check_sum(const struct queue_message *m, uint32_t wanted, struct str *why)
{
	const struct queue_layout *l = &m->layout;
	struct records before = records_of(m->fd, QUEUE_MAGIC_BYTES,
	    l->content_offset - 1);
	struct records after = records_of(m->fd, content_end(m),
	    l->file_length - TRAILER_BYTES);
	char *buf = mem_alloc(READ_BYTES);
	uint32_t crc = 0;
	uint64_t rcpts = 0, void_rcpts = 0;
	bool redirected = (m->envelope.flags & ENVELOPE_REDIRECTED) != 0;
	bool ok;

	ok = sum_range(&before, 0, QUEUE_MAGIC_BYTES, &crc, buf, READ_BYTES)
	    && sum_records(&before, &crc, buf, READ_BYTES,
	    redirected ? &void_rcpts : &rcpts)
	    && sum_range(&before, before.w.end, after.at, &crc, buf,
	    READ_BYTES)
	    && sum_records(&after, &crc, buf, READ_BYTES, &rcpts)
	    && crc == wanted && rcpts == l->rcpt_count;
	mem_free(buf);
	window_fini(&before.w);
	window_fini(&after.w);
	if (ok)
		return QUEUE_OK;
	return bad_record(before.w.failed ? &before : &after, why,
	    "checksum does not match");
}

/* ---- opening ---- */

static int
open_anywhere(int queue_dir, enum queue_name where, struct span id,
    struct str *why)
{
	struct str path = STR_EMPTY;
	int fd;

	queue_path(where, id, &path);
	fd = fs_open_at(queue_dir, str_cstr(&path),
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK, why);
	if (fd < 0 && errno == ENOENT) {
		str_printf(&path, "%s/%.*s", queue_name_text(where),
		    SPAN_ARG(id));
		fd = fs_open_at(queue_dir, str_cstr(&path),
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK, why);
	}
	str_fini(&path);
	return fd;
}

/* Trailer and envelope, of a copy where the file is Postfix's. */
static enum queue_result
read_front(struct queue_message *m, const struct stat *st, bool may_copy,
    uint32_t *crc_out, struct arena *arena, struct str *why)
{
	struct stat copied;
	uint64_t flags;
	enum queue_result result;
	int copy;

	m->mtime = st->st_mtime;
	m->owner = st->st_uid;
	m->mode = st->st_mode;
	result = read_trailer(m, (uint64_t)st->st_size, crc_out, &flags, why);
	if (result == QUEUE_FOREIGN && may_copy) {
		result = postfix_file_copy(m->fd, (uint64_t)st->st_size,
		    &copy, why);
		if (result == QUEUE_INCOMPLETE && (st->st_mode & S_IXUSR))
			return QUEUE_DAMAGED;	/* its writer was done */
		if (result != QUEUE_OK)
			return result;
		m->original = m->fd;
		m->is_copy = true;
		m->fd = copy;
		result = !fs_stat(copy, &copied, why) ? QUEUE_IO_ERROR
		    : read_trailer(m, (uint64_t)copied.st_size, crc_out,
		    &flags, why);
	}
	return result == QUEUE_OK ? read_envelope(m, arena, flags, why)
	    : result;
}

enum queue_result
queue_message_open(int queue_dir, enum queue_name where, struct span id,
    bool claim, bool check_all, struct arena *arena,
    struct queue_message *out, struct str *why)
{
	struct stat st;
	enum queue_result result;
	uint32_t crc = 0;

	*out = (struct queue_message){ .fd = -1, .where = where };
	if (!queue_id_valid(id)) {
		str_sets(why, "not a queue id");
		return QUEUE_GONE;
	}
	memcpy(out->id, id.p, id.len);
	out->fd = open_anywhere(queue_dir, where, id, why);
	if (out->fd < 0)
		return errno == ENOENT ? QUEUE_GONE : QUEUE_IO_ERROR;
	if (!fs_stat(out->fd, &st, why)) {
		result = QUEUE_IO_ERROR;
	} else if (!S_ISREG(st.st_mode)) {
		result = damaged(why, "not a regular file");
	} else if ((claim && !fs_flock(out->fd, true, false))
	    || fs_ofd_locked_by_other(out->fd)) {
		str_sets(why, "in use");
		result = QUEUE_BUSY;
	} else {
		result = read_front(out, &st, !claim
		    || where == QUEUE_MAILDROP, &crc, arena, why);
		if (result == QUEUE_OK && check_all)
			result = check_sum(out, crc, why);
		out->rcpts_left = out->layout.rcpt_count;
	}
	if (result != QUEUE_OK)
		queue_message_close(out);
	return result;
}

enum queue_result
queue_message_check(struct queue_message *m, struct str *why)
{
	uint64_t flags;
	uint32_t crc;
	enum queue_result result = read_trailer(m, m->layout.file_length,
	    &crc, &flags, why);

	return result == QUEUE_OK ? check_sum(m, crc, why) : result;
}

enum queue_result
queue_message_open_path(const char *path, struct arena *arena,
    struct queue_message *out, struct str *why)
{
	const char *slash = strrchr(path, '/');
	struct span name = SPAN(slash != NULL ? slash + 1 : path);
	enum queue_result result;
	uint32_t crc;
	struct stat st;

	*out = (struct queue_message){ .where = QUEUE_INCOMING };
	if (name.len < sizeof(out->id))
		memcpy(out->id, name.p, name.len);
	out->fd = fs_open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, why);
	if (out->fd < 0)
		return errno == ENOENT ? QUEUE_GONE : QUEUE_IO_ERROR;
	if (!fs_stat(out->fd, &st, why))
		result = QUEUE_IO_ERROR;
	else if (!S_ISREG(st.st_mode))
		result = damaged(why, "not a regular file");
	else
		result = read_front(out, &st, true, &crc, arena, why);
	if (result != QUEUE_OK)
		queue_message_close(out);
	return result;
}

void
queue_message_close(struct queue_message *m)
{
	if (m->fd >= 0)
		fs_let_go(m->fd);
	if (m->is_copy)
		fs_let_go(m->original);
	m->fd = -1;
	m->is_copy = false;
}

/* ---- recipients ---- */

/* Records come in two regions, before and after the content; a cursor is the
 * file offset of the next record. */
static void
start_at(struct queue_message *m, uint64_t cursor, struct records *r)
{
	*r = records_of(m->fd, 0, 0);
	r->at = cursor != 0 ? cursor
	    : m->envelope.flags & ENVELOPE_REDIRECTED ? content_end(m)
	    : QUEUE_MAGIC_BYTES;
	r->w.end = r->at < m->layout.content_offset
	    ? m->layout.content_offset - 1
	    : m->layout.file_length - TRAILER_BYTES;
	if (r->at == r->w.end && r->at < content_end(m)) {
		r->at = content_end(m);
		r->w.end = m->layout.file_length - TRAILER_BYTES;
	}
}

static bool
next_region(struct queue_message *m, struct records *r)
{
	if (r->w.end != m->layout.content_offset - 1)
		return false;
	r->at = content_end(m);
	r->w.end = m->layout.file_length - TRAILER_BYTES;
	return true;
}

/* QUEUE_GONE when there is no other one. */
static enum queue_result
next_rcpt(struct queue_message *m, struct records *r, struct record *record,
    struct str *why)
{
	for (;;) {
		if (next_record(r, record)) {
			if (record->type == RECORD_RCPT)
				return QUEUE_OK;
		} else if (r->at != r->w.end) {
			return bad_record(r, why, "bad recipient record");
		} else if (!next_region(m, r)) {
			return QUEUE_GONE;
		}
	}
}

static enum queue_result
decode_rcpt(const struct record *record, struct arena *arena,
    struct envelope_rcpt *out, bool *done_out, struct str *why)
{
	if (record->body.len < 1)
		return damaged(why, "empty recipient record");
	*done_out = record->body.p[0] == MARK_DONE;
	if (!attr_decode_body(&envelope_rcpt_form,
	    span_skip(record->body, 1), arena, out, why))
		return QUEUE_DAMAGED;
	out->mark_at = record->body_at;
	return QUEUE_OK;
}

enum queue_result
queue_message_rcpts(struct queue_message *m, uint64_t *cursor, size_t most,
    struct arena *arena, struct envelope_rcpt *rcpts_out, size_t *count_out,
    struct str *why)
{
	struct records r;
	struct record record;
	enum queue_result result = QUEUE_OK;

	*count_out = 0;
	start_at(m, *cursor, &r);
	while (*count_out < most
	    && (result = next_rcpt(m, &r, &record, why)) == QUEUE_OK) {
		bool done;

		if (record.body.len > 0 && record.body.p[0] == MARK_DONE) {
			m->rcpts_done++;
			continue;
		}
		result = decode_rcpt(&record, arena,
		    &rcpts_out[*count_out], &done, why);
		if (result != QUEUE_OK)
			break;
		(*count_out)++;
	}
	*cursor = *count_out == most ? r.at : 0;
	window_fini(&r.w);
	return result == QUEUE_GONE ? QUEUE_OK : result;
}

enum queue_result
queue_message_each_rcpt(struct queue_message *m, queue_rcpt_fn *fn, void *arg,
    struct str *why)
{
	struct arena *arena = arena_new();
	struct records r;
	struct record record;
	enum queue_result result;

	start_at(m, 0, &r);
	while ((result = next_rcpt(m, &r, &record, why)) == QUEUE_OK) {
		struct envelope_rcpt rcpt;
		bool done;

		result = decode_rcpt(&record, arena, &rcpt, &done, why);
		if (result != QUEUE_OK)
			break;
		fn(&rcpt, done, arg);
		arena_reset(arena);
	}
	window_fini(&r.w);
	arena_free(&arena);
	return result == QUEUE_GONE ? QUEUE_OK : result;
}
