/*
 * deliver_log - the one place that writes "to=<...>, relay=..., status=" lines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_DELIVER_LOG_H
#define DAEMONS_SHARED_DELIVER_LOG_H

#include "daemons/shared/delivery_agent.h"

/* The four times of delays=, in microseconds of wall clock. Zero times that
 * were never reached count nothing. */
struct deliver_times {
	int64_t arrival_us, active_us, handed_us, connected_us, done_us;
};

/* The line's text behind "QID: ". status word: "sent", "deferred", ... */
void deliver_log_text(struct str *out, const struct envelope_rcpt *rcpt,
    const struct delivery_status *status, const char *dsn,
    const char *status_word, const struct deliver_times *times);
/* Writes the line under the fiber's log context. */
void deliver_log(const struct envelope_rcpt *rcpt,
    const struct delivery_status *status, const char *dsn,
    const char *status_word, const struct deliver_times *times);

#endif
