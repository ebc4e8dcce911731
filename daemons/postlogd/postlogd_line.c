/*
 * postlogd_line - one datagram as one line of a log file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/io/loop.h"
#include "common/service/inherit.h"
#include "daemons/postlogd/postlogd_line.h"

enum { LINE_MAX_BYTES = 8192 };

/* Letters stand for themselves but for: A a letter, 9 a digit or space. */
static bool
has_shape(struct span s, const char *shape)
{
	if (s.len < strlen(shape))
		return false;
	for (size_t i = 0; shape[i] != '\0'; i++) {
		char c = s.p[i];
		bool ok = shape[i] == 'A' ? ascii_is_alpha(c) :
		    shape[i] == '9' ? ascii_is_digit(c) || c == ' ' :
		    c == shape[i];

		if (!ok)
			return false;
	}
	return true;
}

static bool
is_log_line(struct span s)
{
	static const char stamp[] = "AAA 99 99:99:99 ";
	struct span rest, host, tag;

	if (!has_shape(s, stamp))
		return false;
	rest = span_skip(s, sizeof(stamp) - 1);
	return span_split(&rest, ' ', &host) && !span_empty(host) &&
	    span_split(&rest, ' ', &tag) &&
	    span_ends(tag, span_cstr("]:")) && span_has(tag, '[');
}

bool
postlogd_line(struct span datagram, struct str *out, struct span *text_out)
{
	struct span text = span_rtrim(span_sub(datagram, 0, LINE_MAX_BYTES));

	*text_out = text;
	if (!is_log_line(text))
		return false;
	log_quote(out, text);
	str_putc(out, '\n');
	return true;
}

static struct str lines;

static void
flush_lines(struct loop_hook *hook)
{
	struct span rest = str_span(&lines);

	(void)hook;
	while (rest.len > 0) {
		ssize_t n = write(INHERIT_LOG, rest.p, rest.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		rest = span_skip(rest, (size_t)n);
	}
	str_clear(&lines);
}

void
postlogd_write(struct span datagram)
{
	static struct loop_hook hook = { LIST_HEAD(hook.link), flush_lines };
	struct span text;

	/* Without a log file of master's, all goes the way of our own lines. */
	if (!postlogd_line(datagram, &lines, &text)) {
		log_info("%.*s", SPAN_ARG(text));
		return;
	}
	if (fcntl(INHERIT_LOG, F_GETFL) < 0) {
		str_clear(&lines);
		log_info("%.*s", SPAN_ARG(text));
		return;
	}
	loop_hook_arm(&hook, LOOP_RANK_LOG);
}
