/*
 * master_cf_print - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/commands/lib/master_cf_print.h"

#include "common/base/mem.h"
#include "common/base/strlist.h"
#include "common/mail/conf.h"
#include "common/mail/macro.h"

/* Tools compare with what they know: rows are one column narrower. */
enum { LINE_MOST = 80, ROW_MOST = 79, INDENT = 4 };

const char *const master_field_names[MASTER_FIELDS] = { "service", "type",
	"private", "unprivileged", "chroot", "wakeup", "process_limit",
	"command" };

static const size_t starts[MASTER_FIELDS] = { 0, 11, 17, 25, 33, 41, 49, 57 };

static void
new_line(struct str *out)
{
	str_adds(out, "\n    ");
}

void
fold_words(struct span text, bool fold, struct str *out)
{
	size_t at = 0;
	struct span word;

	while (span_token(&text, " \t\r\n", &word)) {
		if (at > 0 && fold && at + 1 + word.len > LINE_MOST) {
			new_line(out);
			at = INDENT;
		} else if (at > 0) {
			str_putc(out, ' ');
			at++;
		}
		str_add(out, word);
		at += word.len;
	}
}

void
master_override_split(const char *text, struct span *name_out,
    struct span *value_out)
{
	struct span s = span_trim(SPAN(text));
	ssize_t eq;

	if (s.len >= 2 && s.p[0] == '{' && s.p[s.len - 1] == '}')
		s = span_sub(s, 1, s.len - 2);
	eq = span_find(s, '=');
	*name_out = span_trim(span_sub(s, 0, (size_t)eq));
	*value_out = span_trim(span_skip(s, (size_t)eq + 1));
}

/* "-o name=value", in braces where the value has spaces. */
static void
add_assignment(const char *text, struct str *out)
{
	struct span name, value;

	master_override_split(text, &name, &value);

	bool braces = span_has(value, ' ') || span_has(value, '\t');

	str_addf(out, braces ? "-o {%.*s=%.*s}" : "-o %.*s=%.*s",
	    SPAN_ARG(name), SPAN_ARG(value));
}

bool
master_arg_is_override(const struct strlist *args, size_t i)
{
	return i + 1 < args->count && strcmp(args->items[i], "-o") == 0
	    && strchr(args->items[i + 1], '=') != NULL;
}

/* "{ a b }" as "{a b}", which is the same. */
static void
add_argument(const char *text, struct str *out)
{
	struct span s = SPAN(text);

	if (s.len >= 2 && s.p[0] == '{' && s.p[s.len - 1] == '}')
		str_addf(out, "{%.*s}",
		    SPAN_ARG(span_trim(span_sub(s, 1, s.len - 2))));
	else
		str_add(out, s);
}

void
master_arguments_text(const struct strlist *args, bool fold, size_t before,
    struct str *out)
{
	size_t at = before + str_len(out);
	bool alone = false;		/* this line belongs to an override */

	for (size_t i = 0; i < args->count; i++) {
		struct str word = STR_EMPTY;
		bool override = master_arg_is_override(args, i);

		if (override)
			add_assignment(args->items[++i], &word);
		else
			add_argument(args->items[i], &word);
		if (fold && (override || alone
		    || at + 1 + str_len(&word) > ROW_MOST)) {
			new_line(out);
			at = INDENT;
		} else {
			str_putc(out, ' ');
			at++;
		}
		str_add(out, str_span(&word));
		at += str_len(&word);
		alone = override;
		str_fini(&word);
	}
}

void
master_row_text(const struct master_row *row, bool fold, struct str *out)
{
	size_t begin = str_len(out);

	for (size_t i = 0; i < MASTER_FIELDS; i++) {
		if (i > 0)
			str_putc(out, ' ');
		while (str_len(out) - begin < starts[i])
			str_putc(out, ' ');
		str_adds(out, row->columns.items[i]);
	}
	struct str rest = STR_EMPTY;

	master_arguments_text(&row->args, fold, str_len(out) - begin, &rest);
	str_add(out, str_span(&rest));
	str_fini(&rest);
	str_putc(out, '\n');
}

static bool
look_up(struct span name, struct str *value_out, void *arg)
{
	const struct master_row *row = arg;
	struct span found = SPAN_NONE, own, value;

	if (span_is(name, "service_name"))
		found = SPAN(row->name);
	for (size_t i = 0; i < row->overrides.count; i++) {
		master_override_split(row->overrides.items[i], &own, &value);
		if (span_eq(own, name))
			found = value;		/* the last one counts */
	}
	if (found.p == NULL) {
		char *text = mem_strndup(name.p, name.len);
		const char *raw = conf_raw(text);

		mem_free(text);
		if (raw == NULL)
			return false;
		found = SPAN(raw);
	}
	str_add(value_out, found);
	return true;
}

bool
master_row_expand(const struct master_row *row, struct span text,
    struct str *out, struct str *why)
{
	struct macro macro = { .lookup = look_up,
	    .arg = (void *)(uintptr_t)row, .recursive = true };

	return macro_expand(&macro, text, out, why);
}

bool
master_row_expand_overrides(struct master_row *row, struct str *why)
{
	struct str text = STR_EMPTY;
	bool ok = true;

	for (size_t i = 0; ok && i < row->args.count; i++) {
		struct span name, value;

		if (!master_arg_is_override(&row->args, i))
			continue;
		master_override_split(row->args.items[++i], &name, &value);
		str_clear(&text);
		str_printf(&text, "%.*s=", SPAN_ARG(name));
		ok = master_row_expand(row, value, &text, why);
		mem_free(row->args.items[i]);
		row->args.items[i] = mem_strndup(str_cstr(&text),
		    str_len(&text));
	}
	str_fini(&text);
	return ok;
}

static bool
part_matches(struct span pattern, const char *text)
{
	return span_empty(pattern) || span_is(pattern, "*")
	    || span_is(pattern, text);
}

bool
master_row_matches(const struct master_row *row, struct span pattern,
    struct span *rest_out)
{
	struct span name = SPAN_NONE, type = SPAN_NONE;

	(void)span_split(&pattern, '/', &name);
	if (pattern.p != NULL)
		(void)span_split(&pattern, '/', &type);
	*rest_out = pattern.p != NULL ? pattern : SPAN_NONE;
	return part_matches(name, row->name)
	    && part_matches(type, row->type_text);
}
