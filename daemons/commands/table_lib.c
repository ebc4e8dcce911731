/*
 * table_lib - create, change, query and list tables from the command line.
 *
 * Rebuilding runs on the main stack, before there is a loop; queries run in a
 * fiber, since some types wait for another process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/commands/table_lib.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/strlist.h"
#include "common/io/child.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/mail/conf_core.h"
#include "common/service/jail.h"
#include "daemons/shared/mime_conf.h"
#include "maps/make.h"
#include "maps/map.h"
#include "maps/types.h"

enum { STDIN_STEP = 65536, STDIN_MAX = 1 << 30 };

static const struct param mime_rows[] = { MIME_ROWS };	/* for -m */
static const struct param_set mime_params = PARAM_SET("postmap", mime_rows);

struct options {
	const struct table_command *command;
	const char *config_dir, *query, *erase;
	bool list, incremental, no_fold, files, with_nul, without_nul;
	bool keep_root, plain_mode, replace, ignore_duplicates, no_utf8;
	bool force_utf8, headers, body, mime, json;
	int argc;			/* what was given, for children */
	char **argv;
	char **tables;			/* "type:name" */
	size_t count;
};

/* --- Options -------------------------------------------------------------*/

__attribute__((noreturn)) static void
usage(const struct table_command *command)
{
	fatal("usage: %s %s [-c config_dir] [-d key] [-q key] "
	    "[map_type:]file...", command->name, command->usage);
}

static void
take_option(struct options *o, int letter)
{
	switch (letter) {
	case 'b': o->body = true; break;
	case 'c': o->config_dir = optarg; break;
	case 'd': o->erase = optarg; break;
	case 'f': o->no_fold = true; break;
	case 'F': o->files = true; break;
	case 'h': o->headers = true; break;
	case 'i': o->incremental = true; break;
	case 'j': o->json = true; break;
	case 'm': o->mime = true; break;
	case 'n': o->without_nul = true; break;
	case 'N': o->with_nul = true; break;
	case 'o': o->keep_root = true; break;
	case 'p': o->plain_mode = true; break;
	case 'q': o->query = optarg; break;
	case 's': o->list = true; break;
	case 'u': o->no_utf8 = true; break;
	case 'U': o->force_utf8 = true; break;
	case 'v': log_verbose++; break;
	case 'r':			/* of -r and -w the last one counts */
	case 'w':
		o->replace = letter == 'r';
		o->ignore_duplicates = letter == 'w';
		break;
	default: usage(o->command);
	}
}

static void
check_options(const struct options *o)
{
	if ((o->query != NULL) + (o->erase != NULL) + o->list > 1)
		fatal("specify only one of -s -q or -d");
	if (o->incremental && (o->query != NULL || o->erase != NULL ||
	    o->list))
		fatal("-i does not go with -s -q or -d");
	if (o->with_nul && o->without_nul)
		fatal("specify only one of -N or -n");
	if ((o->headers || o->body) && (o->query == NULL ||
	    strcmp(o->query, "-") != 0))
		fatal("specify -b or -h only with \"-q -\"");
	if (o->mime && !o->headers && !o->body)
		fatal("specify -m only with -b or -h");
	if (o->json && o->query == NULL && !o->list)
		fatal("specify -j only with -q or -s");
	if (o->count == 0)
		usage(o->command);
	if (o->incremental && o->count > 1)
		fatal("-i reads standard input: specify one table");
}

static void
load_configuration(const char *dir)
{
	struct str why = STR_EMPTY;

	conf_register(&conf_core_params);
	if (!conf_load(dir, &why) || !conf_fill(&conf_core_params, &why)
	    || !conf_fill(&mime_params, &why))
		fatal("%s", str_cstr(&why));
	str_fini(&why);
}

static void
name_tables(struct options *o, int argc, char **argv)
{
	struct str spec = STR_EMPTY;

	o->count = (size_t)argc;
	o->tables = mem_array(o->count + 1, sizeof(char *));
	for (int i = 0; i < argc; i++) {
		if (strchr(argv[i], ':') != NULL)
			str_sets(&spec, argv[i]);
		else
			str_printf(&spec, "%s:%s",
			    conf_core.default_database_type, argv[i]);
		o->tables[i] = mem_strdup(str_cstr(&spec));
	}
	str_fini(&spec);
}

static unsigned
map_flags(const struct options *o)
{
	bool utf8 = conf_core.smtputf8_enable && !o->no_utf8 &&
	    (o->force_utf8 || !(o->headers || o->body));

	return (unsigned)MAP_QUIET | (o->no_fold ? 0 : MAP_FOLD) |
	    (utf8 ? MAP_UTF8 : 0);
}

static unsigned
make_flags(const struct options *o)
{
	return o->command->make_flags | (o->no_fold ? 0 : MAKE_FOLD) |
	    (o->incremental ? MAKE_INCREMENTAL : 0) |
	    (o->replace ? MAKE_REPLACE : 0) |
	    (o->ignore_duplicates ? MAKE_IGNORE_DUPLICATES : 0) |
	    (conf_core.smtputf8_enable && !o->no_utf8 ? MAKE_UTF8 : 0) |
	    (o->plain_mode ? 0 : MAKE_SAVE_MODE) |
	    (o->with_nul ? MAKE_WITH_NUL : 0) |
	    (o->without_nul ? MAKE_WITHOUT_NUL : 0) |
	    (o->files ? MAKE_FILES : 0);
}

/* --- Standard input ------------------------------------------------------*/

static struct str
read_stdin(void)
{
	struct str text = STR_EMPTY;
	ssize_t n;

	while ((n = read(STDIN_FILENO, str_reserve(&text, STDIN_STEP),
	    STDIN_STEP)) != 0) {
		if (n < 0 && errno != EINTR)
			fatal("read standard input: %m");
		if (n > 0)
			str_advance(&text, (size_t)n);
		if (str_len(&text) > STDIN_MAX)
			fatal("standard input is longer than %d bytes",
			    STDIN_MAX);
	}
	return text;
}

/* --- Queries -------------------------------------------------------------*/

struct query {
	const struct options *o;
	struct map **maps;
	struct str value, decoded;
	bool found;
};

static struct map *
open_table(const struct options *o, const char *spec)
{
	struct str why = STR_EMPTY;
	struct map *map = map_open(spec, map_flags(o), &why);

	if (map == NULL)
		fatal("%s", str_cstr(&why));
	if (map_is_unavailable(map))
		fatal("%s", map_why(map));
	str_fini(&why);
	return map;
}

static struct span
shown_value(struct query *q)
{
	if (!q->o->files)
		return str_span(&q->value);
	str_clear(&q->decoded);
	if (!base64_decode(&q->decoded, str_span(&q->value)))
		fatal("malformed BASE64 value: %.100s", str_cstr(&q->value));
	return str_span(&q->decoded);
}

/* Tables are opened when they are reached: the first that knows answers. */
static bool
ask(struct query *q, struct span key)
{
	for (size_t i = 0; i < q->o->count; i++) {
		if (q->maps[i] == NULL)
			q->maps[i] = open_table(q->o, q->o->tables[i]);
		switch (map_lookup(q->maps[i], key, &q->value)) {
		case MAP_FOUND:
			if (str_len(&q->value) == 0)
				log_warn("table %s: key %.*s: empty string "
				    "result is not allowed", q->o->tables[i],
				    SPAN_ARG(key));
			q->found = true;
			return true;
		case MAP_ABSENT:
			break;
		case MAP_FAILED:
			fatal("%s", map_why(q->maps[i]));
		}
	}
	return false;
}

static void
print(struct span bytes)
{
	fwrite(bytes.p, 1, bytes.len, stdout);
}

static void
print_pair(struct query *q, struct span key)
{
	struct str line = STR_EMPTY;

	if (q->o->json) {
		str_adds(&line, "{\"key\": \"");
		json_escape(&line, key);
		str_adds(&line, "\", \"value\": \"");
		json_escape(&line, shown_value(q));
		str_adds(&line, "\"}\n");
	} else {
		str_add(&line, key);
		str_adds(&line, q->o->command->aliases ? ":\t" : "\t");
		str_add(&line, shown_value(q));
		str_putc(&line, '\n');
	}
	print(str_span(&line));
	str_fini(&line);
}

static void
ask_and_print_pair(struct query *q, struct span key)
{
	if (ask(q, key))
		print_pair(q, key);
}

bool
table_message_next(struct table_message *m, struct span *key_out,
    bool *is_body_out)
{
	struct span text = m->rest;
	size_t len = 0;

	if (text.len == 0)
		return false;
	*is_body_out = m->in_body;
	for (;;) {
		ssize_t end = span_find(span_skip(text, len), '\n');

		len = end < 0 ? text.len : len + (size_t)end;
		/* A header line goes on where the next begins with space. */
		if (m->in_body || len + 1 >= text.len || len == 0 ||
		    (text.p[len + 1] != ' ' && text.p[len + 1] != '\t'))
			break;
		len++;
	}
	struct span line = span_sub(text, 0, len);
	size_t name = 0;

	while (name < line.len && line.p[name] > ' ' && line.p[name] < 127 &&
	    line.p[name] != ':')
		name++;
	bool header = name > 0 && name < line.len && line.p[name] == ':';

	if (!m->in_body && !header) {
		m->in_body = true;
		return table_message_next(m, key_out, is_body_out);
	}
	*key_out = line;
	m->rest = span_skip(text, len + 1);
	return true;
}

/* -m: headers of parts and of attached messages are headers, too. */
struct mime_query {
	struct query *q;
	struct str line;		/* of content, its end not seen yet */
};

static void
mime_header(enum mime_place place, struct span line, size_t name_length,
    void *arg)
{
	struct mime_query *m = arg;

	if (m->q->o->headers)
		ask_and_print_pair(m->q, line);
}

static void
mime_content(struct span bytes, void *arg)
{
	struct mime_query *m = arg;

	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.p[i] != '\n') {
			str_putc(&m->line, bytes.p[i]);
			continue;
		}
		if (m->q->o->body)
			ask_and_print_pair(m->q, str_span(&m->line));
		str_clear(&m->line);
	}
}

static void
ask_mime(struct query *q, struct span text)
{
	struct mime_query m = { .q = q };
	const struct mime_events events = { .header = mime_header,
		.content = mime_content, .arg = &m };
	struct arena *arena = arena_new();
	const struct mime_limits limits = mime_conf_limits();
	struct mime *mime = mime_new(arena, &limits, &events);

	mime_begin_whole(mime);
	mime_take(mime, text);
	mime_end(mime);
	if (str_len(&m.line) > 0)
		mime_content(SPAN("\n"), &m);
	str_fini(&m.line);
	arena_free(&arena);
}

static void
ask_message(struct query *q, struct span text)
{
	struct table_message message = { .rest = text };
	struct span key;
	bool is_body;

	while (table_message_next(&message, &key, &is_body))
		if (is_body ? q->o->body : q->o->headers)
			ask_and_print_pair(q, key);
}

static void
ask_stdin(struct query *q)
{
	struct str text = read_stdin();
	struct span rest = str_span(&text), line;

	if (q->o->mime)
		ask_mime(q, rest);
	else if (q->o->headers || q->o->body)
		ask_message(q, rest);
	else
		while (rest.len > 0 && span_split(&rest, '\n', &line))
			if (line.len > 0)
				ask_and_print_pair(q, line);
	str_fini(&text);
}

static void
query_in_fiber(void *arg)
{
	struct query *q = arg;

	if (strcmp(q->o->query, "-") == 0) {
		ask_stdin(q);
	} else if (q->o->json) {
		ask_and_print_pair(q, span_cstr(q->o->query));
	} else if (ask(q, span_cstr(q->o->query))) {
		print(shown_value(q));
		putchar('\n');
	}
}

static void
list_in_fiber(void *arg)
{
	struct query *q = arg;
	struct str key = STR_EMPTY;

	for (size_t i = 0; i < q->o->count; i++) {
		q->maps[i] = open_table(q->o, q->o->tables[i]);
		enum map_status status;
		bool first = true;

		while ((status = map_sequence(q->maps[i], first, &key,
		    &q->value)) == MAP_FOUND) {
			first = false;
			print_pair(q, str_span(&key));
		}
		if (status == MAP_FAILED)
			fatal("%s", map_why(q->maps[i]));
	}
	q->found = true;
	str_fini(&key);
}

static int
run_query(const struct options *o, fiber_fn *fn)
{
	struct query q = { .o = o };

	q.maps = mem_array(o->count, sizeof(struct map *));
	loop_start();
	fiber_run_main(fn, &q);
	if (fflush(stdout) != 0)
		fatal("write error: %m");
	for (size_t i = 0; i < o->count; i++)
		map_close(q.maps[i]);
	mem_free(q.maps);
	str_fini(&q.value);
	str_fini(&q.decoded);
	return q.found ? 0 : 1;
}

/* --- Changes -------------------------------------------------------------*/

static const char *
name_of(const char *spec)
{
	return strchr(spec, ':') + 1;
}

static bool
owned_by_other(const char *spec, struct stat *st_out)
{
	return stat(name_of(spec), st_out) == 0 && st_out->st_uid != 0;
}

/* Root does not write on behalf of others as root. */
static void
become_owner(const struct options *o, const char *spec)
{
	struct str why = STR_EMPTY;
	struct stat st;

	if (geteuid() == 0 && !o->keep_root && owned_by_other(spec, &st) &&
	    !jail_become(st.st_uid, st.st_gid, &why))
		fatal("%s: %s", spec, str_cstr(&why));
	str_fini(&why);
}

/* Becoming someone has no way back: where tables have owners, each is done by
 * a child of its own. */
static bool
needs_children(const struct options *o)
{
	struct stat st;

	if (geteuid() != 0 || o->keep_root || o->count < 2)
		return false;
	for (size_t i = 0; i < o->count; i++)
		if (owned_by_other(o->tables[i], &st))
			return true;
	return false;
}

static int
run_child(const struct options *o, size_t table)
{
	char **argv = mem_array((size_t)o->argc + 2, sizeof(char *));
	struct str why = STR_EMPTY;
	int first = o->argc - (int)o->count, status = 0;

	for (int i = 0; i < first; i++)
		argv[i] = o->argv[i];
	argv[first] = o->tables[table];
	struct child_fd fds[] = { { 0, 0 }, { 1, 1 }, { 2, 2 } };
	struct child_spec spec = { .path = "/proc/self/exe", .argv = argv,
		.envp = environ, .fds = fds, .nfds = ARRAY_COUNT(fds) };
	pid_t pid = child_start(&spec, &why);

	if (pid < 0)
		fatal("%s", str_cstr(&why));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	mem_free(argv);
	str_fini(&why);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void
make_one(const struct options *o, const char *spec)
{
	struct str why = STR_EMPTY, text = STR_EMPTY;
	struct span source = SPAN_NONE;

	if (o->incremental) {
		text = read_stdin();
		source = span_of(str_cstr(&text), str_len(&text));
	}
	become_owner(o, spec);
	if (!map_make(spec, make_flags(o), source, &why))
		fatal("%s", str_cstr(&why));
	str_fini(&text);
	str_fini(&why);
}

static size_t
erase_one(const struct options *o, const char *spec, struct span keys)
{
	struct strlist list = STRLIST_EMPTY;
	struct str why = STR_EMPTY;
	size_t deleted = 0;

	if (strcmp(o->erase, "-") == 0)
		strlist_split(&list, keys, "\n");
	else
		strlist_add(&list, span_cstr(o->erase));
	struct span *spans = mem_array(list.count + 1, sizeof(*spans));

	for (size_t i = 0; i < list.count; i++)
		spans[i] = span_cstr(list.items[i]);
	become_owner(o, spec);
	if (!map_delete(spec, spans, list.count, make_flags(o), &deleted,
	    &why))
		fatal("%s", str_cstr(&why));
	mem_free(spans);
	strlist_fini(&list);
	str_fini(&why);
	return deleted;
}

static int
run_erase(const struct options *o)
{
	struct str keys = strcmp(o->erase, "-") == 0 ? read_stdin() :
	    STR_EMPTY;
	size_t deleted = 0;

	for (size_t i = 0; i < o->count; i++)
		deleted += erase_one(o, o->tables[i], str_span(&keys));
	str_fini(&keys);
	return deleted > 0 ? 0 : 1;
}

static int
run_make(const struct options *o)
{
	bool apart = needs_children(o);

	for (size_t i = 0; i < o->count; i++) {
		int status = 0;

		if (apart)
			status = run_child(o, i);
		else
			make_one(o, o->tables[i]);
		if (status != 0)
			return status;
	}
	return 0;
}

static int
run(const struct options *o)
{
	if (o->query != NULL)
		return run_query(o, query_in_fiber);
	if (o->list)
		return run_query(o, list_in_fiber);
	if (o->erase != NULL)
		return run_erase(o);
	return run_make(o);
}

int
table_command_run(const struct table_command *command, int argc, char **argv)
{
	struct options o = { .command = command, .argc = argc, .argv = argv };
	int letter;

	log_set_tag(command->name);
	log_add_sink(log_sink_stderr(false));
	if (getenv("MAIL_VERBOSE") != NULL)
		log_verbose++;
	while ((letter = getopt(argc, argv, command->options)) != -1)
		take_option(&o, letter);
	load_configuration(o.config_dir);
	name_tables(&o, argc - optind, argv + optind);
	check_options(&o);
	map_for_command();
	int status = run(&o);

	for (size_t i = 0; i < o.count; i++)
		mem_free(o.tables[i]);
	mem_free(o.tables);
	log_flush();
	return status;
}
