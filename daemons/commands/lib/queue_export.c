/*
 * queue_export - see the header.
 *
 * Recipients who asked for different notices need a call each, since -N stands
 * for all of a call. What is in a mark is what makes a second run do the rest:
 * they are synced one call after the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/commands/lib/queue_export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/strlist.h"
#include "common/io/child.h"
#include "common/io/fs.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "daemons/shared/spool.h"
#include "queue/message.h"
#include "queue/outcome_log.h"
#include "queue/scan.h"

#define RCPTS_AT_ONCE 200
#define RUN_BYTES (64 * 1024)

#define IN(queue) (1u << (queue))

static struct {
	const char *sendmail;
	bool keep;			/* on hold, instead of removing */
	bool only_list;
	unsigned queues;
} options = { .sendmail = "/usr/sbin/sendmail",
	.queues = IN(QUEUE_MAILDROP) | IN(QUEUE_INCOMING) | IN(QUEUE_ACTIVE)
	    | IN(QUEUE_DEFERRED) };

static int queue_dir;
static struct {
	size_t exported, left, foreign, failed;
} totals;

/* A message that is given away. */
struct export {
	struct arena *arena;
	struct queue_message m;
	struct envelope_rcpt *rcpts;
	size_t count;
	struct str why;
};

/* ---- one call ---- */

/* Ours would point another Postfix at our main.cf. */
static char **
environment(struct strlist *list)
{
	extern char **environ;

	for (char **e = environ; *e != NULL; e++)
		if (strncmp(*e, "MAIL_CONFIG=", 12) != 0)
			strlist_adds(list, *e);
	return list->items;
}

static bool
copy_content(struct export *x, int to)
{
	uint64_t at = 0, length = x->m.layout.content_length;
	char *buf = arena_alloc(x->arena, RUN_BYTES);

	while (at < length) {
		size_t want = length - at < RUN_BYTES ? (size_t)(length - at)
		    : RUN_BYTES;
		ssize_t got = fs_pread(x->m.fd, buf, want,
		    (off_t)(x->m.layout.content_offset + at));

		if (got <= 0) {
			str_sets(&x->why, "cannot read the content");
			return false;
		}
		if (!fs_write_all(to, span_of(buf, (size_t)got), &x->why))
			return false;
		at += (uint64_t)got;
	}
	return lseek(to, 0, SEEK_SET) == 0;
}

static void
add_address(struct strlist *argv, struct span address)
{
	struct str text = STR_EMPTY;

	address_quote(&text, address);
	strlist_adds(argv, str_cstr(&text));
	str_fini(&text);
}

static void
add_options(struct export *x, uint64_t notify, struct strlist *argv)
{
	const struct envelope *e = &x->m.envelope;
	char words[40];

	strlist_adds(argv, "sendmail");
	strlist_adds(argv, "-i");
	strlist_adds(argv, "-f");
	if (span_empty(e->sender))
		strlist_adds(argv, "<>");
	else
		add_address(argv, e->sender);
	if (e->flags & ENVELOPE_8BIT)
		strlist_adds(argv, "-B8BITMIME");
	/* Nothing of it is to be completed as if somebody here wrote it. */
	if (x->m.where != QUEUE_MAILDROP
	    && !span_is(e->rewrite_context, "local"))
		strlist_adds(argv, "-G");
	if (!span_empty(e->full_name) && x->m.where == QUEUE_MAILDROP) {
		strlist_adds(argv, "-F");
		strlist_add(argv, e->full_name);
	}
	if (notify != 0) {
		dsn_notify_print((unsigned)notify, words);
		strlist_adds(argv, "-N");
		strlist_adds(argv, words);
	}
	if (e->dsn_ret != DSN_RET_NONE) {
		strlist_adds(argv, "-R");
		strlist_adds(argv, e->dsn_ret == DSN_RET_FULL ? "full"
		    : "hdrs");
	}
	if (!span_empty(e->dsn_envid)) {
		strlist_adds(argv, "-V");
		strlist_add(argv, e->dsn_envid);
	}
	if (e->flags & ENVELOPE_EXTRACT_RCPT)
		strlist_adds(argv, "-t");
	strlist_adds(argv, "--");
}

/* Whether it said yes. */
static bool
run_sendmail(struct export *x, struct strlist *argv, int content)
{
	struct strlist env = STRLIST_EMPTY;
	struct child_fd fds[] = { { content, 0 }, { 1, 1 }, { 2, 2 } };
	struct child_spec spec = { .path = options.sendmail,
		.argv = argv->items, .fds = fds, .nfds = ARRAY_COUNT(fds),
		.chdir_to = "/" };
	int status = -1;
	pid_t pid;

	spec.envp = environment(&env);
	pid = child_start(&spec, &x->why);
	strlist_fini(&env);
	if (pid < 0)
		return false;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status == 0)
		return true;
	str_printf(&x->why, "%s: ", options.sendmail);
	child_describe_status(status, &x->why);
	return false;
}

/* To those of the batch who asked for these notices; taken_out gets their
 * marks. */
static bool
give(struct export *x, uint64_t notify, uint64_t *marks, size_t *nmarks)
{
	struct strlist argv = STRLIST_EMPTY;
	int content = fs_memory_file("content", &x->why);
	bool ok;

	add_options(x, notify, &argv);
	*nmarks = 0;
	for (size_t i = 0; i < x->count; i++) {
		if (x->rcpts[i].notify != notify)
			continue;
		add_address(&argv, x->rcpts[i].address);
		marks[(*nmarks)++] = x->rcpts[i].mark_at;
	}
	ok = content >= 0 && copy_content(x, content)
	    && run_sendmail(x, &argv, content);
	if (content >= 0)
		close(content);
	strlist_fini(&argv);
	return ok;
}

/* ---- one message ---- */

static bool
mark(struct export *x, const uint64_t *marks, size_t n)
{
	return n == 0 || (queue_marks_write(queue_dir, x->m.where,
	    SPAN(x->m.id), marks, n, &x->why) == QUEUE_OK
	    && fs_sync_wait(x->m.fd, &x->why));
}

static bool
give_batch(struct export *x)
{
	uint64_t *marks = arena_array(x->arena, x->count + 1, sizeof(*marks));
	bool any = false;

	for (uint64_t notify = 0; notify < 16; notify++) {
		size_t n = 0;
		bool wanted = x->count == 0 && notify == 0;

		for (size_t i = 0; i < x->count; i++)
			wanted |= (x->rcpts[i].notify & 15) == notify;
		if (!wanted)
			continue;
		if (!give(x, notify, marks, &n) || !mark(x, marks, n))
			return false;
		any = true;
	}
	return any;
}

static bool
give_message(struct export *x, size_t *nrcpts)
{
	uint64_t cursor = 0;
	bool from_headers = (x->m.envelope.flags & ENVELOPE_EXTRACT_RCPT) != 0;

	*nrcpts = 0;
	x->rcpts = arena_array(x->arena, RCPTS_AT_ONCE, sizeof(*x->rcpts));
	do {
		if (queue_message_rcpts(&x->m, &cursor, RCPTS_AT_ONCE,
		    x->arena, x->rcpts, &x->count, &x->why) != QUEUE_OK)
			return false;
		for (size_t i = 0; i < x->count; i++)
			x->rcpts[i].notify &= 15;
		if ((x->count > 0 || from_headers) && !give_batch(x))
			return false;
		from_headers = false;
		*nrcpts += x->count;
	} while (cursor != 0);
	return true;
}

/* A failure that its sender was not told of yet: qmgr does that for a message
 * whose recipients are all done. */
static bool
owes_notice(const char *id)
{
	enum queue_name where;

	return queue_find(queue_dir, SPAN(id), IN(QUEUE_BOUNCE), &where)
	    != QUEUE_GONE;
}

static bool
message_over(struct export *x)
{
	struct span id = SPAN(x->m.id);
	bool ok;

	if (owes_notice(x->m.id)) {
		log_warn("%s: kept: its sender was not told yet of recipients "
		    "that failed; start and stop this mail system once",
		    x->m.id);
		totals.left++;
		return true;
	}
	if (options.keep)
		return x->m.where == QUEUE_HOLD || queue_move(queue_dir, id,
		    x->m.where, QUEUE_HOLD, &x->why);
	ok = queue_remove(queue_dir, x->m.where, id, &x->why);
	if (ok) {
		outcome_log_remove(queue_dir, QUEUE_DEFER, id, &x->why);
		outcome_log_remove(queue_dir, QUEUE_TRACE, id, &x->why);
	}
	return ok;
}

static void
export_opened(struct export *x)
{
	size_t nrcpts;

	if (x->m.is_copy) {
		totals.foreign++;
	} else if (options.only_list) {
		printf("%s %s\n", queue_name_text(x->m.where), x->m.id);
		totals.exported++;
	} else if (give_message(x, &nrcpts) && message_over(x)) {
		log_info("%s: given to %s, nrcpt=%zu", x->m.id,
		    options.sendmail, nrcpts);
		totals.exported++;
	} else {
		log_warn("%s: stays: %s", x->m.id, str_cstr(&x->why));
		totals.failed++;
	}
}

static void
export_file(enum queue_name where, const char *id)
{
	struct export x = { .arena = arena_new() };
	enum queue_result result = queue_message_open(queue_dir, where,
	    SPAN(id), false, true, x.arena, &x.m, &x.why);

	if (result == QUEUE_OK) {
		export_opened(&x);
		queue_message_close(&x.m);
	} else if (result != QUEUE_GONE && result != QUEUE_INCOMPLETE) {
		log_warn("%s: stays: %s", id, str_cstr(&x.why));
		totals.failed++;
	}
	str_fini(&x.why);
	arena_free(&x.arena);
}

static void
export_queue(enum queue_name where)
{
	struct queue_scan scan;
	struct strlist ids = STRLIST_EMPTY;
	char id[QUEUE_ID_MAX];

	/* Names first: that sendmail may put new ones into maildrop. */
	queue_scan_start(&scan, queue_dir, where);
	while (queue_scan_next(&scan, id))
		strlist_adds(&ids, id);
	queue_scan_stop(&scan);
	if (scan.trouble != 0) {
		errno = scan.trouble;
		log_warn("read queue %s: %m", queue_name_text(where));
		totals.failed++;
	}
	for (size_t i = 0; i < ids.count; i++)
		export_file(where, ids.items[i]);
	strlist_fini(&ids);
}

/* ---- the start ---- */

static void
count_log(const char *log, const char *id, void *arg)
{
	(void)log;
	(void)id;
	++*(size_t *)arg;
}

/* Nobody may work on the queue meanwhile. */
static void
lock_queue(void)
{
	struct str why = STR_EMPTY;
	int fd = fs_open_append_at(queue_dir, "pid/master.pid", 0600, &why);
	size_t logged = 0;

	if (fd < 0)
		fatal("%s", str_cstr(&why));
	if (!fs_ofd_lock(fd, true))
		fatal("the mail system is running: stop it first");
	commit_log_list(queue_dir, count_log, &logged);
	if (logged > 0)
		fatal("the mail system was not stopped cleanly: run recover, "
		    "or start and stop it, first");
}

static bool
read_options(int argc, char **argv)
{
	int c;

	optind = 1;
	while ((c = getopt(argc, argv, "+kns:")) != -1) {
		if (c == 'k')
			options.keep = true;
		else if (c == 'n')
			options.only_list = true;
		else if (c == 's')
			options.sendmail = optarg;
		else
			return false;
	}
	if (optind < argc)
		options.queues = 0;
	for (int i = optind; i < argc; i++) {
		int q = queue_name_value(SPAN(argv[i]));

		if (q < 0 || q >= QUEUE_CORRUPT) {
			fprintf(stderr, "waypost: no queue of messages: "
			    "\"%s\"\n", argv[i]);
			return false;
		}
		options.queues |= IN(q);
	}
	return true;
}

int
queue_export(int argc, char **argv)
{
	if (argc < 1 || strcmp(argv[0], "export") != 0
	    || !read_options(argc, argv)) {
		fprintf(stderr, "usage: waypost [-c config_dir] queue export "
		    "[-kn] [-s sendmail] [queue ...]\n");
		return 1;
	}
	queue_dir = open(conf_core.queue_directory,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (queue_dir < 0)
		fatal("%s: %m", conf_core.queue_directory);
	queue_names_setup(conf_core.hash_queue_names,
	    conf_core.hash_queue_depth);
	if (!options.only_list)
		lock_queue();
	for (int q = 0; q < QUEUE_CORRUPT; q++)
		if (options.queues & IN(q))
			export_queue((enum queue_name)q);
	if (options.only_list)
		return totals.failed > 0;
	log_info("queue export: %zu given away, %zu kept for a notice, %zu of "
	    "Postfix's left as they are, %zu in trouble", totals.exported,
	    totals.left, totals.foreign, totals.failed);
	return totals.failed + totals.left > 0;
}
