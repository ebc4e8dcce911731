/*
 * files - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/queue/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/scan.h"

int
files_queue(const char *name)
{
	struct str path = STR_EMPTY, why = STR_EMPTY;
	int fd;

	queue_names_setup("", 1);
	str_printf(&path, "%s/%s", t_tmpdir(), name);
	T_NEED(mkdir(str_cstr(&path), 0700) == 0);
	fd = open(str_cstr(&path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	T_NEED(fd >= 0);
	T_NEED(queue_directories_make(fd, (uid_t)-1, (gid_t)-1, &why));
	T_NEED(queue_sync_setup("fsync", 0, fd, &why));
	str_fini(&path);
	str_fini(&why);
	return fd;
}

static void
write_rcpts(struct queue_writer *w, const char *list)
{
	struct span rest = SPAN(list), word;

	while (span_token(&rest, " ", &word)) {
		struct envelope_rcpt rcpt = { .address = word };

		queue_writer_rcpt(w, &rcpt);
	}
}

enum queue_result
files_write(int queue, const struct files_message *m, enum queue_name to)
{
	struct arena *arena = arena_new();
	struct queue_writer *w = queue_writer_new(arena, queue, m->id);
	struct envelope e = { .sender = SPAN(m->sender), .arrival_us = 1 };
	struct str why = STR_EMPTY, text = STR_EMPTY;
	enum queue_result result;

	queue_writer_envelope(w, &e);
	write_rcpts(w, m->before);
	for (size_t i = 0; i < m->content; i++) {
		str_putc(&text, (char)('a' + i % 26));
		if (str_len(&text) == 5000 || i + 1 == m->content) {
			queue_writer_content(w, str_span(&text));
			str_clear(&text);
		}
	}
	if (m->filter != NULL)
		queue_writer_filter(w, SPAN(m->filter));
	if (m->redirect)
		queue_writer_redirect(w);
	write_rcpts(w, m->after != NULL ? m->after : "");
	result = queue_writer_commit(w, to, &why);
	arena_free(&arena);
	str_fini(&why);
	str_fini(&text);
	return result;
}

static const char *const result_names[] = { [QUEUE_OK] = "ok",
	[QUEUE_GONE] = "gone", [QUEUE_BUSY] = "busy",
	[QUEUE_INCOMPLETE] = "incomplete", [QUEUE_DAMAGED] = "damaged",
	[QUEUE_FOREIGN] = "foreign", [QUEUE_NOSPACE] = "no space",
	[QUEUE_EXISTS] = "exists", [QUEUE_IO_ERROR] = "i/o error" };

const char *
files_read(int queue, enum queue_name where, const char *id)
{
	static struct str text;
	struct arena *arena = arena_new();
	struct queue_message m;
	struct envelope_rcpt rcpts[3];
	struct str why = STR_EMPTY;
	uint64_t cursor = 0;
	size_t n = 0;
	enum queue_result result = queue_message_open(queue, where, SPAN(id),
	    true, true, arena, &m, &why);

	str_sets(&text, result_names[result]);
	if (result == QUEUE_OK) {
		str_printf(&text, "%.*s ->", SPAN_ARG(m.envelope.sender));
		do {			/* in small pieces */
			result = queue_message_rcpts(&m, &cursor, 3, arena,
			    rcpts, &n, &why);
			for (size_t i = 0; i < n; i++)
				str_addf(&text, " %.*s",
				    SPAN_ARG(rcpts[i].address));
		} while (cursor != 0);
		str_addf(&text, " (%llu)",
		    (unsigned long long)m.layout.content_length);
		if (!span_empty(m.envelope.filter))
			str_addf(&text, " {%.*s}",
			    SPAN_ARG(m.envelope.filter));
		queue_message_close(&m);
		if (result != QUEUE_OK)
			str_sets(&text, result_names[result]);
	}
	str_fini(&why);
	arena_free(&arena);
	return str_cstr(&text);
}

const char *
files_list(int queue)
{
	static const enum queue_name all[] = { QUEUE_INCOMING, QUEUE_ACTIVE,
		QUEUE_DEFERRED, QUEUE_HOLD, QUEUE_CORRUPT };
	static struct str text;
	char id[QUEUE_ID_MAX];

	str_clear(&text);
	for (size_t i = 0; i < T_COUNT(all); i++) {
		struct queue_scan scan;

		queue_scan_start(&scan, queue, all[i]);
		while (queue_scan_next(&scan, id))
			str_addf(&text, "%s %s;", queue_name_text(all[i]), id);
		T_EQ_INT(scan.trouble, 0);
		queue_scan_stop(&scan);
	}
	return str_cstr(&text);
}
