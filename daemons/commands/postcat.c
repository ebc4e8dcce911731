/*
 * postcat - shows queue files: envelope, headers, body.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/fs.h"
#include "common/mail/header.h"
#include "daemons/commands/lib/queue_command.h"
#include "queue/message.h"

enum parts { PART_ENVELOPE = 1, PART_HEADER = 2, PART_BODY = 4 };

#define RUN_BYTES 2048

static unsigned parts;
static bool by_id, with_offsets, with_types;

/* The position of what follows in the file, and what kind of record it is. */
static void
begin_line(uint64_t offset, char type)
{
	if (with_offsets)
		printf("%9llu ", (unsigned long long)offset);
	if (with_types)
		printf("%3d ", type);
}

static void
print_value(uint64_t offset, char type, const char *name, struct span value)
{
	begin_line(offset, type);
	printf("%s: ", name);
	fwrite(value.p, 1, value.len, stdout);
	putchar('\n');
}

static void
print_attribute_at(uint64_t offset, char type, const char *name,
    struct span value)
{
	if (span_empty(value))
		return;
	begin_line(offset, type);
	printf("named_attribute: %s=", name);
	fwrite(value.p, 1, value.len, stdout);
	putchar('\n');
}

static void
print_attribute(const char *name, struct span value)
{
	print_attribute_at(0, 'E', name, value);
}

static void
print_number_at(uint64_t offset, char type, const char *name, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	if (value != 0)
		print_attribute_at(offset, type, name, SPAN(digits));
}

static void
banner(const char *what, const char *label, uint64_t offset, char type)
{
	if (!(parts & PART_ENVELOPE))
		return;
	begin_line(offset, type);
	printf("*** %s %s ***\n", what, label);
}

/* Recipients stand before the content or, where they came from headers,
 * behind it. */
struct region {
	uint64_t from, to;
};

static void
print_rcpt(const struct envelope_rcpt *rcpt, bool done, void *arg)
{
	const struct region *region = arg;
	uint64_t at = rcpt->mark_at;

	if (at < region->from || at >= region->to)
		return;
	print_number_at(at, 'R', "notify_flags", rcpt->notify);
	print_attribute_at(at, 'R', "dsn_orig_rcpt", rcpt->orcpt);
	if (!span_empty(rcpt->original))
		print_value(at, 'R', "original_recipient", rcpt->original);
	print_value(at, 'R', done ? "done_recipient" : "recipient",
	    rcpt->address);
}

static bool
print_rcpts(struct queue_message *m, uint64_t from, uint64_t to)
{
	struct region region = { from, to };
	struct str why = STR_EMPTY;
	bool ok = queue_message_each_rcpt(m, print_rcpt, &region, &why)
	    == QUEUE_OK;

	if (!ok)
		fprintf(stderr, "postcat: warning: %s: %s\n", m->id,
		    str_cstr(&why));
	str_fini(&why);
	return ok;
}

static bool
print_envelope(struct queue_message *m)
{
	const struct envelope *e = &m->envelope;
	const struct queue_layout *l = &m->layout;
	time_t when = (time_t)(e->arrival_us / 1000000);
	char date[64];
	struct tm tm;

	localtime_r(&when, &tm);
	strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &tm);
	begin_line(0, 'E');
	printf("message_size: %15llu %15llu %15llu %15d %15llu %15d\n",
	    (unsigned long long)l->content_length,
	    (unsigned long long)l->content_offset,
	    (unsigned long long)l->rcpt_count, 0,
	    (unsigned long long)l->content_length,
	    (int)(e->flags & (ENVELOPE_SMTPUTF8_ASKED
	    | ENVELOPE_SMTPUTF8_NEEDED)));
	print_value(0, 'E', "message_arrival_time", SPAN(date));
	print_attribute("log_ident", e->ident);
	print_attribute("envelope_id", e->dsn_envid);
	print_number_at(0, 'E', "ret_flags", e->dsn_ret);
	print_attribute("rewrite_context", e->rewrite_context);
	if (!span_empty(e->full_name))
		print_value(0, 'E', "sender_fullname", e->full_name);
	print_value(0, 'E', "sender", e->sender);
	print_attribute("log_client_name", e->client_name);
	print_attribute("log_client_address", e->client_address);
	print_attribute("log_client_port", e->client_port);
	print_attribute("log_message_origin", e->origin);
	print_attribute("log_helo_name", e->helo);
	print_attribute("log_protocol_name", e->protocol);
	print_attribute("sasl_method", e->sasl_method);
	print_attribute("sasl_username", e->sasl_username);
	print_attribute("sasl_sender", e->sasl_sender);
	if (!span_empty(e->verp))
		print_value(0, 'E', "verp_delimiters", e->verp);
	if (!span_empty(e->filter))
		print_value(0, 'E', "content_filter", e->filter);
	if (!span_empty(e->redirect))
		print_value(0, 'E', "redirect_to", e->redirect);
	return print_rcpts(m, 0, l->content_offset);
}

/* ---- content, by lines of which long ones come in pieces ---- */

struct text {
	struct str line;
	uint64_t line_at;
	bool in_header, first, rest_of_line;
};

static void
print_line(struct text *t)
{
	struct span line = str_span(&t->line);

	if (!t->rest_of_line && t->in_header) {
		bool goes_on = !t->first && line.len > 0
		    && (line.p[0] == ' ' || line.p[0] == '\t');

		t->in_header = goes_on || header_name_length(line) > 0;
		t->first = false;
	}
	if (parts & (t->in_header ? PART_HEADER : PART_BODY)) {
		if (!t->rest_of_line)
			begin_line(t->line_at, 'C');
		fwrite(line.p, 1, line.len, stdout);
	}
	t->rest_of_line = line.p[line.len - 1] != '\n';
	t->line_at += line.len;
	str_clear(&t->line);
}

static bool
print_content(struct queue_message *m)
{
	struct text t = { .in_header = true, .first = true,
		.line_at = m->layout.content_offset };
	char buf[RUN_BYTES];
	uint64_t at = 0, length = m->layout.content_length;
	bool ok = true;

	while (ok && at < length) {
		size_t want = length - at < sizeof(buf)
		    ? (size_t)(length - at) : sizeof(buf);
		ssize_t got = fs_pread(m->fd, buf, want,
		    (off_t)(m->layout.content_offset + at));

		ok = got > 0;
		for (ssize_t i = 0; i < got; i++) {
			str_putc(&t.line, buf[i]);
			if (buf[i] == '\n' || str_len(&t.line) == RUN_BYTES)
				print_line(&t);
		}
		at += ok ? (uint64_t)got : 0;
	}
	if (str_len(&t.line) > 0)
		print_line(&t);
	if (t.rest_of_line)
		putchar('\n');
	str_fini(&t.line);
	return ok;
}

static bool
show(struct queue_message *m, const char *label)
{
	const struct queue_layout *l = &m->layout;
	uint64_t content_end = l->content_offset + l->content_length;
	bool ok = true;

	banner("ENVELOPE RECORDS", label, 0, 'E');
	if (parts & PART_ENVELOPE)
		ok = print_envelope(m);
	banner("MESSAGE CONTENTS", label, l->content_offset, 'C');
	if (parts & (PART_HEADER | PART_BODY))
		ok &= print_content(m);
	banner("HEADER EXTRACTED", label, content_end, 'R');
	if (parts & PART_ENVELOPE) {
		if (m->envelope.flags & ENVELOPE_8BIT)
			print_attribute("encoding", SPAN("8bit"));
		ok &= print_rcpts(m, content_end, l->file_length);
	}
	banner("MESSAGE FILE END", label, l->file_length, 'Z');
	return ok && fflush(stdout) == 0;
}

static bool
show_id(int queue_dir, const char *id)
{
	struct arena *arena = arena_new();
	struct queue_message m;
	struct str why = STR_EMPTY, label = STR_EMPTY;
	enum queue_name where;
	enum queue_result found = queue_find(queue_dir, SPAN(id),
	    ~0u & ~(1u << QUEUE_DEFER | 1u << QUEUE_BOUNCE
	    | 1u << QUEUE_TRACE), &where);
	bool ok = found == QUEUE_OK;

	if (!ok) {
		fprintf(stderr, "postcat: fatal: open queue file %s: %s\n",
		    id, found == QUEUE_GONE ? "No such file or directory"
		    : "the queue cannot be searched");
	} else if (queue_message_open(queue_dir, where, SPAN(id), false,
	    false, arena, &m, &why) != QUEUE_OK) {
		fprintf(stderr, "postcat: fatal: %s: %s\n", id,
		    str_cstr(&why));
		ok = false;
	} else {
		queue_path(where, SPAN(id), &label);
		ok = show(&m, str_cstr(&label));
		queue_message_close(&m);
	}
	str_fini(&why);
	str_fini(&label);
	arena_free(&arena);
	return ok;
}

static bool
show_file(const char *path, const char *label)
{
	struct arena *arena = arena_new();
	struct queue_message m;
	struct str why = STR_EMPTY;
	enum queue_result result = queue_message_open_path(path, arena, &m,
	    &why);
	bool ok = result == QUEUE_OK;

	if (result == QUEUE_GONE)
		fprintf(stderr, "postcat: fatal: %s\n", str_cstr(&why));
	else if (!ok)
		fprintf(stderr, "postcat: fatal: %s: %s\n", label,
		    str_cstr(&why));
	else
		ok = show(&m, label);
	if (ok)
		queue_message_close(&m);
	str_fini(&why);
	arena_free(&arena);
	return ok;
}

/* What cannot be read from its beginning is copied first. */
static bool
show_input(void)
{
	struct str why = STR_EMPTY;
	struct stat st;
	char path[32], buf[RUN_BYTES];
	ssize_t got;
	int fd = STDIN_FILENO;
	bool ok = true;

	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		fd = fs_memory_file("a copy of standard input", &why);
		ok = fd >= 0;
		while (ok && (got = read(STDIN_FILENO, buf, sizeof(buf))) != 0)
			ok = got > 0 && fs_write_all(fd,
			    span_of(buf, (size_t)got), &why);
	}
	if (!ok)
		fprintf(stderr, "postcat: fatal: stdin: %s\n",
		    str_len(&why) > 0 ? str_cstr(&why) : strerror(errno));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ok = ok && show_file(path, "stdin");
	if (fd > STDIN_FILENO)
		close(fd);
	str_fini(&why);
	return ok;
}

static int
usage(void)
{
	fprintf(stderr, "postcat: fatal: usage: postcat [-b (body text)] "
	    "[-c config_dir] [-d (decimal record type)] "
	    "[-e (envelope)] [-h (header text)] [-o (offsets)] "
	    "[-q (access queue)] [-v] [file...]\n");
	return 1;
}

int
main(int argc, char **argv)
{
	const char *dir = NULL;
	int option, queue_dir, status = 0;

	while ((option = getopt(argc, argv, "bc:dehnoqrs:v")) != -1) {
		switch (option) {
		case 'b':
			parts |= PART_BODY;
			break;
		case 'c':
			dir = optarg;
			break;
		case 'e':
			parts |= PART_ENVELOPE;
			break;
		case 'h':
			parts |= PART_HEADER;
			break;
		case 'q':
			by_id = true;
			break;
		case 'd':
			with_types = true;
			break;
		case 'o':
			with_offsets = true;
			break;
		case 's':		/* one message, and no pointers */
			if (strcmp(optarg, "0") == 0)
				break;
			fprintf(stderr, "postcat: fatal: -s: files of this "
			    "system are read from their beginning\n");
			return 1;
		case 'n':
		case 'r':
		case 'v':
			break;
		default:
			return usage();
		}
	}
	if (parts == 0)
		parts = PART_ENVELOPE | PART_HEADER | PART_BODY;
	if (optind == argc)
		return !show_input();
	if (!by_id) {
		for (int i = optind; i < argc; i++)
			if (!show_file(argv[i], argv[i]))
				status = 1;
		return status;
	}
	for (int i = optind; i < argc; i++)
		if (!queue_id_valid(SPAN(argv[i]))) {
			fprintf(stderr, "postcat: fatal: bad mail queue ID: "
			    "%s\n", argv[i]);
			return 1;
		}
	queue_dir = queue_command_start("postcat", dir);
	for (int i = optind; i < argc; i++)
		if (!show_id(queue_dir, argv[i]))
			status = 1;
	return status;
}
