/*
 * smtp_reply - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/smtp_reply.h"

#include "common/mail/dsn.h"

void
smtp_reply_init(struct smtp_reply *reply)
{
	*reply = (struct smtp_reply){ .text = STR_EMPTY };
}

void
smtp_reply_fini(struct smtp_reply *reply)
{
	str_fini(&reply->text);
	str_fini(&reply->filtered);
}

void
smtp_reply_clear(struct smtp_reply *reply)
{
	reply->code = 0;
	reply->dsn[0] = '\0';
	reply->lines = 0;
	reply->garbage = false;
	reply->filter_failed = false;
	str_clear(&reply->text);
}

/* "250" followed by nothing, a space or a hyphen. */
static bool
parse_code(struct span line, unsigned *code_out, bool *more_out)
{
	if (line.len < 3 || !ascii_is_digit(line.p[0]) ||
	    !ascii_is_digit(line.p[1]) || !ascii_is_digit(line.p[2]))
		return false;
	if (line.len > 3 && line.p[3] != ' ' && line.p[3] != '-')
		return false;
	*code_out = (unsigned)(line.p[0] - '0') * 100 +
	    (unsigned)(line.p[1] - '0') * 10 + (unsigned)(line.p[2] - '0');
	*more_out = line.len > 3 && line.p[3] == '-';
	return true;
}

char
smtp_reply_class(const struct smtp_reply *reply)
{
	unsigned cls = reply->code / 100;

	return cls >= 2 && cls <= 5 ? (char)('0' + cls) : 0;
}

/* A code of another class than the reply's says nothing. */
static void
find_dsn(struct smtp_reply *reply, struct span line)
{
	struct span text = span_ltrim(span_skip(line, 4));
	size_t len = dsn_scan(text);

	reply->dsn[0] = '\0';
	if (len == 0 || len >= sizeof(reply->dsn) ||
	    text.p[0] != smtp_reply_class(reply) ||
	    (len < text.len && !ascii_is_space(text.p[len])))
		return;
	memcpy(reply->dsn, text.p, len);
	reply->dsn[len] = '\0';
}

static void
keep_line(struct smtp_reply *reply, struct span line)
{
	size_t room = SMTP_REPLY_TEXT_MAX - str_len(&reply->text);

	if (reply->lines++ > 0 && room > 0) {
		str_putc(&reply->text, '\n');
		room--;
	}
	str_add(&reply->text, span_sub(line, 0, room));
}

enum smtp_reply_state
smtp_reply_add_line(struct smtp_reply *reply, struct span line)
{
	unsigned code;
	bool more;

	keep_line(reply, line);
	if (!parse_code(line, &code, &more)) {
		reply->garbage = true;
		return SMTP_REPLY_GARBAGE;
	}
	if (more)
		return SMTP_REPLY_MORE;
	reply->code = code;
	find_dsn(reply, line);
	return SMTP_REPLY_LAST;
}

/* False: *line is not what it should be. */
static bool
filter_line(struct smtp_reply *reply, struct span *line)
{
	if (reply->filter == NULL)
		return true;
	str_set(&reply->filtered, *line);
	reply->filter_failed = !reply->filter(*line, &reply->filtered);
	*line = str_span(&reply->filtered);
	return !reply->filter_failed;
}

enum io_status
smtp_reply_read(struct smtp_reply *reply, struct stream *s,
    struct deadline deadline, int64_t per_line_s)
{
	smtp_reply_clear(reply);
	for (;;) {
		struct span line;
		enum io_status status = stream_read_line(s,
		    SMTP_REPLY_LINE_MAX, deadline, &line, NULL);

		if (status != IO_OK && status != IO_LIMIT)
			return status;
		if (stream_status(s) != IO_OK && status == IO_LIMIT)
			return IO_LIMIT;
		if (!filter_line(reply, &line))
			return IO_ERROR;
		if (smtp_reply_add_line(reply, line) == SMTP_REPLY_LAST)
			return IO_OK;
		if (reply->lines >= SMTP_REPLY_LINES_MAX)
			return IO_LIMIT;
		if (per_line_s > 0)
			deadline = deadline_in(per_line_s);
	}
}

bool
smtp_reply_next_line(const struct smtp_reply *reply, size_t *at,
    struct span *text_out)
{
	struct span rest = span_skip(str_span(&reply->text), *at), line;

	if (*at > str_len(&reply->text) || (*at > 0 && span_empty(rest)) ||
	    !span_split(&rest, '\n', &line))
		return false;
	*at += line.len + 1;
	*text_out = span_skip(line, 4);
	return true;
}
