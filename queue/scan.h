/*
 * scan - walk a queue's directories in bounded steps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QUEUE_SCAN_H
#define QUEUE_SCAN_H

#include <dirent.h>

#include "queue/names.h"
#include "queue/queue_id.h"

struct queue_scan {
	int queue_dir;
	enum queue_name name;
	size_t subdir;
	DIR *dir;
	int trouble;			/* errno of a directory that failed */
};

void queue_scan_start(struct queue_scan *scan, int queue_dir,
    enum queue_name name);
/* The next name that is a valid queue id; false at the end. Blocks for one
 * getdents at most. */
bool queue_scan_next(struct queue_scan *scan, char id_out[QUEUE_ID_MAX]);
void queue_scan_stop(struct queue_scan *scan);

/*
 * At start of qmgr and by postsuper -p: active back to incoming or deferred by
 * its mtime, files with a complete mode but no trailer to corrupt, incomplete
 * ones that no writer holds and that are older than `older_than` removed.
 */
struct queue_recovery {
	size_t requeued, removed, corrupt;
	size_t logs;			/* removed */
};
/* The same for one file; nothing happens to one that is in order. */
void queue_recover_one(int queue_dir, enum queue_name where, struct span id,
    time_t older_than, struct queue_recovery *out);
/*
 * A log of outcomes (defer, bounce, trace) whose message is in no queue and no
 * commit log, and that nobody wrote to since, is removed: what a crash left
 * between a log and its message. Logs of messages that are just being made are
 * younger than the time to give.
 */
void queue_recover_log(int queue_dir, enum queue_name kind, struct span id,
    time_t older_than, struct queue_recovery *out);
bool queue_recover(int queue_dir, time_t older_than,
    struct queue_recovery *out, struct str *why);

/*
 * Moves messages and logs that lie elsewhere in their queue to where queue_path
 * has them: after hash_queue_names or hash_queue_depth changed. For a start,
 * and postsuper -s.
 */
bool queue_restructure(int queue_dir, size_t *moved_out, struct str *why);

#endif
