/*
 * sendmail - the command every program sends mail with; also mailq and
 * newaliases by name. Takes a message from standard input and hands it to
 * postdrop, which may write where this program may not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/strlist.h"
#include "common/io/child.h"
#include "common/io/fault.h"
#include "common/io/fs.h"
#include "common/io/sock.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/mail/header.h"
#include "common/mail/token822.h"
#include "common/mail/verp.h"
#include "common/service/logsink.h"
#include "daemons/commands/lib/commands_conf.h"
#include "daemons/commands/lib/smtp_stdio.h"
#include "daemons/shared/submit.h"

enum mode { MODE_SEND, MODE_QUEUE, MODE_ALIASES, MODE_FLUSH, MODE_FLUSH_SITE,
	MODE_FLUSH_ID, MODE_DAEMON, MODE_SMTP, MODE_VERIFY };

struct options {
	enum mode mode;
	const char *config, *sender, *full_name, *envid, *site;
	bool dot_is_text, extract, gateway;
	unsigned verbose, notify;
	uint64_t ret;
	const char *verp;		/* delimiters; "": the usual ones */
};

/* Flags are handed to the command in one frame after another. */
struct submission {
	int fd;				/* to postdrop */
	struct str frame;
	bool lost, unable;		/* unable: not postdrop's decision */
};

static int
usage(const char *what)
{
	fprintf(stderr, "sendmail: fatal: usage: sendmail [options] "
	    "[recipient ...]: %s\n", what);
	return EX_USAGE;
}

/* ---- options ---- */

static bool
parse_body_option(struct options *o, const char *value)
{
	switch (value[0]) {
	case 'm':
		o->mode = MODE_SEND;
		return true;
	case 'p':
		o->mode = MODE_QUEUE;
		return true;
	case 'i':
		o->mode = MODE_ALIASES;
		return true;
	case 'd':
	case 'l':
		o->mode = MODE_DAEMON;
		return true;
	case 's':
		o->mode = MODE_SMTP;
		return true;
	case 'v':
		o->mode = MODE_VERIFY;
		return true;
	case 'h':			/* host status: there is none */
	case 'H':
		return true;
	default:
		return false;
	}
}

static void
parse_o_option(struct options *o, const char *value)
{
	if (value[0] == 'i')
		o->dot_is_text = true;
	/* -oA, -oe..., -om and the rest have no meaning here, as documented */
}

static bool
parse_dsn(struct options *o, const char *value)
{
	return dsn_notify_scan(SPAN(value), &o->notify);
}

static bool
parse_ret(struct options *o, const char *value)
{
	if (span_is_nocase(SPAN(value), "full"))
		o->ret = DSN_RET_FULL;
	else if (span_is_nocase(SPAN(value), "hdrs"))
		o->ret = DSN_RET_HDRS;
	else
		return false;
	return true;
}

static bool
parse_q(struct options *o, const char *value)
{
	if (value == NULL || value[0] == '\0' || ascii_is_digit(value[0])) {
		o->mode = MODE_FLUSH;
		return true;
	}
	o->mode = value[0] == 'R' ? MODE_FLUSH_SITE : MODE_FLUSH_ID;
	o->site = value + 1;
	return value[0] == 'R' || value[0] == 'I';
}

/* The options that take a value, as separate word or glued on. */
#define WITH_VALUE "ABCFNRVLXbfhoprO"

static bool
take_option(struct options *o, char letter, const char *value)
{
	switch (letter) {
	case 'b':
		return parse_body_option(o, value);
	case 'C':
		o->config = value;
		return true;
	case 'F':
		o->full_name = value;
		return true;
	case 'f':
	case 'r':
		o->sender = value;
		return true;
	case 'N':
		return parse_dsn(o, value);
	case 'R':
		return parse_ret(o, value);
	case 'V':
		o->envid = value;
		return true;
	case 'o':
		parse_o_option(o, value);
		return true;
	case 'X':
		if (value[0] == 'V')	/* -X log of other systems: nothing */
			o->verp = value + 1;
		return true;
	case 'A':
	case 'B':
	case 'L':
	case 'O':
	case 'h':
	case 'p':
		return true;
	default:
		return false;
	}
}

static bool
take_flag(struct options *o, char letter)
{
	switch (letter) {
	case 'I':
		o->mode = MODE_ALIASES;
		return true;
	case 'i':
		o->dot_is_text = true;
		return true;
	case 't':
		o->extract = true;
		return true;
	case 'v':
		o->verbose++;
		return true;
	case 'G':
		o->gateway = true;
		return true;
	case 'U':
	case 'm':
	case 'n':
	case 'e':
		return true;
	default:
		return false;
	}
}

/* Options and recipients may be mixed; "--" ends the options. */
static bool
parse_options(int argc, char **argv, struct options *o,
    struct strlist *operands, char *bad_out)
{
	bool only_operands = false;

	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];

		if (only_operands || arg[0] != '-' || arg[1] == '\0') {
			strlist_adds(operands, arg);
			continue;
		}
		if (strcmp(arg, "--") == 0) {
			only_operands = true;
			continue;
		}
		if (arg[1] == 'q') {
			if (!parse_q(o, arg + 2)) {
				*bad_out = 'q';
				return false;
			}
			continue;
		}
		for (size_t k = 1; arg[k] != '\0'; k++) {
			bool ok;

			*bad_out = arg[k];
			if (strchr(WITH_VALUE, arg[k]) == NULL) {
				if (arg[k] == 'e' && arg[k + 1] != '\0')
					break;	/* -em and kin */
				if (!take_flag(o, arg[k]))
					return false;
				continue;
			}
			if (arg[k + 1] != '\0')
				ok = take_option(o, arg[k], arg + k + 1);
			else if (i + 1 < argc)
				ok = take_option(o, arg[k], argv[++i]);
			else
				ok = false;
			if (!ok)
				return false;
			break;
		}
	}
	return true;
}

/* ---- the message ---- */

static void
send_frame(struct submission *s, const struct attr_form *form,
    const void *fields)
{
	int fds[ATTR_FDS_MAX];
	size_t nfds;
	struct str why = STR_EMPTY;

	str_clear(&s->frame);
	attr_encode(&s->frame, form, 0, fields, fds, &nfds);
	if (!s->lost && !fs_write_all(s->fd, str_span(&s->frame), &why)) {
		s->lost = true;
		s->unable = errno != EPIPE;	/* else postdrop says why */
		if (s->unable)
			log_error("write to postdrop: %s", str_cstr(&why));
	}
	str_fini(&why);
}

static struct span
login_name(struct arena *arena)
{
	struct passwd *pw = getpwuid(getuid());

	return pw != NULL ? SPAN(arena_strdup(arena, pw->pw_name))
	    : SPAN(arena_printf(arena, "uid%ld", (long)getuid()));
}

static struct span
full_name(struct arena *arena, const struct options *o)
{
	struct passwd *pw = getpwuid(getuid());
	struct str *name = str_in_arena(arena);

	if (o->full_name != NULL)
		return SPAN(o->full_name);
	if (pw == NULL)
		return SPAN_NONE;
	for (const char *p = pw->pw_gecos; *p != '\0' && *p != ','; p++) {
		if (*p == '&') {
			str_putc(name, ascii_upper(pw->pw_name[0]));
			str_adds(name, pw->pw_name + 1);
		} else {
			str_putc(name, *p);
		}
	}
	return str_span(name);
}

static void
first_address(const struct token822_address *found, void *arg)
{
	struct str *out = arg;

	if (str_len(out) == 0)
		str_add(out, found->internal);
}

static void
send_begin(struct submission *s, struct arena *arena, const struct options *o)
{
	struct str *sender = str_in_arena(arena);
	struct envelope envelope = { .arrival_us = 1,
		.flags = o->mode == MODE_VERIFY ? ENVELOPE_VERIFY
		: o->verbose > 0 ? ENVELOPE_TRACE : 0,
		.dsn_envid = SPAN(o->envid), .dsn_ret = o->ret,
		.full_name = full_name(arena, o), .verp = SPAN(o->verp),
		.rewrite_context = SPAN(o->gateway ? "remote" : "local") };
	struct cleanup_begin begin = {
		.flags = o->extract ? CLEANUP_EXTRACT_RCPT : 0,
		.envelope = { &envelope, 1 } };

	if (o->sender != NULL)
		token822_each_address(SPAN(o->sender), first_address, sender);
	else
		str_set(sender, login_name(arena));
	envelope.sender = str_span(sender);
	send_frame(s, &cleanup_begin_form, &begin);
}

struct rcpt_sender {
	struct submission *s;
	unsigned notify;
	size_t count;
};

static void
send_rcpt(const struct token822_address *found, void *arg)
{
	struct rcpt_sender *r = arg;
	struct envelope_rcpt rcpt = { .address = found->internal,
		.notify = r->notify };
	struct cleanup_rcpts frame = { .rcpts = { &rcpt, 1 } };

	r->count++;
	send_frame(r->s, &cleanup_rcpts_form, &frame);
}

/* sendmail_fix_line_endings; strict becomes one of the others by the first line. */
enum line_ends { LINE_ENDS_ALWAYS, LINE_ENDS_STRICT, LINE_ENDS_NEVER };

/* Standard input by lines: up to the end, or to "." alone; CR LF becomes LF,
 * and the From line of a mailbox in front of the headers is dropped. */
struct input {
	enum line_ends line_ends;
	char *line;
	size_t room;
	bool dot_is_text, begun, over;
	struct str head;		/* read before there was a postdrop */
	size_t found;			/* recipients in head */
};

enum { HEAD_MAX = 1024 * 1024 };

static enum line_ends
line_ends(void)
{
	static const char *const words[] = { "always", "strict", "never" };
	struct span value = SPAN(commands_conf.fix_line_endings);

	for (size_t i = 0; i < ARRAY_COUNT(words); i++)
		if (span_is_nocase(value, words[i]))
			return (enum line_ends)i;
	log_warn("sendmail_fix_line_endings: found \"%s\", expected always, "
	    "strict or never", commands_conf.fix_line_endings);
	return LINE_ENDS_ALWAYS;
}

static bool
is_mailbox_from(struct span line)
{
	line = span_skip(line, line.len > 0 && line.p[0] == '>');
	return span_starts(line, SPAN("From "));
}

static bool
next_line(struct input *in, struct span *line_out)
{
	ssize_t n;

	while (!in->over && (n = getline(&in->line, &in->room, stdin)) > 0) {
		size_t len = (size_t)n;

		bool crlf = len > 1 && in->line[len - 1] == '\n'
		    && in->line[len - 2] == '\r';

		if (in->line_ends == LINE_ENDS_STRICT)
			in->line_ends = crlf ? LINE_ENDS_ALWAYS
			    : LINE_ENDS_NEVER;
		if (crlf && in->line_ends == LINE_ENDS_ALWAYS)
			in->line[--len - 1] = '\n';
		*line_out = span_of(in->line, len);
		if (!in->begun && is_mailbox_from(*line_out))
			continue;
		in->begun = true;
		if (!in->dot_is_text && span_is(*line_out, ".\n"))
			break;
		return true;
	}
	in->over = true;
	return false;
}

static void
count_address(const struct token822_address *found, void *arg)
{
	size_t *count = arg;

	*count += found->internal.len > 0;
}

static void
count_recipients(struct input *in, struct span header)
{
	size_t name = header_name_length(header);

	if (name > 0 && (header_flags(header_find(span_sub(header, 0, name)))
	    & HEADER_IS_EXTRACTED))
		token822_each_address(header_value(header, name),
		    count_address, &in->found);
}

/* The headers, to see for -t whether they name anybody. What comes first and
 * is not a header, or is very long, is read like the rest. */
static void
read_head(struct input *in)
{
	struct str header = STR_EMPTY;
	struct span line;

	while (str_len(&in->head) < HEAD_MAX && next_line(in, &line)) {
		bool folded = line.p[0] == ' ' || line.p[0] == '\t';

		str_add(&in->head, line);
		if (!folded) {
			count_recipients(in, str_span(&header));
			str_clear(&header);
			if (header_name_length(line) == 0)
				break;
		}
		str_add(&header, line);
	}
	count_recipients(in, str_span(&header));
	str_fini(&header);
}

static void
send_run(struct submission *s, struct str *run, bool last)
{
	struct cleanup_data data;

	if (last && str_len(run) > 0 && run->buf[run->len - 1] != '\n')
		str_putc(run, '\n');
	while (str_len(run) >= CLEANUP_DATA_MAX || (last && str_len(run) > 0)) {
		size_t len = str_len(run) < CLEANUP_DATA_MAX ? str_len(run)
		    : CLEANUP_DATA_MAX;

		data.bytes = span_sub(str_span(run), 0, len);
		send_frame(s, &cleanup_data_form, &data);
		str_remove(run, 0, len);
	}
}

static bool
send_content(struct submission *s, struct input *in)
{
	struct span line;

	send_run(s, &in->head, false);
	while (!s->lost && next_line(in, &line)) {
		str_add(&in->head, line);
		send_run(s, &in->head, false);
	}
	send_run(s, &in->head, true);
	if (!ferror(stdin))
		return !s->lost;
	log_error("read standard input: %m");
	return false;
}

/* ---- postdrop and the other commands ---- */

static char *
command_path(const char *name)
{
	struct str path = STR_EMPTY;

	str_printf(&path, "%s/%s", conf_core.command_directory, name);
	return str_release(&path);
}

__attribute__((format(printf, 1, 2))) static void
log_fatal(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_va(LOG_LEVEL_FATAL, format, args);
	va_end(args);
}

/* -1, with a reason, when there is none now. */
static pid_t
start_postdrop(int *to_it, struct str *why)
{
	extern char **environ;
	char *argv[] = { "postdrop", "-r", NULL };
	int fds[2];
	struct child_fd map[1];
	struct child_spec spec = { .argv = argv, .envp = environ, .fds = map,
		.nfds = 1 };
	pid_t pid;
	char *path;

	/* Who ignores it in our caller would hide what became of postdrop. */
	signal(SIGCHLD, SIG_DFL);
	if (pipe(fds) < 0) {
		str_printf(why, "pipe: %m");
		return -1;
	}
	path = command_path("postdrop");
	sock_set_cloexec(fds[1], true);
	map[0] = (struct child_fd){ fds[0], STDIN_FILENO };
	spec.path = path;
	pid = child_start(&spec, why);
	close(fds[0]);
	if (pid < 0)
		close(fds[1]);
	else
		*to_it = fds[1];
	mem_free(path);
	return pid;
}

/* What postdrop decided. One that was killed, could not go on (1) or was never
 * executed decided nothing. */
static int
wait_for(pid_t pid)
{
	struct str why = STR_EMPTY;
	int status = -1, code;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	if (code != 1 && code != 126 && code != 127)
		return code;
	child_describe_status(status, &why);
	log_fatal("postdrop: %s", str_cstr(&why));
	str_fini(&why);
	return EX_TEMPFAIL;
}

/* "root(0): what", as log readers expect. */
static int
refuse(int status, const char *what)
{
	struct passwd *pw = getpwuid(getuid());

	log_fatal("%s(%ld): %s", pw != NULL ? pw->pw_name : "unknown",
	    (long)getuid(), what);
	return status;
}

static void
count_operands(const struct strlist *operands, size_t *count)
{
	for (size_t i = 0; i < operands->count; i++)
		token822_each_address(SPAN(operands->items[i]), count_address,
		    count);
}

/* Over the connection to postdrop, which decides. */
static int
submit(const struct options *o, const struct strlist *operands,
    struct input *in)
{
	struct arena *arena = arena_new();
	struct submission s = { .fd = -1 };
	struct rcpt_sender rcpts = { .s = &s, .notify = o->notify };
	struct cleanup_end end = { .has_prepended = false };
	struct str why = STR_EMPTY;
	pid_t pid = start_postdrop(&s.fd, &why);

	if (pid < 0) {
		log_fatal("%s", str_cstr(&why));
		str_fini(&why);
		arena_free(&arena);
		return EX_TEMPFAIL;
	}
	signal(SIGPIPE, SIG_IGN);
	send_begin(&s, arena, o);
	for (size_t i = 0; i < operands->count; i++)
		token822_each_address(SPAN(operands->items[i]), send_rcpt,
		    &rcpts);
	if (send_content(&s, in))
		send_frame(&s, &cleanup_end_form, &end);
	else
		s.unable |= !s.lost;
	close(s.fd);

	int status = wait_for(pid);

	if (s.unable && status != EX_OK)
		status = EX_TEMPFAIL;	/* it saw half a message */

	if (status == EX_OK && o->verbose > 0)
		printf("a delivery report will be mailed to the sender\n");
	str_fini(&s.frame);
	arena_free(&arena);
	return status;
}

static int
send_message(const struct options *o, const struct strlist *operands)
{
	struct input in = { .line_ends = line_ends(),
		.dot_is_text = o->dot_is_text,
		.over = o->mode == MODE_VERIFY && !o->extract };
	size_t named = 0;
	int status;

	if (operands->count == 0 && !o->extract)
		return usage("Recipient addresses must be specified on the "
		    "command line or via the -t option");
	count_operands(operands, &named);
	if (o->extract && named == 0)
		read_head(&in);
	if (named + in.found > 0)
		status = submit(o, operands, &in);
	else
		status = refuse(o->extract ? EX_USAGE : EX_DATAERR, o->extract
		    ? "No recipient addresses found in message header"
		    : "No valid recipient address on the command line");
	str_fini(&in.head);
	free(in.line);
	return status;
}

static int
run_argv(char **argv)
{
	extern char **environ;
	struct str why = STR_EMPTY;

	child_replace(command_path(argv[0]), argv, environ, &why);
	log_error("%s", str_cstr(&why));
	return EX_OSFILE;
}

static int
run_command(const char *name, const char *a, const char *b)
{
	char *argv[] = { mem_strdup(name), mem_strdup(a),
		b != NULL ? mem_strdup(b) : NULL, NULL };

	return run_argv(argv);
}

/* By postalias, so that this program is small: it knows no tables. */
static int
rebuild_aliases(void)
{
	struct str value = STR_EMPTY, why = STR_EMPTY;
	struct strlist specs = STRLIST_EMPTY;
	char **argv;

	if (!conf_value("alias_database", &value, &why)
	    || !strlist_split_braced(&specs, str_span(&value), STRLIST_CONF,
	    &why)) {
		log_error("%s", str_cstr(&why));
		return EX_CONFIG;
	}
	if (specs.count == 0)
		return EX_OK;
	argv = mem_array(specs.count + 2, sizeof(*argv));
	argv[0] = mem_strdup("postalias");
	memcpy(argv + 1, specs.items, specs.count * sizeof(*argv));
	argv[specs.count + 1] = NULL;
	return run_argv(argv);
}

static bool
verp_makes_sense(const struct options *o, char *why, size_t room)
{
	if (o->verp == NULL)
		return true;
	if (!verp_delims_valid(SPAN(o->verp),
	    SPAN(conf_core.verp_delimiter_filter))) {
		snprintf(why, room, "-XV wants two characters of %.20s",
		    conf_core.verp_delimiter_filter);
		return false;
	}
	if (o->sender != NULL && (o->sender[0] == '\0'
	    || strcmp(o->sender, "<>") == 0)) {
		snprintf(why, room, "-XV wants a sender that is not empty");
		return false;
	}
	return true;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

int
main(int argc, char **argv)
{
	struct options o = { .mode = MODE_SEND };
	struct strlist operands = STRLIST_EMPTY;
	struct str why = STR_EMPTY;
	char bad = '\0', text[64];

	log_set_tag("sendmail");
	fault_arm_from_environment("sendmail");
	if (strcmp(base_name(argv[0]), "mailq") == 0)
		o.mode = MODE_QUEUE;
	else if (strcmp(base_name(argv[0]), "newaliases") == 0)
		o.mode = MODE_ALIASES;
	if (!parse_options(argc, argv, &o, &operands, &bad)) {
		snprintf(text, sizeof(text), bad == 'q' ||
		    strchr(WITH_VALUE, bad) != NULL ? "option -%c wants "
		    "another value" : "there is no option -%c", bad);
		return usage(text);
	}
	if (o.config != NULL)
		setenv("MAIL_CONFIG", o.config, 1);
	conf_register(&commands_params);
	if (!conf_load(o.config, &why) || !conf_fill(&conf_core_params, &why)
	    || !conf_fill(&commands_params, &why)) {
		fprintf(stderr, "sendmail: fatal: %s\n", str_cstr(&why));
		return EX_CONFIG;
	}
	logsink_open("sendmail", -1);
	log_set_name("sendmail");
	log_add_sink(log_sink_stderr(false));
	if (o.verp != NULL && o.verp[0] == '\0')
		o.verp = conf_core.default_verp_delimiters;
	if (operands.count > 0 && (o.mode == MODE_QUEUE || o.mode == MODE_FLUSH
	    || o.mode == MODE_FLUSH_SITE || o.mode == MODE_FLUSH_ID))
		return usage("the queue is listed and flushed without recipients");
	switch (o.mode) {
	case MODE_SEND:
	case MODE_VERIFY:
		if (!verp_makes_sense(&o, text, sizeof(text)))
			return usage(text);
		return send_message(&o, &operands);
	case MODE_QUEUE:
		return run_command("postqueue", "-p", NULL);
	case MODE_FLUSH:
		return run_command("postqueue", "-f", NULL);
	case MODE_FLUSH_SITE:
		return run_command("postqueue", "-s", o.site);
	case MODE_FLUSH_ID:
		return run_command("postqueue", "-i", o.site);
	case MODE_ALIASES:
		return rebuild_aliases();
	case MODE_DAEMON:
		return run_command("postfix", "start", NULL);
	case MODE_SMTP:
		return smtp_stdio(command_path("sendmail"));
	}
	return EX_SOFTWARE;
}
