/*
 * log_sinks - lines to a descriptor or to standard error.
 *
 * Lines are collected and leave with one write, which O_APPEND makes whole. A
 * pipe keeps up to PIPE_BUF bytes together, so there it is several writes
 * of whole lines. What a slow reader does not take waits, up to a limit; then
 * lines are dropped and counted, never the process stopped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/log_priv.h"
#include "common/base/mem.h"
#include "common/base/str.h"

enum {
	EARLY_BYTES = 256 * 1024,	/* written before the turn ends */
	HELD_BYTES = 1024 * 1024,	/* kept for a reader that is slow */
	LAST_WAIT_MS = 1000,
};

struct fd_sink {
	struct log_sink sink;
	struct fd_sink *next;
	struct str lines;
	size_t lost;
	int fd;
	bool piped, torn;		/* torn: the first line is a remainder */
	struct log_record latest;	/* for the line that counts the lost */
};

static struct fd_sink *fd_sinks;

/* How much of the text may go in one write. */
static size_t
portion(const struct fd_sink *to, struct span text)
{
	if (!to->piped || text.len <= PIPE_BUF)
		return text.len;

	ssize_t end = span_rfind(span_sub(text, 0, PIPE_BUF), '\n');

	return end >= 0 ? (size_t)end + 1 : PIPE_BUF;
}

static bool
wait_for_reader(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLOUT };

	return log_ending() && poll(&one, 1, LAST_WAIT_MS) > 0;
}

/* A descriptor that cannot be written any more has no use for lines. */
static void
drop_all(struct fd_sink *to)
{
	str_clear(&to->lines);
	to->torn = false;
}

static void
write_lines(struct fd_sink *to)
{
	struct span rest = str_span(&to->lines);

	while (rest.len > 0) {
		ssize_t n = write(to->fd, rest.p, portion(to, rest));

		if (n > 0) {
			to->torn = rest.p[n - 1] != '\n';
			rest = span_skip(rest, (size_t)n);
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else if (n < 0 && (errno == EAGAIN || errno == ENOSPC ||
		    errno == EDQUOT)) {
			if (errno != EAGAIN || !wait_for_reader(to->fd))
				break;
		} else {
			drop_all(to);
			return;
		}
	}
	str_remove(&to->lines, 0, to->lines.len - rest.len);
}

static void
report_lost(struct fd_sink *to)
{
	char text[64];
	int n = snprintf(text, sizeof(text),
	    "warning: %zu lines of this log are lost", to->lost);

	to->latest.text = span_of(text, (size_t)n);
	log_format_line(&to->latest, &to->lines);
	to->lost = 0;
}

static void
flush_fd(struct log_sink *sink)
{
	struct fd_sink *to = container_of(sink, struct fd_sink, sink);

	if (to->lines.len == 0)
		return;
	write_lines(to);
	if (to->lost > 0 && to->lines.len < HELD_BYTES / 2)
		report_lost(to);
	/* A burst is no reason to keep its memory. */
	if (to->lines.len == 0 && to->lines.room > EARLY_BYTES * 2)
		str_fini(&to->lines);
}

static void
write_fd(struct log_sink *sink, const struct log_record *record)
{
	struct fd_sink *to = container_of(sink, struct fd_sink, sink);

	to->latest = *record;
	to->latest.text = SPAN_NONE;
	if (to->lines.len >= HELD_BYTES) {
		to->lost++;
		return;
	}
	log_format_line(record, &to->lines);
	if (to->lines.len >= EARLY_BYTES && to->lost == 0)
		write_lines(to);
}

struct log_sink *
log_sink_fd(int fd)
{
	struct fd_sink *to = fd_sinks;
	struct stat st;

	while (to != NULL && to->fd != fd)
		to = to->next;
	if (to == NULL) {
		to = MEM_NEW(struct fd_sink);
		to->sink = (struct log_sink){ .write = write_fd,
			.flush = flush_fd };
		to->fd = fd;
		to->next = fd_sinks;
		fd_sinks = to;
	}
	/* The number may mean another file now. */
	to->piped = fstat(fd, &st) == 0 && !S_ISREG(st.st_mode);
	return &to->sink;
}

/* --- Standard error ---------------------------------------------------------*/

/* At once and in one piece: people read it beside the program's own output. */
static void
write_plain(struct log_sink *sink, const struct log_record *record)
{
	static struct str line;		/* under the log's lock */

	(void)sink;
	str_printf(&line, "%s: ", log_name());
	str_add(&line, record->text);
	str_putc(&line, '\n');
	for (size_t done = 0; done < line.len;) {
		ssize_t n = write(STDERR_FILENO, line.buf + done,
		    line.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

struct log_sink *
log_sink_stderr(bool with_time)
{
	static struct log_sink plain = { .write = write_plain };

	return with_time ? log_sink_fd(STDERR_FILENO) : &plain;
}
