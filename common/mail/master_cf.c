/*
 * master_cf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/master_cf.h"

#include "common/base/mem.h"
#include "common/base/scan.h"
#include "common/io/textfile.h"
#include "common/mail/conf_core.h"

#define COLUMNS 8

static const char *const type_names[] = {
	[MASTER_INET] = "inet", [MASTER_UNIX] = "unix", [MASTER_FIFO] = "fifo",
	[MASTER_PASS] = "pass", [MASTER_UNIX_DGRAM] = "unix-dgram",
};

struct parse {
	const char *file;
	unsigned line;
	struct str *why;
};

static bool
expected(const struct parse *p, const char *column, const char *found,
    const char *what)
{
	str_printf(p->why, "%s:%u: %s: found \"%s\", expected %s", p->file,
	    p->line, column, found, what);
	return false;
}

static bool
parse_type(const struct parse *p, const char *word, enum master_type *out)
{
	for (size_t i = 0; i < ARRAY_COUNT(type_names); i++)
		if (strcmp(word, type_names[i]) == 0) {
			*out = (enum master_type)i;
			return true;
		}
	return expected(p, "type", word,
	    "one of inet unix fifo pass unix-dgram");
}

static bool
parse_flag(const struct parse *p, const char *column, const char *word,
    bool dflt, bool *out)
{
	*out = dflt;
	if (strcmp(word, "-") == 0)
		return true;
	*out = strcmp(word, "y") == 0;
	return *out || strcmp(word, "n") == 0
	    || expected(p, column, word, "y, n or -");
}

static bool
parse_wakeup(const struct parse *p, const char *word, struct master_row *row)
{
	struct span text = SPAN(word);

	row->wakeup = 0;
	if (strcmp(word, "-") == 0)
		return true;
	if (span_ends(text, SPAN("?"))) {
		row->wakeup_if_used = true;
		text.len--;
	}
	return scan_time(text, 's', &row->wakeup)
	    || expected(p, "wakeup", word, "a number of seconds or -");
}

static bool
parse_maxproc(const struct parse *p, const char *word, int64_t *out)
{
	*out = -1;
	if (strcmp(word, "-") == 0)
		return true;
	return (scan_i64(SPAN(word), out) && *out >= 0)
	    || expected(p, "maxproc", word, "a number or -");
}

static bool
add_override(const struct parse *p, struct master_row *row, const char *word)
{
	struct span text = span_trim(SPAN(word));

	if (text.len >= 2 && text.p[0] == '{' && text.p[text.len - 1] == '}')
		text = span_trim(span_sub(text, 1, text.len - 2));
	if (span_find(text, '=') <= 0)
		return expected(p, "-o", word,
		    "name=value or { name = value }");

	ssize_t eq = span_find(text, '=');
	struct str clean = STR_EMPTY;

	str_add(&clean, span_trim(span_sub(text, 0, (size_t)eq)));
	str_putc(&clean, '=');
	str_add(&clean, span_trim(span_skip(text, (size_t)eq + 1)));
	strlist_add(&row->overrides, str_span(&clean));
	str_fini(&clean);
	return true;
}

/* Options of ours are read; arguments of pipe and spawn begin at the first
 * word that is not one. */
static bool
parse_args(const struct parse *p, struct master_row *row)
{
	for (size_t i = 0; i < row->args.count; i++) {
		const char *word = row->args.items[i];

		if (strcmp(word, "-o") == 0) {
			if (++i == row->args.count)
				return expected(p, "-o", "the end of the row",
				    "name=value");
			if (!add_override(p, row, row->args.items[i]))
				return false;
		} else if (strncmp(word, "-o", 2) == 0) {
			if (!add_override(p, row, word + 2))
				return false;
		} else if (word[0] == '-' && word[1] == 'v'
		    && strspn(word + 1, "v") == strlen(word + 1)) {
			row->verbose += (int)strlen(word + 1);
		} else if (word[0] != '-') {
			break;
		}
	}
	return true;
}

static bool
parse_row(const struct parse *p, struct span line, struct master_row *row)
{
	struct strlist words = STRLIST_EMPTY;
	struct str why = STR_EMPTY;
	bool ok;

	if (!strlist_split_braced(&words, line, " \t", &why)) {
		str_printf(p->why, "%s:%u: %s", p->file, p->line,
		    str_cstr(&why));
		str_fini(&why);
		strlist_fini(&words);
		return false;
	}
	if (words.count < COLUMNS) {
		str_printf(p->why, "%s:%u: found %zu columns, expected at "
		    "least %d: service type private unpriv chroot wakeup "
		    "maxproc command", p->file, p->line, words.count, COLUMNS);
		strlist_fini(&words);
		return false;
	}
	row->line = p->line;
	row->file = mem_strdup(p->file);
	row->name = mem_strdup(words.items[0]);
	row->type_text = mem_strdup(words.items[1]);
	row->command = mem_strdup(words.items[7]);
	for (size_t i = 0; i < COLUMNS; i++)
		strlist_adds(&row->columns, words.items[i]);
	for (size_t i = COLUMNS; i < words.count; i++)
		strlist_adds(&row->args, words.items[i]);
	ok = parse_type(p, words.items[1], &row->type)
	    && parse_flag(p, "private", words.items[2], true,
		&row->is_private)
	    && parse_flag(p, "unpriv", words.items[3], true,
		&row->unprivileged)
	    && parse_flag(p, "chroot", words.items[4],
		conf_level_below("1"), &row->chroot)
	    && parse_wakeup(p, words.items[5], row)
	    && parse_maxproc(p, words.items[6], &row->maxproc)
	    && parse_args(p, row);
	if (ok && span_has(SPAN(row->command), '/'))
		ok = expected(p, "command", row->command,
		    "a program name without a path");
	strlist_fini(&words);
	return ok;
}

static void
free_row(struct master_row *row)
{
	mem_free(row->name);
	mem_free(row->type_text);
	mem_free(row->command);
	mem_free(row->file);
	strlist_fini(&row->columns);
	strlist_fini(&row->args);
	strlist_fini(&row->overrides);
}

void
master_cf_free(struct master_cf *cf)
{
	for (size_t i = 0; i < cf->count; i++)
		free_row(&cf->rows[i]);
	mem_free(cf->rows);
	*cf = (struct master_cf){ NULL, 0 };
}

const struct master_row *
master_cf_find(const struct master_cf *cf, const char *name, const char *type)
{
	for (size_t i = 0; i < cf->count; i++)
		if (strcmp(cf->rows[i].name, name) == 0
		    && (type == NULL
		    || strcmp(cf->rows[i].type_text, type) == 0))
			return &cf->rows[i];
	return NULL;
}

static bool
read_rows(struct textfile *file, struct master_cf *out, struct str *why)
{
	struct span line;

	while (textfile_next(file, &line)) {
		struct parse p = { file->path, file->first_line, why };
		struct master_row row = { .name = NULL };
		const struct master_row *before;

		if (!parse_row(&p, line, &row)) {
			free_row(&row);
			return false;
		}
		before = master_cf_find(out, row.name, row.type_text);
		if (before != NULL) {
			str_printf(why, "%s:%u: service %s/%s is listed "
			    "already in line %u", file->path, row.line,
			    row.name, row.type_text, before->line);
			free_row(&row);
			return false;
		}
		out->rows = mem_regrow(out->rows, out->count + 1,
		    sizeof(*out->rows));
		out->rows[out->count++] = row;
	}
	return true;
}

bool
master_cf_load_text(const char *label, struct span text,
    struct master_cf *out, struct str *why)
{
	struct textfile file;
	bool ok;

	*out = (struct master_cf){ NULL, 0 };
	textfile_open_mem(&file, label, text);
	ok = read_rows(&file, out, why);
	textfile_close(&file);
	if (!ok)
		master_cf_free(out);
	return ok;
}

/* ---- environment ---- */

static bool
is_called(const struct master_row *row, struct span key)
{
	const char *parts[] = { row->name, "_", row->type_text };
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
		for (const char *p = parts[i]; *p != '\0'; p++, at++)
			if (at == key.len || key.p[at] != (ascii_is_alnum(*p)
			    ? *p : '_'))
				return false;
	return at == key.len;
}

static struct master_row *
row_called(const struct master_cf *cf, struct span key)
{
	for (size_t i = 0; i < cf->count; i++)
		if (is_called(&cf->rows[i], key))
			return &cf->rows[i];
	return NULL;
}

static void
remove_row(struct master_cf *cf, struct master_row *row)
{
	free_row(row);
	memmove(row, row + 1, (size_t)(&cf->rows[--cf->count] - row) *
	    sizeof(*row));
}

static bool
refuse_variable(const char *variable, struct span key, const char *what,
    struct str *why)
{
	str_printf(why, "%s: found no service \"%.*s\" in master.cf, expected "
	    "that of a row (smtp_inet is that of smtp inet)%s", variable,
	    SPAN_ARG(key), what);
	return false;
}

/* The row of this value, in place of the one of that name, or behind all. */
static bool
put_row(struct master_cf *cf, const char *variable, struct span key,
    struct span value, struct str *why)
{
	struct master_row *old = row_called(cf, key);
	const struct master_row *same;
	struct master_cf new;

	if (!master_cf_load_text(variable, value, &new, why))
		return false;
	if (new.count != 1) {
		str_printf(why, "%s: found %zu rows, expected one: each has a "
		    "variable of its own", variable, new.count);
		master_cf_free(&new);
		return false;
	}
	if (old == NULL && !is_called(&new.rows[0], key)) {
		master_cf_free(&new);
		return refuse_variable(variable, key,
		    ", or of the value itself", why);
	}
	same = master_cf_find(cf, new.rows[0].name, new.rows[0].type_text);
	if (same != NULL && same != old) {
		str_printf(why, "%s: service %s/%s is listed already, %s:%u",
		    variable, same->name, same->type_text, same->file,
		    same->line);
		master_cf_free(&new);
		return false;
	}
	if (old == NULL) {
		cf->rows = mem_regrow(cf->rows, cf->count + 1,
		    sizeof(*cf->rows));
		old = &cf->rows[cf->count++];
	} else {
		free_row(old);
	}
	*old = new.rows[0];
	mem_free(new.rows);
	return true;
}

static bool
take_variable(struct master_cf *cf, const char *variable, struct span value,
    struct str *why)
{
	struct span key = span_skip(SPAN(variable),
	    sizeof(MASTER_CF_ENVIRONMENT) - 1);
	struct master_row *row = row_called(cf, key);

	if (!span_empty(span_trim(value)))
		return put_row(cf, variable, key, value, why);
	if (row == NULL)
		return refuse_variable(variable, key, "", why);
	remove_row(cf, row);
	return true;
}

static bool
read_environment(struct master_cf *cf, struct str *why)
{
	extern char **environ;
	bool ok = true;

	for (char **e = environ; ok && e != NULL && *e != NULL; e++) {
		struct span text = SPAN(*e);
		ssize_t eq = span_find(text, '=');

		if (!span_starts(text, SPAN(MASTER_CF_ENVIRONMENT)) || eq < 0)
			continue;
		char *variable = mem_strndup(text.p, (size_t)eq);

		ok = take_variable(cf, variable, span_skip(text,
		    (size_t)eq + 1), why);
		mem_free(variable);
	}
	return ok;
}

bool
master_cf_load(const char *dir, struct master_cf *out, struct str *why)
{
	struct textfile file;
	struct str path = STR_EMPTY;
	bool ok;

	*out = (struct master_cf){ NULL, 0 };
	str_printf(&path, "%s/master.cf", dir);
	ok = textfile_open(&file, str_cstr(&path), why);
	str_fini(&path);
	if (!ok)
		return false;
	ok = read_rows(&file, out, why) && read_environment(out, why);
	textfile_close(&file);
	if (!ok)
		master_cf_free(out);
	return ok;
}

/* ---- limits ---- */

#define LIMIT_SERVERS 10000
#define LIMIT_CLIENTS 1000
#define LIMIT_COMMANDS 100

int64_t
master_row_limit(const struct master_row *row)
{
	static const struct {
		const char *program;
		int64_t limit;
	} built_in[] = {
		{ "smtp", LIMIT_CLIENTS }, { "lmtp", LIMIT_CLIENTS },
		{ "local", LIMIT_COMMANDS }, { "pipe", LIMIT_COMMANDS },
		{ "spawn", LIMIT_COMMANDS },
	};
	const struct conf_entry *set = conf_find("default_process_limit");

	if (row->maxproc >= 0)
		return row->maxproc;
	if (set != NULL)
		return conf_core.default_process_limit;
	for (size_t i = 0; i < ARRAY_COUNT(built_in); i++)
		if (strcmp(row->command, built_in[i].program) == 0)
			return built_in[i].limit;
	return LIMIT_SERVERS;
}
