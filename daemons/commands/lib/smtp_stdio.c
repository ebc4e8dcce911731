/*
 * smtp_stdio - see the header. The client is a program of whoever called, so
 * nothing is checked that sendmail does not check, and a bare LF ends a line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/commands/lib/smtp_stdio.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/base/strlist.h"
#include "common/io/child.h"
#include "common/io/fs.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/smtp_cmd.h"
#include "common/mail/smtp_data.h"

#define LINE_MOST 4096
#define RUN_BYTES 16384
#define RCPTS_MOST 1000

struct session {
	const char *sendmail;
	struct str input;		/* read, and not used yet */
	bool eof, over;
	bool has_mail, eight_bit, utf8;
	struct str sender;		/* in external form */
	struct strlist rcpts;
	uint64_t size_limit;
};

__attribute__((format(printf, 1, 2))) static void
say(const char *format, ...)
{
	struct str text = STR_EMPTY;
	va_list args;

	va_start(args, format);
	str_vaddf(&text, format, args);
	va_end(args);
	fwrite(str_cstr(&text), 1, str_len(&text), stdout);
	fputs("\r\n", stdout);
	fflush(stdout);
	str_fini(&text);
}

static bool
read_more(struct session *s)
{
	ssize_t n = -1;

	if (s->eof)
		return false;
	do
		n = read(STDIN_FILENO, str_reserve(&s->input, RUN_BYTES),
		    RUN_BYTES);
	while (n < 0 && errno == EINTR);
	s->eof = n <= 0;
	if (n > 0)
		str_advance(&s->input, (size_t)n);
	return n > 0;
}

static void
forget(struct session *s)
{
	s->has_mail = s->eight_bit = s->utf8 = false;
	str_clear(&s->sender);
	strlist_fini(&s->rcpts);
}

static void
refuse(enum smtp_cmd_status status, const struct str *why, const char *syntax)
{
	switch (status) {
	case SMTP_CMD_OK:
		break;
	case SMTP_CMD_SYNTAX:
		say("501 5.5.4 Syntax: %s", syntax);
		break;
	case SMTP_CMD_BAD_SENDER:
		say("501 5.1.7 Bad sender address syntax");
		break;
	case SMTP_CMD_BAD_RCPT:
		say("501 5.1.3 Bad recipient address syntax");
		break;
	case SMTP_CMD_BAD_VALUE:
		say("501 5.5.4 %s", str_cstr(why));
		break;
	case SMTP_CMD_UNKNOWN_PARAM:
		say("555 5.5.4 Unsupported option: %s", str_cstr(why));
		break;
	}
}

static void
mail(struct session *s, struct span rest)
{
	struct smtp_mail mail = { .size = 0 };
	struct str why = STR_EMPTY;
	enum smtp_cmd_status status = smtp_mail_parse(rest, SMTP_PARAM_SIZE
	    | SMTP_PARAM_BODY | SMTP_PARAM_SMTPUTF8, &mail, &why);

	if (s->has_mail) {
		say("503 5.5.1 Error: nested MAIL command");
	} else if (status != SMTP_CMD_OK) {
		refuse(status, &why, "MAIL FROM:<address>");
	} else if (s->size_limit > 0 && mail.size > s->size_limit) {
		say("552 5.3.4 Message size exceeds fixed limit");
	} else {
		str_sets(&s->sender, "");
		address_quote(&s->sender, str_span(&mail.sender));
		s->has_mail = true;
		s->eight_bit = mail.body == SMTP_BODY_8BITMIME;
		s->utf8 = mail.smtputf8;
		say("250 2.1.0 Ok");
	}
	smtp_mail_fini(&mail);
	str_fini(&why);
}

static void
rcpt(struct session *s, struct span rest)
{
	struct smtp_rcpt rcpt = { .notify = 0 };
	struct str why = STR_EMPTY, text = STR_EMPTY;
	enum smtp_cmd_status status = smtp_rcpt_parse(rest, 0, s->utf8, &rcpt,
	    &why);

	if (!s->has_mail) {
		say("503 5.5.1 Error: need MAIL command");
	} else if (status != SMTP_CMD_OK) {
		refuse(status, &why, "RCPT TO:<address>");
	} else if (s->rcpts.count >= RCPTS_MOST) {
		say("452 4.5.3 Error: too many recipients");
	} else {
		address_quote(&text, str_span(&rcpt.address));
		strlist_adds(&s->rcpts, str_cstr(&text));
		say("250 2.1.5 Ok");
	}
	smtp_rcpt_fini(&rcpt);
	str_fini(&why);
	str_fini(&text);
}

/* Up to the dot: into the file while it fits. False at the end of input. */
static bool
take_content(struct session *s, int fd, uint64_t *size, bool *written,
    struct str *why)
{
	struct smtp_data d;
	struct str out = STR_EMPTY;

	smtp_data_init(&d, SMTP_DATA_BARE_LF_ENDS);
	*size = 0;
	*written = true;
	while (!d.ended) {
		if (str_len(&s->input) == 0 && !read_more(s))
			break;
		str_remove(&s->input, 0, smtp_data_take(&d,
		    str_span(&s->input), &out));
		*size += str_len(&out);
		if (*written && (s->size_limit == 0 || *size <= s->size_limit))
			*written = fs_write_all(fd, str_span(&out), why);
		str_clear(&out);
	}
	str_fini(&out);
	return d.ended;
}

/* What that sendmail said: its exit status, EX_TEMPFAIL if nothing. */
static int
submit(struct session *s, int content, struct str *why)
{
	extern char **environ;
	struct strlist argv = STRLIST_EMPTY;
	struct child_fd fds[] = { { content, 0 }, { 2, 1 }, { 2, 2 } };
	struct child_spec spec = { .path = s->sendmail, .envp = environ,
		.fds = fds, .nfds = ARRAY_COUNT(fds) };
	int status = 0;
	pid_t pid;

	strlist_adds(&argv, "sendmail");
	strlist_adds(&argv, "-i");
	strlist_adds(&argv, s->eight_bit ? "-B8BITMIME" : "-B7BIT");
	strlist_adds(&argv, "-f");
	strlist_adds(&argv, str_len(&s->sender) > 0 ? str_cstr(&s->sender)
	    : "<>");
	strlist_adds(&argv, "--");
	for (size_t i = 0; i < s->rcpts.count; i++)
		strlist_adds(&argv, s->rcpts.items[i]);
	spec.argv = argv.items;
	pid = lseek(content, 0, SEEK_SET) == 0 ? child_start(&spec, why) : -1;
	strlist_fini(&argv);
	if (pid < 0)
		return EX_TEMPFAIL;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_TEMPFAIL;
}

static void
data(struct session *s)
{
	struct str why = STR_EMPTY;
	uint64_t size;
	bool written;
	int fd;

	if (s->rcpts.count == 0) {
		say(s->has_mail ? "554 5.5.1 Error: no valid recipients"
		    : "503 5.5.1 Error: need RCPT command");
		return;
	}
	fd = fs_memory_file("message", &why);
	if (fd < 0) {
		say("451 4.3.0 Error: %s", str_cstr(&why));
		str_fini(&why);
		return;
	}
	say("354 End data with <CR><LF>.<CR><LF>");
	if (!take_content(s, fd, &size, &written, &why)) {
		s->over = true;
	} else if (!written) {
		say("451 4.3.0 Error: %s", str_cstr(&why));
	} else if (s->size_limit > 0 && size > s->size_limit) {
		say("552 5.3.4 Error: message file too big");
	} else {
		int status = submit(s, fd, &why);

		if (status == EX_OK)
			say("250 2.0.0 Ok: queued");
		else if (status == EX_TEMPFAIL || status == EX_OSERR
		    || status == EX_OSFILE || status == EX_IOERR
		    || status == EX_UNAVAILABLE || status == EX_CONFIG)
			say("451 4.3.0 Error: queue file write error");
		else
			say("554 5.3.0 Error: message was refused");
	}
	close(fd);
	str_fini(&why);
	forget(s);
}

static void
hello(struct session *s, const struct smtp_line *line)
{
	if (span_empty(line->rest)) {
		say("501 Syntax: %s hostname", smtp_verb_name(line->verb));
		return;
	}
	forget(s);
	if (line->verb == SMTP_HELO) {
		say("250 %s", conf_core.myhostname);
		return;
	}
	say("250-%s", conf_core.myhostname);
	say("250-PIPELINING");
	say("250-SIZE %llu", (unsigned long long)s->size_limit);
	say("250-ENHANCEDSTATUSCODES");
	say("250-8BITMIME");
	say("250 SMTPUTF8");
}

static void
obey(struct session *s, struct span text)
{
	struct smtp_line line;

	smtp_line_split(text, &line);
	switch (line.verb) {
	case SMTP_HELO:
	case SMTP_EHLO:
		hello(s, &line);
		break;
	case SMTP_MAIL:
		mail(s, line.rest);
		break;
	case SMTP_RCPT:
		rcpt(s, line.rest);
		break;
	case SMTP_DATA:
		data(s);
		break;
	case SMTP_RSET:
		forget(s);
		say("250 2.0.0 Ok");
		break;
	case SMTP_NOOP:
		say("250 2.0.0 Ok");
		break;
	case SMTP_VRFY:
		say("252 2.0.0 %.*s", SPAN_ARG(line.rest));
		break;
	case SMTP_QUIT:
		say("221 2.0.0 Bye");
		s->over = true;
		break;
	case SMTP_XCLIENT:
	case SMTP_XFORWARD:
	case SMTP_STARTTLS:
	case SMTP_AUTH:
	case SMTP_BDAT:
	case SMTP_ETRN:
	case SMTP_HELP:
	case SMTP_UNKNOWN:
	case SMTP_VERB_COUNT:
		say("502 5.5.2 Error: command not recognized");
		break;
	}
}

/* One line of input, without its end; a longer one is cut. */
static bool
read_line(struct session *s, struct str *line)
{
	ssize_t end;

	while ((end = span_find(str_span(&s->input), '\n')) < 0
	    && str_len(&s->input) < LINE_MOST)
		if (!read_more(s))
			return false;
	if (end < 0)
		end = LINE_MOST - 1;
	str_set(line, span_rtrim(span_sub(str_span(&s->input), 0,
	    (size_t)end)));
	str_remove(&s->input, 0, (size_t)end + 1);
	return true;
}

int
smtp_stdio(const char *sendmail)
{
	struct session s = { .sendmail = sendmail };
	struct str line = STR_EMPTY, why = STR_EMPTY;

	if (!conf_value("message_size_limit", &line, &why)
	    || !scan_u64(str_span(&line), &s.size_limit))
		s.size_limit = 0;
	say("220 %s ESMTP", conf_core.myhostname);
	while (!s.over && read_line(&s, &line))
		obey(&s, str_span(&line));
	forget(&s);
	str_fini(&s.sender);
	str_fini(&s.input);
	str_fini(&line);
	str_fini(&why);
	return ferror(stdout) ? EX_IOERR : EX_OK;
}
