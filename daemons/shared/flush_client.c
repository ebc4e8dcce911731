/*
 * flush_client - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/flush_client.h"

#include "common/mail/conf_core.h"
#include "common/service/peer.h"

enum flush_status
flush_site(struct span site, struct deadline deadline)
{
	struct peer *peer = peer_named("public", conf_core.flush_service_name,
	    FLUSH_PROTOCOL, FLUSH_VERSION);
	struct flush_request request = { .site = site };
	struct flush_reply reply = { .status = FLUSH_FAILED };
	struct arena *arena = arena_new();
	enum io_status status = peer_call(peer, true, &flush_request_form,
	    &request, &flush_reply_form, &reply, arena, deadline);

	arena_free(&arena);
	if (status != IO_OK || reply.status > FLUSH_FAILED)
		return FLUSH_FAILED;
	return (enum flush_status)reply.status;
}
