/*
 * postlogd_line - one datagram as one line of a log file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_POSTLOGD_POSTLOGD_LINE_H
#define DAEMONS_POSTLOGD_POSTLOGD_LINE_H

#include <stdbool.h>

#include "common/base/span.h"
#include "common/base/str.h"

/* Appends the line with its newline. False when the datagram is not of the
 * form "Mmm dd hh:mm:ss host tag[pid]: text"; *text_out is then what it says,
 * without line ends. */
bool postlogd_line(struct span datagram, struct str *out,
    struct span *text_out);
/* Into the log, at the end of the turn. */
void postlogd_write(struct span datagram);

#endif
