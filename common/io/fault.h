/*
 * fault - numbered fault points; they vanish unless built with FAULTS=1.
 *
 *	if (FAULT("fs.fsync"))
 *		return false;		errno is set by the fault
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

/* The nth pass (from 1) of this point, or of any point if NULL, fails once. */
void fault_arm(const char *name, int nth, int error);
bool fault_was_hit(void);
void fault_disarm(void);
/* A process armed from outside: WAYPOST_FAULT=name:nth:errno-number. */
void fault_arm_from_environment(void);

#endif
