/*
 * watchdog - end a process whose loop has stopped turning.
 *
 * A timer signal on the CPU-independent clock checks that loop_turns moved;
 * after the limit it logs the fiber that was running and aborts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_WATCHDOG_H
#define COMMON_IO_WATCHDOG_H

void watchdog_start(int limit_seconds);	/* 0 = none */
void watchdog_pat(void);		/* long honest work outside the loop */

#endif
