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

#define LOG_MOST (64 * 1024 * 1024)

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

/* The next whole entry; false at the end, or before a torn one. */
static bool
next_entry(struct reader *r, struct span *body_out)
{
	uint32_t length = reader_u32(r), crc = reader_u32(r);

	/* Zeros are what a file system may leave in place of lost bytes. */
	*body_out = reader_bytes(r, length);
	return !reader_failed(r) && length > 0 && crc32c(0, body_out->p, body_out->len)
	    == crc;
}

/* Where the last whole entry ends; -1 with a reason. */
static off_t
end_of_entries(int fd, off_t size, struct str *why)
{
	struct str bytes = STR_EMPTY;
	struct span body;
	off_t end = 0;

	if (size > LOG_MOST) {
		str_sets(why, "the log is too large");
		return -1;
	}
	if (!fs_pread_all(fd, str_reserve(&bytes, (size_t)size + 1),
	    (size_t)size, 0, why)) {
		str_fini(&bytes);
		return -1;
	}
	str_advance(&bytes, (size_t)size);
	struct reader r = reader_over(str_span(&bytes));

	while (reader_left(&r) > 0 && next_entry(&r, &body))
		end = size - (off_t)reader_left(&r);
	str_fini(&bytes);
	return end;
}

/* What a writer that was killed, or lost its power, left half done. */
static bool
drop_torn_entry(const struct append *a, int fd, off_t *end)
{
	off_t whole;

	if (*end == 0 || end_is_known(a->path, *end))
		return true;
	whole = end_of_entries(fd, *end, a->why);
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

bool
outcome_log_append(int queue_dir, enum queue_name kind, struct span id,
    const struct outcome *outcomes, size_t count, struct str *why)
{
	struct str path = STR_EMPTY, bytes = STR_EMPTY, body = STR_EMPTY;
	struct append a = { .queue_dir = queue_dir, .why = why };

	for (size_t i = 0; i < count; i++) {
		str_clear(&body);
		attr_encode_body(&body, &outcome_form, &outcomes[i]);
		writer_u32(&bytes, (uint32_t)str_len(&body));
		writer_u32(&bytes, crc32c(0, str_cstr(&body),
		    str_len(&body)));
		str_add(&bytes, str_span(&body));
	}
	queue_path(kind, id, &path);
	a.path = str_cstr(&path);
	a.bytes = str_span(&bytes);
	offload_call(append_now, &a);
	str_fini(&path);
	str_fini(&bytes);
	str_fini(&body);
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
	struct str path = STR_EMPTY, bytes = STR_EMPTY;
	struct reader r;
	struct span body;
	size_t room = 0;
	bool ok;

	*outcomes_out = NULL;
	*count_out = 0;
	queue_path(kind, id, &path);
	ok = fs_read_file_at(queue_dir, str_cstr(&path), LOG_MOST, &bytes,
	    why);
	str_fini(&path);
	if (!ok) {
		str_fini(&bytes);
		return errno == ENOENT ? QUEUE_GONE : QUEUE_IO_ERROR;
	}
	r = reader_over(str_span(&bytes));
	while (reader_left(&r) > 0 && next_entry(&r, &body)) {
		struct str ignored = STR_EMPTY;

		if (*count_out == room) {
			*outcomes_out = wider(arena, *outcomes_out,
			    *count_out);
			room = 2 * room + 8;
		}
		if (attr_decode_body(&outcome_form, body, arena,
		    &(*outcomes_out)[*count_out], &ignored))
			(*count_out)++;
		str_fini(&ignored);
	}
	str_fini(&bytes);
	return QUEUE_OK;
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
