/*
 * verify_client - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/verify_client.h"

#include "common/base/log.h"
#include "common/mail/conf_core.h"
#include "common/service/peer.h"

#define TEXT_MOST 2000

static struct peer *
verify_peer(void)
{
	static struct peer *peer;

	if (peer == NULL)
		peer = peer_named("private", conf_core.verify_service_name,
		    VERIFY_PROTOCOL, VERIFY_VERSION);
	return peer;
}

bool
verify_ask(struct span address, struct verify_answer *answer_out,
    struct arena *arena, struct deadline deadline)
{
	struct verify_query query = { .address = address };

	return peer_call(verify_peer(), true, &verify_query_form, &query,
	    &verify_answer_form, answer_out, arena, deadline) == IO_OK
	    && answer_out->status <= VERIFY_OPEN;
}

void
verify_tell(struct span address, enum verify_status status, struct span text,
    struct deadline deadline)
{
	struct verify_update update = { .address = address,
		.status = (uint64_t)status,
		.text = span_sub(text, 0, TEXT_MOST) };
	struct verify_taken taken;
	struct arena *arena = arena_new();

	if (peer_call(verify_peer(), true, &verify_update_form, &update,
	    &verify_taken_form, &taken, arena, deadline) != IO_OK)
		log_warn("service %s: %s", conf_core.verify_service_name,
		    peer_why(verify_peer()));
	arena_free(&arena);
}
