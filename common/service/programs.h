/*
 * programs - what master has to know of a program before it runs it: how its
 * limit is meant, whether it is alone, when it stops.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_SERVICE_PROGRAMS_H
#define COMMON_SERVICE_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/mail/master_cf.h"

enum program_kind {
	PROGRAM_SERVER,			/* outsiders reach it: stops first */
	PROGRAM_INTAKE,			/* pickup: stops with the servers */
	PROGRAM_QUEUE,			/* qmgr: stops next */
	PROGRAM_AGENT,			/* delivers; limit counts deliveries */
	PROGRAM_INTERNAL,		/* serves the others; no small limit */
};

struct program {
	const char *name;
	enum program_kind kind;
	bool solitary;			/* one process, no bound on clients */
	bool idle;			/* no work of its own yet */
};

/* NULL for a program that is not ours. */
const struct program *program_find(const char *name);
/* One process: by program, or an internal service with maxproc 1. */
bool program_is_solitary(const struct master_row *row);
/* Rows of master.cf for services of ours that other mail systems do not know:
 * master adds those whose names a master.cf does not have. */
extern const char program_own_rows[];
/* Clients or deliveries at once over all processes; 0: no bound. */
int64_t program_limit(const struct master_row *row);

#endif
