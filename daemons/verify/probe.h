/*
 * probe - a message without content that no agent delivers: what would have
 * become of it says whether there is such an address.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_VERIFY_PROBE_H
#define DAEMONS_VERIFY_PROBE_H

#include "common/base/str.h"
#include "daemons/shared/verify_proto.h"

enum probe_result {
	PROBE_SENT,			/* an agent will tell */
	PROBE_KNOWN,			/* *status_out and *text_out say it */
	PROBE_FAILED,			/* not queued */
};
/* Queues one. Suspends. */
enum probe_result probe_send(struct span address,
    enum verify_status *status_out, struct str *text_out);

#endif
