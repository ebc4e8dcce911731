/*
 * main_cf_edit - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/commands/lib/main_cf_edit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/fs.h"

#define FILE_MOST (16 * 1024 * 1024)

/* A logical line of the file: a setting with its continuation lines, or
 * anything else, one physical line at a time. */
struct piece {
	struct span text;		/* with line ends */
	struct span name;		/* of a setting; empty otherwise */
};

static struct span
take_line(struct span *rest)
{
	ssize_t lf = span_find(*rest, '\n');
	size_t len = lf < 0 ? rest->len : (size_t)lf + 1;
	struct span line = span_sub(*rest, 0, len);

	*rest = span_skip(*rest, len);
	return line;
}

static bool
is_comment_or_blank(struct span line)
{
	struct span text = span_ltrim(line);

	return text.len == 0 || text.p[0] == '#';
}

bool
conf_text_next(struct span *rest, struct span *text_out, bool *entry_out)
{
	struct span start = *rest, line;

	if (rest->len == 0)
		return false;
	line = take_line(rest);
	*text_out = line;
	*entry_out = !is_comment_or_blank(line) && !ascii_is_space(line.p[0]);
	if (!*entry_out)
		return true;
	/* Continuation lines belong to it; a comment between them too. */
	for (struct span ahead = *rest; ahead.len > 0;) {
		line = take_line(&ahead);
		if (is_comment_or_blank(line))
			continue;
		if (!ascii_is_space(line.p[0]))
			break;
		*rest = ahead;
		text_out->len = (size_t)(ahead.p - start.p);
	}
	return true;
}

static bool
next_piece(struct span *rest, struct piece *out)
{
	bool entry;
	ssize_t eq;

	*out = (struct piece){ .name = SPAN_NONE };
	if (!conf_text_next(rest, &out->text, &entry))
		return false;
	eq = entry ? span_find(out->text, '=') : -1;
	if (eq > 0)
		out->name = span_trim(span_sub(out->text, 0, (size_t)eq));
	return true;
}

static struct span
name_of(const char *item)
{
	struct span text = SPAN(item);
	ssize_t eq = span_find(text, '=');

	return span_trim(eq < 0 ? text : span_sub(text, 0, (size_t)eq));
}

static ssize_t
find_item(const struct strlist *items, struct span name)
{
	for (size_t i = 0; i < items->count; i++)
		if (span_eq(name, name_of(items->items[i])))
			return (ssize_t)i;
	return -1;
}

static void
add_setting(struct str *out, const char *item)
{
	struct span text = SPAN(item), name = name_of(item);
	struct span value = span_trim(span_skip(text,
	    (size_t)span_find(text, '=') + 1));

	str_addf(out, "%.*s = %.*s\n", SPAN_ARG(name), SPAN_ARG(value));
}

void
conf_text_comment(struct span text, struct str *out)
{
	while (text.len > 0) {
		struct span line = take_line(&text);

		if (!is_comment_or_blank(line))
			str_putc(out, '#');
		str_add(out, line);
	}
}

void
conf_text_keep_comments(struct span text, struct str *out)
{
	while (text.len > 0) {
		struct span line = take_line(&text);

		if (span_starts(span_ltrim(line), SPAN("#")))
			str_add(out, line);
	}
}

static bool
is_name(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (ascii_is_space(name.p[i]))
			return false;
	return name.len > 0 && name.p[0] != '#';
}

static bool
check_items(enum main_cf_change change, const struct strlist *items,
    struct str *why)
{
	for (size_t i = 0; i < items->count; i++) {
		struct span text = SPAN(items->items[i]);
		struct span name = name_of(items->items[i]);

		if (span_has(text, '=') != (change == MAIN_CF_SET)
		    || !is_name(name)) {
			str_printf(why, "found \"%s\", expected \"%s\"",
			    items->items[i], change == MAIN_CF_SET
			    ? "name = value" : "name");
			return false;
		}
		if (span_has(text, '\n')) {
			str_printf(why, "\"%.*s\": a value is one line",
			    SPAN_ARG(name));
			return false;
		}
	}
	return true;
}

/* Number of settings of this name from here on. */
static bool
comes_again(struct span rest, struct span name)
{
	struct piece piece;

	while (next_piece(&rest, &piece))
		if (span_eq(piece.name, name))
			return true;
	return false;
}

bool
main_cf_edit_text(struct span text, enum main_cf_change change,
    const struct strlist *items, struct str *out, struct str *why)
{
	struct strlist done = STRLIST_EMPTY;
	struct piece piece;

	if (!check_items(change, items, why))
		return false;
	while (next_piece(&text, &piece)) {
		ssize_t i = span_empty(piece.name) ? -1
		    : find_item(items, piece.name);

		if (i < 0) {
			str_add(out, piece.text);
			continue;
		}
		if (change == MAIN_CF_COMMENT) {
			conf_text_comment(piece.text, out);
			continue;
		}
		conf_text_keep_comments(piece.text, out);
		if (change == MAIN_CF_SET
		    && !comes_again(text, piece.name)) {
			add_setting(out, items->items[i]);
			strlist_add(&done, piece.name);
		}
	}
	if (change == MAIN_CF_SET) {
		if (str_len(out) > 0 && out->buf[out->len - 1] != '\n')
			str_putc(out, '\n');
		for (size_t i = 0; i < items->count; i++)
			if (!strlist_has(&done, name_of(items->items[i])))
				add_setting(out, items->items[i]);
	}
	strlist_fini(&done);
	return true;
}

static bool
write_aside(const char *path, const char *aside, struct span text,
    struct str *why)
{
	struct str ignored = STR_EMPTY;
	struct stat st;
	int fd;
	bool ok;

	if (stat(path, &st) < 0) {
		str_printf(why, "%s: %m", path);
		return false;
	}
	fs_unlink_at(AT_FDCWD, aside, &ignored);
	str_fini(&ignored);
	fd = fs_create_at(AT_FDCWD, aside, 0600, why);
	if (fd < 0)
		return false;
	ok = fs_write_all(fd, text, why)
	    && fs_own(fd, st.st_mode & 07777, st.st_uid, st.st_gid, why)
	    && fs_sync_wait(fd, why);
	close(fd);
	return ok && fs_rename_at(AT_FDCWD, aside, AT_FDCWD, path, why);
}

bool
conf_file_edit(const char *path, conf_change_fn *change, void *arg,
    struct str *why)
{
	struct str text = STR_EMPTY, changed = STR_EMPTY, aside = STR_EMPTY;
	bool ok;

	str_printf(&aside, "%s.tmp", path);
	ok = fs_read_file_at(AT_FDCWD, path, FILE_MOST, &text, why)
	    && change(str_span(&text), arg, &changed, why)
	    && write_aside(path, str_cstr(&aside), str_span(&changed), why);
	str_fini(&text);
	str_fini(&changed);
	str_fini(&aside);
	return ok;
}

struct main_cf_request {
	enum main_cf_change change;
	const struct strlist *items;
};

static bool
change_main_cf(struct span text, void *arg, struct str *out, struct str *why)
{
	const struct main_cf_request *request = arg;

	return main_cf_edit_text(text, request->change, request->items, out,
	    why);
}

bool
main_cf_edit(const char *path, enum main_cf_change change,
    const struct strlist *items, struct str *why)
{
	struct main_cf_request request = { change, items };

	return conf_file_edit(path, change_main_cf, &request, why);
}
