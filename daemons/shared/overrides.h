/*
 * overrides - receive_override_options: what smtpd and pickup leave out for mail
 * that was looked at before.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_OVERRIDES_H
#define DAEMONS_SHARED_OVERRIDES_H

#include <stdint.h>

enum receive_override { OVERRIDE_UNKNOWN_RCPT = 1, OVERRIDE_MAPPINGS = 2,
	OVERRIDE_CHECKS = 4, OVERRIDE_MILTERS = 8 };

/* Words to a mask. Fatal on one that does not exist. */
unsigned receive_overrides_read(const char *words);
/* Flags for cleanup (enum cleanup_flags) without what is overridden. */
uint64_t receive_overridden(uint64_t flags, unsigned overrides);

#endif
