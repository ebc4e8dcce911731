/*
 * fiber_priv - how the other files of this folder wait and wake.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_FIBER_PRIV_H
#define COMMON_IO_FIBER_PRIV_H

#include "common/io/fiber.h"

struct crash_slot;

/*
 * Parks the calling fiber until fiber_ready, the deadline or, if cancellable,
 * its cancellation; whichever comes first decides the answer. Unlike
 * fiber_park it never returns for a fiber_wake from elsewhere.
 */
enum io_status fiber_wait(struct deadline deadline, bool cancellable);
/* Ends the fiber_wait of this fiber; nothing if it has ended already. */
void fiber_ready(struct fiber *fiber);
/* Called by what could go on for ever without a wait: lets others run after
 * some number of calls. */
void fiber_take_turns(void);

/* From the crash handler: name and work of the fiber that was running. */
void fiber_describe_crash(struct crash_slot *slot);
/* True when built with a sanitizer that watches stacks. */
bool fiber_sanitized(void);

#endif
