/*
 * queue_id - names of messages, short (microseconds in hex first) or long
 * (time first, base 52, "z").
 *
 * Made locally from time, process slot and a counter that starts at random;
 * creation with O_EXCL settles the rare clash. Long ids sort by age; nothing
 * may depend on that for short ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QUEUE_QUEUE_ID_H
#define QUEUE_QUEUE_ID_H

#include "common/base/span.h"

#define QUEUE_ID_MAX 32			/* with NUL */

/* slot: service_slot(). wants_long: enable_long_queue_ids. */
void queue_id_make(char out[QUEUE_ID_MAX], unsigned slot, bool wants_long);
bool queue_id_valid(struct span id);	/* short or long; no path tricks */
bool queue_id_is_long(struct span id);
bool queue_id_time(struct span id, int64_t *wall_us_out);	/* long only */

#endif
