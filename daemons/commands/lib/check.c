/*
 * check - what `waypost check` finds in main.cf, master.cf and the queue.
 *
 * Names are looked at here; what they mean, by the programs of master.cf, each
 * with the overrides of its row.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/child.h"
#include "common/mail/compat.h"
#include "common/mail/conf_core.h"
#include "common/mail/master_cf.h"
#include "common/mail/restriction_names.h"
#include "common/service/programs.h"
#include "common/service/inherit.h"
#include "daemons/commands/lib/all_params.h"
#include "daemons/commands/lib/check.h"
#include "maps/types.h"

static unsigned errors;

static void
report(enum conf_severity severity, const char *origin, unsigned line,
    const char *text, void *arg)
{
	struct str where = STR_EMPTY;

	(void)arg;
	if (origin != NULL && line > 0)
		str_printf(&where, "%s:%u: ", origin, line);
	else if (origin != NULL && (origin[0] == '/' ||
	    strncmp(origin, CONF_ENVIRONMENT, strlen(CONF_ENVIRONMENT)) == 0))
		str_printf(&where, "%s: ", origin);
	switch (severity) {
	case CONF_NOTE:
		log_info("%s%s", str_cstr(&where), text);
		break;
	case CONF_WARNING:
		log_warn("%s%s", str_cstr(&where), text);
		break;
	case CONF_ERROR:
		log_error("%s%s", str_cstr(&where), text);
		errors++;
		break;
	}
	str_fini(&where);
}

static void
complain(const struct master_row *row, const char *text)
{
	report(CONF_ERROR, row->file, row->line, text, NULL);
}

static bool
program_runs(const struct master_row *row, struct str *why)
{
	struct str path = STR_EMPTY;

	str_printf(&path, "%s/%s", conf_core.daemon_directory, row->command);
	bool ok = access(str_cstr(&path), X_OK) == 0;

	if (!ok)
		str_printf(why, "service \"%s\": found program \"%s\", "
		    "expected one that can be run (%s: %m)", row->name,
		    row->command, str_cstr(&path));
	str_fini(&path);
	return ok;
}

bool
check_master_cf(struct str *why)
{
	struct master_cf cf;
	struct str problem = STR_EMPTY;
	bool ok = master_cf_load(conf_dir(), &cf, why);

	if (!ok)
		return false;
	for (size_t i = 0; ok && i < cf.count; i++) {
		ok = program_runs(&cf.rows[i], &problem);
		if (!ok)
			str_printf(why, "%s:%u: %s", cf.rows[i].file,
			    cf.rows[i].line, str_cstr(&problem));
	}
	str_fini(&problem);
	master_cf_free(&cf);
	return ok;
}

/* --- Services ------------------------------------------------------------*/

/* What a program writes. Rows of one program find the same: it is told once. */
static void
pass_on(FILE *from, struct hash *told)
{
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, from) > 0)
		if (!hash_has(told, SPAN(line))) {
			(void)hash_put(told, SPAN(line), told);
			fputs(line, stderr);
		}
	free(line);
}

/* The program itself looks at its part, with the overrides of its row: nobody
 * knows it better, and it reads what it would start with. */
static void
ask_program(const struct master_row *row, struct hash *told)
{
	struct str path = STR_EMPTY, why = STR_EMPTY;
	char **argv = mem_array(row->args.count + 6, sizeof(*argv));
	size_t n = 0;
	int status = 0, ends[2];
	FILE *output;

	str_printf(&path, "%s/%s", conf_core.daemon_directory, row->command);
	argv[n++] = row->command;
	argv[n++] = (char *)(uintptr_t)"-n";
	argv[n++] = row->name;
	argv[n++] = (char *)(uintptr_t)"-t";
	argv[n++] = row->type_text;
	for (size_t i = 0; i < row->args.count; i++)
		argv[n++] = row->args.items[i];
	argv[n] = NULL;

	if (pipe2(ends, O_CLOEXEC) != 0 ||
	    (output = fdopen(ends[0], "r")) == NULL)
		fatal("cannot make a pipe: %m");
	setenv(INHERIT_CHECK_ENV, "1", 1);
	struct child_spec spec = { .path = str_cstr(&path), .argv = argv,
		.envp = environ, .nfds = 1,
		.fds = &(struct child_fd){ ends[1], STDERR_FILENO } };
	pid_t pid = child_start(&spec, &why);

	unsetenv(INHERIT_CHECK_ENV);
	(void)close(ends[1]);
	log_flush();
	pass_on(output, told);
	(void)fclose(output);
	if (pid < 0)
		complain(row, str_cstr(&why));
	else if (waitpid(pid, &status, 0) == pid && status != 0)
		errors++;	/* it has told why */
	mem_free(argv);
	str_fini(&path);
	str_fini(&why);
}

static void
check_service(const struct master_row *row, struct hash *told)
{
	struct str why = STR_EMPTY;

	if (!program_runs(row, &why))
		complain(row, str_cstr(&why));
	else if (program_find(row->command) == NULL)
		report(CONF_WARNING, row->file, row->line,
		    "this program is not one of ours", NULL);
	else
		ask_program(row, told);
	str_fini(&why);
}

/* --- Transports ----------------------------------------------------------*/

static const char *const transport_names[] = {
	"address_verify_default_transport", "address_verify_local_transport",
	"address_verify_relay_transport", "address_verify_virtual_transport",
	"content_filter", "default_transport", "fallback_transport",
	"local_transport", "mailbox_transport", "relay_transport",
	"virtual_transport",
};

/* Mail for a transport that has no service would wait until it is too old. */
static void
check_transport(const struct master_cf *cf, const char *name,
    struct span value, const char *origin, unsigned line)
{
	struct str expanded = STR_EMPTY, text = STR_EMPTY, why = STR_EMPTY;
	struct span rest, service = SPAN_NONE;

	if (conf_expand(value, &expanded, &why)) {
		rest = span_trim(str_span(&expanded));
		(void)span_split(&rest, ':', &service);
	}
	str_printf(&text, "%s: found transport \"%.*s\", expected a unix "
	    "service of master.cf", name, SPAN_ARG(service));
	str_set(&why, service);
	if (!span_empty(service)
	    && master_cf_find(cf, str_cstr(&why), "unix") == NULL)
		report(CONF_ERROR, origin, line, str_cstr(&text), NULL);
	str_fini(&expanded);
	str_fini(&text);
	str_fini(&why);
}

static const char *
transport_name(struct span name)
{
	for (size_t i = 0; i < ARRAY_COUNT(transport_names); i++)
		if (span_is(name, transport_names[i]))
			return transport_names[i];
	return NULL;
}

static void
check_overrides(const struct master_cf *cf, const struct master_row *row)
{
	for (size_t i = 0; i < row->overrides.count; i++) {
		struct span value = SPAN(row->overrides.items[i]), name;

		if (span_split(&value, '=', &name)
		    && transport_name(name) != NULL)
			check_transport(cf, transport_name(name), value,
			    row->file, row->line);
	}
}

static void
check_transports(const struct master_cf *cf)
{
	const struct conf_entry *entry;

	for (size_t i = 0; i < ARRAY_COUNT(transport_names); i++) {
		entry = conf_find(transport_names[i]);
		if (entry != NULL)
			check_transport(cf, entry->name, SPAN(entry->value),
			    entry->origin, entry->line);
	}
	for (size_t i = 0; i < cf->count; i++)
		check_overrides(cf, &cf->rows[i]);
}

/* --- Queue ---------------------------------------------------------------*/

static void
check_queue(const char *queue_dir)
{
	struct str text = STR_EMPTY;
	struct stat st;

	if (stat(queue_dir, &st) != 0 && errno != ENOENT) {
		str_printf(&text, "queue_directory = %s: %m", queue_dir);
		report(CONF_ERROR, NULL, 0, str_cstr(&text), NULL);
	} else if (errno != ENOENT && geteuid() == 0 && st.st_uid != 0) {
		str_printf(&text, "not owned by root: %s", queue_dir);
		report(CONF_WARNING, NULL, 0, str_cstr(&text), NULL);
	}
	str_fini(&text);
}

/* --- Names and values ----------------------------------------------------*/

/* The type of "mysql:/x", "proxy:mysql:/x"; NULL: it is no such word. */
static const struct map_type *
type_of_word(struct span word)
{
	ssize_t colon = span_find(word, ':');

	if (colon > 0 && (span_is(span_sub(word, 0, (size_t)colon), "proxy")
	    || span_is(span_sub(word, 0, (size_t)colon), "proxywrite"))) {
		word = span_skip(word, (size_t)colon + 1);
		colon = span_find(word, ':');
	}
	if (colon <= 0 || span_starts(span_skip(word, (size_t)colon + 1),
	    SPAN("//")))		/* ldap://server */
		return NULL;
	return map_type_find(span_sub(word, 0, (size_t)colon));
}

/* Tables that this version cannot ask, where their answers count. */
static void
check_tables(const struct conf_entry *entry, conf_report_fn *tell)
{
	const struct param *row = conf_row(entry->name);
	struct span rest = SPAN(entry->value), word;
	struct str text = STR_EMPTY;

	if (conf_find(entry->name) != entry
	    || (row != NULL && row->cls == PARAM_HARMLESS)
	    || strcmp(entry->name, "proxy_read_maps") == 0
	    || strcmp(entry->name, "proxy_write_maps") == 0)
		return;			/* which list, and ask nothing */
	while (span_token(&rest, STRLIST_CONF, &word)) {
		const struct map_type *type = type_of_word(word);

		if (type == NULL || type->missing == NULL)
			continue;
		str_clear(&text);
		str_printf(&text, "%s: %.*s cannot be asked, mail that needs "
		    "it waits: %s", entry->name, SPAN_ARG(word),
		    type->missing);
		tell(CONF_ERROR, entry->origin, entry->line, str_cstr(&text),
		    NULL);
	}
	str_fini(&text);
}

/* What master.cf refers to is not unknown. */
static void
check_names(const struct master_cf *cf, conf_report_fn *tell)
{
	for (size_t i = 0; i < cf->count; i++) {
		conf_note_service(cf->rows[i].name);
		for (size_t k = 0; k < cf->rows[i].args.count; k++)
			conf_note_references(
			    span_cstr(cf->rows[i].args.items[k]));
	}
	all_params_register();
	conf_check(tell, NULL);
	const struct conf_entry *entry;

	for (size_t i = 0; (entry = conf_nth(i)) != NULL; i++)
		check_tables(entry, tell);
}

/* What an old compatibility_level decides here. */
static void
say_old_defaults(const struct master_cf *cf)
{
	if (!conf_level_below(COMPAT_NEWEST))
		return;
	log_info("Postfix is using backwards-compatible default settings");
	log_info("See main.cf(5), compatibility_level, for details");
	log_info("To disable backwards compatibility use \"postconf "
	    "compatibility_level=%s\" and \"postfix reload\"", COMPAT_NEWEST);
	for (size_t i = 0; conf_level_below("1") && i < cf->count; i++)
		if (strcmp(cf->rows[i].columns.items[4], "-") == 0)
			compat_say("chroot=y (%s: line %u)",
			    cf->rows[i].file, cf->rows[i].line);
}

/* Errors are doubts while nothing is refused; notes are for `check`. */
static void
doubt(enum conf_severity severity, const char *origin, unsigned line,
    const char *text, void *arg)
{
	if (severity != CONF_NOTE)
		report(CONF_WARNING, origin, line, text, arg);
}

void
check_say_doubts(void)
{
	struct master_cf cf = { NULL, 0 };
	struct str why = STR_EMPTY;

	if (master_cf_load(conf_dir(), &cf, &why)) {
		check_names(&cf, doubt);
		say_old_defaults(&cf);
	}
	master_cf_free(&cf);
	str_fini(&why);
}

bool
check_everything(const char *queue_dir)
{
	struct master_cf cf = { NULL, 0 };
	struct str why = STR_EMPTY;
	char *queue = mem_strdup(queue_dir);
	bool readable = master_cf_load(conf_dir(), &cf, &why);

	if (!readable)
		report(CONF_ERROR, NULL, 0, str_cstr(&why), NULL);
	check_names(&cf, report);
	say_old_defaults(&cf);
	errno = 0;
	check_queue(queue);
	if (readable) {
		struct hash *told = hash_new();

		check_transports(&cf);
		for (size_t i = 0; i < cf.count; i++)
			check_service(&cf.rows[i], told);
		hash_free(&told);
		master_cf_free(&cf);
	}
	mem_free(queue);
	str_fini(&why);
	return errors == 0;
}
