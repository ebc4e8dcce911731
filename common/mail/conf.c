/*
 * conf - see the header.
 *
 * Entries keep file order; the last one of a name counts. Rows of roles take
 * the place of rows of param_known with the same name, which are looked at when
 * a name is asked for that no role here has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/conf.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/io/textfile.h"
#include "common/mail/conf_core.h"
#include "common/mail/conf_priv.h"
#include "common/mail/macro.h"
#include "common/mail/paths.h"

#define LIST_DEPTH_MOST 5

static struct arena *store;
static struct conf_entry **entries;
static size_t nentries, entries_room;
static struct hash *by_name;		/* the entry that counts */
static struct hash *rows;		/* registered, known as far as needed */
static bool knows_all;
static struct hash *template_suffixes;	/* "_destination_..." -> row */
static char *config_dir;

/* ---- rows ---- */

static void
add_row(const struct param *row, bool known)
{
	struct span name = SPAN(row->name);
	ssize_t gt = span_find(name, '>');

	if (row->type == PARAM_TYPE_TEMPLATE && gt > 0) {
		struct span suffix = span_skip(name, (size_t)gt + 1);

		if (!known || !hash_has(template_suffixes, suffix))
			hash_put(template_suffixes, suffix,
			    (void *)(uintptr_t)row);
	}
	if (!known || !hash_has(rows, name))
		hash_put(rows, name, (void *)(uintptr_t)row);
}

static void
setup_rows(void)
{
	if (rows != NULL)
		return;
	rows = hash_new();
	template_suffixes = hash_new();
	for (size_t i = 0; i < conf_core_params.count; i++)
		add_row(&conf_core_params.rows[i], false);
}

/* For whoever walks over the rows or their templates. */
static void
know_all(void)
{
	setup_rows();
	if (knows_all)
		return;
	knows_all = true;
	for (size_t i = 0; i < param_known_all()->count; i++)
		add_row(&param_known_all()->rows[i], true);
}

void
conf_register(const struct param_set *set)
{
	setup_rows();
	for (size_t i = 0; i < set->count; i++)
		add_row(&set->rows[i], false);
}

const struct param *
conf_row(const char *name)
{
	setup_rows();

	const struct param *row = hash_get(rows, SPAN(name));

	if (row == NULL && !knows_all) {
		row = param_known_find(SPAN(name));
		if (row != NULL)
			hash_put(rows, SPAN(name), (void *)(uintptr_t)row);
	}
	return row;
}

static int
by_row_name(const void *a, const void *b)
{
	return strcmp((*(const struct param *const *)a)->name,
	    (*(const struct param *const *)b)->name);
}

size_t
conf_all_rows(const struct param **rows_out, size_t room)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;
	size_t n = 0;

	know_all();
	while (hash_next(rows, &it, &key, &value)) {
		if (n < room)
			rows_out[n] = value;
		n++;
	}
	if (n <= room)
		qsort(rows_out, n, sizeof(*rows_out), by_row_name);
	return n;
}

/* "x_destination_recipient_limit" -> its template row: the longest suffix
 * counts, since there is "<transport>_recipient_limit" too. */
const struct param *
conf_template_of(struct span name, struct span *instance_out)
{
	struct hash_iter it = HASH_ITER_START;
	const struct param *row = NULL;
	struct span suffix;
	size_t longest = 0;
	void *value;

	know_all();
	while (hash_next(template_suffixes, &it, &suffix, &value))
		if (name.len > suffix.len && suffix.len > longest
		    && span_ends(name, suffix)) {
			row = value;
			longest = suffix.len;
		}
	*instance_out = span_sub(name, 0, name.len - longest);
	return row;
}

static const struct param *
template_row(struct span name)
{
	struct span instance;

	return conf_template_of(name, &instance);
}

/* ---- reading ---- */

void
conf_setup_store(void)
{
	setup_rows();
	if (store != NULL)
		return;
	store = arena_new();
	by_name = hash_new();
}

void
conf_add_entry(struct span name, struct span value, const char *origin,
    unsigned line)
{
	struct conf_entry *entry = arena_zalloc(store, sizeof(*entry));

	entry->name = arena_cstr(store, name);
	entry->value = arena_cstr(store, value);
	entry->origin = arena_strdup(store, origin);
	entry->line = line;
	if (nentries == entries_room) {
		entries_room = entries_room == 0 ? 64 : 2 * entries_room;
		entries = mem_regrow(entries, entries_room, sizeof(*entries));
	}
	entries[nentries++] = entry;
	hash_put(by_name, name, entry);
}

bool
conf_name_is_valid(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_alnum(name.p[i]) && name.p[i] != '_'
		    && name.p[i] != '-' && name.p[i] != '.')
			return false;
	return name.len > 0;
}

bool
conf_split_assignment(struct span text, struct span *name, struct span *value,
    struct str *why)
{
	ssize_t eq = span_find(text, '=');

	if (eq < 0) {
		str_printf(why, "found \"%.*s\", expected \"name = value\"",
		    SPAN_ARG(span_sub(text, 0, 60)));
		return false;
	}
	*name = span_trim(span_sub(text, 0, (size_t)eq));
	*value = span_trim(span_skip(text, (size_t)eq + 1));
	if (!conf_name_is_valid(*name)) {
		str_printf(why, "found \"%.*s\", expected a parameter name "
		    "before \"=\"", SPAN_ARG(span_sub(*name, 0, 60)));
		return false;
	}
	return true;
}

static bool
read_entries(struct textfile *file, struct str *why)
{
	struct span line, name, value;

	while (textfile_next(file, &line)) {
		struct str reason = STR_EMPTY;

		if (!conf_split_assignment(line, &name, &value, &reason)) {
			str_printf(why, "%s:%u: %s", file->path,
			    file->first_line, str_cstr(&reason));
			str_fini(&reason);
			return false;
		}
		str_fini(&reason);
		conf_add_entry(name, value, file->path, file->first_line);
	}
	return true;
}

bool
conf_load_text(const char *label, struct span text, struct str *why)
{
	struct textfile file;
	bool ok;

	conf_setup_store();
	textfile_open_mem(&file, label, text);
	ok = read_entries(&file, why);
	textfile_close(&file);
	return ok;
}

void
conf_set_dir(const char *dir)
{
	conf_setup_store();
	if (dir == NULL)
		dir = getenv("MAIL_CONFIG");
	if (dir == NULL || dir[0] == '\0')
		dir = PATH_CONFIG;

	char *copy = mem_strdup(dir);

	mem_free(config_dir);
	config_dir = copy;
}

bool
conf_load(const char *dir, struct str *why)
{
	struct textfile file;
	struct str path = STR_EMPTY;
	bool ok;

	conf_set_dir(dir);
	str_printf(&path, "%s/main.cf", config_dir);
	ok = textfile_open(&file, str_cstr(&path), why);
	if (ok) {
		ok = read_entries(&file, why);
		textfile_close(&file);
	}
	str_fini(&path);
	return ok && conf_read_environment(why);
}

void
conf_unload(void)
{
	arena_free(&store);
	hash_free(&by_name);
	hash_free(&rows);
	hash_free(&template_suffixes);
	knows_all = false;
	conf_forget_noted();
	mem_free(entries);
	mem_free(config_dir);
	entries = NULL;
	config_dir = NULL;
	nentries = entries_room = 0;
}

const char *
conf_dir(void)
{
	return config_dir != NULL ? config_dir : PATH_CONFIG;
}

const struct conf_entry *
conf_find(const char *name)
{
	return by_name != NULL ? hash_get(by_name, SPAN(name)) : NULL;
}

const struct conf_entry *
conf_nth(size_t index)
{
	return index < nentries ? entries[index] : NULL;
}

const char *
conf_default(const char *name)
{
	const struct param *row = conf_row(name);

	if (row == NULL) {
		/* A template's instance has the template's default. */
		row = template_row(SPAN(name));
		return row != NULL ? row->dflt : NULL;
	}

	const char *computed = conf_computed_default(name);

	return computed != NULL ? computed : row->dflt;
}

const char *
conf_raw(const char *name)
{
	const struct conf_entry *entry = conf_find(name);

	return entry != NULL ? entry->value : conf_default(name);
}

/* ---- values ---- */

/* myorigin = /etc/mailname: the file's first line is the name. */
static bool
read_file_value(const char *path, struct str *out, struct str *why)
{
	struct textfile file;
	struct span line = SPAN_NONE;

	if (!textfile_open(&file, path, why))
		return false;
	if (textfile_next(&file, &line))
		str_add(out, span_trim(line));
	else
		str_printf(why, "%s: found nothing, expected a name", path);
	textfile_close(&file);
	return !span_empty(line);
}

static bool
names_file(struct span name, const char *raw)
{
	return raw[0] == '/' && span_is(name, "myorigin");
}

static bool
look_up(struct span name, struct str *value_out, void *arg)
{
	char *text = mem_strndup(name.p, name.len);
	const char *raw = conf_raw(text);
	struct str why = STR_EMPTY;

	mem_free(text);
	if (raw == NULL)
		return false;
	/* A file that cannot be read is an error where myorigin is filled. */
	if (!names_file(name, raw)
	    || !read_file_value(raw, value_out, &why))
		str_adds(value_out, raw);
	str_fini(&why);
	return true;
}

static const struct macro conf_macro = { .lookup = look_up,
	.recursive = true };

bool
conf_expand(struct span text, struct str *out, struct str *why)
{
	conf_setup_store();
	return macro_expand(&conf_macro, text, out, why);
}

bool
conf_value(const char *name, struct str *out, struct str *why)
{
	const char *raw = conf_raw(name);

	if (raw == NULL)
		return true;
	if (names_file(SPAN(name), raw) ? read_file_value(raw, out, why)
	    : conf_expand(SPAN(raw), out, why))
		return true;
	str_insert(why, 0, SPAN(": "));
	str_insert(why, 0, SPAN(name));
	return false;
}

static bool
complain(const struct param *row, struct span found, const char *expected,
    struct str *why)
{
	const struct conf_entry *entry = conf_find(row->name);

	str_clear(why);
	if (entry != NULL && entry->line > 0)
		str_printf(why, "%s:%u: ", entry->origin, entry->line);
	else if (entry != NULL)
		str_printf(why, "%s: ", entry->origin);
	str_addf(why, "%s: found \"%.*s\", expected %s", row->name,
	    SPAN_ARG(found), expected);
	return false;
}

static bool
in_range(const struct param *row, int64_t v, struct span found,
    struct str *why)
{
	struct str expected = STR_EMPTY;
	bool ok = v >= row->min && (row->max == 0 || v <= row->max);

	if (!ok) {
		if (row->max == 0)
			str_printf(&expected, "at least %lld",
			    (long long)row->min);
		else
			str_printf(&expected, "%lld to %lld",
			    (long long)row->min, (long long)row->max);
		complain(row, found, str_cstr(&expected), why);
		str_fini(&expected);
	}
	return ok;
}

static bool
fill_row(const struct param *row, struct span text, struct str *why)
{
	int64_t number;
	bool flag;

	switch (row->type) {
	case PARAM_TYPE_STR:
	case PARAM_TYPE_RAW:
		if (row->min > 0 && span_empty(text))
			return complain(row, text, "a value that is not empty",
			    why);
		*(const char **)row->field = arena_cstr(store, text);
		return true;
	case PARAM_TYPE_INT:
		if (!scan_i64(text, &number))
			return complain(row, text, "a number", why);
		*(int64_t *)row->field = number;
		return in_range(row, number, text, why);
	case PARAM_TYPE_TIME:
		if (!scan_time(text, row->unit != 0 ? row->unit : 's',
		    &number))
			return complain(row, text,
			    "a time (digits and one of s m h d w)", why);
		*(int64_t *)row->field = number;
		return in_range(row, number, text, why);
	case PARAM_TYPE_BOOL:
		if (!scan_bool(text, &flag))
			return complain(row, text, "\"yes\" or \"no\"", why);
		*(bool *)row->field = flag;
		return true;
	case PARAM_TYPE_TEMPLATE:
	case PARAM_TYPE_LEGACY:
		return true;
	}
	return true;
}

bool
conf_fill(const struct param_set *set, struct str *why)
{
	conf_register(set);
	conf_setup_store();
	for (size_t i = 0; i < set->count; i++) {
		const struct param *row = &set->rows[i];
		struct str value = STR_EMPTY, reason = STR_EMPTY;
		bool ok;

		if (row->field == NULL)
			continue;
		if (row->type == PARAM_TYPE_RAW) {
			str_sets(&value, conf_raw(row->name));
			ok = true;
		} else {
			ok = conf_value(row->name, &value, &reason);
			if (!ok)
				complain(row, SPAN(conf_raw(row->name)),
				    str_cstr(&reason), why);
		}
		ok = ok && fill_row(row, span_trim(str_span(&value)), why);
		str_fini(&value);
		str_fini(&reason);
		if (!ok)
			return false;
	}
	return true;
}

/* ---- templates ---- */

bool
conf_template_str(const char *transport, const char *name, struct str *out,
    struct str *why)
{
	struct str full = STR_EMPTY;
	bool ok;

	str_printf(&full, "%s%s", transport, name);
	ok = conf_value(str_cstr(&full), out, why);
	if (!ok || str_len(out) == 0) {
		know_all();

		const struct param *row = hash_get(template_suffixes,
		    SPAN(name));

		if (ok && row != NULL && conf_find(str_cstr(&full)) == NULL)
			ok = conf_expand(SPAN(row->dflt), out, why);
	}
	str_fini(&full);
	return ok;
}

static bool
template_complain(const char *transport, const char *name,
    const struct str *found, const char *expected, struct str *why)
{
	const struct param *row = hash_get(template_suffixes, SPAN(name));
	const struct conf_entry *entry;
	struct str full = STR_EMPTY;

	/* Who set it: this one, or the parameter that is its default. */
	str_printf(&full, "%s%s", transport, name);
	entry = conf_find(str_cstr(&full));
	if (entry == NULL && row != NULL && row->dflt[0] == '$')
		entry = conf_find(row->dflt + 1);
	str_clear(why);
	if (entry != NULL && entry->line > 0)
		str_addf(why, "%s:%u: ", entry->origin, entry->line);
	str_addf(why, "%s: found \"%s\", expected %s", entry != NULL
	    ? entry->name : str_cstr(&full), str_cstr(found), expected);
	str_fini(&full);
	return false;
}

bool
conf_template_int(const char *transport, const char *name, int64_t *out,
    struct str *why)
{
	struct str text = STR_EMPTY;
	bool ok = conf_template_str(transport, name, &text, why);

	if (ok && !scan_i64(span_trim(str_span(&text)), out))
		ok = template_complain(transport, name, &text, "a number",
		    why);
	str_fini(&text);
	return ok;
}

bool
conf_template_time(const char *transport, const char *name, int64_t *out,
    struct str *why)
{
	struct str text = STR_EMPTY;
	bool ok = conf_template_str(transport, name, &text, why);

	if (ok && !scan_time(span_trim(str_span(&text)), 's', out))
		ok = template_complain(transport, name, &text,
		    "a time (digits and one of s m h d w)", why);
	str_fini(&text);
	return ok;
}

/* ---- lists ---- */

static bool add_list(struct span text, struct strlist *out, unsigned depth,
    struct str *why);

static bool
add_file(const char *path, bool negated, struct strlist *out, unsigned depth,
    struct str *why)
{
	struct strlist inner = STRLIST_EMPTY;
	struct textfile file;
	struct span line;
	bool ok = true;

	if (depth == 0) {
		str_printf(why, "%s: files name one another too deeply", path);
		return false;
	}
	if (!textfile_open(&file, path, why))
		return false;
	while (ok && textfile_next(&file, &line))
		ok = add_list(line, &inner, depth - 1, why);
	textfile_close(&file);
	for (size_t i = 0; ok && i < inner.count; i++) {
		struct str item = STR_EMPTY;

		str_printf(&item, "%s%s", negated ? "!" : "", inner.items[i]);
		strlist_add(out, str_span(&item));
		str_fini(&item);
	}
	strlist_fini(&inner);
	return ok;
}

static bool
add_list(struct span text, struct strlist *out, unsigned depth,
    struct str *why)
{
	struct strlist parts = STRLIST_EMPTY;
	bool ok = strlist_split_braced(&parts, text, STRLIST_CONF, why);

	for (size_t i = 0; ok && i < parts.count; i++) {
		const char *item = parts.items[i];
		size_t bangs = strspn(item, "!");

		if (item[bangs] == '/')
			ok = add_file(item + bangs, bangs % 2 != 0, out, depth,
			    why);
		else
			strlist_add(out, SPAN(item));
	}
	strlist_fini(&parts);
	return ok;
}

bool
conf_list(const char *value, struct strlist *out, struct str *why)
{
	return add_list(SPAN(value), out, LIST_DEPTH_MOST, why);
}

bool
conf_level_below(const char *level)
{
	struct str value = STR_EMPTY, why = STR_EMPTY;
	int order = 0;

	if (conf_value("compatibility_level", &value, &why)
	    && !macro_compare_levels(str_span(&value), SPAN(level), &order))
		order = -1;
	str_fini(&value);
	str_fini(&why);
	return order < 0;
}
