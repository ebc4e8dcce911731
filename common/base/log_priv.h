/*
 * log_priv - what panic and the sinks of this folder know about the log.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_LOG_PRIV_H
#define COMMON_BASE_LOG_PRIV_H

#include <stdbool.h>

/* The last flush: sinks may wait a moment for a reader that is slow. */
void log_end(void);
bool log_ending(void);
const char *log_name(void);

#endif
