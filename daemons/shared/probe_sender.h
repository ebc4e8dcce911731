/*
 * probe_sender - who probes are from (address_verify_sender), with a part that
 * changes in time where address_verify_sender_ttl says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_PROBE_SENDER_H
#define DAEMONS_SHARED_PROBE_SENDER_H

#include "common/base/str.h"

/* The sender at this time, with a domain; nothing for the null sender. */
void probe_sender_print(struct str *out, const char *sender, int64_t ttl,
    int64_t now);
/* Is this the sender of probes of now, or of those that may still be under
 * way? Sites that are asked may look whether it exists. */
bool probe_sender_is(struct span address, const char *sender, int64_t ttl,
    int64_t now);

#endif
