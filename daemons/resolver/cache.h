/*
 * cache - answers of the library, kept for a short fixed time: they carry no
 * lifetime. "Try again" is never kept. Bounded; a full cache starts anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_RESOLVER_CACHE_H
#define DAEMONS_RESOLVER_CACHE_H

#include "common/base/arena.h"
#include "daemons/shared/resolver_proto.h"

#define CACHE_ENTRIES 20000
#define CACHE_FOUND_SECONDS 60
#define CACHE_ABSENT_SECONDS 20

/* Spans of *reply_out are good until the caller suspends. */
bool cache_find(const struct resolver_request *request,
    struct resolver_reply *reply_out);
/* Keeps a reply whose spans live in *arena, which it takes over, or frees. */
void cache_keep(const struct resolver_request *request,
    const struct resolver_reply *reply, struct arena **arena);
void cache_drop_all(void);

#endif
