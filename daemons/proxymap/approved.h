/*
 * approved - which tables clients may ask for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_PROXYMAP_APPROVED_H
#define DAEMONS_PROXYMAP_APPROVED_H

#include "common/base/hash.h"
#include "common/base/str.h"

/*
 * Every "proxy:type:name" in the expanded value of proxy_read_maps, also inside
 * braces, as a key "type:name" of *approved. False with a reason when braces do
 * not balance.
 */
bool approved_read(struct hash *approved, struct span value, struct str *why);

#endif
