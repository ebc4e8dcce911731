/*
 * postconf - prints and changes main.cf and master.cf, lists table types.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/mail/conf_core.h"
#include "common/mail/macro.h"
#include "common/mail/master_cf.h"
#include "daemons/commands/lib/all_params.h"
#include "daemons/commands/lib/main_cf_edit.h"
#include "daemons/commands/lib/master_cf_edit.h"
#include "daemons/commands/lib/master_cf_print.h"
#include "daemons/shared/bounce_template.h"
#include "maps/types.h"


enum file { MAIN_CF, MASTER_ROWS, MASTER_FIELD, MASTER_PARAMETERS };
enum action { PRINT, EDIT, COMMENT, REMOVE };
enum class { CLASS_BUILT_IN = 1, CLASS_SERVICE = 2, CLASS_USER = 4,
	CLASS_ALL = 7 };

struct options {
	enum file file;
	enum action action;
	bool defaults, only_set, expand, no_name, no_value, fold, quiet;
	bool json, tables, locks, nothing;
	bool templates, template_texts;
	unsigned classes;
	const char *config;
};

/* master.cf as far as it can be read: names of templates come from it. */
static struct master_cf services;

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
	fflush(stdout);
	fprintf(stderr, "postconf: fatal: %s\n", str_cstr(why));
	return 1;
}

/* ---- printing ---- */

/* As it is: lines are folded by now. */
static void
print_whole(const struct options *o, const char *name, const char *value)
{
	if (o->no_value)
		puts(name);
	else if (o->no_name)
		puts(value);
	else
		printf("%s = %s\n", name, value);
}

static void
print_named(const struct options *o, const char *name, const char *value)
{
	struct str line = STR_EMPTY, folded = STR_EMPTY;

	if (o->json) {
		str_adds(&line, "{\"name\": \"");
		json_escape(&line, SPAN(name));
		str_adds(&line, "\", \"value\": \"");
		json_escape(&line, SPAN(value));
		str_adds(&line, "\"}");
		puts(str_cstr(&line));
		str_fini(&line);
		return;
	}
	if (o->no_value)
		str_sets(&line, name);
	else if (o->no_name)
		str_sets(&line, value);
	else
		str_printf(&line, "%s = %s", name, value);
	fold_words(str_span(&line), o->fold, &folded);
	printf("%s\n", str_cstr(&folded));
	str_fini(&line);
	str_fini(&folded);
}

static void
print_parameter(const struct options *o, const char *name)
{
	const char *raw = o->defaults ? conf_default(name) : conf_raw(name);

	if (!o->defaults && !conf_is_known(name))
		raw = NULL;		/* set, and nobody asks for it */

	struct str value = STR_EMPTY, why = STR_EMPTY;

	if (raw == NULL) {
		warn("%s: unknown parameter", name);
		return;
	}
	if (o->expand && !conf_expand(SPAN(raw), &value, &why)) {
		str_insert(&why, 0, SPAN(": "));
		str_insert(&why, 0, SPAN(name));
		exit(fail(&why));
	}
	print_named(o, name, o->expand ? str_cstr(&value) : raw);
	str_fini(&value);
	str_fini(&why);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool
is_agent(const struct master_row *row)
{
	static const char *const agents[] = { "error", "lmtp", "local", "pipe",
		"smtp", "virtual" };

	for (size_t i = 0; i < ARRAY_COUNT(agents); i++)
		if (strcmp(row->command, agents[i]) == 0)
			return row->type == MASTER_UNIX;
	return false;
}

static struct strlist of_services;	/* such names, while all are printed */

/* "<transport>_x" for each agent of master.cf, "<service>_x" for those that
 * run commands. */
static size_t
service_names(const struct param *row, struct strlist *room)
{
	struct span suffix = span_skip(SPAN(row->name),
	    (size_t)(strchr(row->name, '>') - row->name) + 1);
	bool any = span_starts(SPAN(row->name), SPAN("<transport>"));
	size_t before = room->count;

	if (!any && !span_starts(SPAN(row->name), SPAN("<service>")))
		return 0;
	for (size_t i = 0; i < services.count; i++) {
		const struct master_row *s = &services.rows[i];
		struct str name = STR_EMPTY;

		if (any ? !is_agent(s) : strcmp(s->command, "pipe") != 0
		    && strcmp(s->command, "spawn") != 0)
			continue;
		str_printf(&name, "%s%.*s", s->name, SPAN_ARG(suffix));
		if (!strlist_has(room, str_span(&name)))
			strlist_add(room, str_span(&name));
		str_fini(&name);
	}
	return room->count - before;
}

static bool
is_wanted(const struct options *o, const char *name)
{
	const struct param *row = conf_row(name);

	if (row != NULL && strlist_has(&of_services, SPAN(name)))
		row = NULL;		/* a template's, with a row of its own */
	if (o->only_set && (conf_find(name) == NULL || !conf_is_known(name)))
		return false;
	if (row != NULL)
		return (o->classes & CLASS_BUILT_IN) != 0
		    && row->type != PARAM_TYPE_TEMPLATE
		    && (row->type != PARAM_TYPE_LEGACY
			|| conf_find(name) != NULL)
		    && strchr(name, ':') == NULL;
	return (o->classes & (conf_raw(name) != NULL
	    && conf_default(name) != NULL ? CLASS_SERVICE : CLASS_USER)) != 0;
}

/* Every name there is, sorted; those that are wanted are printed. */
static void
print_all(const struct options *o)
{
	size_t count = conf_all_rows(NULL, 0);
	const struct param **rows = mem_array(count, sizeof(*rows));
	struct strlist names = STRLIST_EMPTY;
	const struct conf_entry *entry;

	count = conf_all_rows(rows, count);
	for (size_t i = 0; i < count; i++)
		if (rows[i]->type == PARAM_TYPE_TEMPLATE)
			(void)service_names(rows[i], &of_services);
	for (size_t i = 0; i < of_services.count; i++)
		strlist_adds(&names, of_services.items[i]);
	for (size_t i = 0; i < count; i++)
		if (rows[i]->type != PARAM_TYPE_TEMPLATE)
			strlist_adds(&names, rows[i]->name);
	for (size_t i = 0; !o->defaults && (entry = conf_nth(i)) != NULL; i++)
		if (conf_is_known(entry->name))
			strlist_adds(&names, entry->name);
	strlist_sort(&names);
	for (size_t i = 0; i < names.count; i++)
		if ((i == 0 || strcmp(names.items[i - 1], names.items[i]) != 0)
		    && is_wanted(o, names.items[i]))
			print_parameter(o, names.items[i]);
	strlist_fini(&names);
	strlist_fini(&of_services);
	mem_free(rows);
}

/* What main.cf sets twice, and, if it is the file that is printed, what nothing
 * reads. */
static void
warn_about_entries(const struct options *o)
{
	const struct conf_entry *entry;

	for (size_t i = 0; (entry = conf_nth(i)) != NULL; i++) {
		const struct conf_entry *counts = conf_find(entry->name);
		const char *nearest;

		if (entry->line == 0)
			continue;
		if (counts != entry) {
			if (counts->line == 0)	/* -o */
				continue;
			warn("%s, line %u: overriding earlier entry: %s=%s",
			    counts->origin, counts->line, entry->name,
			    entry->value);
			continue;
		}
		if (o->file != MAIN_CF || conf_is_known(entry->name))
			continue;
		nearest = conf_nearest(entry->name);
		warn(nearest != NULL ? "%s: unused parameter: %s=%s (line %u; "
		    "did you mean \"%s\"?)" : "%s: unused parameter: %s=%s "
		    "(line %u)", entry->origin, entry->name, entry->value,
		    entry->line, nearest);
	}
}

/* An override whose name neither a row nor its own service knows. */
static void
warn_about_overrides(void)
{
	for (size_t i = 0; i < services.count; i++) {
		const struct master_row *row = &services.rows[i];

		for (size_t k = 0; k < row->overrides.count; k++) {
			struct span name, value;
			char *text;

			master_override_split(row->overrides.items[k], &name,
			    &value);
			text = mem_strndup(name.p, name.len);
			if (conf_row(text) == NULL && !conf_is_known(text))
				warn("%s/master.cf: unused parameter: "
				    "%s=%.*s", conf_dir(), text,
				    SPAN_ARG(value));
			mem_free(text);
		}
	}
}

struct undefined {
	const char *file;
	struct strlist told;
};

static void
tell_undefined(struct span name, void *arg)
{
	struct undefined *u = arg;
	char *text = mem_strndup(name.p, name.len);

	if (conf_raw(text) == NULL && !span_is(name, "service_name")
	    && !strlist_has(&u->told, name)) {
		warn("%s: undefined parameter: %s", u->file, text);
		strlist_add(&u->told, name);
	}
	mem_free(text);
}

/* $names of main.cf that nothing sets. */
static void
warn_about_names(void)
{
	const struct conf_entry *entry;
	struct undefined u = { .told = STRLIST_EMPTY };

	for (size_t i = 0; (entry = conf_nth(i)) != NULL; i++) {
		const struct param *row = conf_row(entry->name);

		if (entry->line == 0 || conf_find(entry->name) != entry
		    || (row != NULL && row->type == PARAM_TYPE_RAW))
			continue;
		u.file = entry->origin;
		macro_each_name(SPAN(entry->value), tell_undefined, &u);
	}
	strlist_fini(&u.told);
}

static void
warn_about_configuration(const struct options *o)
{
	if (o->defaults || o->quiet)
		return;
	warn_about_entries(o);
	warn_about_names();
	warn_about_overrides();
}

static int
print_parameters(const struct options *o, char **names, int count)
{
	for (int i = 0; i < count; i++)
		print_parameter(o, names[i]);
	if (count == 0)
		print_all(o);
	fflush(stdout);
	warn_about_configuration(o);
	return 0;
}

/* ---- master.cf ---- */

static void
print_part(const struct options *o, const struct master_row *row,
    struct span part, struct span value)
{
	struct str name = STR_EMPTY, text = STR_EMPTY, expanded = STR_EMPTY;
	struct str why = STR_EMPTY;

	str_printf(&name, "%s/%s/%.*s", row->name, row->type_text,
	    SPAN_ARG(part));
	str_add(&text, value);
	if (o->expand && !master_row_expand(row, value, &expanded, &why))
		exit(fail(&why));
	print_named(o, str_cstr(&name), str_cstr(o->expand ? &expanded
	    : &text));
	str_fini(&name);
	str_fini(&text);
	str_fini(&expanded);
}

static bool
print_fields(const struct options *o, struct master_row *row,
    struct span wanted)
{
	struct str why = STR_EMPTY;
	bool any = false;

	if (o->expand && !master_row_expand_overrides(row, &why))
		exit(fail(&why));
	for (size_t i = 0; i < MASTER_FIELDS; i++) {
		struct str command = STR_EMPTY, name = STR_EMPTY;

		if (!span_empty(wanted) && !span_is(wanted, "*")
		    && !span_is(wanted, master_field_names[i]))
			continue;
		str_printf(&name, "%s/%s/%s", row->name, row->type_text,
		    master_field_names[i]);
		str_adds(&command, row->columns.items[i]);
		if (i + 1 == MASTER_FIELDS)
			master_arguments_text(&row->args, o->fold,
			    o->no_name ? 0 : str_len(&name) + 3, &command);
		if (o->json)
			print_named(o, str_cstr(&name), str_cstr(&command));
		else
			print_whole(o, str_cstr(&name), str_cstr(&command));
		str_fini(&command);
		str_fini(&name);
		any = true;
	}
	return any;
}

static bool
print_overrides(const struct options *o, const struct master_row *row,
    struct span wanted)
{
	struct strlist list = STRLIST_EMPTY;
	bool any = false;

	for (size_t i = 0; i < row->overrides.count; i++)
		strlist_adds(&list, row->overrides.items[i]);
	strlist_sort(&list);
	for (size_t i = 0; i < list.count; i++) {
		struct span name, value;

		master_override_split(list.items[i], &name, &value);
		if (!span_empty(wanted) && !span_is(wanted, "*")
		    && !span_eq(wanted, name))
			continue;
		print_part(o, row, name, value);
		any = true;
	}
	strlist_fini(&list);
	return any;
}

static bool
print_row(const struct options *o, struct master_row *row, struct span rest)
{
	struct str text = STR_EMPTY, why = STR_EMPTY;

	switch (o->file) {
	case MASTER_FIELD:
		return print_fields(o, row, rest);
	case MASTER_PARAMETERS:
		return print_overrides(o, row, rest);
	case MASTER_ROWS:
	case MAIN_CF:
		break;
	}
	if (o->expand && !master_row_expand_overrides(row, &why))
		exit(fail(&why));
	master_row_text(row, o->fold, &text);
	if (o->json) {
		struct str name = STR_EMPTY;

		str_printf(&name, "%s/%s", row->name, row->type_text);
		str_truncate(&text, span_rtrim(str_span(&text)).len);
		print_named(o, str_cstr(&name), str_cstr(&text));
		str_fini(&name);
	} else {
		fputs(str_cstr(&text), stdout);
	}
	str_fini(&text);
	str_fini(&why);
	return true;
}

/* "*" stands for a whole part; a field is one there is. */
static bool
is_request(const struct options *o, const char *pattern, struct str *why)
{
	struct span rest = SPAN(pattern), part = SPAN_NONE;
	size_t parts = 0;

	while (rest.p != NULL && span_split(&rest, '/', &part)) {
		bool known = parts < 2 || o->file != MASTER_FIELD
		    || span_is(part, "*");

		for (size_t i = 0; !known && i < MASTER_FIELDS; i++)
			known = span_is(part, master_field_names[i]);
		if (!known || (span_has(part, '*') && !span_is(part, "*"))) {
			str_printf(why, "\"%s\": found \"%.*s\", expected %s",
			    pattern, SPAN_ARG(part), parts < 2
			    ? "a name or \"*\"" : "a column of master.cf");
			return false;
		}
		parts++;
	}
	return true;
}

static int
print_master(const struct options *o, char **patterns, int count)
{
	char *everything[] = { "*" };
	struct str why = STR_EMPTY;

	if (count == 0) {
		patterns = everything;
		count = 1;
	}
	for (int k = 0; k < count; k++)
		if (!is_request(o, patterns[k], &why))
			return fail(&why);

	bool *matched = mem_array((size_t)count, sizeof(*matched));

	/* In the order of the file; a row that several ask for, once. */
	for (size_t i = 0; i < services.count; i++) {
		bool printed = false;

		for (int k = 0; k < count; k++) {
			struct span rest;

			if (!master_row_matches(&services.rows[i],
			    SPAN(patterns[k]), &rest))
				continue;
			if (o->file == MASTER_ROWS && printed)
				matched[k] = true;
			else
				matched[k] |= print_row(o, &services.rows[i],
				    rest);
			printed = true;
		}
	}
	for (int k = 0; k < count; k++)
		if (!matched[k] && strcmp(patterns[k], "*") != 0)
			warn("unmatched request: \"%s\"", patterns[k]);
	mem_free(matched);
	fflush(stdout);
	warn_about_configuration(o);
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

/* ---- templates of notices ---- */

static bool
print_template(const struct options *o, const struct bounce_template *t,
    struct strlist *complaints)
{
	struct str text = STR_EMPTY;
	bool ok = true;

	if (o->templates)
		bounce_template_print(t, &text);
	else
		ok = bounce_template_expand(t, &text, complaints);
	printf(o->templates ? "%s_template = <<EOF\n%sEOF\n"
	    : "expanded_%s_text = <<EOF\n%sEOF\n", t->name, str_cstr(&text));
	str_fini(&text);
	return ok;
}

/* Of this file, of the built-in ones where it is "", or those in use. */
static int
print_templates(const struct options *o, const char *path_or_null)
{
	struct bounce_templates templates;
	struct arena *arena = arena_new();
	struct strlist complaints = STRLIST_EMPTY;
	struct str path = STR_EMPTY, why = STR_EMPTY;
	bool ok = true;

	if (path_or_null != NULL)
		str_sets(&path, path_or_null);
	else if (!conf_value("bounce_template_file", &path, &why))
		return fail(&why);
	bounce_templates_built_in(&templates);
	bounce_templates_read(&templates, str_cstr(&path), arena, &complaints);
	for (size_t i = 0; i < BOUNCE_TEMPLATES; i++) {
		if (i > 0)
			putchar('\n');
		ok &= print_template(o, &templates.of[i], &complaints);
	}
	fflush(stdout);
	for (size_t i = 0; i < complaints.count; i++)
		warn("%s", complaints.items[i]);
	strlist_fini(&complaints);
	str_fini(&path);
	arena_free(&arena);
	return ok ? 0 : 1;
}

/* ---- editing ---- */

static bool
edit_master(const struct options *o, const struct strlist *list,
    struct str *why)
{
	struct str path = STR_EMPTY;
	enum master_cf_change change = MASTER_CF_SET;
	bool ok;

	if (o->file == MASTER_FIELD && o->action != EDIT) {
		str_sets(why, "a field of master.cf can be changed (-e) only");
		return false;
	}
	if (o->file == MASTER_PARAMETERS && o->action == COMMENT) {
		str_sets(why, "an override of master.cf can be changed (-e) "
		    "or removed (-X) only");
		return false;
	}
	if (o->file == MASTER_FIELD)
		change = MASTER_CF_SET_FIELD;
	else if (o->file == MASTER_PARAMETERS)
		change = o->action == EDIT ? MASTER_CF_SET_PARAMETER
		    : MASTER_CF_REMOVE_PARAMETER;
	else if (o->action != EDIT)
		change = o->action == COMMENT ? MASTER_CF_COMMENT
		    : MASTER_CF_REMOVE;
	str_printf(&path, "%s/master.cf", conf_dir());
	ok = master_cf_edit(str_cstr(&path), change, list, why);
	str_fini(&path);
	return ok;
}

static bool
edit_main(const struct options *o, const struct strlist *list,
    struct str *why)
{
	struct str path = STR_EMPTY;
	bool ok;

	str_printf(&path, "%s/main.cf", conf_dir());
	ok = main_cf_edit(str_cstr(&path), o->action == EDIT ? MAIN_CF_SET
	    : o->action == COMMENT ? MAIN_CF_COMMENT : MAIN_CF_REMOVE, list,
	    why);
	str_fini(&path);
	return ok;
}

static int
edit(const struct options *o, char **items, int count)
{
	struct strlist list = STRLIST_EMPTY;
	struct str why = STR_EMPTY;
	int result = 0;

	for (int i = 0; i < count; i++)
		strlist_adds(&list, items[i]);
	if (o->file == MAIN_CF ? !edit_main(o, &list, &why)
	    : !edit_master(o, &list, &why))
		result = fail(&why);
	strlist_fini(&list);
	str_fini(&why);
	return result;
}

/* ---- options ---- */

static int
misused(const char *what)
{
	struct str why = STR_EMPTY;

	str_sets(&why, what);
	return fail(&why);
}

/* Options that contradict each other, or a change without its items. */
static const char *
misuse(const struct options *o, int nitems)
{
	bool shown = o->defaults || o->only_set || o->expand || o->fold;

	if (o->defaults && o->only_set)
		return "specify one of -d and -n";
	if (o->action != PRINT && (shown || o->no_name || o->no_value
	    || o->json))
		return "-e, -X and -# change a file and do not go with "
		    "-d -f -h -H -j -n -x";
	if (o->json && (o->fold || o->no_name || o->no_value))
		return "-j does not go with -f -h -H";
	if (o->file == MASTER_ROWS && (o->no_name || o->no_value))
		return "-M prints whole rows and does not go with -h -H";
	if (o->file != MAIN_CF && (o->defaults || o->only_set))
		return "master.cf has no defaults: -M -F -P do not go with "
		    "-d -n";
	if (o->action == EDIT && nitems == 0)
		return "-e wants name=value";
	if (o->action != PRINT && nitems == 0)
		return "-X and -# want a name";
	return NULL;
}

static int
usage(void)
{
	fprintf(stderr, "postconf: fatal: usage: postconf [-c config_dir] "
	    "[-C class] [-dnfhHjqx] [name...] | [-e] name=value... | "
	    "-# name... | -X name... | -M [-f#X] [service[/type]...] | "
	    "-M [-e] service/type=row... | "
	    "-F [-e] [service[/type[/field[=value]]]...] | "
	    "-P [-eX] [service[/type[/name[=value]]]...] | -a | -A | -l | "
	    "-m | -b [file] | -t [file]\n");
	return 1;
}

static bool
take_class(struct options *o, const char *name)
{
	static const struct {
		const char *name;
		unsigned classes;
	} classes[] = {
		{ "builtin", CLASS_BUILT_IN }, { "service", CLASS_SERVICE },
		{ "user", CLASS_USER }, { "all", CLASS_ALL },
	};

	for (size_t i = 0; i < ARRAY_COUNT(classes); i++)
		if (strcmp(name, classes[i].name) == 0) {
			o->classes |= classes[i].classes;
			return true;
		}
	return false;
}

static bool
take_mode(struct options *o, int option)
{
	switch (option) {
	case 'e':
		o->action = EDIT;
		return true;
	case '#':
		o->action = COMMENT;
		return true;
	case 'X':
		o->action = REMOVE;
		return true;
	case 'M':
		o->file = MASTER_ROWS;
		return true;
	case 'F':
		o->file = MASTER_FIELD;
		return true;
	case 'P':
		o->file = MASTER_PARAMETERS;
		return true;
	case 'm':
		o->tables = true;
		return true;
	case 'b':
		o->template_texts = true;
		return true;
	case 't':
		o->templates = true;
		return true;
	case 'l':
		o->locks = true;
		return true;
	case 'a':
	case 'A':
		o->nothing = true;
		return true;
	default:
		return false;
	}
}

static bool
take_option(struct options *o, int option, const char *value)
{
	switch (option) {
	case 'c':
		o->config = value;
		return true;
	case 'C':
		if (!take_class(o, value))
			exit(misused("-C wants builtin, service, user or "
			    "all"));
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
	case 'j':
		o->json = true;
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
	default:
		return take_mode(o, option);
	}
}

/* master.cf is needed where it is asked for; else it helps if it is there. */
static bool
load(const struct options *o, const struct strlist *overrides,
    struct str *why)
{
	struct str ignored = STR_EMPTY;
	const char *dir = o->config != NULL ? o->config
	    : getenv("MAIL_CONFIG");
	bool ok = true;

	all_params_register();
	if (o->defaults)
		conf_set_dir(o->config);
	else
		ok = conf_load(o->config, why);
	if (ok && dir != NULL && dir[0] != '\0')
		ok = conf_override(SPAN("config_directory"), SPAN(dir),
		    "environment", why);
	for (size_t i = 0; ok && i < overrides->count; i++)
		ok = conf_override_assignment(SPAN(overrides->items[i]), "-o",
		    why);
	if (!ok)
		return false;
	if (!master_cf_load(conf_dir(), &services, &ignored)
	    && o->file != MAIN_CF && o->action == PRINT) {
		str_add(why, str_span(&ignored));
		ok = false;
	}
	str_fini(&ignored);
	for (size_t i = 0; i < services.count; i++) {
		conf_note_service(services.rows[i].name);
		for (size_t k = 0; k < services.rows[i].args.count; k++)
			conf_note_references(
			    SPAN(services.rows[i].args.items[k]));
	}
	return ok;
}

int
main(int argc, char **argv)
{
	struct options o = { .file = MAIN_CF };
	struct strlist overrides = STRLIST_EMPTY;
	struct str why = STR_EMPTY;
	int option;

	log_set_tag("postconf");
	log_add_sink(log_sink_stderr(false));
	while ((option = getopt(argc, argv, "#aAbc:C:defFhHjlmMno:pPqtvxX"))
	    != -1) {
		if (option == 'o')
			strlist_adds(&overrides, optarg);
		else if (!take_option(&o, option, optarg))
			return usage();
	}
	argc -= optind;
	argv += optind;
	if (o.tables)
		return print_tables();
	if (o.locks)
		return puts("flock\nfcntl\ndotlock") < 0;
	if (o.nothing)
		return 0;
	if (o.classes == 0)
		o.classes = CLASS_ALL;
	/* "postconf name=value" means -e */
	if (o.action == PRINT && !o.templates && !o.template_texts && argc > 0
	    && strchr(argv[0], '=') != NULL)
		o.action = EDIT;

	const char *wrong = misuse(&o, argc);

	if (wrong != NULL)
		return misused(wrong);
	if (!load(&o, &overrides, &why))
		return fail(&why);
	if (o.templates || o.template_texts)
		return print_templates(&o, argc > 0 ? argv[0] : NULL);
	if (o.action != PRINT)
		return edit(&o, argv, argc);
	return o.file == MAIN_CF ? print_parameters(&o, argv, argc)
	    : print_master(&o, argv, argc);
}
