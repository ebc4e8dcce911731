/*
 * addresses - what verify knows of addresses, what it is asked, and what it has
 * to ask itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_VERIFY_ADDRESSES_H
#define DAEMONS_VERIFY_ADDRESSES_H

#include "daemons/shared/verify_proto.h"
#include "daemons/verify/probe.h"

/* address_verify_map; before the jail. False with a reason. */
bool addresses_open(struct str *why);
void addresses_close(void);
/* How probes are sent: probe_send, but for tests. */
typedef enum probe_result addresses_send_fn(struct span address,
    enum verify_status *status_out, struct str *text_out);
void addresses_send_by(addresses_send_fn *send);

/* What is known; in the background, a probe where that is due. Spans of the
 * answer are in *text. As all below, may suspend when another process has the
 * cache. */
void addresses_ask(struct span address, struct verify_answer *answer,
    struct str *text);
/* False: nobody had asked. */
bool addresses_tell(struct span address, enum verify_status status,
    struct span text);
/* Throws out what has expired. Suspends now and then. */
void addresses_clean(void);
/* That, once in address_verify_cache_cleanup_interval (0: never); the cache
 * remembers over restarts when it was. */
void addresses_clean_if_due(void);
/* When that was done last; 0: never. */
int64_t addresses_cleaned(void);
void addresses_sync(void);		/* what has changed to disk */
/* Waits for the probes that are being queued. Suspends. */
void addresses_finish(void);

#endif
