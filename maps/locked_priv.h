/*
 * locked - the file of a reader of hash:, btree: or lmdb:, with the lock that
 * writers of other mail systems hold while they change it in place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_LOCKED_PRIV_H
#define MAPS_LOCKED_PRIV_H

#include <sys/stat.h>

#include "common/base/str.h"

enum locked_kind { LOCKED_FLOCK, LOCKED_OFD };

struct locked_file {
	char *path;			/* absolute */
	char *shown;			/* as configured, with its suffix */
	enum locked_kind kind;
	int fd;				/* -1: not open */
	unsigned holders;		/* fibers inside; the lock is shared */
	struct stat as_opened;
};

void locked_file_init(struct locked_file *f, const char *name,
    const char *suffix, enum locked_kind kind);
/* Opens and locks. "open database x.db: No such file or directory". When it
 * may wait for a writer: at start-up for long, in a fiber for some seconds
 * (suspends), on the loop's stack never. */
bool locked_file_open(struct locked_file *f, bool may_wait, struct str *why);
/* The shared lock; retried by timer in a fiber for some seconds. Suspends. */
bool locked_file_acquire(struct locked_file *f, struct str *why);
void locked_file_release(struct locked_file *f);
/* This very file has other contents than when it was opened. */
bool locked_file_was_rewritten(const struct locked_file *f);
/* That, or the name now belongs to another file. */
bool locked_file_changed(const struct locked_file *f);
void locked_file_close(struct locked_file *f);
void locked_file_fini(struct locked_file *f);

#endif
