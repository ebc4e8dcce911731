/*
 * transaction - one message at a time on a connection (cleanup_proto.h), from
 * begin to its status. After a trouble the rest of the message is read and
 * dropped, so that the sender always gets its answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/strlist.h"
#include "common/io/fs.h"
#include "common/mail/conf_core.h"
#include "common/service/peer.h"
#include "common/service/service.h"
#include "daemons/cleanup/cleanup_priv.h"
#include "daemons/shared/qmgr_proto.h"
#include "daemons/shared/rewrite_client.h"

void
transaction_fail(struct transaction *t, enum cleanup_status status,
    const char *text)
{
	if (t->status != CLEANUP_OK)
		return;
	t->status = status;
	if (text != NULL)
		str_sets(t->text, text);
}

void
transaction_bcc(struct transaction *t, struct span address)
{
	struct bcc *item = arena_zalloc(t->arena, sizeof(*item));
	struct bcc **last = &t->bcc;

	item->address = arena_span(t->arena, address);
	while (*last != NULL)
		last = &(*last)->next;
	*last = item;
}

static void
drop_hash(void *arg)
{
	struct hash *hash = arg;

	hash_free(&hash);
}

static void
drop_list(void *arg)
{
	strlist_fini(arg);
}

static struct strlist *
list_in_arena(struct arena *arena)
{
	struct strlist *list = arena_zalloc(arena, sizeof(*list));

	arena_on_free(arena, drop_list, list);
	return list;
}

/* ---- the steps of a message ---- */

static void
take_rcpts(struct transaction *t, const struct attr_list *list)
{
	for (size_t i = 0; i < list->count && t->status == CLEANUP_OK; i++)
		map_rcpt(t, ATTR_AT(*list, struct envelope_rcpt, i));
}

static struct transaction *
begin(struct arena *arena, struct arena *scratch, struct cleanup_begin *rq)
{
	struct transaction *t = arena_zalloc(arena, sizeof(*t));

	t->arena = arena;
	t->scratch = scratch;
	t->text = str_in_arena(arena);
	t->line = str_in_arena(arena);
	t->header = str_in_arena(arena);
	t->seen = hash_new();
	arena_on_free(arena, drop_hash, t->seen);
	t->extracted = list_in_arena(arena);
	t->extracted_resent = list_in_arena(arena);
	t->in_headers = true;
	t->flags = rq->flags;
	t->envelope = *(struct envelope *)rq->envelope.items;
	t->envelope.data_size = 0;	/* known at the end */
	if (t->envelope.arrival_us == 0)
		t->envelope.arrival_us = clock_wall_us();
	if (queue_id_valid(rq->queue_id))
		memcpy(t->id, rq->queue_id.p, rq->queue_id.len);
	else
		queue_id_make(t->id, service_slot(),
		    conf_core.enable_long_queue_ids);
	fiber_log_context(t->id);
	fiber_note_work(t->id, "");
	t->writer = queue_writer_new(arena, service_queue_dir(), t->id);
	if (service_refusal() != NULL) {
		log_warn("%s", service_refusal());
		transaction_fail(t, CLEANUP_CONFIG, NULL);
	} else {
		convert_begin(t);
		map_sender(t);
		take_rcpts(t, &rq->rcpts);
	}
	return t;
}

/* Copies that were asked for since the last call. Mail without recipients gets
 * none: it will be refused. */
static void
add_bcc(struct transaction *t)
{
	if (t->nrcpts > 0 && !t->always_bcc_done
	    && (t->flags & CLEANUP_BCC_OK)) {
		t->always_bcc_done = true;
		if (cleanup_conf.always_bcc[0] != '\0')
			transaction_bcc(t, SPAN(cleanup_conf.always_bcc));
	}
	while (t->nrcpts > 0 && t->bcc != NULL && t->status == CLEANUP_OK) {
		struct bcc *item = t->bcc;

		t->bcc = item->next;
		map_bcc(t, item->address);
	}
}

/* Envelope and recipients go into the file, once. */
static void
start_file(struct transaction *t)
{
	if (t->rcpts_written)
		return;
	t->rcpts_written = true;
	t->nasked = t->nrcpts;
	add_bcc(t);
	queue_writer_envelope(t->writer, &t->envelope);
	for (size_t i = 0; i < t->nrcpts; i++)
		queue_writer_rcpt(t->writer, &t->rcpts[i]);
	t->rcpts_stored = t->nrcpts;
}

/* Recipients that were found in headers (sendmail -t) come behind the
 * content. */
static void
add_extracted(struct transaction *t)
{
	struct strlist *list = t->extracted_resent->count > 0
	    ? t->extracted_resent : t->extracted;

	if (!(t->flags & CLEANUP_EXTRACT_RCPT))
		return;
	for (size_t i = 0; i < list->count && t->status == CLEANUP_OK; i++) {
		struct envelope_rcpt rcpt = { .address = SPAN_NONE };
		struct rewrite_answer answer;

		if (strlen(list->items[i]) > ENVELOPE_ADDRESS_MOST) {
			transaction_fail(t, CLEANUP_CONTENT,
			    "5.1.3 recipient address too long");
			break;
		}
		if (!rewrite_address("local", REWRITE_STANDARD_FORM,
		    SPAN_NONE, SPAN(list->items[i]), &answer, t->arena,
		    service_ipc_deadline()))
			transaction_fail(t, CLEANUP_DEFER,
			    "4.3.0 address rewriting problem");
		rcpt.address = answer.address;
		rcpt.original = SPAN(list->items[i]);
		map_rcpt(t, &rcpt);
	}
}

/* What the content asked for. REDIRECT overrides the recipients, and FILTER. */
static void
store_late(struct transaction *t)
{
	bool redirected = !span_empty(t->redirect);

	if (redirected || !span_empty(t->filter)) {
		t->envelope.filter = redirected ? SPAN_NONE : t->filter;
		t->envelope.flags |= ENVELOPE_LATE_FILTER;
		queue_writer_filter(t->writer, t->envelope.filter);
	}
	if (redirected) {
		struct envelope_rcpt first = t->rcpts[0];

		t->envelope.flags |= ENVELOPE_REDIRECTED;
		queue_writer_redirect(t->writer);
		t->nrcpts = t->rcpts_stored = 0;
		map_redirect(t, t->redirect, &first);
	}
	for (size_t i = t->rcpts_stored; i < t->nrcpts; i++)
		queue_writer_rcpt(t->writer, &t->rcpts[i]);
	t->rcpts_stored = t->nrcpts;
}

static void
notify_qmgr(struct transaction *t)
{
	static struct peer *qmgr;
	struct queue_layout layout;
	struct commit_log_spot spot;
	struct qmgr_note note = { .queue_id = SPAN(t->id),
		.envelope = { &t->envelope, 1 }, .fd = -1 };

	if (qmgr == NULL)
		qmgr = peer_named("public", conf_core.queue_service_name,
		    QMGR_PROTOCOL, QMGR_VERSION);
	queue_writer_layout(t->writer, &layout);
	note.content_offset = layout.content_offset;
	note.content_length = layout.content_length;
	note.file_length = layout.file_length;
	note.rcpt_count = layout.rcpt_count;
	queue_writer_spot(t->writer, &spot);
	note.spot_log = spot.log;
	note.spot_epoch = spot.epoch;
	note.spot_at = spot.at;
	note.spot_mark = spot.mark;
	note.has_log = t->nexpanded > 0;
	t->envelope.data_size = layout.content_length;
	if (t->nrcpts <= QMGR_NOTE_RCPTS_MAX)
		note.rcpts = (struct attr_list){ t->rcpts, t->nrcpts };
	note.fd = queue_writer_reader_fd(t->writer);
	if (peer_notify(qmgr, &qmgr_note_form, &note))
		return;
	/* Not connected yet: the claim goes, and qmgr looks for itself. */
	if (note.fd >= 0)
		close(note.fd);
	peer_trigger_bytes("public", conf_core.queue_service_name, SPAN("I"));
}

static enum cleanup_status
status_of(enum queue_result result)
{
	return result == QUEUE_OK ? CLEANUP_OK
	    : result == QUEUE_NOSPACE ? CLEANUP_NO_SPACE
	    : CLEANUP_WRITE_ERROR;
}

static void
commit(struct transaction *t)
{
	struct str why = STR_EMPTY;
	bool hold = (t->flags & CLEANUP_HOLD) != 0
	    || (t->envelope.flags & ENVELOPE_HOLD) != 0;
	enum queue_result result;

	uint64_t flags = t->has_8bit ? ENVELOPE_8BIT : 0;

	if (map_wants_utf8(t))
		flags |= ENVELOPE_SMTPUTF8_ASKED
		    | (t->has_utf8_header ? ENVELOPE_SMTPUTF8_NEEDED : 0);
	queue_writer_final_flags(t->writer, flags);
	t->envelope.flags |= flags;
	if (t->nrcpts <= QMGR_NOTE_RCPTS_MAX)
		map_resolve(t);
	if (!expanded_keep(t)) {
		queue_writer_abort(t->writer);
		transaction_fail(t, CLEANUP_WRITE_ERROR, NULL);
		return;
	}
	result = queue_writer_commit(t->writer,
	    hold ? QUEUE_HOLD : QUEUE_INCOMING, &why);
	if (result != QUEUE_OK) {
		log_warn("cannot queue: %s", str_cstr(&why));
		expanded_forget(t);
	}
	transaction_fail(t, status_of(result), NULL);
	if (result == QUEUE_OK && !hold)
		notify_qmgr(t);
	str_fini(&why);
}

/* Older releases say nothing, and so do readers of their logs. */
static void
drop(struct transaction *t, const char *why)
{
	queue_writer_abort(t->writer);
	if (why != NULL && conf_core_logs_as("3.10"))
		log_info("removed (%s)", why);
}

static void
end(struct transaction *t, struct cleanup_result *result)
{
	if (t->status == CLEANUP_OK) {
		start_file(t);
		headers_take(t, convert_end(t));
		headers_end(t);
		add_extracted(t);
		add_bcc(t);
	}
	if (t->status == CLEANUP_OK && t->nrcpts == 0)
		transaction_fail(t, CLEANUP_NO_RCPT, NULL);
	if (t->status == CLEANUP_OK)
		store_late(t);
	if (t->status == CLEANUP_OK
	    && queue_writer_status(t->writer) != QUEUE_OK)
		transaction_fail(t, status_of(queue_writer_status(t->writer)),
		    NULL);
	/* A list is there, whoever its members are. */
	if (t->status == CLEANUP_OK && t->nrcpts > 1
	    && (t->envelope.flags & ENVELOPE_PROBE))
		drop(t, NULL);
	else if (t->status == CLEANUP_OK && !(t->flags & CLEANUP_DISCARD))
		commit(t);
	else
		drop(t, t->status == CLEANUP_OK ? "discarded" : NULL);
	*result = (struct cleanup_result){ .status = t->status,
		.queue_id = SPAN(t->id), .text = str_span(t->text),
		.size = queue_writer_content_length(t->writer),
		.rcpts = t->envelope.flags & ENVELOPE_PROBE ? t->nrcpts : 0 };
}

/* ---- the connection ---- */

static bool
nonsense(struct str *why, const char *what)
{
	str_sets(why, what);
	return false;
}

/* One frame; false ends the connection. The message is over when *t is NULL
 * again. */
static bool
take_frame(struct stream *client, struct arena *arena,
    struct arena *scratch, struct attr_frame *frame, struct transaction **t,
    struct str *why)
{
	if (frame->form == cleanup_begin_form.id) {
		struct cleanup_begin rq;

		if (*t != NULL)
			return nonsense(why, "begin inside a message");
		if (!attr_decode(&cleanup_begin_form, frame, client, arena,
		    &rq, why))
			return false;
		*t = begin(arena, scratch, &rq);
		return true;
	}
	if (*t == NULL)
		return nonsense(why, "no message has begun");
	if (frame->form == cleanup_rcpts_form.id) {
		struct cleanup_rcpts rq;

		if ((*t)->rcpts_written)
			return nonsense(why, "recipients after content");
		if (!attr_decode(&cleanup_rcpts_form, frame, client, arena,
		    &rq, why))
			return false;
		take_rcpts(*t, &rq.rcpts);
		return true;
	}
	if (frame->form == cleanup_end_form.id) {
		struct cleanup_result result;

		end(*t, &result);
		attr_queue(client, &cleanup_result_form, 0, &result);
		*t = NULL;
		return true;
	}
	return nonsense(why, "unknown form");
}

/* Content is decoded in an arena of its own, reset for each frame. */
static bool
take_data(struct attr_frame *frame, struct arena *scratch,
    struct transaction *t, struct str *why)
{
	struct cleanup_data rq;

	if (t == NULL)
		return nonsense(why, "no message has begun");
	if (!attr_decode(&cleanup_data_form, frame, NULL, scratch, &rq, why))
		return false;
	if (t->status != CLEANUP_OK)
		return true;
	start_file(t);
	headers_take(t, convert_take(t,
	    chars_take(t, rq.bytes)));
	return true;
}

static bool
serve_message(struct stream *client, struct arena *arena,
    struct arena *scratch, struct str *why)
{
	struct transaction *t = NULL;
	struct attr_frame frame;
	bool begun = false;

	do {
		enum io_status status;

		if (!begun)
			status = service_wait_idle(client, DEADLINE_NEVER);
		else
			status = IO_OK;
		if (status == IO_OK)
			status = attr_read_frame(client, scratch,
			    service_ipc_deadline(), &frame, why);
		if (status != IO_OK) {
			if (t != NULL)
				drop(t, "canceled");
			return false;
		}
		if (frame.form == cleanup_data_form.id) {
			if (!take_data(&frame, scratch, t, why))
				return false;
		} else if (!take_frame(client, arena, scratch,
		    &frame, &t, why)) {
			return false;
		}
		begun = true;
		arena_reset(scratch);
	} while (t != NULL);
	return true;
}

void
transaction_serve(struct stream *client, const struct sock_peer *peer)
{
	struct str why = STR_EMPTY;
	struct arena *arena = arena_new(), *scratch = arena_new();
	bool go_on;

	(void)peer;
	go_on = rpc_read_hello(client, CLEANUP_PROTOCOL, CLEANUP_VERSION,
	    arena, service_ipc_deadline());
	while (go_on) {
		arena_reset(arena);
		go_on = serve_message(client, arena, scratch, &why);
		fiber_log_context(NULL);
		fiber_note_work("", "");
	}
	if (str_len(&why) > 0)
		log_warn("client of cleanup: %s", str_cstr(&why));
	str_fini(&why);
	arena_free(&arena);
	arena_free(&scratch);
	stream_close(client);
}
