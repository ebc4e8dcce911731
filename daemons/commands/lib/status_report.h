/*
 * status_report - `waypost status -v`: processes, generations, sessions, limits
 * and the jail in force.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_LIB_STATUS_REPORT_H
#define DAEMONS_COMMANDS_LIB_STATUS_REPORT_H

#include <stdbool.h>

/* Asks the running master and prints; false when it could not be asked. */
bool status_report_print(void);

#endif
