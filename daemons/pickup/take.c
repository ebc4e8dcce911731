/*
 * take - one file of maildrop: into the queue, back to its sender, or left for
 * another time.
 *
 * Nothing in a file is trusted but its owner, whom the kernel vouches for. A
 * file goes away only after its message, or a notice about it, is durable.
 *
 * A file of our own that nobody else may read is one of the queue, which
 * postsuper sends through here once more: it stays as old as it is, and what was
 * asked for its recipients counts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fs.h"
#include "common/io/record.h"
#include "common/mail/address.h"
#include "common/mail/date822.h"
#include "common/service/service.h"
#include "daemons/pickup/pickup_conf.h"
#include "daemons/pickup/pickup_priv.h"
#include "daemons/shared/bounce_client.h"
#include "daemons/shared/cleanup_client.h"
#include "daemons/shared/overrides.h"
#include "daemons/shared/rewrite_client.h"
#include "daemons/shared/submit.h"
#include "queue/message.h"

#define RUN_BYTES (32 * 1024)
#define RCPTS_AT_ONCE 200

struct pickup {
	struct arena *arena;
	struct queue_message file;
	char id[QUEUE_ID_MAX];		/* of the message in the queue */
	uid_t uid;
	bool requeued;
	struct envelope envelope;
};

#define REQUEUED_ENVELOPE_FLAGS (SUBMIT_ENVELOPE_FLAGS \
	| ENVELOPE_SMTPUTF8_ASKED)

static unsigned overrides;
static struct hash *over;		/* taken, but their file would not go */

static struct span
standard_form(struct pickup *p, struct span address, bool *ok)
{
	struct rewrite_answer answer;

	if (span_empty(address))
		return address;
	if (!rewrite_address("local", REWRITE_STANDARD_FORM, SPAN_NONE,
	    address, &answer, p->arena, service_ipc_deadline()))
		*ok = false;
	return answer.address;
}

static bool
send_rcpts(struct pickup *p, struct cleanup_client *c)
{
	struct envelope_rcpt *rcpts = arena_array(p->arena, RCPTS_AT_ONCE,
	    sizeof(*rcpts));
	struct str *why = str_in_arena(p->arena);
	uint64_t cursor = 0;
	bool ok = true;

	do {
		size_t n = 0;

		if (queue_message_rcpts(&p->file, &cursor, RCPTS_AT_ONCE,
		    p->arena, rcpts, &n, why) != QUEUE_OK)
			return false;
		for (size_t i = 0; i < n && ok; i++) {
			struct span given = rcpts[i].address;

			rcpts[i].address = standard_form(p, given, &ok);
			if (!p->requeued || span_empty(rcpts[i].original))
				rcpts[i].original = rcpts[i].address;
			rcpts[i].mark_at = 0;
			cleanup_client_rcpt(c, &rcpts[i]);
		}
	} while (cursor != 0 && ok);
	return ok;
}

static bool
send_content(struct pickup *p, struct cleanup_client *c)
{
	struct str *received = str_in_arena(p->arena);
	char *buf = arena_alloc(p->arena, RUN_BYTES);
	uint64_t at = 0, length = p->file.layout.content_length;

	str_printf(received, "Received: by %s (%s, from userid %ld)\n"
	    "\tid %s; ", conf_core.myhostname, conf_core.mail_name,
	    (long)p->uid, p->id);
	date822_print(received, clock_wall());
	str_putc(received, '\n');
	if (cleanup_client_data(c, str_span(received),
	    service_ipc_deadline()) != IO_OK)
		return false;
	while (at < length) {
		size_t want = length - at < RUN_BYTES ? (size_t)(length - at)
		    : RUN_BYTES;
		ssize_t got = fs_pread(p->file.fd, buf, want,
		    (off_t)(p->file.layout.content_offset + at));

		if (got <= 0)
			return false;
		/* It would be more of ours; so it is body. */
		if (at == 0 && (buf[0] == ' ' || buf[0] == '\t')
		    && cleanup_client_data(c, SPAN("\n"),
		    service_ipc_deadline()) != IO_OK)
			return false;
		if (cleanup_client_data(c, span_of(buf, (size_t)got),
		    service_ipc_deadline()) != IO_OK)
			return false;
		at += (uint64_t)got;
	}
	return true;
}

static void
log_pickup(const struct pickup *p)
{
	struct str sender = STR_EMPTY;

	address_print(&sender, p->envelope.sender);
	log_info("uid=%ld from=<%s>%s%s", (long)p->uid, str_cstr(&sender),
	    p->requeued ? " orig_id=" : "", p->requeued ? p->file.id : "");
	str_fini(&sender);
}

/* Hands the message to cleanup; the verdict in *result. */
static void
submit(struct pickup *p, struct cleanup_result *result)
{
	struct cleanup_begin begin = { .queue_id = SPAN(p->id),
		.flags = receive_overridden(CLEANUP_EXTERNAL, overrides),
		.envelope = { &p->envelope, 1 } };
	struct cleanup_client *c;
	bool ok = true;

	*result = (struct cleanup_result){ .status = CLEANUP_WRITE_ERROR,
		.text = SPAN("cleanup service is not available") };
	p->envelope.sender = standard_form(p, p->envelope.sender, &ok);
	if (p->envelope.flags & ENVELOPE_EXTRACT_RCPT)
		begin.flags |= CLEANUP_EXTRACT_RCPT;
	p->envelope.flags &= p->requeued ? REQUEUED_ENVELOPE_FLAGS :
	    SUBMIT_ENVELOPE_FLAGS;
	p->envelope.filter = SPAN(pickup_conf.content_filter);
	if (!ok)
		return;
	c = cleanup_client_begin(p->arena, &begin, service_ipc_deadline());
	if (c == NULL)
		return;
	RECORD_THAT("derived", SPAN(p->file.id), "%s", p->id);
	log_pickup(p);
	if (send_rcpts(p, c) && send_content(p, c))
		cleanup_client_finish(c, result, service_ipc_deadline());
	else
		cleanup_client_abort(c);
}

/* Says to the sender why the message was refused, durably. */
static bool
return_message(struct pickup *p, const struct cleanup_result *result)
{
	const char *code, *dsn, *text;
	uint64_t n = p->file.layout.rcpt_count;
	struct envelope_rcpt *rcpts = arena_array(p->arena, n + 1,
	    sizeof(*rcpts));
	struct outcome *outcomes = arena_array(p->arena, n + 1,
	    sizeof(*outcomes));
	struct bounce_send notice = { .what = BOUNCE_FAILED,
		.queue_name = SPAN("maildrop"), .queue_id = SPAN(p->id),
		.envelope = { &p->envelope, 1 },
		.content_offset = p->file.layout.content_offset,
		.content_length = p->file.layout.content_length,
		.fd = p->file.fd };
	struct str *why = str_in_arena(p->arena);
	uint64_t cursor = 0;
	size_t count = 0;

	cleanup_status_reply(result->status, &code, &dsn, &text);
	if (queue_message_rcpts(&p->file, &cursor, (size_t)n + 1, p->arena,
	    rcpts, &count, why) != QUEUE_OK)
		return false;
	if (count == 0)
		rcpts[count++].address = SPAN("undisclosed-recipients:;");
	for (size_t i = 0; i < count; i++)
		outcomes[i] = (struct outcome){ .rcpt = rcpts[i].address,
			.notify = rcpts[i].notify, .action = DSN_FAILED,
			.dsn = SPAN(dsn), .reason = span_empty(result->text)
			    ? SPAN(text) : result->text,
			.when_us = clock_wall_us() };
	return bounce_append(QUEUE_BOUNCE, SPAN(p->id), outcomes, count,
	    service_ipc_deadline())
	    && bounce_send(&notice, service_ipc_deadline());
}

static bool
is_permanent(uint64_t status)
{
	const char *code, *dsn, *text;

	cleanup_status_reply(status, &code, &dsn, &text);
	return code[0] == '5';
}

/* A commit log that has it must not bring it back. */
static bool
log_that_it_is_over(const char *name, struct str *why)
{
	struct commit_log_spot spot;

	commit_log_find(service_queue_dir(), SPAN(name), &spot);
	return commit_log_tombstone(service_queue_dir(), &spot, true, why);
}

/* One that stays is not taken again by this process. */
static void
remove_file(const char *name, bool requeued)
{
	struct str why = STR_EMPTY;

	if ((!requeued || log_that_it_is_over(name, &why))
	    && queue_remove(service_queue_dir(), QUEUE_MAILDROP, SPAN(name),
	    &why)) {
		hash_remove(over, SPAN(name));
	} else {
		log_warn("%s", str_cstr(&why));
		hash_put(over, SPAN(name), over);
	}
	str_fini(&why);
}

static void
take_message(struct pickup *p)
{
	const char *code, *dsn, *text;
	struct cleanup_result result;
	bool done;

	fiber_log_context(p->id);
	fiber_note_work(p->id, "");
	submit(p, &result);
	cleanup_status_reply(result.status, &code, &dsn, &text);
	done = result.status == CLEANUP_OK
	    || (is_permanent(result.status) && return_message(p, &result));
	if (done)
		remove_file(p->file.id, p->requeued);
	else
		log_warn("maildrop/%s: %.*s -- will be tried again",
		    p->file.id, SPAN_ARG(span_empty(result.text)
		    ? SPAN(text) : result.text));
	fiber_log_context(NULL);
	fiber_note_work("", "");
}

void
pickup_take(const char *name)
{
	struct pickup p = { .arena = NULL };
	struct str *why;

	if (hash_has(over, SPAN(name))) {
		remove_file(name, true);
		return;
	}
	p.arena = arena_new();
	why = str_in_arena(p.arena);
	switch (queue_message_open(service_queue_dir(), QUEUE_MAILDROP,
	    SPAN(name), true, true, p.arena, &p.file, why)) {
	case QUEUE_OK:
		if (!(p.file.mode & S_IXUSR))
			break;
		p.uid = p.file.owner;
		p.requeued = p.uid == geteuid()
		    && !(p.file.mode & (S_IRWXG | S_IRWXO));
		p.envelope = p.file.envelope;
		if (!p.requeued)
			p.envelope.arrival_us = clock_wall_us();
		queue_id_make(p.id, service_slot(),
		    conf_core.enable_long_queue_ids);
		take_message(&p);
		break;
	case QUEUE_GONE:
	case QUEUE_BUSY:
	case QUEUE_INCOMPLETE:
		break;
	case QUEUE_DAMAGED:
		log_warn("maildrop/%s: %s -- moved to corrupt", name,
		    str_cstr(why));
		queue_move(service_queue_dir(), SPAN(name), QUEUE_MAILDROP,
		    QUEUE_CORRUPT, why);
		break;
	case QUEUE_FOREIGN:
	case QUEUE_NOSPACE:
	case QUEUE_EXISTS:
	case QUEUE_IO_ERROR:
		log_warn("maildrop/%s: %s", name, str_cstr(why));
		break;
	}
	queue_message_close(&p.file);
	arena_free(&p.arena);
}

void
pickup_setup(void)
{
	if (over == NULL)
		over = hash_new();
	overrides = receive_overrides_read(
	    pickup_conf.receive_override_options);
}
