/*
 * conf - main.cf: read, override, expand $name, fill parameter rows.
 *
 * Syntax forms: reference "census"; continuation lines, comments between
 * them, $name ${name} $(name) ${name?x} ${name:y} ${name?{x}:{y}}, comparisons
 * { {a} == {b} } with == != < <= >= > and <=level and friends, $$, empty
 * values, duplicates (the last wins, with a warning), /file values where a
 * list is read. Nothing here suspends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_MAIL_CONF_H
#define COMMON_MAIL_CONF_H

#include "common/base/span.h"
#include "common/base/str.h"
#include "common/base/strlist.h"
#include "common/mail/param.h"

struct conf;

/* Where a value came from, for messages: "/etc/postfix/main.cf:12". */
struct conf_entry {
	const char *name, *value;	/* raw */
	const char *origin;		/* file, variable, "-o", "default" */
	unsigned line;			/* 0 where there is none */
};

/* Variables of the environment that set a parameter, after main.cf. */
#define CONF_ENVIRONMENT "WAYPOST_CONF_"

/*
 * The process's configuration. conf_load reads dir/main.cf (dir NULL: the
 * MAIL_CONFIG environment variable, else the built-in directory). False with
 * "file:line: what was found, what was expected".
 */
bool conf_load(const char *dir, struct str *why);
void conf_unload(void);			/* frees filled strings, forgets rows */
bool conf_load_text(const char *label, struct span text, struct str *why);
const char *conf_dir(void);
/* The directory without its main.cf, for those who want defaults. */
void conf_set_dir(const char *dir);
/* A -o name=value or { name = value } of master.cf or the command line. */
bool conf_override(struct span name, struct span value, const char *origin,
    struct str *why);
bool conf_override_assignment(struct span assignment, const char *origin,
    struct str *why);		/* "name=value" or "{ name = value }" */

/* What was set for this name, or NULL: never a default. */
const struct conf_entry *conf_find(const char *name);
/* Each entry that was set, in file order; index from 0, NULL at the end. */
const struct conf_entry *conf_nth(size_t index);
/* Raw value or raw default from any known row; NULL if the name is unknown. */
const char *conf_raw(const char *name);
/* The raw default alone, whatever main.cf says. */
const char *conf_default(const char *name);

/* Expands $names in text with main.cf values and defaults. Appends. */
bool conf_expand(struct span text, struct str *out, struct str *why);
/* The expanded value of a name; unknown user names are empty. */
bool conf_value(const char *name, struct str *out, struct str *why);

/*
 * Registers rows (their defaults are then known to conf_raw and $name) and
 * fills their fields: strings stay valid until conf_unload. False when a value
 * is out of range or not of its type, with file, line, found and expected.
 */
void conf_register(const struct param_set *set);
bool conf_fill(const struct param_set *set, struct str *why);
const struct param *conf_row(const char *name);	/* any registered or known */
/* How many there are. If there is room for all they are stored, sorted. */
size_t conf_all_rows(const struct param **rows_out, size_t room);

/* <transport>_x: the value for this transport, else the default of the
 * template row, expanded. `name` is the part behind the transport, with its
 * underscore. */
bool conf_template_int(const char *transport, const char *name,
    int64_t *out, struct str *why);
bool conf_template_time(const char *transport, const char *name,
    int64_t *out, struct str *why);
bool conf_template_str(const char *transport, const char *name,
    struct str *out, struct str *why);

/*
 * Fail closed: the first protective parameter that this program would have to
 * act on and cannot, as text "smtpd_tls_security_level = encrypt is not
 * supported by this version (main.cf:12)"; false if there is none.
 */
bool conf_unmet_protection(const char *program, struct str *what_out);

/* Findings of `check`, one call each; unknown names with the nearest known. */
enum conf_severity { CONF_NOTE, CONF_WARNING, CONF_ERROR };
typedef void conf_report_fn(enum conf_severity severity, const char *origin,
    unsigned line, const char *text, void *arg);
void conf_check(conf_report_fn *report, void *arg);

/* Names that text outside of main.cf (master.cf) refers to: not unknown. */
void conf_note_references(struct span text);
/* A service of master.cf. Once there is one, "x_destination_recipient_limit"
 * and the like are known for noted services only. */
void conf_note_service(const char *name);
/* Does anything know this name: a row, a template, a reference, a restriction
 * class, a table? Else the nearest known name, or NULL. */
bool conf_is_known(const char *name);
const char *conf_nearest(const char *name);

/* Lists of main.cf: split at commas and white space, braces kept together,
 * "/file/name" replaced by the file's lines ("!" in front is kept). */
bool conf_list(const char *value, struct strlist *out, struct str *why);

/* The compatibility level of main.cf against "3.6" and the like. */
bool conf_level_below(const char *level);

#endif
