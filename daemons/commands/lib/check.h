/*
 * check - what `waypost check` finds in main.cf, master.cf and the queue.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_COMMANDS_LIB_CHECK_H
#define DAEMONS_COMMANDS_LIB_CHECK_H

#include <stdbool.h>

#include "common/base/str.h"

/* master.cf can be read and its programs can be run. */
bool check_master_cf(struct str *why);
/* Logs a warning for each name of main.cf that nobody knows and each value that
 * cannot be read, as it is before a start and a reload. */
void check_say_doubts(void);
/* Logs each finding with file and line; true when none is an error. */
bool check_everything(const char *queue_dir);

#endif
