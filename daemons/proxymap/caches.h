/*
 * caches - the tables of proxy_write_maps, which clients change.
 *
 * They are opened before the jail, all of them, and held by this process alone;
 * from then on files cannot be made.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_PROXYMAP_CACHES_H
#define DAEMONS_PROXYMAP_CACHES_H

#include "common/base/hash.h"
#include "maps/proxy_proto.h"

/* Those of the approved tables whose type can be changed in place. One that
 * cannot be opened is logged, and answers PROXY_FAILED. */
void caches_open(struct hash *approved);
void caches_close(void);
void caches_sync(void);			/* what has changed to disk */

/* False: it is no such table. Spans are in the arena. */
bool caches_lookup(const struct proxy_lookup *request,
    struct proxy_answer *answer, struct arena *arena);
bool caches_change(const struct proxy_change *request,
    struct proxy_answer *answer);
bool caches_walk(const struct proxy_walk *request, struct proxy_entry *entry,
    struct arena *arena);

#endif
