/*
 * expanded - a recipient with NOTIFY=SUCCESS whose members are told of as one
 * (RFC 3461 5.2.7.4): local for aliases, cleanup for virtual ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_EXPANDED_H
#define DAEMONS_SHARED_EXPANDED_H

#include "common/mail/dsn.h"

/* What remains to be asked for members of what had this NOTIFY: success was told
 * of by the expansion. 0, the default, stays. */
static inline uint64_t
expanded_notify(uint64_t notify)
{
	if (!(notify & DSN_NOTIFY_SUCCESS))
		return notify;
	notify &= ~(uint64_t)DSN_NOTIFY_SUCCESS;
	return notify != 0 ? notify : DSN_NOTIFY_NEVER;
}

#endif
