/*
 * master_cf_edit - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/commands/lib/master_cf_edit.h"

#include "common/base/mem.h"
#include "daemons/commands/lib/main_cf_edit.h"
#include "daemons/commands/lib/master_cf_print.h"

struct request {
	enum master_cf_change change;
	const struct strlist *items;
	bool *done;			/* per item */
	struct str *why;
};

/* "service/type=row" and the like: the part before "=" and the one behind. */
static void
split_item(const char *item, struct span *key_out, struct span *value_out)
{
	struct span text = SPAN(item);
	ssize_t eq = span_find(text, '=');

	*key_out = span_trim(eq < 0 ? text : span_sub(text, 0, (size_t)eq));
	*value_out = eq < 0 ? SPAN_NONE
	    : span_trim(span_skip(text, (size_t)eq + 1));
}

static bool
wants_value(enum master_cf_change change)
{
	return change == MASTER_CF_SET || change == MASTER_CF_SET_FIELD
	    || change == MASTER_CF_SET_PARAMETER;
}

static bool
wants_rest(enum master_cf_change change)
{
	return change == MASTER_CF_SET_FIELD
	    || change == MASTER_CF_SET_PARAMETER
	    || change == MASTER_CF_REMOVE_PARAMETER;
}

static bool
check_item(const struct request *r, const char *item)
{
	struct span key, value, part;
	size_t parts = 0, wanted = wants_rest(r->change) ? 3 : 2;
	bool empty = false;

	split_item(item, &key, &value);
	for (struct span rest = key; span_split(&rest, '/', &part); parts++)
		empty |= span_empty(part);
	if (parts == wanted && !empty && !span_has(SPAN(item), '\n')
	    && (value.p != NULL) == wants_value(r->change))
		return true;
	str_printf(r->why, "found \"%s\", expected service/type%s%s", item,
	    wanted == 3 ? "/name" : "",
	    wants_value(r->change) ? "=value" : "");
	return false;
}

/* ---- one row ---- */

static void
set_item(struct strlist *list, size_t index, struct span value)
{
	mem_free(list->items[index]);
	list->items[index] = mem_strndup(value.p, value.len);
}

static bool
set_field(const struct request *r, struct master_row *row, struct span field,
    struct span value)
{
	for (size_t i = 0; i < MASTER_FIELDS; i++)
		if (span_is(field, master_field_names[i])) {
			set_item(&row->columns, i, value);
			/* The command comes with its arguments. */
			if (i == MASTER_FIELDS - 1)
				strlist_clear(&row->args);
			return true;
		}
	str_printf(r->why, "found field \"%.*s\", expected one of service "
	    "type private unprivileged chroot wakeup process_limit command",
	    SPAN_ARG(field));
	return false;
}

static void
add_override(struct strlist *args, struct span name, struct span value)
{
	struct str text = STR_EMPTY;

	str_printf(&text, "{%.*s=%.*s}", SPAN_ARG(name), SPAN_ARG(value));
	strlist_adds(args, "-o");
	strlist_add(args, str_span(&text));
	str_fini(&text);
}

/* Takes every -o of this name out; a value with a p takes the place of the
 * first, or goes behind the last override. True if there was one. */
static bool
set_parameter(struct master_row *row, struct span wanted, struct span value)
{
	const struct strlist *old = &row->args;
	struct strlist args = STRLIST_EMPTY;
	size_t behind = 0;
	bool found = false;

	for (size_t i = 0; i < old->count; i++) {
		struct span name, text;

		if (!master_arg_is_override(old, i)) {
			strlist_adds(&args, old->items[i]);
			continue;
		}
		master_override_split(old->items[++i], &name, &text);
		if (!span_eq(name, wanted)) {
			strlist_adds(&args, "-o");
			strlist_adds(&args, old->items[i]);
		} else if (!found && value.p != NULL) {
			add_override(&args, wanted, value);
		}
		found |= span_eq(name, wanted);
		behind = args.count;
	}
	strlist_fini(&row->args);
	row->args = STRLIST_EMPTY;
	for (size_t i = 0; i <= args.count; i++) {
		if (i == behind && !found && value.p != NULL)
			add_override(&row->args, wanted, value);
		if (i < args.count)
			strlist_adds(&row->args, args.items[i]);
	}
	strlist_fini(&args);
	return found;
}

/* A row as given on the command line, in columns. */
static bool
add_row(const struct request *r, struct span row, struct str *out)
{
	struct master_cf cf = { NULL, 0 };
	bool ok = master_cf_load_text("new row", row, &cf, r->why);

	if (ok && cf.count != 1) {
		str_sets(r->why, "found nothing, expected a row");
		ok = false;
	}
	if (ok)
		master_row_text(&cf.rows[0], true, out);
	master_cf_free(&cf);
	return ok;
}

/* The row's text after item i of the request. */
static bool
change_row(const struct request *r, size_t i, struct master_row *row,
    struct str *text)
{
	struct span key, value, name;

	split_item(r->items->items[i], &key, &value);
	(void)master_row_matches(row, key, &name);
	switch (r->change) {
	case MASTER_CF_SET:
		str_clear(text);
		return add_row(r, value, text);
	case MASTER_CF_COMMENT: {
		struct str old = STR_EMPTY;

		str_add(&old, str_span(text));
		str_clear(text);
		conf_text_comment(str_span(&old), text);
		str_fini(&old);
		return true;
	}
	case MASTER_CF_REMOVE:
		str_clear(text);
		return true;
	case MASTER_CF_SET_FIELD:
		if (!set_field(r, row, name, value))
			return false;
		break;
	case MASTER_CF_SET_PARAMETER:
	case MASTER_CF_REMOVE_PARAMETER:
		(void)set_parameter(row, name, value);
		break;
	}
	str_clear(text);
	master_row_text(row, true, text);
	return true;
}

/* ---- the file ---- */

static bool
change_entry(const struct request *r, struct span entry, struct str *out)
{
	struct str text = STR_EMPTY;
	struct span rest;
	bool ok = true, anew = false;

	str_add(&text, entry);
	for (size_t i = 0; ok && i < r->items->count; i++) {
		struct master_cf cf = { NULL, 0 };
		struct span key, value;

		split_item(r->items->items[i], &key, &value);
		ok = master_cf_load_text("master.cf", str_span(&text), &cf,
		    r->why);
		if (ok && cf.count == 1
		    && master_row_matches(&cf.rows[0], key, &rest)) {
			r->done[i] = true;
			anew = r->change != MASTER_CF_COMMENT;
			ok = change_row(r, i, &cf.rows[0], &text);
		}
		master_cf_free(&cf);
	}
	if (anew)
		conf_text_keep_comments(entry, out);
	str_add(out, str_span(&text));
	str_fini(&text);
	return ok;
}

static bool
finish(const struct request *r, struct str *out)
{
	if (str_len(out) > 0 && out->buf[out->len - 1] != '\n')
		str_putc(out, '\n');
	/* What is to go and is not there has gone. */
	if (!wants_value(r->change))
		return true;
	for (size_t i = 0; i < r->items->count; i++) {
		struct span key, value;

		if (r->done[i])
			continue;
		split_item(r->items->items[i], &key, &value);
		if (r->change != MASTER_CF_SET) {
			str_printf(r->why, "\"%.*s\": master.cf has no such "
			    "service", SPAN_ARG(key));
			return false;
		}
		if (!add_row(r, value, out))
			return false;
	}
	return true;
}

bool
master_cf_edit_text(struct span text, enum master_cf_change change,
    const struct strlist *items, struct str *out, struct str *why)
{
	struct request r = { change, items,
	    mem_zalloc(items->count + 1), why };
	struct master_cf cf = { NULL, 0 };
	struct span piece;
	bool entry, ok = true;

	for (size_t i = 0; ok && i < items->count; i++)
		ok = check_item(&r, items->items[i]);
	while (ok && conf_text_next(&text, &piece, &entry))
		if (entry)
			ok = change_entry(&r, piece, out);
		else
			str_add(out, piece);
	ok = ok && finish(&r, out)
	    && master_cf_load_text("master.cf", str_span(out), &cf, why);
	master_cf_free(&cf);
	mem_free(r.done);
	return ok;
}

struct file_request {
	enum master_cf_change change;
	const struct strlist *items;
};

static bool
change_file(struct span text, void *arg, struct str *out, struct str *why)
{
	const struct file_request *request = arg;

	return master_cf_edit_text(text, request->change, request->items, out,
	    why);
}

bool
master_cf_edit(const char *path, enum master_cf_change change,
    const struct strlist *items, struct str *why)
{
	struct file_request request = { change, items };

	return conf_file_edit(path, change_file, &request, why);
}
