/*
 * proxy_cache_priv - a cache that proxywrite keeps, so that several may have it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_PROXY_CACHE_PRIV_H
#define MAPS_PROXY_CACHE_PRIV_H

#include "maps/map.h"

struct proxy_cache;

/* `table` is "type:name", without "proxy:". Nothing is asked yet. */
struct proxy_cache *proxy_cache_new(struct span table);
void proxy_cache_free(struct proxy_cache *c);	/* NULL is fine */

/* All suspend. A service that cannot be had is told in the log, once a minute;
 * it has no entry, and what is put is lost. */
bool proxy_cache_get(struct proxy_cache *c, struct span key,
    struct str *value_out);
bool proxy_cache_change(struct proxy_cache *c, struct span key,
    struct span value, bool erase);
bool proxy_cache_next(struct proxy_cache *c, bool first, struct str *key_out,
    struct str *value_out);

#endif
