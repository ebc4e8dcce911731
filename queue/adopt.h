/*
 * adopt - messages that Postfix left in the queue become ours.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QUEUE_ADOPT_H
#define QUEUE_ADOPT_H

#include "queue/message.h"

/*
 * A file of Postfix's becomes one of ours of the same name, time and owner, and
 * so do its logs of outcomes; *adopted_out says whether it was one. Durable when
 * it returns QUEUE_OK; until then the old one is there, and it may be asked
 * again. QUEUE_BUSY: somebody delivers it. QUEUE_INCOMPLETE, QUEUE_DAMAGED: it
 * makes no sense, and stays. Blocks; for any thread.
 */
enum queue_result queue_adopt(int queue_dir, enum queue_name where,
    struct span id, bool *adopted_out, struct str *why);

#endif
