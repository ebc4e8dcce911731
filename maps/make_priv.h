/*
 * make_priv - the file side of a writer, shared by types with indexed files:
 * a copy beside the table, locked against other writers, synced and renamed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_MAKE_PRIV_H
#define MAPS_MAKE_PRIV_H

#include "maps/make.h"

struct make_file {
	char *path;			/* of the table: /etc/aliases.db */
	char *temp;			/* absolute, as libraries open it */
	const char *name, *temp_name;	/* last parts */
	int dir, fd;			/* fd: the copy, locked */
	bool published;
};

/* Creates and locks the copy, empty. Waits for another writer to finish. The
 * lock is of the kind that readers of the table do not use: they may open the
 * new file the moment it has its name. */
bool make_file_begin(struct make_file *f, const char *path,
    const char *suffix, bool ofd_lock, struct str *why);
/* The bytes of the present table into the copy, read under its lock. A table
 * that is not there is an error. */
bool make_file_copy_present(struct make_file *f, bool ofd_lock,
    struct str *why);
bool make_file_publish(struct make_file *f, mode_t mode, struct str *why);
/* Removes the copy unless it was published. */
void make_file_end(struct make_file *f);

/* The absolute form of a path. */
char *make_absolute(const char *path);

#endif
