/*
 * record - see the header. A process killed while it holds the lock leaves a
 * change that may or may not have been made: such a trace is marked as torn.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/io/record.h"

#ifdef FAULTS

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/panic.h"

_Static_assert(sizeof(pthread_mutex_t) <= 64, "room for the lock");

static struct record_trace *trace;

static pthread_mutex_t *
lock_of(struct record_trace *t)
{
	return (pthread_mutex_t *)(void *)t->lock;
}

bool
record_make(const char *path, uint64_t size, enum record_fs fs)
{
	struct record_trace head = { .size = size, .used = sizeof(head),
		.fs = fs };
	pthread_mutexattr_t attr;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	bool ok;

	memcpy(head.magic, RECORD_MAGIC, sizeof(head.magic));
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(lock_of(&head), &attr);
	pthread_mutexattr_destroy(&attr);
	ok = fd >= 0 && fchmod(fd, 0666) == 0
	    && ftruncate(fd, (off_t)size) == 0
	    && pwrite(fd, &head, sizeof(head), 0) == (ssize_t)sizeof(head);
	if (fd >= 0)
		close(fd);
	return ok;
}

bool
record_to(const char *path)
{
	struct stat st;
	int fd;
	void *at;

	if (trace != NULL)
		munmap(trace, trace->size);
	trace = NULL;
	if (path == NULL)
		return true;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	at = fstat(fd, &st) < 0 ? MAP_FAILED : mmap(NULL, (size_t)st.st_size,
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return false;
	trace = at;
	CHECK(memcmp(trace->magic, RECORD_MAGIC, 8) == 0);
	return true;
}

bool
record_pretends(bool keeps_names)
{
	if (trace == NULL || trace->fs == RECORD_FS_REAL)
		return keeps_names;
	return trace->fs == RECORD_FS_JOURNAL;
}

/* Before main: the jail is built later, and some commands forget their
 * environment. */
__attribute__((constructor)) static void
record_from_environment(void)
{
	const char *path = getenv(RECORD_ENV);

	if (path != NULL && path[0] != '\0' && !record_to(path)) {
		perror(path);
		abort();
	}
}

void
record_hold(void)
{
	int saved = errno;

	if (trace == NULL)
		return;
	if (pthread_mutex_lock(lock_of(trace)) == EOWNERDEAD) {
		trace->torn = 1;
		pthread_mutex_consistent(lock_of(trace));
	}
	errno = saved;
}

void
record_release(void)
{
	int saved = errno;

	if (trace != NULL)
		pthread_mutex_unlock(lock_of(trace));
	errno = saved;
}

void
record_note(struct record_entry entry, const char *name, const char *to,
    struct span bytes)
{
	char *at = (char *)trace + (trace != NULL ? trace->used : 0);
	size_t size;

	if (trace == NULL)
		return;
	entry.pid = (uint32_t)getpid();
	entry.name_len = name != NULL ? (uint32_t)strlen(name) : 0;
	entry.to_len = to != NULL ? (uint32_t)strlen(to) : 0;
	entry.bytes_len = (uint32_t)bytes.len;
	size = sizeof(entry) + entry.name_len + entry.to_len + bytes.len;
	size = (size + 7) / 8 * 8;
	entry.size = (uint32_t)size;
	if (trace->full || trace->size - trace->used < size) {
		trace->full = 1;
		return;
	}
	memcpy(at, &entry, sizeof(entry));
	at += sizeof(entry);
	if (name != NULL)
		memcpy(at, name, entry.name_len);
	at += entry.name_len;
	if (to != NULL)
		memcpy(at, to, entry.to_len);
	at += entry.to_len;
	if (bytes.len > 0)
		memcpy(at, bytes.p, bytes.len);
	trace->used += size;
}

uint64_t
record_sync_begins(int fd, enum record_sync kind)
{
	struct record_entry entry = { .op = RECORD_SYNC_BEGIN, .mode = kind };

	if (trace == NULL)
		return 0;
	record_hold();
	record_fd(fd, &entry);
	entry.number = ++trace->syncs;
	record_note(entry, NULL, NULL, SPAN_NONE);
	record_release();
	return entry.number;
}

void
record_sync_ended(bool ok, int fd, enum record_sync kind, uint64_t number)
{
	struct record_entry entry = { .op = RECORD_SYNC_END, .mode = kind,
		.number = number };

	if (!ok)
		return;
	record_hold();
	record_fd(fd, &entry);
	record_note(entry, NULL, NULL, SPAN_NONE);
	record_release();
}

void
record_fd(int fd, struct record_entry *entry)
{
	struct stat st;
	int saved = errno;

	if (trace != NULL && fstat(fd, &st) == 0) {
		entry->dev = (uint64_t)st.st_dev;
		entry->ino = (uint64_t)st.st_ino;
	}
	errno = saved;
}

void
record_child(int dirfd, const char *name, struct record_entry *entry)
{
	struct stat st;
	int saved = errno;

	if (trace != NULL && fstatat(dirfd, name, &st,
	    AT_SYMLINK_NOFOLLOW) == 0)
		entry->ino = (uint64_t)st.st_ino;
	errno = saved;
}

const char *
record_dir(int dirfd, const char *path, uint64_t *dir_out, uint64_t *dev_out)
{
	const char *slash = strrchr(path, '/');
	char dir[4096] = ".";
	struct stat st;
	int saved = errno;

	if (trace == NULL)
		return path;
	if (slash != NULL)
		snprintf(dir, sizeof(dir), "%.*s", slash == path ? 1
		    : (int)(slash - path), path);
	if (fstatat(dirfd, dir, &st, 0) == 0) {
		*dir_out = (uint64_t)st.st_ino;
		*dev_out = (uint64_t)st.st_dev;
	}
	errno = saved;
	return slash != NULL ? slash + 1 : path;
}

void
record_event(const char *what, struct span id, const char *format, ...)
{
	char about[1024], id_text[64];
	va_list args;

	va_start(args, format);
	vsnprintf(about, sizeof(about), format, args);
	va_end(args);
	snprintf(id_text, sizeof(id_text), "%.*s", SPAN_ARG(id));
	record_hold();
	record_note((struct record_entry){ .op = RECORD_EVENT }, what,
	    id_text, span_cstr(about));
	record_release();
}

#endif
