/*
 * copy - a message from the queue file to a mailbox file, in large runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/io/fs.h"
#include "common/mail/address.h"
#include "daemons/launcher/worker.h"

#define RUN_BYTES (64 * 1024)

void
result_from_errno(struct mailbox_result *result, struct arena *arena,
    const char *doing)
{
	int error = errno;

	result->verdict = MAILBOX_DEFER;
	switch (error) {
	case EDQUOT:
	case EFBIG:
		result->dsn = SPAN("4.2.2");
		break;
	case ENOSPC:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case EROFS:
	case EIO:
		result->dsn = SPAN("4.3.0");
		break;
	default:
		result->dsn = SPAN("4.2.0");
	}
	errno = error;
	result->text = SPAN(arena_printf(arena, "%s: %m", doing));
}

static void
add_from_line(struct str *out, const struct mailbox_job *job)
{
	time_t now = clock_wall();
	char date[32];
	struct tm tm;

	localtime_r(&now, &tm);
	asctime_r(&tm, date);
	str_adds(out, "From ");
	if (span_empty(job->sender))
		str_adds(out, "MAILER-DAEMON");
	else
		address_quote(out, job->sender);
	str_addf(out, "  %s", date);
}

struct copying {
	const struct mailbox_job *job;
	uint64_t style;
	struct span eol;		/* empty: LF */
	int fd;
	struct str run;			/* to be written */
	bool at_line_start;
	struct str *why;
};

/* What some lines have in front of them. */
static void
add_escape(struct copying *c, struct span line)
{
	if ((c->style & COMMAND_QUOTE_FROM)
	    && span_starts(line, SPAN("From ")))
		str_putc(&c->run, '>');
	else if ((c->style & COMMAND_DOTS) && line.len > 0
	    && line.p[0] == '.')
		str_putc(&c->run, '.');
}

static void
add_lines(struct copying *c, struct span bytes, bool escaped)
{
	while (bytes.len > 0) {
		ssize_t lf = span_find(bytes, '\n');
		struct span line = lf < 0 ? bytes
		    : span_sub(bytes, 0, (size_t)lf + 1);

		if (escaped && c->at_line_start)
			add_escape(c, line);
		c->at_line_start = lf >= 0;
		bytes = span_skip(bytes, line.len);
		if (lf < 0 || c->eol.len == 0) {
			str_add(&c->run, line);
		} else {
			str_add(&c->run, span_sub(line, 0, (size_t)lf));
			str_add(&c->run, c->eol);
		}
	}
}

/* Bytes behind the last line end that may be a cut "From ". */
static size_t
cut_tail(struct span bytes)
{
	ssize_t lf = span_rfind(bytes, '\n');
	size_t tail = bytes.len - (size_t)(lf + 1);

	return lf >= 0 && tail < 5 ? tail : 0;
}

static bool
write_run(struct copying *c, size_t from)
{
	bool ok = str_len(&c->run) < from || str_len(&c->run) == 0
	    || fs_write_all(c->fd, str_span(&c->run), c->why);

	if (str_len(&c->run) >= from)
		str_clear(&c->run);
	return ok;
}

/* What is left of the run goes out with the rest. */
static bool
copy_content(struct copying *c)
{
	const struct mailbox_job *job = c->job;
	bool by_lines = c->eol.len > 0 || (c->style & (COMMAND_QUOTE_FROM
	    | COMMAND_DOTS)) != 0;
	char *buf = mem_alloc(RUN_BYTES);
	bool ok = true;
	uint64_t at = 0;
	size_t kept = 0;		/* a line start, waiting for its rest */

	c->at_line_start = true;
	while (ok && at < job->content_length) {
		uint64_t left = job->content_length - at;
		size_t want = left < RUN_BYTES - kept ? (size_t)left
		    : RUN_BYTES - kept;
		struct span bytes = span_of(buf, kept + want);

		ok = fs_pread_all(job->fd, buf + kept, want,
		    (off_t)(job->content_offset + at), c->why);
		if (!ok)
			break;
		at += want;
		kept = by_lines && at < job->content_length ? cut_tail(bytes)
		    : 0;
		bytes = span_sub(bytes, 0, bytes.len - kept);
		if (by_lines) {
			add_lines(c, bytes, true);
		} else {
			str_add(&c->run, bytes);
			c->at_line_start = bytes.p[bytes.len - 1] == '\n';
		}
		memmove(buf, bytes.p + bytes.len, kept);
		ok = write_run(c, RUN_BYTES);
	}
	mem_free(buf);
	return ok;
}

bool
copy_message(int fd, const struct mailbox_job *job, uint64_t style,
    struct span eol, struct str *why)
{
	struct copying c = { .job = job, .style = style, .fd = fd,
		.eol = span_is(eol, "\n") ? SPAN_NONE : eol, .why = why };
	struct str head = STR_EMPTY;
	bool ok;

	if (style & COMMAND_FROM_LINE)
		add_from_line(&head, job);
	str_add(&head, job->head);
	add_lines(&c, str_span(&head), false);
	ok = copy_content(&c);
	if (ok && (style & COMMAND_BLANK_END))
		add_lines(&c, c.at_line_start ? SPAN("\n") : SPAN("\n\n"),
		    false);
	ok = ok && write_run(&c, 0);
	str_fini(&c.run);
	str_fini(&head);
	return ok;
}

bool
copy_fits(const struct mailbox_job *job, uint64_t there,
    struct mailbox_result *result, struct arena *arena, const char *doing)
{
	uint64_t more = job->head.len + job->content_length;

	if (job->size_limit == 0 || (more <= job->size_limit
	    && there <= job->size_limit - more))
		return true;
	result->verdict = MAILBOX_BOUNCE;
	result->dsn = SPAN("5.2.2");
	result->text = SPAN(arena_printf(arena,
	    "%s error writing message: File too large", doing));
	return false;
}
