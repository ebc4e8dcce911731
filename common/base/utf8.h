/*
 * utf8 - validity (RFC 3629) and simple case folding for table keys.
 *
 * Conversion of domain labels needs libidn2 and lives where that is linked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_UTF8_H
#define COMMON_BASE_UTF8_H

#include "common/base/span.h"
#include "common/base/str.h"

bool utf8_valid(struct span text);		/* no surrogates, no overlong */
/* The next code point, or -1 on broken input; *rest moves past it. */
int32_t utf8_next(struct span *rest);
void utf8_add(struct str *out, uint32_t code_point);
/* Lower case by the simple mappings of Latin, Greek and Cyrillic; broken
 * UTF-8 falls back to ASCII folding. Appends. */
void utf8_fold(struct str *out, struct span text);

#endif
