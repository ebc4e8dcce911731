/*
 * fds - when descriptors are short: fewer than FDS_RESERVED of those that this
 * process may have are free, or than half where it may have but few. Then what
 * can wait for some waits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_FDS_H
#define COMMON_IO_FDS_H

#include <stdbool.h>

enum { FDS_RESERVED = 128 };

/* By a number that has just been given out, which is always the lowest free one;
 * costs nothing. */
bool fds_near_limit(int new_fd);
/* Asks the kernel. */
bool fds_are_short(void);

#endif
