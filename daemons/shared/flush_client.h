/*
 * flush_client - asks flush for a site's mail.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SHARED_FLUSH_CLIENT_H
#define DAEMONS_SHARED_FLUSH_CLIENT_H

#include "common/io/deadline.h"
#include "daemons/shared/flush_proto.h"

/* FLUSH_FAILED when nobody answers, too. Suspends. */
enum flush_status flush_site(struct span site, struct deadline deadline);

#endif
