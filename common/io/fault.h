/*
 * fault - numbered fault points; they vanish unless built with FAULTS=1.
 *
 *	if (FAULT("fs.fsync"))
 *		return false;		errno is set by the fault
 *
 * A process is armed by a call (unit tests), by its environment, or, while it
 * runs, through a board: a file that a test and all processes of an instance
 * have mapped. The board can also set the clock of all these processes. Where
 * points are is listed in docs/testing.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_FAULT_H
#define COMMON_IO_FAULT_H

#include <stdbool.h>

#ifdef FAULTS
bool fault_point(const char *name);	/* true: fail now, errno is set */
#define FAULT(name) fault_point(name)
#else
#define FAULT(name) false
#endif

/* In place of an errno: the process is killed by the point, or stopped there;
 * one that is continued passes as if nothing had been. */
enum { FAULT_KILL = -9, FAULT_STOP = -19 };

/* The nth pass (from 1) of this point, or of any point if NULL, fails once. */
void fault_arm(const char *name, int nth, int error);
/* So does every later one, until fault_disarm. */
void fault_arm_lasting(const char *name, int nth, int error);
bool fault_was_hit(void);
const char *fault_hit_name(void);	/* "" while none was */
void fault_disarm(void);
/*
 * First thing in main, before descriptors and rights are given up. `role` is
 * the name that a board calls this program by.
 *
 *	WAYPOST_FAULT=name:nth:errno-number[:role]	"" is any point
 *	WAYPOST_FAULT_BOARD=path
 */
void fault_arm_from_environment(const char *role);

#endif
