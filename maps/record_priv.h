/*
 * record - one logical line of a table's source text, taken apart.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_RECORD_PRIV_H
#define MAPS_RECORD_PRIV_H

#include "common/base/span.h"
#include "common/base/str.h"

/*
 * "key whitespace value", as postmap and texthash: read it. White space
 * inside double quotes belongs to the key, and the quotes stay part of it.
 * False: *why says what is wrong with the line. Spans are part of line.
 */
bool record_parse(struct span line, struct span *key_out,
    struct span *value_out, struct str *why);
/* The line looks like "key: value" of aliases(5). */
bool record_looks_like_alias(struct span key, struct span value);

/* "name: value" of aliases(5). The name loses its quotes and comments, the
 * value is kept as it is. */
bool record_parse_alias(struct span line, struct str *key_out,
    struct span *value_out, struct str *why);

#endif
