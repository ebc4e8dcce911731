/*
 * trace - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/harness/trace.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"

static const char *const ops[] = { "?", "dir", "file", "create", "write",
	"truncate", "allocate", "chmod", "mtime", "rename", "link", "unlink",
	"mkdir", "sync begins", "sync ended", "event" };

static bool
index_entries(struct trace *t, const char **why_out)
{
	const char *at = (const char *)(t->head + 1);
	const char *end = (const char *)t->head + t->head->used;
	size_t room = 0;

	while (at < end) {
		const struct record_entry *e = (const void *)at;

		if ((size_t)(end - at) < sizeof(*e) || e->size < sizeof(*e)
		    || e->size > (size_t)(end - at) || e->op == 0
		    || e->op >= ARRAY_COUNT(ops)) {
			*why_out = "an entry that is none";
			return false;
		}
		if (t->count == room) {
			room = 2 * room + 1024;
			t->entries = mem_regrow(t->entries, room,
			    sizeof(*t->entries));
		}
		t->entries[t->count++] = e;
		at += e->size;
	}
	return true;
}

bool
trace_open(struct trace *t, const char *path, const char **why_out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *at = MAP_FAILED;

	*t = (struct trace){ .head = NULL };
	*why_out = NULL;
	if (fd >= 0 && fstat(fd, &st) == 0)
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd,
		    0);
	if (fd >= 0)
		close(fd);
	if (at == MAP_FAILED) {
		*why_out = "cannot be read";
		return false;
	}
	t->head = at;
	if (memcmp(t->head->magic, RECORD_MAGIC, 8) != 0)
		*why_out = "not a trace";
	else if (t->head->full)
		*why_out = "was too small for all that happened";
	else if (t->head->torn)
		*why_out = "a process was killed in the middle of a change";
	return *why_out == NULL && index_entries(t, why_out);
}

void
trace_close(struct trace *t)
{
	if (t->head != NULL)
		munmap((void *)(uintptr_t)t->head, t->head->size);
	mem_free(t->entries);
	*t = (struct trace){ .head = NULL };
}

struct span
trace_name(const struct record_entry *e)
{
	return span_of((const char *)(e + 1), e->name_len);
}

struct span
trace_to(const struct record_entry *e)
{
	return span_of((const char *)(e + 1) + e->name_len, e->to_len);
}

struct span
trace_bytes(const struct record_entry *e)
{
	return span_of((const char *)(e + 1) + e->name_len + e->to_len,
	    e->bytes_len);
}

const char *
trace_text(const struct trace *t, size_t i)
{
	static struct str text;
	const struct record_entry *e = t->entries[i];

	str_printf(&text, "%zu pid %u %s", i, e->pid, ops[e->op]);
	if (e->name_len > 0)
		str_addf(&text, " %.*s", SPAN_ARG(trace_name(e)));
	if (e->op == RECORD_EVENT)
		str_addf(&text, " %.*s %.*s", SPAN_ARG(trace_to(e)),
		    SPAN_ARG(trace_bytes(e)));
	else if (e->to_len > 0)
		str_addf(&text, " -> %.*s", SPAN_ARG(trace_to(e)));
	if (e->ino != 0)
		str_addf(&text, ", inode %llu", (unsigned long long)e->ino);
	if (e->op == RECORD_WRITE)
		str_addf(&text, ", %u bytes at %lld", e->bytes_len,
		    (long long)e->at);
	return str_cstr(&text);
}

/* ---- what was there ---- */

static bool note_below(unsigned fs, int dirfd, uint64_t dir);

static bool
note_file(unsigned fs, int dirfd, uint64_t dir, const char *name,
    const struct stat *st)
{
	struct record_entry e = { .op = RECORD_BASE_FILE, .mode = fs,
		.dev = (uint64_t)st->st_dev, .ino = (uint64_t)st->st_ino,
		.dir = dir, .at = (int64_t)st->st_mode };
	struct str bytes = STR_EMPTY;
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = -1;

	if (fd < 0)
		return false;
	while ((n = read(fd, str_reserve(&bytes, 65536), 65536)) > 0)
		str_advance(&bytes, (size_t)n);
	close(fd);
	record_hold();
	record_note(e, name, NULL, str_span(&bytes));
	record_release();
	str_fini(&bytes);
	return n == 0;
}

static bool
note_dir(unsigned fs, int fd, uint64_t parent, const char *name)
{
	struct record_entry e = { .op = RECORD_BASE_DIR, .mode = fs,
		.dir = parent };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	e.dev = (uint64_t)st.st_dev;
	e.ino = (uint64_t)st.st_ino;
	record_hold();
	record_note(e, name, NULL, SPAN_NONE);
	record_release();
	return note_below(fs, fd, e.ino);
}

/* Takes fd. Sockets and the like are nobody's promise. */
static bool
note_below(unsigned fs, int dirfd, uint64_t dir)
{
	DIR *d = fdopendir(dirfd);
	struct dirent *entry;
	bool ok = d != NULL;

	while (ok && (entry = readdir(d)) != NULL) {
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0
		    || strcmp(entry->d_name, "..") == 0
		    || fstatat(dirfd, entry->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			ok = note_dir(fs, openat(dirfd, entry->d_name,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC), dir,
			    entry->d_name);
		else if (S_ISREG(st.st_mode))
			ok = note_file(fs, dirfd, dir, entry->d_name, &st);
	}
	if (d != NULL)
		closedir(d);
	return ok;
}

bool
trace_base(unsigned fs, const char *root)
{
	return note_dir(fs, open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0,
	    root);
}
