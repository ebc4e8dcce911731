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
	result->dsn = error == ENOSPC || error == EDQUOT || error == EFBIG
	    ? SPAN("4.2.2") : SPAN("4.2.0");
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

static bool
copy_content(int fd, const struct mailbox_job *job, bool quote,
    struct str *run, struct str *why)
{
	char *buf = mem_alloc(RUN_BYTES);
	bool at_line_start = true, ok = true;
	uint64_t at = 0;
	size_t kept = 0;		/* bytes carried over: a possible "From " */

	while (ok && (at < job->content_length || kept > 0)) {
		uint64_t left = job->content_length - at;
		size_t want = left < RUN_BYTES - kept ? (size_t)left
		    : RUN_BYTES - kept;
		struct span bytes;

		if (want > 0 && !fs_pread_all(job->fd, buf + kept, want,
		    (off_t)(job->content_offset + at), why)) {
			ok = false;
			break;
		}
		at += want;
		bytes = span_of(buf, kept + want);
		kept = 0;
		if (!quote) {
			str_add(run, bytes);
		} else {
			/* A line start that may be cut waits for the rest. */
			ssize_t lf = span_rfind(bytes, '\n');
			size_t tail = bytes.len - (size_t)(lf + 1);

			if (at < job->content_length && tail < 5
			    && tail < bytes.len) {
				add_quoted(run, span_sub(bytes, 0,
				    bytes.len - tail), &at_line_start);
				memmove(buf, bytes.p + bytes.len - tail,
				    tail);
				kept = tail;
			} else {
				add_quoted(run, bytes, &at_line_start);
			}
		}
		if (str_len(run) >= RUN_BYTES || at == job->content_length) {
			ok = fs_write_all(fd, str_span(run), why);
			str_clear(run);
		}
		if (at == job->content_length && kept == 0)
			break;
	}
	mem_free(buf);
	return ok;
}

bool
copy_message(int fd, const struct mailbox_job *job, bool from_line,
    struct str *why)
{
	struct str run = STR_EMPTY;
	bool ok;

	if (from_line)
		add_from_line(&run, job);
	str_add(&run, job->head);
	ok = copy_content(fd, job, from_line, &run, why);
	if (ok && str_len(&run) > 0)
		ok = fs_write_all(fd, str_span(&run), why);
	if (ok && from_line)
		ok = fs_write_all(fd, SPAN("\n"), why);
	str_fini(&run);
	return ok;
}
