/*
 * conf_check - what main.cf sets that nobody knows, that has no effect, or that
 * asks for a protection which does not exist.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/conf.h"

#include "common/base/mem.h"
#include "common/base/names.h"
#include "common/mail/conf_priv.h"
#include "common/mail/macro.h"

static struct strlist references;	/* names that $name refers to */
static struct strlist services;		/* of master.cf, as far as noted */

void
conf_forget_noted(void)
{
	strlist_fini(&references);
	strlist_fini(&services);
}

/* ---- protection ---- */

static bool
word_in(const char *list, char separator, struct span word)
{
	struct span rest = SPAN(list), part;

	while (rest.p != NULL && span_split(&rest, separator, &part))
		if (span_eq_nocase(span_trim(part), word))
			return true;
	return false;
}

/* Is this row a protection that was asked for? Value in *value_out. */
static bool
asks_for_protection(const struct param *row, struct str *value_out)
{
	struct str why = STR_EMPTY;
	bool asks;

	if (row->cls != PARAM_PROTECTIVE || conf_find(row->name) == NULL)
		return false;
	str_clear(value_out);
	asks = !conf_value(row->name, value_out, &why);
	str_fini(&why);
	if (asks)
		return true;

	struct span value = span_trim(str_span(value_out));

	return value.len > 0 && !word_in(row->idle, '|', value);
}

bool
conf_unmet_protection(const char *program, struct str *what_out)
{
	struct str value = STR_EMPTY;
	const struct conf_entry *entry;
	bool found = false;

	for (size_t i = 0; !found && (entry = conf_nth(i)) != NULL; i++) {
		const struct param *row = conf_row(entry->name);

		if (row == NULL || row->programs == NULL
		    || !word_in(row->programs, ',', SPAN(program))
		    || !asks_for_protection(row, &value))
			continue;
		entry = conf_find(row->name);
		str_printf(what_out, "%s = %s is not supported by this "
		    "version (%s:%u)", row->name, str_cstr(&value),
		    entry->origin, entry->line);
		found = true;
	}
	str_fini(&value);
	return found;
}

/* ---- check ---- */

static void
note_reference(struct span name, void *arg)
{
	if (!strlist_has(&references, name))
		strlist_add(&references, name);
}

void
conf_note_service(const char *name)
{
	if (!strlist_has(&services, SPAN(name)))
		strlist_adds(&services, name);
}

void
conf_note_references(struct span text)
{
	macro_each_name(text, note_reference, NULL);
}

static const struct param **
all_rows(size_t *count_out)
{
	size_t count = conf_all_rows(NULL, 0);
	const struct param **rows = mem_array(count, sizeof(*rows));

	*count_out = conf_all_rows(rows, count);
	return rows;
}

const char *
conf_nearest(const char *name)
{
	size_t count;
	const struct param **rows = all_rows(&count);
	const char **names = mem_array(count, sizeof(*names));
	const char *nearest;

	for (size_t i = 0; i < count; i++)
		names[i] = rows[i]->name;
	nearest = names_nearest(SPAN(name), names, count);
	mem_free(names);
	mem_free(rows);
	return nearest;
}

static bool
is_restriction_class(struct span name)
{
	const struct conf_entry *classes =
	    conf_find("smtpd_restriction_classes");
	struct strlist list = STRLIST_EMPTY;
	bool is;

	if (classes == NULL)
		return false;
	strlist_split(&list, SPAN(classes->value), STRLIST_CONF);
	is = strlist_has(&list, name);
	strlist_fini(&list);
	return is;
}

/* Tables have parameters named after them: "ldapaliases_server_host". */
static bool
is_table_attribute(struct span name)
{
	const struct conf_entry *entry;

	for (size_t i = 0; (entry = conf_nth(i)) != NULL; i++) {
		struct span value = SPAN(entry->value), word;

		while (span_token(&value, STRLIST_CONF, &word)) {
			ssize_t colon = span_rfind(word, ':');
			struct span table = span_skip(word,
			    (size_t)(colon + 1));

			if (colon > 0 && table.len > 0 && table.p[0] != '/'
			    && name.len > table.len + 1
			    && span_starts(name, table)
			    && name.p[table.len] == '_')
				return true;
		}
	}
	return false;
}

/* "smtp_transport_rate_delay" where there is a service "smtp". */
static bool
is_template_instance(struct span name)
{
	struct span instance;

	return conf_template_of(name, &instance) != NULL
	    && (services.count == 0 || strlist_has(&services, instance));
}

bool
conf_is_known(const char *text)
{
	struct span name = SPAN(text);
	const struct conf_entry *entry;

	conf_setup_store();
	for (size_t i = 0; (entry = conf_nth(i)) != NULL; i++)
		conf_note_references(SPAN(entry->value));
	return conf_row(text) != NULL || is_template_instance(name)
	    || strlist_has(&references, name) || is_restriction_class(name)
	    || is_table_attribute(name);
}

struct search {
	struct span wanted;
	bool found;
};

static void
match_name(struct span name, void *arg)
{
	struct search *search = arg;

	search->found |= span_eq(name, search->wanted);
}

/* The parameter whose default is $name, for older spellings; or NULL. */
static const char *
newer_name(struct span name)
{
	struct search search = { name, false };
	const char *newer = NULL;
	size_t count;
	const struct param **rows = all_rows(&count);

	for (size_t i = 0; i < count && newer == NULL; i++) {
		if (rows[i]->dflt != NULL)
			macro_each_name(SPAN(rows[i]->dflt), match_name,
			    &search);
		if (search.found)
			newer = rows[i]->name;
	}
	mem_free(rows);
	return newer;
}

static void
add_legacy_text(const char *name, struct str *out)
{
	const char *newer = newer_name(SPAN(name));

	if (newer != NULL)
		str_printf(out, "\"%s\" is an older name of \"%s\"", name,
		    newer);
	else
		str_printf(out, "\"%s\" is an obsolete name and has no "
		    "effect", name);
}

/* A file may be older than this system; a variable was made for it. */
static bool
is_of_environment(const struct conf_entry *entry)
{
	return strncmp(entry->origin, CONF_ENVIRONMENT,
	    strlen(CONF_ENVIRONMENT)) == 0;
}

static void
check_entry(const struct conf_entry *entry, conf_report_fn *report, void *arg)
{
	const struct param *row = conf_row(entry->name);
	const struct conf_entry *counts = conf_find(entry->name);
	struct str text = STR_EMPTY, value = STR_EMPTY;
	struct span instance;
	const char *nearest;

	if (counts != entry && counts->line == 0) {
		/* By a variable or an option, which is what they are for. */
	} else if (counts != entry) {
		str_printf(&text, "overridden: \"%s\" is set again in line "
		    "%u", entry->name, counts->line);
		report(CONF_WARNING, entry->origin, entry->line,
		    str_cstr(&text), arg);
	} else if (row == NULL && !conf_is_known(entry->name)
	    && conf_template_of(SPAN(entry->name), &instance) != NULL) {
		str_printf(&text, "\"%s\" has no effect: master.cf has no "
		    "service \"%.*s\"", entry->name, SPAN_ARG(instance));
		report(CONF_WARNING, entry->origin, entry->line,
		    str_cstr(&text), arg);
	} else if (row == NULL && !conf_is_known(entry->name)) {
		nearest = conf_nearest(entry->name);
		str_printf(&text, "unknown parameter \"%s\"", entry->name);
		if (nearest != NULL)
			str_addf(&text, ", did you mean \"%s\"?", nearest);
		report(is_of_environment(entry) ? CONF_ERROR : CONF_WARNING,
		    entry->origin, entry->line, str_cstr(&text), arg);
	} else if (row == NULL) {
		/* Templates, references and the like: nothing to say. */
	} else if (row->type == PARAM_TYPE_LEGACY) {
		add_legacy_text(entry->name, &text);
		report(CONF_WARNING, entry->origin, entry->line,
		    str_cstr(&text), arg);
	} else if (row->cls == PARAM_PROTECTIVE
	    && asks_for_protection(row, &value)) {
		str_printf(&text, "\"%s = %s\" asks for a protection that "
		    "this version does not have: mail is refused",
		    entry->name, str_cstr(&value));
		report(CONF_ERROR, entry->origin, entry->line,
		    str_cstr(&text), arg);
	} else if (row->cls == PARAM_HARMLESS) {
		str_printf(&text, "\"%s\" is accepted and has no effect: %s",
		    entry->name, row->reason);
		report(CONF_NOTE, entry->origin, entry->line,
		    str_cstr(&text), arg);
	}
	str_fini(&value);
	str_fini(&text);
}

void
conf_check(conf_report_fn *report, void *arg)
{
	const struct conf_entry *entry;

	conf_setup_store();
	for (size_t i = 0; (entry = conf_nth(i)) != NULL; i++) {
		const struct param *row = conf_row(entry->name);
		struct str value = STR_EMPTY, why = STR_EMPTY;

		check_entry(entry, report, arg);
		if ((row == NULL || row->type != PARAM_TYPE_RAW)
		    && !conf_value(entry->name, &value, &why))
			report(CONF_ERROR, entry->origin, entry->line,
			    str_cstr(&why), arg);
		str_fini(&value);
		str_fini(&why);
	}
}
