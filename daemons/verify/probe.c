/*
 * probe - see the header.
 *
 * It goes the way of all mail, since what it is to find out is where mail goes:
 * through the tables of cleanup, into the queue, by the scheduler's limits to an
 * agent. A flag that only we can set keeps agents from delivering it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/verify/probe.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/mail/conf_core.h"
#include "common/service/service.h"
#include "daemons/shared/cleanup_client.h"
#include "daemons/shared/probe_sender.h"
#include "daemons/verify/verify_conf.h"
#include "queue/queue_id.h"

static bool
queue(struct span address, const struct str *sender,
    struct cleanup_result *result, struct arena *arena)
{
	struct envelope envelope = { .sender = str_span(sender),
		.arrival_us = clock_wall_us(),
		.flags = ENVELOPE_INTERNAL | ENVELOPE_VERIFY | ENVELOPE_PROBE,
		.rewrite_context = SPAN("local"), .origin = SPAN("local") };
	struct envelope_rcpt rcpt = { .address = address,
		.original = address, .notify = DSN_NOTIFY_NEVER };
	struct cleanup_begin begin = {
		.flags = CLEANUP_INTERNAL | CLEANUP_OF_VERIFY,
		.envelope = { &envelope, 1 }, .rcpts = { &rcpt, 1 } };
	struct cleanup_client *c;
	char id[QUEUE_ID_MAX];

	queue_id_make(id, service_slot(), conf_core.enable_long_queue_ids);
	begin.queue_id = SPAN(id);
	c = cleanup_client_begin(arena, &begin, service_ipc_deadline());
	if (c == NULL)
		return false;
	cleanup_client_finish(c, result, service_ipc_deadline());
	return true;
}

static enum probe_result
refused(struct span address, const struct cleanup_result *result,
    enum verify_status *status_out, struct str *text_out)
{
	const char *code, *dsn, *text;

	cleanup_status_reply(result->status, &code, &dsn, &text);
	if (span_empty(result->text))
		str_sets(text_out, text);
	else
		str_set(text_out, result->text);
	if (code[0] == '5') {
		*status_out = VERIFY_BOUNCE;
		return PROBE_KNOWN;
	}
	log_warn("probe of %.*s was not queued: %s", SPAN_ARG(address),
	    str_cstr(text_out));
	return PROBE_FAILED;
}

enum probe_result
probe_send(struct span address, enum verify_status *status_out,
    struct str *text_out)
{
	struct arena *arena = arena_new();
	struct cleanup_result result = { .status = CLEANUP_WRITE_ERROR };
	struct str sender = STR_EMPTY;
	enum probe_result sent = PROBE_SENT;

	probe_sender_print(&sender, verify_conf.sender,
	    verify_conf.sender_ttl, clock_wall());
	if (!queue(address, &sender, &result, arena)) {
		log_warn("probe of %.*s was not queued: cleanup service is not "
		    "available", SPAN_ARG(address));
		sent = PROBE_FAILED;
	} else if (result.status != CLEANUP_OK) {
		sent = refused(address, &result, status_out, text_out);
	} else if (result.rcpts > 1) {
		*status_out = VERIFY_OK;
		str_sets(text_out, "aliased to multiple recipients");
		sent = PROBE_KNOWN;
	}
	str_fini(&sender);
	arena_free(&arena);
	return sent;
}
