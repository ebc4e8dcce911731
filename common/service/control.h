/*
 * control - the segment that master shares with its children: limits, how many
 * clients each process serves, crash slots, the generation of address tables.
 *
 * Children map all of it read-only and their own slot for writing. Master keeps
 * its own books and believes of a slot only numbers it can bear to be wrong. In
 * a process without master the functions work on a private segment.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_SERVICE_CONTROL_H
#define COMMON_SERVICE_CONTROL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/str.h"
#include "common/io/crash_slot.h"

enum { CONTROL_ROWS = 512, CONTROL_SLOTS = 4096, CONTROL_PAGE = 4096 };

/* A line of master.cf. Written by master. */
struct control_row {
	char name[64], program[48];
	_Atomic int64_t limit;		/* clients at once, 0 = no bound */
	_Atomic int64_t stress_until_ns; /* monotonic */
};

enum control_state { CONTROL_FREE, CONTROL_STARTING, CONTROL_READY,
	CONTROL_DRAINING,
	CONTROL_TOLD };			/* in reports: to leave, has not heard */

/* A process. Written by master before it starts, then by the process. */
struct control_slot {
	_Atomic int32_t pid;
	_Atomic uint32_t row, generation, state;
	_Atomic uint32_t clients;	/* what the limit counts */
	_Atomic uint32_t connections, peak;
	_Atomic uint64_t served;
	_Atomic int64_t started_ns;
	char jail[104];			/* in force, for people */
	char note[16];			/* what else it says of itself */
	struct crash_slot crash;
};

struct control {
	uint64_t magic;
	_Atomic uint64_t table_generation;
	_Atomic uint32_t slots_used;	/* no slot at or above this is in use */
	struct control_row rows[CONTROL_ROWS];
};

/* Master: creates the segment, mapped for writing. *ro_out opens it for
 * reading only. NULL with a reason. */
struct control *control_create(int *rw_out, int *ro_out, struct str *why);
struct control_slot *control_slot_at(struct control *control, unsigned slot);
/* Child: maps what it was handed and closes both descriptors. */
bool control_attach(int ro, int rw, unsigned slot, struct str *why);

const struct control *control(void);
struct control_slot *control_mine(void);
const struct control_row *control_row_mine(void);

/* Clients of this row over all processes. */
uint64_t control_clients(unsigned row);
/* Changes whenever an answer of trivial-rewrite may have changed: the key of
 * address caches. Read it before asking. */
uint64_t control_table_generation(void);

#endif
