/*
 * postcat - shows queue files: envelope, headers, body.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/io/fs.h"
#include "common/mail/address.h"
#include "daemons/commands/lib/queue_command.h"
#include "queue/message.h"

enum parts { PART_ENVELOPE = 1, PART_HEADER = 2, PART_BODY = 4 };

#define RUN_BYTES 2048

static unsigned parts;
static bool by_id;

static void
print_address(const char *name, struct span address)
{
	struct str text = STR_EMPTY;

	address_print(&text, address);
	printf("%s: %s\n", name, str_cstr(&text));
	str_fini(&text);
}

static void
print_attribute(const char *name, struct span value)
{
	if (!span_empty(value))
		printf("named_attribute: %s=%.*s\n", name, SPAN_ARG(value));
}

static void
print_rcpt(const struct envelope_rcpt *rcpt, bool done, void *arg)
{
	(void)arg;
	if (!span_empty(rcpt->original))
		print_address("original_recipient", rcpt->original);
	if (!span_empty(rcpt->orcpt))
		print_attribute("dsn_orig_rcpt", rcpt->orcpt);
	print_address(done ? "done_recipient" : "recipient", rcpt->address);
}

static void
print_envelope(struct queue_message *m)
{
	const struct envelope *e = &m->envelope;
	time_t when = (time_t)(e->arrival_us / 1000000);
	char date[64];
	struct tm tm;
	struct str why = STR_EMPTY;

	localtime_r(&when, &tm);
	strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &tm);
	printf("message_size: %llu %llu %llu\n",
	    (unsigned long long)m->layout.content_length,
	    (unsigned long long)m->layout.content_offset,
	    (unsigned long long)m->layout.rcpt_count);
	printf("message_arrival_time: %s\n", date);
	print_attribute("rewrite_context", e->rewrite_context);
	print_attribute("log_client_name", e->client_name);
	print_attribute("log_client_address", e->client_address);
	print_attribute("log_client_port", e->client_port);
	print_attribute("log_helo_name", e->helo);
	print_attribute("log_protocol_name", e->protocol);
	print_attribute("log_message_origin", e->origin);
	print_attribute("sasl_username", e->sasl_username);
	print_attribute("envelope_id", e->dsn_envid);
	print_attribute("filter", e->filter);
	print_address("sender", e->sender);
	if (queue_message_each_rcpt(m, print_rcpt, NULL, &why) != QUEUE_OK)
		log_warn("%s: %s", m->id, str_cstr(&why));
	str_fini(&why);
}

/* Header, the empty line and body are told apart byte by byte. */
static bool
print_content(struct queue_message *m)
{
	char buf[RUN_BYTES];
	uint64_t at = 0, length = m->layout.content_length;
	bool in_header = true, line_start = true;

	while (at < length) {
		size_t want = length - at < sizeof(buf)
		    ? (size_t)(length - at) : sizeof(buf);
		ssize_t got = fs_pread(m->fd, buf, want,
		    (off_t)(m->layout.content_offset + at));

		if (got <= 0)
			return false;
		for (ssize_t i = 0; i < got; i++) {
			if (in_header && line_start && buf[i] == '\n') {
				in_header = false;
				if (parts & PART_BODY && parts & PART_HEADER)
					putchar('\n');
				continue;
			}
			line_start = buf[i] == '\n';
			if (parts & (in_header ? PART_HEADER : PART_BODY))
				putchar(buf[i]);
		}
		at += (uint64_t)got;
	}
	return true;
}

static bool
show(struct queue_message *m, const char *label)
{
	bool ok = true;

	if (parts & PART_ENVELOPE) {
		printf("*** ENVELOPE RECORDS %s ***\n", label);
		print_envelope(m);
	}
	if (parts & (PART_HEADER | PART_BODY)) {
		if (parts & PART_ENVELOPE)
			printf("*** MESSAGE CONTENTS %s ***\n", label);
		ok = print_content(m);
	}
	if (parts & PART_ENVELOPE)
		printf("*** MESSAGE FILE END %s ***\n", label);
	return ok;
}

static bool
show_id(int queue_dir, const char *id)
{
	struct arena *arena = arena_new();
	struct queue_message m;
	struct str why = STR_EMPTY, label = STR_EMPTY;
	enum queue_name where;
	bool ok = queue_id_valid(SPAN(id)) && queue_find(queue_dir, SPAN(id),
	    ~0u & ~(1u << QUEUE_DEFER | 1u << QUEUE_BOUNCE
	    | 1u << QUEUE_TRACE), &where);

	if (!ok) {
		fprintf(stderr, "postcat: fatal: open queue file %s: No such "
		    "file or directory\n", id);
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
show_file(const char *path)
{
	struct arena *arena = arena_new();
	struct queue_message m;
	struct str why = STR_EMPTY;
	enum queue_result result = queue_message_open_path(path, arena, &m,
	    &why);
	bool ok = result == QUEUE_OK;

	if (!ok)
		fprintf(stderr, "postcat: fatal: %s: %s\n", path,
		    str_cstr(&why));
	else
		ok = show(&m, path);
	if (ok)
		queue_message_close(&m);
	str_fini(&why);
	arena_free(&arena);
	return ok;
}

static int
usage(void)
{
	fprintf(stderr, "postcat: fatal: usage: postcat [-b (body text)] "
	    "[-c config_dir] [-e (envelope)] [-h (header text)] "
	    "[-q (access queue)] [-v] file...\n");
	return 1;
}

int
main(int argc, char **argv)
{
	const char *dir = NULL;
	int option, queue_dir, status = 0;

	while ((option = getopt(argc, argv, "bc:dehoqrsv")) != -1) {
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
		case 'o':
		case 'r':
		case 's':
		case 'v':
			break;
		default:
			return usage();
		}
	}
	if (optind == argc)
		return usage();
	if (parts == 0)
		parts = PART_ENVELOPE | PART_HEADER | PART_BODY;
	if (!by_id) {
		for (int i = optind; i < argc; i++)
			if (!show_file(argv[i]))
				status = 1;
		return status;
	}
	queue_dir = queue_command_start("postcat", dir);
	for (int i = optind; i < argc; i++)
		if (!show_id(queue_dir, argv[i]))
			status = 1;
	return status;
}
