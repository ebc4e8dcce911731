/*
 * outcome_log - see the header. Each entry is u32 length, u32 CRC, and the
 * form's body; a lock on the file lets several processes append. Readers stop
 * at an entry that is torn, so who appends takes such a one away first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/outcome_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "common/base/reader.h"
#include "common/io/fs.h"
#include "common/io/offload.h"
#include "queue/postfix_file.h"

#define LOG_MOST (64 * 1024 * 1024)
#define ENTRY_MOST (1024 * 1024)	/* a longer one is torn */
#define WINDOW_BYTES (64 * 1024)	/* read at once */
#define HEAD_BYTES 8

static const struct attr_field outcome_fields[] = {
	ATTR_FIELD(struct outcome, rcpt, 1, ATTR_SPAN, .required = true),
	ATTR_FIELD(struct outcome, original, 2, ATTR_SPAN),
	ATTR_FIELD(struct outcome, orcpt, 3, ATTR_SPAN),
	ATTR_FIELD(struct outcome, notify, 4, ATTR_U64),
	ATTR_FIELD(struct outcome, mark_at, 5, ATTR_U64),
	ATTR_FIELD(struct outcome, action, 6, ATTR_U64),
	ATTR_FIELD(struct outcome, dsn, 7, ATTR_SPAN),
	ATTR_FIELD(struct outcome, reason, 8, ATTR_SPAN),
	ATTR_FIELD(struct outcome, diag_type, 9, ATTR_SPAN),
	ATTR_FIELD(struct outcome, diag_text, 10, ATTR_SPAN),
	ATTR_FIELD(struct outcome, mta_type, 11, ATTR_SPAN),
	ATTR_FIELD(struct outcome, mta_name, 12, ATTR_SPAN),
	ATTR_FIELD(struct outcome, when_us, 13, ATTR_I64),
};
const struct attr_form outcome_form =
    ATTR_FORM("outcome", 102, struct outcome, outcome_fields);

struct append {
	int queue_dir;
	const char *path;
	struct span bytes;
	struct str *why;
	bool ok;
};

/* ---- reading ---- */

/* At least so many bytes behind what is used, if the file has them. */
static bool
fill_window(struct outcome_reader *r, size_t wanted, struct str *why)
{
	size_t left = str_len(&r->window) - r->used;

	if (left >= wanted)
		return true;
	str_remove(&r->window, 0, r->used);
	r->used = 0;
	while (str_len(&r->window) < wanted) {
		size_t most = wanted > WINDOW_BYTES ? wanted : WINDOW_BYTES;
		ssize_t n = fs_pread(r->fd, str_reserve(&r->window, most),
		    most, r->at);

		if (n < 0) {
			str_printf(why, "read the log: %m");
			return false;
		}
		if (n == 0)
			return true;
		str_advance(&r->window, (size_t)n);
		r->at += n;
	}
	return true;
}

/* The body of the next whole entry, until the next call. QUEUE_GONE at the end,
 * or before a torn one: zeros are what a file system may leave in place of lost
 * bytes. */
static enum queue_result
next_body(struct outcome_reader *r, struct span *body_out, struct str *why)
{
	struct reader head;
	uint32_t length, crc;
	struct span there;

	if (!fill_window(r, HEAD_BYTES, why))
		return QUEUE_IO_ERROR;
	head = reader_over(span_skip(str_span(&r->window), r->used));
	length = reader_u32(&head);
	crc = reader_u32(&head);
	if (reader_failed(&head) || length == 0 || length > ENTRY_MOST)
		return QUEUE_GONE;
	if (!fill_window(r, HEAD_BYTES + length, why))
		return QUEUE_IO_ERROR;
	there = span_skip(str_span(&r->window), r->used + HEAD_BYTES);
	*body_out = span_sub(there, 0, length);
	if (body_out->len < length
	    || crc32c(0, body_out->p, body_out->len) != crc)
		return QUEUE_GONE;
	r->used += HEAD_BYTES + length;
	r->end += HEAD_BYTES + (off_t)length;
	return QUEUE_OK;
}

/* A log of Postfix's, of a message that was not adopted yet: as if it were ours. */
static bool
read_translated(struct outcome_reader *r, int queue_dir, const char *path,
    struct str *why)
{
	struct str text = STR_EMPTY;
	struct stat st;
	char first;
	ssize_t n = fs_pread(r->fd, &first, 1, 0);
	bool ok = true;

	if (n < 0) {
		str_printf(why, "read the log: %m");
		return false;
	}
	if (n == 1 && postfix_log_is(span_of(&first, 1))) {
		ok = fs_stat(r->fd, &st, why) && fs_read_file_at(queue_dir,
		    path, LOG_MOST, &text, why);
		postfix_log_translate(str_span(&text),
		    (int64_t)st.st_mtime * 1000000, &r->window);
		r->at = ok ? st.st_size : 0;
	}
	str_fini(&text);
	return ok;
}

enum queue_result
outcome_reader_open(struct outcome_reader *r, int queue_dir,
    enum queue_name kind, struct span id, struct str *why)
{
	struct str path = STR_EMPTY;
	enum queue_result result = QUEUE_OK;

	*r = (struct outcome_reader){ .fd = -1 };
	queue_path(kind, id, &path);
	r->fd = fs_open_at(queue_dir, str_cstr(&path), O_RDONLY, why);
	if (r->fd < 0)
		result = errno == ENOENT ? QUEUE_GONE : QUEUE_IO_ERROR;
	else if (!read_translated(r, queue_dir, str_cstr(&path), why))
		result = QUEUE_IO_ERROR;
	str_fini(&path);
	return result;
}

enum queue_result
outcome_reader_next(struct outcome_reader *r, struct arena *arena,
    struct outcome *out, struct str *why)
{
	struct span body;
	enum queue_result result;

	/* A whole one that is not understood is another version's. */
	while ((result = next_body(r, &body, why)) == QUEUE_OK) {
		struct str ignored = STR_EMPTY;
		bool known = attr_decode_body(&outcome_form, body, arena, out,
		    &ignored);

		str_fini(&ignored);
		if (known)
			break;
	}
	return result;
}

void
outcome_reader_close(struct outcome_reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	str_fini(&r->window);
	r->fd = -1;
}

/* ---- appending ---- */

/* Ends as this process left them: there is no need to look at what is before
 * them. By path, in the place its checksum says; shared by threads. */
enum { KNOWN_ENDS = 256, KNOWN_PATH = 96 };
static struct {
	char path[KNOWN_PATH];
	off_t end;
} known_ends[KNOWN_ENDS];
static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;

static size_t
place_of(const char *path)
{
	return crc32c(0, path, strlen(path)) % KNOWN_ENDS;
}

static void
know_end(const char *path, off_t end)
{
	size_t i = place_of(path);

	if (strlen(path) >= KNOWN_PATH)
		return;
	pthread_mutex_lock(&known_lock);
	memcpy(known_ends[i].path, path, strlen(path) + 1);
	known_ends[i].end = end;
	pthread_mutex_unlock(&known_lock);
}

static bool
end_is_known(const char *path, off_t end)
{
	size_t i = place_of(path);

	pthread_mutex_lock(&known_lock);
	bool known = strcmp(known_ends[i].path, path) == 0
	    && known_ends[i].end == end;
	pthread_mutex_unlock(&known_lock);
	return known;
}

void
outcome_log_forget_ends(void)
{
	pthread_mutex_lock(&known_lock);
	memset(known_ends, 0, sizeof(known_ends));
	pthread_mutex_unlock(&known_lock);
}

/* Where the last whole entry ends; -1 with a reason. */
static off_t
end_of_entries(int fd, struct str *why)
{
	struct outcome_reader r = { .fd = fd };
	struct span body;
	enum queue_result result;

	while ((result = next_body(&r, &body, why)) == QUEUE_OK)
		;
	str_fini(&r.window);
	return result == QUEUE_GONE ? r.end : -1;
}

/* What a writer that was killed, or lost its power, left half done. */
static bool
drop_torn_entry(const struct append *a, int fd, off_t *end)
{
	off_t whole;

	if (*end == 0 || end_is_known(a->path, *end))
		return true;
	whole = end_of_entries(fd, a->why);
	if (whole < 0 || (whole < *end && !fs_truncate(fd, whole, a->why)))
		return false;
	*end = whole;
	return true;
}

/* On an offload thread: the lock may wait, and the disk does. */
static void
append_now(void *arg)
{
	struct append *a = arg;
	int fd = fs_open_append_at(a->queue_dir, a->path, 0600, a->why);
	off_t end;

	if (fd < 0)
		return;
	if (!fs_flock(fd, true, true)) {
		str_printf(a->why, "lock %s: %m", a->path);
		close(fd);
		return;
	}
	end = lseek(fd, 0, SEEK_END);
	if (end >= 0 && drop_torn_entry(a, fd, &end)) {
		a->ok = fs_write_all(fd, a->bytes, a->why)
		    && fs_sync_wait(fd, a->why) && (end > 0
		    || fs_sync_name_if_needed_wait(a->queue_dir, a->path,
		    a->why));
		if (a->ok)
			know_end(a->path, end + (off_t)a->bytes.len);
		else
			fs_truncate(fd, end, NULL);
	}
	close(fd);
}

void
outcome_entry(struct str *bytes, const struct outcome *outcome)
{
	struct str body = STR_EMPTY;

	attr_encode_body(&body, &outcome_form, outcome);
	writer_u32(bytes, (uint32_t)str_len(&body));
	writer_u32(bytes, crc32c(0, str_cstr(&body), str_len(&body)));
	str_add(bytes, str_span(&body));
	str_fini(&body);
}

bool
outcome_log_append(int queue_dir, enum queue_name kind, struct span id,
    const struct outcome *outcomes, size_t count, struct str *why)
{
	struct str path = STR_EMPTY, bytes = STR_EMPTY;
	struct append a = { .queue_dir = queue_dir, .why = why };

	for (size_t i = 0; i < count; i++)
		outcome_entry(&bytes, &outcomes[i]);
	queue_path(kind, id, &path);
	a.path = str_cstr(&path);
	a.bytes = str_span(&bytes);
	offload_call(append_now, &a);
	str_fini(&path);
	str_fini(&bytes);
	return a.ok;
}

static struct outcome *
wider(struct arena *arena, struct outcome *old, size_t count)
{
	struct outcome *new = arena_array(arena, 2 * count + 8, sizeof(*new));

	if (count > 0)
		memcpy(new, old, count * sizeof(*new));
	return new;
}

enum queue_result
outcome_log_read(int queue_dir, enum queue_name kind, struct span id,
    struct arena *arena, struct outcome **outcomes_out, size_t *count_out,
    struct str *why)
{
	struct outcome_reader r;
	enum queue_result result;
	size_t room = 0;

	*outcomes_out = NULL;
	*count_out = 0;
	result = outcome_reader_open(&r, queue_dir, kind, id, why);
	if (result != QUEUE_OK) {
		outcome_reader_close(&r);
		return result;
	}
	for (;;) {
		if (*count_out == room) {
			*outcomes_out = wider(arena, *outcomes_out,
			    *count_out);
			room = 2 * room + 8;
		}
		result = outcome_reader_next(&r, arena,
		    &(*outcomes_out)[*count_out], why);
		if (result != QUEUE_OK)
			break;
		(*count_out)++;
		if (r.end > LOG_MOST) {
			str_sets(why, "the log is too large");
			result = QUEUE_IO_ERROR;
			break;
		}
	}
	outcome_reader_close(&r);
	return result == QUEUE_GONE ? QUEUE_OK : result;
}

bool
outcome_log_remove(int queue_dir, enum queue_name kind, struct span id,
    struct str *why)
{
	struct str path = STR_EMPTY;
	bool ok;

	queue_path(kind, id, &path);
	know_end(str_cstr(&path), 0);		/* another one may take its name */
	ok = fs_unlink_at(queue_dir, str_cstr(&path), why)
	    || errno == ENOENT;
	str_fini(&path);
	return ok;
}
