/*
 * biff - "you have new mail", for the comsat(8) of this host: who has mail, and
 * where in the mailbox it begins. Nobody waits for it, or knows whether it came.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_LAUNCHER_BIFF_H
#define DAEMONS_LAUNCHER_BIFF_H

#include "common/base/span.h"

#define BIFF_PORT 512

/* One datagram, "user@offset". Without a user nothing happens. */
void biff_notify(struct span user, uint64_t offset, uint16_t port);

#endif
