/*
 * nss_lookup - one question to the C library's resolver; blocks, so callers go
 * through offload.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_RESOLVER_NSS_LOOKUP_H
#define DAEMONS_RESOLVER_NSS_LOOKUP_H

#include "common/base/arena.h"
#include "daemons/shared/resolver_proto.h"

/* Fills the reply with everything in the arena, which nothing else may use
 * meanwhile. Types other than A, AAAA and PTR are RESOLVER_UNSUPPORTED.
 * Thread-safe. */
void nss_lookup(const struct resolver_request *request,
    struct resolver_reply *reply_out, struct arena *arena);

#endif
