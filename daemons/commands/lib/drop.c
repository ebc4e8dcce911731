/*
 * drop - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/commands/lib/drop.h"

#include <errno.h>
#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/io/record.h"
#include "common/io/stream.h"
#include "common/mail/conf_core.h"
#include "common/mail/verp.h"
#include "daemons/commands/lib/commands_conf.h"
#include "daemons/commands/lib/user_acl.h"
#include "daemons/shared/submit.h"
#include "queue/message.h"

#define INPUT_SECONDS 3600

struct drop {
	int exit_status;
	int queue_dir;
	struct queue_writer *writer;
	struct span senders;		/* patterns of those it may use */
	bool begun;
};

__attribute__((format(printf, 3, 4))) static bool
refuse(struct drop *drop, int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_va(LOG_LEVEL_FATAL, format, args);
	va_end(args);
	drop->exit_status = status;
	return false;
}

static void
start_writer(struct drop *drop, struct arena *arena)
{
	char id[QUEUE_ID_MAX];

	queue_id_make(id, (unsigned)getpid() & 0xfff,
	    conf_core.enable_long_queue_ids);
	drop->writer = queue_writer_new(arena, drop->queue_dir, id);
	queue_writer_to_maildrop(drop->writer);
}

static bool
take_begin(struct drop *drop, const struct cleanup_begin *rq,
    struct arena *arena)
{
	const struct envelope *given = rq->envelope.items;
	struct envelope envelope = { .sender = given->sender,
		.arrival_us = clock_wall_us(),
		.flags = given->flags & SUBMIT_ENVELOPE_FLAGS,
		.dsn_envid = given->dsn_envid, .dsn_ret = given->dsn_ret,
		.full_name = given->full_name, .verp = given->verp,
		.rewrite_context = SPAN(span_is(given->rewrite_context,
		    "remote") ? "remote" : "local"),
		.origin = SPAN("local") };

	if (rq->flags & ~(uint64_t)SUBMIT_FLAGS)
		return refuse(drop, EX_DATAERR, "uid=%ld: unknown option",
		    (long)getuid());
	if (!span_empty(given->verp) && !verp_delims_valid(given->verp,
	    SPAN(conf_core.verp_delimiter_filter)))
		return refuse(drop, EX_DATAERR, "uid=%ld: bad VERP delimiters",
		    (long)getuid());
	if (!user_acl_may_send(drop->senders, given->sender,
	    commands_conf.null_sender_key))
		return refuse(drop, EX_NOPERM, "uid=%ld is not allowed to send "
		    "mail as <%.*s>", (long)getuid(), SPAN_ARG(given->sender));
	if (rq->flags & CLEANUP_EXTRACT_RCPT)
		envelope.flags |= ENVELOPE_EXTRACT_RCPT;
	start_writer(drop, arena);
	queue_writer_envelope(drop->writer, &envelope);
	drop->begun = true;
	return true;
}

static void
take_rcpts(struct drop *drop, const struct attr_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct envelope_rcpt *given =
		    ATTR_AT(*list, struct envelope_rcpt, i);
		struct envelope_rcpt rcpt = { .address = given->address,
			.notify = given->notify, .orcpt = given->orcpt };

		queue_writer_rcpt(drop->writer, &rcpt);
	}
}

static bool
take_data(struct drop *drop, struct span bytes)
{
	if (conf_core.message_size_limit > 0
	    && queue_writer_content_length(drop->writer) + bytes.len
	    > (uint64_t)conf_core.message_size_limit)
		return refuse(drop, EX_UNAVAILABLE,
		    "uid=%ld: message file too big", (long)getuid());
	queue_writer_content(drop->writer, bytes);
	return true;
}

static bool
may_drop(const struct drop *drop)
{
	return faccessat(drop->queue_dir, "maildrop", W_OK | X_OK,
	    AT_EACCESS) == 0 || errno != EACCES;
}

static bool
commit(struct drop *drop)
{
	struct str why = STR_EMPTY;
	enum queue_result result = queue_writer_commit(drop->writer,
	    QUEUE_MAILDROP, &why);

	if (result == QUEUE_OK)
		RECORD_THAT("accepted", SPAN(queue_writer_id(drop->writer)),
		    "%s", "");
	else if (may_drop(drop))
		refuse(drop, EX_TEMPFAIL, "cannot create file in maildrop: %s",
		    str_cstr(&why));
	else
		refuse(drop, EX_TEMPFAIL, "cannot create file in maildrop: %s; "
		    "is postdrop installed set-gid %s?", str_cstr(&why),
		    conf_core.setgid_group);
	str_fini(&why);
	return result == QUEUE_OK;
}

/* One frame of the message; false when it is over, well or not. */
static bool
take_frame(struct drop *drop, const struct attr_frame *frame,
    struct arena *arena, struct arena *scratch, struct str *why)
{
	struct cleanup_begin begin;
	struct cleanup_rcpts rcpts;
	struct cleanup_data data;

	if (frame->form == cleanup_begin_form.id && !drop->begun)
		return attr_decode(&cleanup_begin_form, frame, NULL, scratch,
		    &begin, why) && take_begin(drop, &begin, arena);
	if (!drop->begun) {
		str_sets(why, "no message has begun");
		return false;
	}
	if (frame->form == cleanup_rcpts_form.id) {
		if (!attr_decode(&cleanup_rcpts_form, frame, NULL, scratch,
		    &rcpts, why))
			return false;
		take_rcpts(drop, &rcpts.rcpts);
		return true;
	}
	if (frame->form == cleanup_data_form.id)
		return attr_decode(&cleanup_data_form, frame, NULL, scratch,
		    &data, why) && take_data(drop, data.bytes);
	if (frame->form == cleanup_end_form.id) {
		if (commit(drop))
			drop->exit_status = EX_OK;
		return false;
	}
	str_sets(why, "unknown form");
	return false;
}

int
drop_message(int fd, int queue_dir, struct span senders)
{
	struct drop drop = { .exit_status = -1, .queue_dir = queue_dir,
		.senders = senders };
	struct stream *input = stream_open(fd);
	struct arena *arena = arena_new(), *scratch = arena_new();
	struct str why = STR_EMPTY;
	struct attr_frame frame;
	bool go_on = true;

	while (go_on) {
		enum io_status status = attr_read_frame(input, scratch,
		    deadline_in(INPUT_SECONDS), &frame, &why);

		if (status != IO_OK) {
			if (str_len(&why) == 0)
				str_sets(&why, stream_why(input));
			break;
		}
		go_on = take_frame(&drop, &frame, arena, scratch, &why);
		arena_reset(scratch);
	}
	/* What could not be read may be sent once more. */
	if (drop.exit_status < 0)
		refuse(&drop, stream_errno(input) != 0 ? EX_TEMPFAIL
		    : EX_DATAERR, "uid=%ld: %s", (long)getuid(),
		    str_len(&why) > 0 ? str_cstr(&why) : "unexpected input");
	str_fini(&why);
	arena_free(&arena);
	arena_free(&scratch);
	stream_close(input);
	return drop.exit_status;
}
