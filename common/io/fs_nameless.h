/*
 * fs_nameless - a file that has no name, for what is gone with the process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_IO_FS_NAMELESS_H
#define COMMON_IO_FS_NAMELESS_H

#include "common/base/str.h"

/* Read-write, on the file system of this directory; -1 with errno and a reason. */
int fs_nameless_at(int dirfd, const char *dir, struct str *why);

#endif
