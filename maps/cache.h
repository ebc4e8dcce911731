/*
 * cache - a table that one process reads and writes as it goes, in a file that
 * other mail systems know (btree:, hash:, lmdb:) or in memory alone.
 *
 * What is in it can be had again: a file that is damaged is emptied, with a
 * warning, and what is written lies on disk at the next cache_sync. With "proxy:"
 * in front the service proxywrite has the file, and get, put, erase and next
 * suspend; else nothing here does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_CACHE_H
#define MAPS_CACHE_H

#include "maps/map.h"

struct cache;

/*
 * Opens "type:name" and holds it for this process alone, waiting some seconds
 * for another one; the file is made, 0600, where there is none. "" is memory,
 * of at most CACHE_MEMORY_MOST entries. Before the jail. NULL with a reason.
 * "proxy:type:name": proxywrite is asked for it, in fibers; when it cannot be
 * had there is no entry, what is put is lost, and a warning says so.
 */
#define CACHE_MEMORY_MOST 100000
struct cache *cache_open(const char *spec, struct str *why);
/* Would it, as far as its name goes? */
bool cache_check(const char *spec, struct str *why);
void cache_close(struct cache *c);		/* NULL is fine */

/* Value replaces *value_out. */
bool cache_get(struct cache *c, struct span key, struct str *value_out);
/* False: another process has the cache and did not take it. */
bool cache_put(struct cache *c, struct span key, struct span value);
void cache_erase(struct cache *c, struct span key);
/* One entry after another, in no order; false at the end. Between two calls
 * others may be put, and this one erased; in a hash: file what is put may hide
 * entries from this walk. */
bool cache_next(struct cache *c, bool first, struct str *key_out,
    struct str *value_out);
void cache_sync(struct cache *c);
/* False: it has no file, or lost it; or another process has it. */
bool cache_is_kept(const struct cache *c);

#endif
