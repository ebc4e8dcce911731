/*
 * kept - content that waits in smtpd until all of a message is here.
 *
 * The last piece, of at most 64 KB, is in memory; those before it are in a
 * file on the queue's file system that has no name. The process has one for
 * all its messages, opened before the jail: smtpd may open nothing there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SMTPD_KEPT_H
#define DAEMONS_SMTPD_KEPT_H

#include "common/base/arena.h"
#include "common/base/span.h"

struct kept;

/* Before the jail: makes the file, in this queue directory. Where that cannot
 * be, it is logged, longer messages are lost and the process is replaced. */
void kept_setup(int queue_dir);

/* Dropped with the arena. */
struct kept *kept_new(struct arena *arena);
/* False: it is lost, and has been dropped; why is logged. Suspends. */
bool kept_add(struct kept *k, struct span bytes);
/* The next bytes, from the first ones on, until the next call; false at the
 * end, or when they are lost, which is logged. Suspends. */
bool kept_next(struct kept *k, struct span *bytes_out);
bool kept_is_lost(const struct kept *k);
/* Gives memory and room in the file back. What is asked of it afterwards is
 * answered as if it had been lost. */
void kept_drop(struct kept *k);

#endif
