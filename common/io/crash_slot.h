/*
 * crash_slot - what a process was working on, readable after it died.
 *
 * A fixed slot in memory that master shares with the child (see
 * common/service/control.h); without one, a private slot. The handler for
 * SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL runs on its own stack, adds a
 * backtrace of addresses and lets the signal kill the process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_CRASH_SLOT_H
#define COMMON_IO_CRASH_SLOT_H

#include <stdint.h>

struct crash_slot {
	char role[24];
	char queue_id[32];
	char peer[72];
	char fiber[24];
	char message[160];		/* of a panic */
	int32_t signo;
	uint32_t depth;
	uint64_t frames[24];
	char program[128];		/* for addr2line: path and load address */
	uint64_t base;
};

void crash_slot_use(struct crash_slot *slot);	/* from now on */
struct crash_slot *crash_slot(void);
void crash_slot_note(const char *queue_id, const char *peer);
void crash_handlers_install(void);

#endif
