/*
 * outcome_log - see the header. Each entry is u32 length, u32 CRC, and the
 * form's body; a lock on the file lets several processes append.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue/outcome_log.h"

#include <errno.h>
#include <fcntl.h>
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

/* On an offload thread: the lock may wait, and the disk does. */
static void
append_now(void *arg)
{
	struct append *a = arg;
	int fd = fs_open_append_at(a->queue_dir, a->path, 0600, a->why);
	off_t end;

	if (fd < 0)
		return;
	a->ok = fs_flock(fd, true, true);
	end = lseek(fd, 0, SEEK_END);
	a->ok = a->ok && fs_write_all(fd, a->bytes, a->why)
	    && fs_sync_wait(fd, a->why);
	/* a torn entry would hide those behind it */
	if (!a->ok && end >= 0) {
		struct str ignored = STR_EMPTY;

		fs_truncate(fd, end, &ignored);
		str_fini(&ignored);
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
	while (reader_left(&r) > 0) {
		uint32_t length = reader_u32(&r), crc = reader_u32(&r);
		struct span body = reader_bytes(&r, length);
		struct str ignored = STR_EMPTY;

		if (reader_failed(&r) || crc32c(0, body.p, body.len) != crc)
			break;
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
	ok = fs_unlink_at(queue_dir, str_cstr(&path), why)
	    || errno == ENOENT;
	str_fini(&path);
	return ok;
}
