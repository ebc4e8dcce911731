/*
 * record - what changes on disk and what is promised, in the order in which it
 * happened, over all processes of a system; only in builds with FAULTS=1.
 *
 * The trace is one file that every process maps. A change is made and noted
 * under one lock, so the order of notes is the order of changes; a sync is noted
 * at its beginning and at its end, since it vouches at its end for what was
 * there at its beginning. tests/power reads traces.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_RECORD_H
#define COMMON_IO_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/span.h"

#ifdef FAULTS

#define RECORD_ENV "WAYPOST_RECORD"	/* a trace made by record_make */

enum record_op {
	RECORD_BASE_DIR = 1,		/* there from the start, durable */
	RECORD_BASE_FILE,
	RECORD_CREATE, RECORD_WRITE, RECORD_TRUNCATE, RECORD_ALLOCATE,
	RECORD_CHMOD, RECORD_MTIME,
	RECORD_RENAME, RECORD_LINK, RECORD_UNLINK, RECORD_MKDIR,
	RECORD_SYNC_BEGIN, RECORD_SYNC_END,
	RECORD_EVENT,
};
enum record_sync { RECORD_FSYNC, RECORD_FDATASYNC, RECORD_SYNCFS };

/* An entry of the trace; name, to and bytes follow, then zeros to 8 bytes. */
struct record_entry {
	uint32_t size;			/* with what follows */
	uint32_t op, pid;
	uint32_t mode;			/* or enum record_sync, or a base's fs */
	uint64_t dev, ino;		/* the file, or the synced directory */
	uint64_t dir, to_dir;		/* inodes of the directories of names */
	int64_t at;			/* offset, length or time */
	uint64_t number;		/* joins the two notes of a sync */
	uint32_t name_len, to_len, bytes_len, spare;
};

/* The head of a trace file. */
struct record_trace {
	char magic[8];
	uint64_t size, used;		/* bytes of the file, of entries */
	uint32_t full, torn;		/* what is here cannot be trusted */
	uint32_t fs, spare;		/* enum record_fs */
	uint64_t syncs;
	char lock[64];			/* a pthread_mutex_t between processes */
};
#define RECORD_MAGIC "WPTRACE2"

/* Do names of synced files need no sync of their own? As the kernel says, or as
 * the recorded processes are made to believe. */
enum record_fs { RECORD_FS_REAL, RECORD_FS_JOURNAL, RECORD_FS_OTHER };

/* A new, empty trace of at most so many bytes; true, or false with errno. */
bool record_make(const char *path, uint64_t size, enum record_fs fs);
bool record_pretends(bool keeps_names);
/* From here on this process notes into the trace; NULL: no longer. */
bool record_to(const char *path);
/* Around a change and its notes: nothing without a trace. errno is kept. */
void record_hold(void);
void record_release(void);
/* Notes one change; the lengths are those of name, to and bytes. */
void record_note(struct record_entry entry, const char *name,
    const char *to, struct span bytes);
/* The two notes of a sync; none of them holds the lock during the sync. */
uint64_t record_sync_begins(int fd, enum record_sync kind);
void record_sync_ended(bool ok, int fd, enum record_sync kind, uint64_t number);
/* Fills in dev and ino, or dir, dev and the last part of the path. */
void record_fd(int fd, struct record_entry *entry);
void record_child(int dirfd, const char *name, struct record_entry *entry);
const char *record_dir(int dirfd, const char *path, uint64_t *dir_out,
    uint64_t *dev_out);

/*
 * What the disk is held against, noted before anybody else can act on it:
 *
 *	accepted ID			250 is going to be said
 *	derived ID new-ID [rcpt]	new-ID stands for this recipient, or all
 *	remote ID rcpt			another server took it
 *	boxed ID path			a mailbox has it, durably
 *	discarded ID rcpt		by configuration
 *	deleted ID			by an administrator
 */
__attribute__((format(printf, 3, 4))) void record_event(const char *what,
    struct span id, const char *format, ...);
#define RECORD_THAT(...) record_event(__VA_ARGS__)

#else
#define RECORD_THAT(...) ((void)0)
#endif

#endif
