/*
 * postconf - prints and changes main.cf, prints master.cf and table types.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/mail/conf_core.h"
#include "common/mail/master_cf.h"
#include "daemons/commands/lib/all_params.h"
#include "daemons/commands/lib/main_cf_edit.h"
#include "maps/types.h"

#define ROWS_MOST 4096

enum mode { MODE_PRINT, MODE_EDIT, MODE_COMMENT, MODE_REMOVE, MODE_MASTER,
	MODE_TABLES };

struct options {
	enum mode mode;
	bool defaults, only_set, expand, no_name, no_value, fold, quiet;
	const char *config;
};

__attribute__((format(printf, 1, 2))) static void
warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("postconf: warning: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

static int
fail(const struct str *why)
{
	fprintf(stderr, "postconf: fatal: %s\n", str_cstr(why));
	return 1;
}

/* ---- printing ---- */

static void
print_value(const char *value)
{
	struct span rest = SPAN(value), line;
	bool first = true;

	/* continuation lines, as they were written */
	while (rest.p != NULL && span_split(&rest, '\n', &line)) {
		printf(first ? "%.*s" : "\n%.*s", SPAN_ARG(line));
		first = false;
	}
}

static const char *
value_of(const struct options *o, const char *name, struct str *room)
{
	const struct param *row = conf_row(name);
	const char *raw = o->defaults
	    ? (conf_computed_default(name) != NULL
		? conf_computed_default(name)
		: row != NULL ? row->dflt : NULL)
	    : conf_raw(name);
	struct str why = STR_EMPTY;

	if (raw == NULL || !o->expand)
		return raw;
	str_clear(room);
	if (!conf_expand(SPAN(raw), room, &why))
		warn("%s: %s", name, str_cstr(&why));
	str_fini(&why);
	return str_cstr(room);
}

static void
print_parameter(const struct options *o, const char *name)
{
	struct str room = STR_EMPTY;
	const char *value = value_of(o, name, &room);

	if (value == NULL) {
		warn("%s: unknown parameter", name);
		return;
	}
	if (o->no_value) {
		printf("%s\n", name);
	} else if (o->no_name) {
		print_value(value);
		putchar('\n');
	} else {
		printf(value[0] != '\0' ? "%s = " : "%s =", name);
		print_value(value);
		putchar('\n');
	}
	str_fini(&room);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every name there is, or those that main.cf sets; sorted, each once. */
static size_t
all_names(const struct options *o, const char **names, size_t most)
{
	const struct param **rows = mem_array(ROWS_MOST, sizeof(*rows));
	size_t count = conf_all_rows(rows, ROWS_MOST), n = 0, kept = 0;
	const struct conf_entry *entry;

	if (!o->only_set)
		for (size_t i = 0; i < count && n < most; i++)
			if (rows[i]->type != PARAM_TYPE_TEMPLATE
			    && rows[i]->type != PARAM_TYPE_LEGACY)
				names[n++] = rows[i]->name;
	if (!o->defaults)
		for (size_t i = 0; (entry = conf_nth(i)) != NULL && n < most;
		    i++)
			names[n++] = entry->name;
	qsort(names, n, sizeof(*names), by_text);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
			names[kept++] = names[i];
	mem_free(rows);
	return kept;
}

static void
report_unknown(enum conf_severity severity, const char *origin,
    unsigned line, const char *text, void *arg)
{
	(void)arg;
	if (severity == CONF_ERROR && strncmp(text, "unknown parameter", 17)
	    == 0)
		warn("%s:%u: %s", origin, line, text);
}

static int
print_parameters(const struct options *o, char **names, int count)
{
	const char **all;
	size_t n;

	if (count > 0) {
		for (int i = 0; i < count; i++)
			print_parameter(o, names[i]);
	} else {
		all = mem_array(2 * ROWS_MOST, sizeof(*all));
		n = all_names(o, all, 2 * ROWS_MOST);
		for (size_t i = 0; i < n; i++)
			print_parameter(o, all[i]);
		mem_free(all);
	}
	if (!o->defaults && !o->quiet && count == 0)
		conf_check(report_unknown, NULL);
	return 0;
}

/* ---- master.cf ---- */

static bool
matches(const struct master_row *row, const char *pattern)
{
	struct span text = SPAN(pattern), name, type = SPAN_NONE;
	ssize_t slash = span_find(text, '/');

	name = slash < 0 ? text : span_sub(text, 0, (size_t)slash);
	if (slash >= 0)
		type = span_skip(text, (size_t)slash + 1);
	return (span_is(name, "*") || span_is(name, row->name))
	    && (span_empty(type) || span_is(type, "*")
	    || span_is(type, row->type_text));
}

static void
print_row(const struct options *o, const struct master_row *row)
{
	char **c = row->columns.items;

	printf("%-10s %-5s %-7s %-7s %-7s %-7s %-7s %s", c[0], c[1], c[2],
	    c[3], c[4], c[5], c[6], c[7]);
	for (size_t i = 0; i < row->args.count; i++) {
		bool option = row->args.items[i][0] == '-';

		printf(o->fold && option ? "\n    %s" : " %s",
		    row->args.items[i]);
	}
	putchar('\n');
}

static int
print_master(const struct options *o, char **patterns, int count)
{
	struct master_cf cf;
	struct str why = STR_EMPTY;

	if (!master_cf_load(conf_dir(), &cf, &why))
		return fail(&why);
	for (size_t i = 0; i < cf.count; i++) {
		bool wanted = count == 0;

		for (int k = 0; k < count; k++)
			wanted |= matches(&cf.rows[i], patterns[k]);
		if (wanted)
			print_row(o, &cf.rows[i]);
	}
	master_cf_free(&cf);
	return 0;
}

static int
print_tables(void)
{
	const char **names = mem_array(map_types_count, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < map_types_count; i++)
		if (map_types[i]->missing == NULL)
			names[n++] = map_types[i]->name;
	qsort(names, n, sizeof(*names), by_text);
	for (size_t i = 0; i < n; i++)
		printf("%s\n", names[i]);
	mem_free(names);
	return 0;
}

/* ---- editing ---- */

static int
edit(enum main_cf_change change, char **items, int count)
{
	struct strlist list = STRLIST_EMPTY;
	struct str path = STR_EMPTY, why = STR_EMPTY;
	int status = 0;

	for (int i = 0; i < count; i++)
		strlist_adds(&list, items[i]);
	str_printf(&path, "%s/main.cf", conf_dir());
	if (!main_cf_edit(str_cstr(&path), change, &list, &why))
		status = fail(&why);
	strlist_fini(&list);
	str_fini(&path);
	str_fini(&why);
	return status;
}

static int
usage(void)
{
	fprintf(stderr, "postconf: fatal: usage: postconf [-c config_dir] "
	    "[-dnfhHqx] [name...] | -e name=value... | -# name... | "
	    "-X name... | -M [-f] [service[/type]...] | -m\n");
	return 1;
}

static bool
take_option(struct options *o, int option, const char *value, struct str *why)
{
	switch (option) {
	case 'c':
		o->config = value;
		return true;
	case 'd':
		o->defaults = true;
		return true;
	case 'n':
		o->only_set = true;
		return true;
	case 'x':
		o->expand = true;
		return true;
	case 'h':
		o->no_name = true;
		return true;
	case 'H':
		o->no_value = true;
		return true;
	case 'f':
		o->fold = true;
		return true;
	case 'q':
		o->quiet = true;
		return true;
	case 'p':
	case 'v':
		return true;
	case 'e':
		o->mode = MODE_EDIT;
		return true;
	case '#':
		o->mode = MODE_COMMENT;
		return true;
	case 'X':
		o->mode = MODE_REMOVE;
		return true;
	case 'M':
		o->mode = MODE_MASTER;
		return true;
	case 'm':
		o->mode = MODE_TABLES;
		return true;
	case 'o':
		return conf_override_assignment(SPAN(value), "-o", why);
	default:
		return false;
	}
}

int
main(int argc, char **argv)
{
	struct options o = { .mode = MODE_PRINT };
	struct strlist overrides = STRLIST_EMPTY;
	struct str why = STR_EMPTY;
	int option;

	log_set_tag("postconf");
	log_add_sink(log_sink_stderr(false));
	while ((option = getopt(argc, argv, "#c:deEfhHmMno:pqvxX")) != -1) {
		if (option == 'o')
			strlist_adds(&overrides, optarg);
		else if (!take_option(&o, option, optarg, &why))
			return usage();
	}
	argc -= optind;
	argv += optind;
	all_params_register();
	if (o.mode == MODE_TABLES)
		return print_tables();
	/* "postconf name=value" means -e */
	if (o.mode == MODE_PRINT && argc > 0 && strchr(argv[0], '=') != NULL)
		o.mode = MODE_EDIT;
	if (o.defaults ? !conf_load_text("", SPAN(""), &why)
	    : !conf_load(o.config, &why))
		return fail(&why);
	for (size_t i = 0; i < overrides.count; i++)
		if (!conf_override_assignment(SPAN(overrides.items[i]), "-o",
		    &why))
			return fail(&why);
	switch (o.mode) {
	case MODE_PRINT:
		return print_parameters(&o, argv, argc);
	case MODE_EDIT:
		return edit(MAIN_CF_SET, argv, argc);
	case MODE_COMMENT:
		return edit(MAIN_CF_COMMENT, argv, argc);
	case MODE_REMOVE:
		return edit(MAIN_CF_REMOVE, argv, argc);
	case MODE_MASTER:
		return print_master(&o, argv, argc);
	case MODE_TABLES:
		break;
	}
	return usage();
}
