/*
 * smtp_reply - what a server said to a command: a code, lines of text, and
 * perhaps an enhanced status code (RFC 5321 4.2, RFC 2034).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_SMTP_REPLY_H
#define COMMON_MAIL_SMTP_REPLY_H

#include "common/io/stream.h"

enum { SMTP_REPLY_LINE_MAX = 2048, SMTP_REPLY_TEXT_MAX = 16384,
	SMTP_REPLY_LINES_MAX = 1000 };

/* Puts other text in place of a line, in *other, which is as it came at first.
 * False: that cannot be told now. May suspend. */
typedef bool smtp_reply_filter_fn(struct span line, struct str *other);

struct smtp_reply {
	smtp_reply_filter_fn *filter;	/* or NULL; set after init */
	struct str filtered;
	bool filter_failed;		/* that is why IO_ERROR was returned */
	unsigned code;			/* of the last line; 0: none yet */
	char dsn[12];			/* "" when the text has none that fits */
	struct str text;		/* the lines as they came, LF between */
	size_t lines;
	bool garbage;			/* a line was no reply at all */
};

void smtp_reply_init(struct smtp_reply *reply);
void smtp_reply_fini(struct smtp_reply *reply);
void smtp_reply_clear(struct smtp_reply *reply);	/* keeps the memory */

/* One line without its end. SMTP_REPLY_GARBAGE lines are kept in the text,
 * and reading goes on; text above the limit is dropped. */
enum smtp_reply_state { SMTP_REPLY_MORE, SMTP_REPLY_LAST, SMTP_REPLY_GARBAGE };
enum smtp_reply_state smtp_reply_add_line(struct smtp_reply *reply,
    struct span line);

/*
 * Reads one whole reply. The deadline is for the first line, or, with
 * per_line_s = 0, for all of it; else each further line has per_line_s
 * seconds. IO_LIMIT: too many lines. IO_ERROR with filter_failed: the filter
 * could not tell. Suspends.
 */
enum io_status smtp_reply_read(struct smtp_reply *reply, struct stream *s,
    struct deadline deadline, int64_t per_line_s);

/* '2' to '5', or 0 for any other code. */
char smtp_reply_class(const struct smtp_reply *reply);
/* Lines in turn, without code: *at is 0 at the start. False after the last. */
bool smtp_reply_next_line(const struct smtp_reply *reply, size_t *at,
    struct span *text_out);

#endif
