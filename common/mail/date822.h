/*
 * date822 - the date of a message header (RFC 5322 3.3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_DATE822_H
#define COMMON_MAIL_DATE822_H

#include <time.h>

#include "common/base/str.h"

/* Appends "Mon, 23 Nov 2026 04:20:31 +0000 (UTC)", in local time. */
void date822_print(struct str *out, time_t when);

#endif
