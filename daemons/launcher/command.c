/*
 * command - runs commands of one user: mailbox_command, "|..." of aliases and
 * .forward files, those of pipe, and those of spawn for a client.
 *
 * The whole message lies in memory that has become the command's standard input
 * before it starts, so that nobody's death can make half of a message look like
 * all of one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/strlist.h"
#include "common/io/child.h"
#include "common/io/fiber.h"
#include "common/io/fs.h"
#include "common/io/loop.h"
#include "common/io/stream.h"
#include "common/mail/dsn.h"
#include "common/service/rpc.h"
#include "daemons/launcher/children.h"
#include "daemons/launcher/worker.h"

enum { OUTPUT_MOST = 4096 };

/* ---- its standard input, output and arguments ---- */

static int
make_input(const struct command_job *job, struct str *why)
{
	const struct mailbox_job mail = { .head = job->head,
		.sender = job->sender, .content_offset = job->content_offset,
		.content_length = job->content_length, .fd = job->fd };
	int fd = memfd_create("message", MFD_CLOEXEC);

	if (fd < 0) {
		str_printf(why, "memory for the message: %m");
		return -1;
	}
	if (copy_message(fd, &mail, job->style, job->eol, why)
	    && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	return -1;
}

struct output {
	struct stream *stream;
	struct str text;
	bool over;
};

static void
add_output(struct output *out, struct span bytes)
{
	size_t room = OUTPUT_MOST - str_len(&out->text);

	str_add(&out->text, span_sub(bytes, 0, room));
}

static void
read_output(void *arg)
{
	struct output *out = arg;
	struct span bytes;

	while (stream_peek(out->stream, DEADLINE_NEVER, &bytes) == IO_OK) {
		add_output(out, bytes);
		stream_consume(out->stream, bytes.len);
	}
}

/* What it wrote before it ended is in the pipe; who else holds that may go on
 * writing, to nobody. */
static void
read_rest(struct output *out)
{
	char *buf = mem_alloc(OUTPUT_MOST);
	ssize_t got;

	while (str_len(&out->text) < OUTPUT_MOST
	    && (got = stream_raw_read(out->stream, buf, OUTPUT_MOST)) > 0)
		add_output(out, span_of(buf, (size_t)got));
	mem_free(buf);
}

/* Nothing but names and plain words, the first a path: no shell is needed. */
static bool
is_plain(struct span command)
{
	if (command.len == 0 || command.p[0] != '/')
		return false;
	for (size_t i = 0; i < command.len; i++)
		if (!ascii_is_alnum(command.p[i])
		    && strchr("@%-_+:,./ \t", command.p[i]) == NULL)
			return false;
	return true;
}

static void
add_arguments(const struct command_job *job, struct strlist *words)
{
	if (job->arguments.len > 0) {
		children_words(job->arguments, words);
	} else if (job->shell.len > 0) {
		strlist_split(words, job->shell, STRLIST_CONF);
		strlist_add(words, job->command);
	} else if (is_plain(job->command)) {
		strlist_split(words, job->command, " \t");
	} else {
		strlist_adds(words, "/bin/sh");
		strlist_adds(words, "-c");
		strlist_add(words, job->command);
	}
}

/* ---- what its end means ---- */

static const struct {
	int status;
	const char *dsn, *text;
} meanings[] = {
	{ EX_USAGE, "5.3.0", "command line usage error" },
	{ EX_DATAERR, "5.6.0", "data format error" },
	{ EX_NOINPUT, "5.3.0", "cannot open input" },
	{ EX_NOUSER, "5.1.1", "user unknown" },
	{ EX_NOHOST, "5.1.2", "host name unknown" },
	{ EX_UNAVAILABLE, "5.3.0", "service unavailable" },
	{ EX_SOFTWARE, "5.3.0", "internal software error" },
	{ EX_OSERR, "4.3.0", "system resource problem" },
	{ EX_OSFILE, "5.3.0", "critical OS file missing" },
	{ EX_CANTCREAT, "5.2.0", "can't create user output file" },
	{ EX_IOERR, "5.3.0", "input/output error" },
	{ EX_TEMPFAIL, "4.3.0", "temporary failure" },
	{ EX_PROTOCOL, "5.5.0", "remote error in protocol" },
	{ EX_NOPERM, "5.7.0", "permission denied" },
	{ EX_CONFIG, "5.3.5", "local configuration error" },
};

static void
verdict_by_dsn(struct mailbox_result *result, struct arena *arena,
    struct span dsn)
{
	result->dsn = arena_span(arena, dsn);
	result->verdict = dsn.p[0] == '5' ? MAILBOX_BOUNCE : MAILBOX_DEFER;
}

/* One line, as it goes into a log and a report. */
static struct span
tidy(struct span output, struct arena *arena)
{
	char *text = arena_cstr(arena, output);

	for (char *c = text; *c != '\0'; c++)
		if (!ascii_is_print(*c) && (unsigned char)*c < 0x80)
			*c = *c == '\n' || *c == '\t' ? ' ' : '?';
	return span_trim(span_of(text, output.len));
}

static void
judge_exit(int status, const struct command_job *job, struct span output,
    struct mailbox_result *result, struct arena *arena)
{
	size_t code = dsn_scan(output);

	for (size_t i = 0; i < ARRAY_COUNT(meanings); i++)
		if (meanings[i].status == status) {
			verdict_by_dsn(result, arena, SPAN(meanings[i].dsn));
			result->text = SPAN(arena_printf(arena, "%s%s%.*s",
			    meanings[i].text,
			    output.len > 0 ? ". Command output: " : "",
			    SPAN_ARG(output)));
		}
	if (span_empty(result->text)) {
		verdict_by_dsn(result, arena, SPAN("5.3.0"));
		result->text = SPAN(arena_printf(arena, "Command died with "
		    "status %d: \"%.*s\"%s%.*s", status,
		    SPAN_ARG(job->command),
		    output.len > 0 ? ". Command output: " : "",
		    SPAN_ARG(output)));
	}
	if (code > 0 && (output.p[0] == '4' || output.p[0] == '5')) {
		verdict_by_dsn(result, arena, span_sub(output, 0, code));
		result->text = span_trim(span_skip(output, code));
	}
}

static void
judge(const struct running *r, bool in_time, const struct command_job *job,
    struct span output, struct mailbox_result *result, struct arena *arena)
{
	const char *more = output.len > 0 ? ". Command output: " : "";

	if (!in_time) {
		verdict_by_dsn(result, arena, SPAN("5.3.0"));
		result->text = SPAN(arena_printf(arena, "Command time limit "
		    "exceeded: \"%.*s\"%s%.*s", SPAN_ARG(job->command), more,
		    SPAN_ARG(output)));
	} else if (WIFSIGNALED(r->status)) {
		verdict_by_dsn(result, arena, SPAN("4.3.0"));
		result->text = SPAN(arena_printf(arena, "Command died with "
		    "signal %d: \"%.*s\"%s%.*s", WTERMSIG(r->status),
		    SPAN_ARG(job->command), more, SPAN_ARG(output)));
	} else if (WEXITSTATUS(r->status) != 0) {
		judge_exit(WEXITSTATUS(r->status), job, output, result, arena);
	} else {
		*result = (struct mailbox_result){ .dsn = SPAN("2.0.0"),
			.verdict = MAILBOX_DELIVERED,
			.text = SPAN(arena_printf(arena,
			    "delivered to command: %.*s",
			    SPAN_ARG(job->command))), .output = output };
	}
}

/* ---- one command ---- */

static void
defer(struct mailbox_result *result, struct arena *arena, struct str *why)
{
	result->verdict = MAILBOX_DEFER;
	result->dsn = SPAN("4.3.0");
	result->text = arena_span(arena, str_span(why));
}

static bool
can_enter(struct span directory, struct str *why, struct arena *arena)
{
	const char *path = arena_cstr(arena, directory);
	int fd;

	if (span_empty(directory))
		return true;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && faccessat(fd, ".", X_OK, AT_EACCESS) == 0) {
		close(fd);
		return true;
	}
	str_printf(why, "cannot change directory to %s: %m", path);
	if (fd >= 0)
		close(fd);
	return false;
}

static void
run(const struct command_job *job, int input, const int *pipe_ends,
    struct mailbox_result *result, struct arena *arena)
{
	struct running r;
	struct output out = { .stream = stream_open(pipe_ends[0]) };
	struct program program = { .words = STRLIST_EMPTY, .in = input,
		.out = pipe_ends[1], .err = pipe_ends[1],
		.environment = job->environment,
		.directory = span_empty(job->directory) ? "/"
		    : arena_cstr(arena, job->directory) };
	struct fiber_group readers;
	struct str why = STR_EMPTY;

	fiber_group_init(&readers);
	add_arguments(job, &program.words);
	if (children_start(&r, &program, &why)) {
		close(pipe_ends[1]);
		(void)fiber_spawn(&readers, "output", read_output, &out);
		bool in_time = children_wait(&r, (int64_t)job->time_limit);

		fiber_group_close(&readers);
		read_rest(&out);
		judge(&r, in_time, job, tidy(str_span(&out.text), arena),
		    result, arena);
	} else {
		close(pipe_ends[1]);
		defer(result, arena, &why);
	}
	stream_close(out.stream);
	strlist_fini(&program.words);
	str_fini(&out.text);
	str_fini(&why);
}

static bool
handle_command(struct rpc_call *call, void *request, void *reply_out)
{
	struct command_job *job = request;
	struct mailbox_result *result = reply_out;
	struct str *why = str_in_arena(call->arena);
	int input = -1, ends[2];

	if (job->fd < 0 || job->time_limit == 0
	    || span_has(job->command, '\0') || span_has(job->shell, '\0')
	    || span_has(job->directory, '\0') || span_has(job->eol, '\0'))
		return false;
	if (!can_enter(job->directory, why, call->arena)
	    || (input = make_input(job, why)) < 0) {
		defer(result, call->arena, why);
		return true;
	}
	if (pipe2(ends, O_CLOEXEC) == 0) {
		sock_set_nonblock(ends[0], true);
		run(job, input, ends, result, call->arena);
	} else {
		str_printf(why, "pipe from the command: %m");
		defer(result, call->arena, why);
	}
	close(input);
	return true;
}

/* ---- for a client ---- */

static void
say_end(const struct running *r, bool in_time, struct mailbox_result *result,
    struct arena *arena)
{
	struct str text = STR_EMPTY;

	if (!in_time)
		str_sets(&text, "time limit exceeded");
	else if (r->status != 0)
		child_describe_status(r->status, &text);
	result->verdict = str_len(&text) == 0 ? MAILBOX_DELIVERED
	    : MAILBOX_DEFER;
	result->text = arena_span(arena, str_span(&text));
	str_fini(&text);
}

/* The connection is the command's alone then: that it ends is for the client to
 * see. */
static bool
handle_session(struct rpc_call *call, void *request, void *reply_out)
{
	struct session_job *job = request;
	struct mailbox_result *result = reply_out;
	struct str *why = str_in_arena(call->arena);
	struct program program = { .words = STRLIST_EMPTY, .in = job->fd,
		.out = job->fd, .err = job->fd, .directory = "/",
		.environment = job->environment };
	struct running r;
	bool started;

	if (job->fd < 0 || job->time_limit == 0)
		return false;
	sock_set_nonblock(job->fd, false);
	children_words(job->arguments, &program.words);
	started = children_start(&r, &program, why);
	strlist_fini(&program.words);
	close(job->fd);
	job->fd = -1;
	if (started)
		say_end(&r, children_wait(&r, (int64_t)job->time_limit),
		    result, call->arena);
	else
		defer(result, call->arena, why);
	return true;
}

static const struct rpc_method methods[] = {
	{ .request = &command_job_form, .reply = &mailbox_result_form,
	    .handle = handle_command, .suspends = true },
	{ .request = &session_job_form, .reply = &mailbox_result_form,
	    .handle = handle_session, .suspends = true },
};

static const struct rpc_protocol protocol = {
	.name = COMMAND_PROTOCOL, .version = COMMAND_VERSION,
	.methods = methods, .nmethods = ARRAY_COUNT(methods),
	.accepts_fds = true,
};

int
command_main(int socket)
{
	umask(077);
	loop_start();
	children_setup();
	worker_serve(&protocol, socket);
	return 0;
}
