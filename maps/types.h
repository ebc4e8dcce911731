/*
 * types - the list of all table types, one row each; nothing else knows it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_TYPES_H
#define MAPS_TYPES_H

#include "maps/map.h"

extern const struct map_type *const map_types[];
extern const size_t map_types_count;
const struct map_type *map_type_find(struct span name);	/* NULL: unknown */

#endif
