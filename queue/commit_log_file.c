/*
 * commit_log_file - logs as files: found, made, locked, their headers.
 *
 * A log's name is a number that no other log has had, so that who remembers a
 * spot in it can never write into another one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/io/fs.h"
#include "queue/commit_log_priv.h"

#define ZERO_BYTES (1 << 20)		/* written at once */
#define NAME_DIGITS 16

static const char *
prefix_of(bool failed)
{
	return failed ? LOG_FAILED_PREFIX : LOG_LIVE_PREFIX;
}

void
clog_path(uint64_t name, bool failed, struct str *out)
{
	str_printf(out, COMMIT_LOG_DIR "/%s%016llx", prefix_of(failed),
	    (unsigned long long)name);
}

static bool
read_name(const char *text, bool failed, uint64_t *out)
{
	struct span s = SPAN(text), prefix = SPAN(prefix_of(failed));

	if (!span_starts(s, prefix) || s.len != prefix.len + NAME_DIGITS)
		return false;
	*out = 0;
	for (size_t i = prefix.len; i < s.len; i++) {
		char c = s.p[i];

		if (!ascii_is_digit(c) && (c < 'a' || c > 'f'))
			return false;
		*out = *out << 4 | (uint64_t)(c <= '9' ? c - '0'
		    : c - 'a' + 10);
	}
	return *out != 0;
}

size_t
clog_names(int queue_dir, bool failed, uint64_t **out)
{
	int fd = openat(queue_dir, COMMIT_LOG_DIR, O_RDONLY | O_DIRECTORY
	    | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	size_t n = 0;
	uint64_t name;

	*out = NULL;
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (!read_name(entry->d_name, failed, &name))
			continue;
		*out = mem_regrow(*out, n + 1, sizeof(**out));
		(*out)[n++] = name;
	}
	closedir(dir);
	return n;
}

int
clog_open_free(int queue_dir, uint64_t name, bool failed, struct str *why)
{
	struct str path = STR_EMPTY;
	struct stat st;
	int fd;

	clog_path(name, failed, &path);
	fd = fs_open_at(queue_dir, str_cstr(&path), O_RDWR | O_NOFOLLOW
	    | O_NONBLOCK, why);
	/* Who held it may have removed it. */
	if (fd >= 0 && (!fs_flock(fd, true, false) || fstat(fd, &st) < 0
	    || !S_ISREG(st.st_mode) || st.st_nlink == 0)) {
		str_printf(why, "%s: in use", str_cstr(&path));
		close(fd);
		fd = -1;
	}
	str_fini(&path);
	return fd;
}

/* ---- header ---- */

bool
clog_header_read(int fd, struct clog_header *out)
{
	bool any = false;

	for (int i = 0; i < LOG_HEADER_PAGES; i++) {
		char bytes[LOG_HEADER_BYTES];
		struct clog_header h;

		if (!fs_pread_all(fd, bytes, sizeof(bytes), i * LOG_PAGE,
		    NULL) || !clog_header_decode(span_of(bytes,
		    sizeof(bytes)), &h))
			continue;
		if (!any || h.sequence > out->sequence)
			*out = h;
		any = true;
	}
	return any;
}

bool
clog_header_write(int fd, struct clog_header *h, struct str *why)
{
	char bytes[LOG_HEADER_BYTES];

	h->sequence++;
	clog_header_encode(h, bytes);
	return fs_pwrite_all(fd, span_of(bytes, sizeof(bytes)),
	    (off_t)(h->sequence % LOG_HEADER_PAGES) * LOG_PAGE, why);
}

/* ---- making one ---- */

/* Written, not only allocated: what is later written over it needs no change of
 * where the file's blocks are, which is what makes its sync cheap. */
static bool
fill_with_zeros(int fd, uint64_t bytes, struct str *why)
{
	char *zeros = mem_zalloc(ZERO_BYTES);
	bool ok = true;

	for (uint64_t at = 0; ok && at < bytes; at += ZERO_BYTES)
		ok = fs_pwrite_all(fd, span_of(zeros, bytes - at < ZERO_BYTES
		    ? (size_t)(bytes - at) : ZERO_BYTES), (off_t)at, why);
	mem_free(zeros);
	return ok;
}

bool
clog_sync_directory(int queue_dir, struct str *why)
{
	int fd = fs_open_at(queue_dir, COMMIT_LOG_DIR,
	    O_RDONLY | O_DIRECTORY, why);
	bool ok = fd >= 0 && fs_sync_dir_wait(fd, why);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Making a log must not take the space that messages need meanwhile. Where nobody
 * can say, its writes will. */
static bool
has_room(int queue_dir, const struct commit_log_size *size, struct str *why)
{
	uint64_t wanted = 2 * clog_file_bytes(size), space, inodes;

	if (!fs_free_space(queue_dir, &space, &inodes) || space >= wanted)
		return true;
	str_printf(why, "a log is made where %llu bytes are free, not %llu: %s",
	    (unsigned long long)wanted, (unsigned long long)space,
	    strerror(ENOSPC));
	return false;
}

/* The headers come last: without them it is no log. */
static bool
write_new(int queue_dir, int fd, const struct commit_log_size *size,
    struct str *why)
{
	struct clog_header h = { .size = *size };

	if (getrandom(&h.nonce, sizeof(h.nonce), 0) != sizeof(h.nonce)) {
		str_printf(why, "random numbers: %m");
		return false;
	}
	return fill_with_zeros(fd, clog_file_bytes(size), why)
	    && fs_datasync(fd, why) && clog_header_write(fd, &h, why)
	    && clog_header_write(fd, &h, why) && fs_datasync(fd, why)
	    && clog_sync_directory(queue_dir, why);
}

int
clog_create(int queue_dir, const struct commit_log_size *size,
    uint64_t *name_out, struct str *why)
{
	uint64_t name = (uint64_t)clock_wall_us();
	struct str path = STR_EMPTY, ignored = STR_EMPTY;
	int fd;

	if (!has_room(queue_dir, size, why))
		return -1;
	do {
		clog_path(++name, false, &path);
		fd = fs_create_at(queue_dir, str_cstr(&path), 0600, why);
	} while (fd < 0 && errno == EEXIST);
	if (fd >= 0 && (!fs_flock(fd, true, false)
	    || !write_new(queue_dir, fd, size, why))) {
		fs_unlink_at(queue_dir, str_cstr(&path), &ignored);
		close(fd);
		fd = -1;
	}
	*name_out = name;
	str_fini(&path);
	str_fini(&ignored);
	return fd;
}

/* ---- the end of one ---- */

bool
clog_remove(int queue_dir, uint64_t name, bool failed, struct str *why)
{
	struct str path = STR_EMPTY;
	bool ok;

	clog_path(name, failed, &path);
	ok = fs_unlink_at(queue_dir, str_cstr(&path), why);
	str_fini(&path);
	return ok;
}

bool
clog_set_aside(int queue_dir, uint64_t name, struct str *why)
{
	struct str from = STR_EMPTY, to = STR_EMPTY;
	bool ok;

	clog_path(name, false, &from);
	clog_path(name, true, &to);
	ok = fs_rename_at(queue_dir, str_cstr(&from), queue_dir,
	    str_cstr(&to), why) && clog_sync_directory(queue_dir, why);
	str_fini(&from);
	str_fini(&to);
	return ok;
}

/* ---- reading all of one ---- */


static bool
read_half(int fd, const struct commit_log_size *size, unsigned half,
    struct str *out, struct str *why)
{
	uint64_t at = clog_half_at(size, half);
	size_t want = (size_t)size->half_bytes, done = 0;
	struct stat st;

	/* A header may say anything. */
	if (fstat(fd, &st) < 0) {
		str_printf(why, "read the commit log: %m");
		return false;
	}
	if (at >= (uint64_t)st.st_size)
		return true;
	if (want > (uint64_t)st.st_size - at)
		want = (size_t)((uint64_t)st.st_size - at);
	char *room = str_reserve(out, want);

	while (done < want) {
		ssize_t n = fs_pread(fd, room + done, want - done,
		    (off_t)(at + done));

		if (n < 0) {
			str_printf(why, "read the commit log: %m");
			return false;
		}
		if (n == 0)		/* cut meanwhile: what there is */
			break;
		done += (size_t)n;
	}
	str_advance(out, done);
	return true;
}

/* Without a header nobody knows the nonce, nor what is over: the size is that of
 * the file, and everything is looked at. */
static void
know_header(int fd, struct clog_header *h)
{
	uint64_t headers = LOG_HEADER_PAGES * LOG_PAGE;
	struct stat st;

	if (clog_header_read(fd, h))
		return;
	*h = (struct clog_header){ .size = { .records = 1,
		.half_bytes = 2 * LOG_PAGE } };
	if (fstat(fd, &st) == 0 && (uint64_t)st.st_size > headers)
		h->size = commit_log_size_of((uint64_t)st.st_size - headers);
	if (!clog_size_valid(&h->size))
		h->size = (struct commit_log_size){ 1, 2 * LOG_PAGE };
}

bool
clog_read(int fd, clog_record_fn *fn, void *arg, struct clog_contents *out,
    struct str *why)
{
	struct str bytes = STR_EMPTY;
	bool ok = true;

	*out = (struct clog_contents){ .missing = 0 };
	know_header(fd, &out->header);
	for (unsigned half = 0; ok && half < 2; half++) {
		uint64_t epoch;
		size_t missing;

		str_clear(&bytes);
		ok = read_half(fd, &out->header.size, half, &bytes, why);
		epoch = clog_half_parse(str_span(&bytes), &out->header, fn,
		    arg, &missing);
		out->missing += missing;
		if (epoch > out->epoch)
			out->epoch = epoch;
	}
	str_fini(&bytes);
	return ok;
}
