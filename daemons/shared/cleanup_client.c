/*
 * cleanup_client - see the header.
 *
 * The envelope waits here until there is content to go with it, and frames are
 * queued on the stream and leave at the end of the loop turn, so a small message
 * is one send and one wake-up of cleanup. When more than a few buffers wait, data suspends
 * until the kernel took them: that is the back-pressure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/cleanup_client.h"

#include "common/base/panic.h"
#include "common/mail/conf_core.h"
#include "common/service/peer.h"
#include "common/service/rpc.h"

#define QUEUED_HIGH (64 * 1024)
#define RCPTS_PER_FRAME 100
#define RCPTS_FIRST 4

struct cleanup_client {
	struct arena *arena;
	struct stream *stream;		/* NULL once given back */
	struct str *envelope;		/* frames that wait for content */
	struct envelope_rcpt *rcpts;	/* waiting for their frame */
	size_t nrcpts, rcpts_room;
	bool begun, over, bye;		/* bye: this cleanup is leaving */
};

static struct peer *
cleanup_peer(void)
{
	static struct peer *peer;

	if (peer == NULL)
		peer = peer_named("public", conf_core.cleanup_service_name,
		    CLEANUP_PROTOCOL, CLEANUP_VERSION);
	return peer;
}

static void
give_back(struct cleanup_client *c, bool healthy)
{
	if (c->stream != NULL)
		peer_give_connection(cleanup_peer(), c->stream, healthy);
	c->stream = NULL;
}

static void
drop_unfinished(void *arg)
{
	cleanup_client_abort(arg);
}

static void
add_frame(struct cleanup_client *c, const struct attr_form *form,
    const void *fields)
{
	int fds[ATTR_FDS_MAX];
	size_t nfds;

	attr_encode(c->envelope, form, 0, fields, fds, &nfds);
	CHECK(nfds == 0);
}

struct cleanup_client *
cleanup_client_begin(struct arena *arena, const struct cleanup_begin *begin,
    struct deadline deadline)
{
	struct stream *stream =
	    peer_take_connection(cleanup_peer(), deadline);

	if (stream == NULL)
		return NULL;

	struct cleanup_client *c = arena_zalloc(arena, sizeof(*c));

	c->arena = arena;
	c->stream = stream;
	c->envelope = str_in_arena(arena);
	arena_on_free(arena, drop_unfinished, c);
	add_frame(c, &cleanup_begin_form, begin);
	return c;
}

static void
add_rcpts(struct cleanup_client *c)
{
	struct cleanup_rcpts frame = { .rcpts = { c->rcpts, c->nrcpts } };

	if (c->nrcpts == 0)
		return;
	add_frame(c, &cleanup_rcpts_form, &frame);
	c->nrcpts = 0;
}

static void
send_envelope(struct cleanup_client *c)
{
	add_rcpts(c);
	if (str_len(c->envelope) == 0)
		return;
	stream_queue(c->stream, str_span(c->envelope));
	c->begun = true;
	str_clear(c->envelope);
}

/* Few messages have more than a few recipients. */
static void
make_room(struct cleanup_client *c)
{
	struct envelope_rcpt *old = c->rcpts;

	if (c->nrcpts < c->rcpts_room)
		return;
	c->rcpts_room = c->rcpts_room == 0 ? RCPTS_FIRST : RCPTS_PER_FRAME;
	c->rcpts = arena_array(c->arena, c->rcpts_room, sizeof(*c->rcpts));
	if (c->nrcpts > 0)
		memcpy(c->rcpts, old, c->nrcpts * sizeof(*old));
}

void
cleanup_client_rcpt(struct cleanup_client *c, const struct envelope_rcpt *rcpt)
{
	struct envelope_rcpt *copy;

	make_room(c);
	copy = &c->rcpts[c->nrcpts++];
	*copy = *rcpt;
	copy->address = arena_span(c->arena, rcpt->address);
	copy->original = arena_span(c->arena, rcpt->original);
	copy->orcpt = arena_span(c->arena, rcpt->orcpt);
	copy->transport = arena_span(c->arena, rcpt->transport);
	copy->nexthop = arena_span(c->arena, rcpt->nexthop);
	copy->resolved = arena_span(c->arena, rcpt->resolved);
	if (c->nrcpts == RCPTS_PER_FRAME)
		add_rcpts(c);
}

enum io_status
cleanup_client_data(struct cleanup_client *c, struct span bytes,
    struct deadline deadline)
{
	if (c->stream == NULL)
		return IO_ERROR;
	send_envelope(c);
	while (bytes.len > 0) {
		struct cleanup_data frame = {
			.bytes = span_sub(bytes, 0, CLEANUP_DATA_MAX) };

		attr_queue(c->stream, &cleanup_data_form, 0, &frame);
		bytes = span_skip(bytes, frame.bytes.len);
		if (stream_queued(c->stream) < QUEUED_HIGH)
			continue;

		enum io_status status = stream_flush(c->stream, deadline);

		if (status != IO_OK) {
			if (status == IO_CANCELLED)
				give_back(c, false);
			return status;
		}
	}
	return IO_OK;
}

static bool
read_result(struct cleanup_client *c, struct cleanup_result *result_out,
    struct deadline deadline, struct str *why)
{
	struct attr_frame frame;
	enum io_status status;

	/* A cleanup that is about to leave still serves what was sent. */
	while ((status = attr_read_frame(c->stream, c->arena, deadline, &frame,
	    why)) == IO_OK && frame.form == RPC_BYE)
		c->bye = true;
	if (status != IO_OK) {
		if (str_len(why) == 0)
			str_sets(why, io_status_name(status));
		return false;
	}
	if (frame.form != cleanup_result_form.id) {
		str_sets(why, "unexpected reply");
		return false;
	}
	return attr_decode(&cleanup_result_form, &frame, NULL, c->arena,
	    result_out, why);
}

void
cleanup_client_finish(struct cleanup_client *c,
    struct cleanup_result *result_out, struct deadline deadline)
{
	struct str *why = str_in_arena(c->arena);
	struct cleanup_end end = { .has_prepended = false };
	bool answered = false;

	CHECK(!c->over);
	c->over = true;
	if (c->stream != NULL) {
		send_envelope(c);
		attr_queue(c->stream, &cleanup_end_form, 0, &end);
		answered = read_result(c, result_out, deadline, why);
	}
	give_back(c, answered && !c->bye);
	if (answered)
		return;
	*result_out = (struct cleanup_result){ .status = CLEANUP_WRITE_ERROR,
		.text = span_of(arena_printf(c->arena, "cleanup service: %s",
		    str_cstr(why)), 17 + str_len(why)) };
}

void
cleanup_client_abort(struct cleanup_client *c)
{
	c->over = true;
	give_back(c, !c->begun);
}

void
cleanup_status_reply(uint64_t status, const char **code_out,
    const char **dsn_out, const char **text_out)
{
	static const struct {
		const char *code, *dsn, *text;
	} replies[] = {
		[CLEANUP_OK] = { "250", "2.0.0", "Ok" },
		[CLEANUP_BAD] = { "451", "4.3.0", "Error: internal error" },
		[CLEANUP_WRITE_ERROR] = { "451", "4.3.0",
		    "Error: queue file write error" },
		[CLEANUP_NO_SPACE] = { "452", "4.3.1",
		    "Error: insufficient system storage" },
		[CLEANUP_TOO_BIG] = { "552", "5.3.4",
		    "Error: message file too big" },
		[CLEANUP_HOPS] = { "554", "5.4.0", "Error: too many hops" },
		[CLEANUP_CONTENT] = { "550", "5.7.1",
		    "Error: content rejected" },
		[CLEANUP_NO_RCPT] = { "550", "5.1.0",
		    "Error: no recipients specified" },
		[CLEANUP_DEFER] = { "451", "4.7.1",
		    "Error: service unavailable - try again later" },
		[CLEANUP_PROXY] = { "554", "5.6.0",
		    "Error: unable to handle message" },
		[CLEANUP_CONFIG] = { "451", "4.3.5",
		    "Error: server configuration error" },
	};
	size_t i = status < sizeof(replies) / sizeof(replies[0])
	    ? (size_t)status : CLEANUP_BAD;

	*code_out = replies[i].code;
	*dsn_out = replies[i].dsn;
	*text_out = replies[i].text;
}
