/*
 * outcome_latest - what a log says last of each recipient.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QUEUE_OUTCOME_LATEST_H
#define QUEUE_OUTCOME_LATEST_H

#include "queue/outcome_log.h"

struct outcome_latest;

/* Reads the log of a message, of any length: memory grows with its recipients
 * and with different outcomes, not with the log. Never NULL; without a log, or
 * where it could not be read on, with what is known. May suspend. */
struct outcome_latest *outcome_latest_read(int queue_dir,
    enum queue_name kind, struct span id);
/* NULL: nothing is said. dsn, reason and what the remote side said and is are
 * set, and nothing else; they live as long as `latest`. */
const struct outcome *outcome_latest_of(const struct outcome_latest *latest,
    struct span rcpt);
void outcome_latest_free(struct outcome_latest **latest);

#endif
