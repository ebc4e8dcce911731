/*
 * counters - plain numbers per process, in a segment that master creates.
 *
 * One relaxed add each; never read for a decision. Master adds what a process
 * leaves behind to its service's page, so that sums never go down.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_SERVICE_COUNTERS_H
#define COMMON_SERVICE_COUNTERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/str.h"

/* id, name, help. Append only: the order is that of the pages. */
#define COUNTERS(X)                                                          \
	X(CONNECTIONS, "connections", "connections accepted")                \
	X(CALLS, "calls", "requests of other services")                      \
	X(REFUSED, "refused", "connections refused for want of memory")      \
	X(LOG_LINES_LOST, "log_lines_lost", "log lines that syslog lost")    \
	X(MESSAGES_IN, "messages_in", "messages accepted into the queue")    \
	X(BYTES_IN, "bytes_in", "bytes of content accepted")                 \
	X(RECIPIENTS_IN, "recipients_in", "recipients accepted")             \
	X(REJECTS, "rejects", "commands or content rejected")                \
	X(SENT, "sent", "recipients delivered")                              \
	X(DEFERRED, "deferred", "delivery attempts deferred")                \
	X(BOUNCED, "bounced", "recipients returned")                         \
	X(BYTES_OUT, "bytes_out", "bytes of content delivered")              \
	X(QUEUE_REMOVED, "queue_removed", "messages done with")              \
	X(NOTICES_DROPPED, "notices_dropped", "messages qmgr finds by scan") \
	X(SYNC_CALLS, "sync_calls", "fsync and like calls")                  \
	X(SYNC_FAILURES, "sync_failures", "of them failed")

#define COUNTER_ID(id, name, help) COUNTER_##id,
enum counter { COUNTERS(COUNTER_ID) COUNTER_COUNT };
#undef COUNTER_ID

enum { COUNTERS_PER_PAGE = 512 };

struct counter_page {
	_Atomic uint64_t values[COUNTERS_PER_PAGE];
};

extern struct counter_page *counters_mine;	/* never NULL */

static inline void
counter_add(enum counter counter, uint64_t n)
{
	atomic_fetch_add_explicit(&counters_mine->values[counter], n,
	    memory_order_relaxed);
}

/* Names and help texts, COUNTER_COUNT of them. */
extern const char *const counter_names[], *const counter_helps[];

/* Master. Pages: one per slot, then one per row. */
bool counters_create(int *fd_out, struct str *why);
struct counter_page *counters_of_slot(unsigned slot);
struct counter_page *counters_of_row(unsigned row);
/* A process has ended: its page goes to its row's and is cleared. */
void counters_fold(unsigned slot, unsigned row);
/* Child: maps its own page alone and closes the descriptor. */
bool counters_attach(int fd, unsigned slot, struct str *why);

#endif
