/*
 * spool - the queue directory as a whole: what is in it besides messages, who
 * owns it, whether it is empty. For master and the control command.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_SPOOL_H
#define DAEMONS_SHARED_SPOOL_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/str.h"

struct spool_owner {
	bool root;			/* owners are ours to set */
	uid_t uid;
	gid_t gid, setgid_gid;
};

/* Creates what is missing, and the queue directory itself if its parent is
 * there; existing things keep their owners unless `repair`. */
bool spool_prepare(const char *queue_dir, const struct spool_owner *owner,
    bool repair, struct str *why);
/* The same for data_directory. A symbolic link is refused. */
bool spool_prepare_data(const char *data_dir, const struct spool_owner *owner,
    bool repair, struct str *why);
/* No message is in incoming, active or deferred. False also when that cannot
 * be told. */
bool spool_is_empty(const char *queue_dir);

enum spool_lock { SPOOL_FREE, SPOOL_RUNNING, SPOOL_UNKNOWN };
/* Whether a master holds this queue; *pid_out is what it wrote, 0 if nothing. */
enum spool_lock spool_master(const char *queue_dir, pid_t *pid_out);

#endif
