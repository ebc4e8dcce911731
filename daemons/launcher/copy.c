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

/* ">" goes before each line that begins with "From ". */
static void
add_quoted(struct str *out, struct span bytes, bool *at_line_start)
{
	while (bytes.len > 0) {
		ssize_t lf = span_find(bytes, '\n');
		struct span line = lf < 0 ? bytes
		    : span_sub(bytes, 0, (size_t)lf + 1);

		if (*at_line_start && span_starts(line, SPAN("From ")))
			str_putc(out, '>');
		str_add(out, line);
		*at_line_start = lf >= 0;
		bytes = span_skip(bytes, line.len);
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

/* What is left of run goes out with the rest; *ended_out: with a line end. */
static bool
copy_content(int fd, const struct mailbox_job *job, bool quote,
    struct str *run, bool *ended_out, struct str *why)
{
	char *buf = mem_alloc(RUN_BYTES);
	bool at_line_start = true, ok = true;
	uint64_t at = 0;
	size_t kept = 0;		/* a line start, waiting for its rest */

	while (ok && at < job->content_length) {
		uint64_t left = job->content_length - at;
		size_t want = left < RUN_BYTES - kept ? (size_t)left
		    : RUN_BYTES - kept;
		struct span bytes = span_of(buf, kept + want);

		ok = fs_pread_all(job->fd, buf + kept, want,
		    (off_t)(job->content_offset + at), why);
		if (!ok)
			break;
		at += want;
		kept = quote && at < job->content_length ? cut_tail(bytes)
		    : 0;
		bytes = span_sub(bytes, 0, bytes.len - kept);
		*ended_out = bytes.p[bytes.len - 1] == '\n';
		if (quote)
			add_quoted(run, bytes, &at_line_start);
		else
			str_add(run, bytes);
		memmove(buf, bytes.p + bytes.len, kept);
		if (str_len(run) >= RUN_BYTES) {
			ok = fs_write_all(fd, str_span(run), why);
			str_clear(run);
		}
	}
	mem_free(buf);
	return ok;
}

bool
copy_message(int fd, const struct mailbox_job *job, enum copy_style style,
    struct str *why)
{
	struct str run = STR_EMPTY;
	bool ended = true, ok;

	if (style != COPY_PLAIN)
		add_from_line(&run, job);
	str_add(&run, job->head);
	ok = copy_content(fd, job, style == COPY_MBOX, &run, &ended, why);
	if (style == COPY_MBOX)
		str_adds(&run, ended ? "\n" : "\n\n");
	if (ok && str_len(&run) > 0)
		ok = fs_write_all(fd, str_span(&run), why);
	str_fini(&run);
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
