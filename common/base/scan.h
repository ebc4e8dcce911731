/*
 * scan - numbers from text, all of it or none of it.
 *
 * No leading or trailing space, no sign where none is said, no overflow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_SCAN_H
#define COMMON_BASE_SCAN_H

#include "common/base/span.h"
#include "common/base/str.h"

bool scan_u64(struct span text, uint64_t *out);
bool scan_u32(struct span text, uint32_t *out);
bool scan_i64(struct span text, int64_t *out);	/* optional leading - */
bool scan_hex64(struct span text, uint64_t *out);
bool scan_octal(struct span text, uint32_t *out);
/*
 * A time as in main.cf: digits, then one of s m h d w; default_unit applies
 * to a bare number. Seconds out.
 */
bool scan_time(struct span text, char default_unit, int64_t *seconds_out);
/* yes or no, in any case. */
bool scan_bool(struct span text, bool *out);
/* Seconds with 2 significant digits and at most `decimals` behind the point,
 * trailing zeros dropped, as delay= is logged. */
void print_delay(struct str *out, int64_t delay_us, int decimals);

#endif
