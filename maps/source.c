/*
 * source - rule text from files, inline tables and tests; watching files.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/source_priv.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/strlist.h"
#include "common/io/fault.h"

enum { EDITED_S = 100 };		/* whoever edits it may yet run postmap */

/* --- Watching ------------------------------------------------------------*/

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void
source_watch_path(struct source_watch *watch, const char *path,
    const struct stat *as_read)
{
	struct stat now;

	*watch = SOURCE_WATCH_NONE;
	watch->as_read = *as_read;
	if (!S_ISREG(as_read->st_mode))
		return;				/* a pipe has no later state */
	watch->fd = open(path, O_PATH | O_CLOEXEC);
	if (watch->fd < 0 || fstat(watch->fd, &now) != 0 ||
	    !same_file(as_read, &now)) {
		watch->changed_early = true;
		return;
	}
	watch->as_read = now;
}

/* An editor that writes a new file leaves this one without a name, or, if it
 * keeps a backup, with a new change time. */
bool
source_watch_changed(const struct source_watch *watch)
{
	struct stat now;

	if (watch->changed_early)
		return true;
	if (watch->fd < 0 || fstat(watch->fd, &now) != 0)
		return false;
	return now.st_nlink == 0 || !same_file(&watch->as_read, &now) ||
	    now.st_ctim.tv_sec != watch->as_read.st_ctim.tv_sec ||
	    now.st_ctim.tv_nsec != watch->as_read.st_ctim.tv_nsec;
}

int64_t
source_watch_owner(const struct source_watch *watch)
{
	return watch->fd >= 0 ? (int64_t)watch->as_read.st_uid : -1;
}

void
source_watch_close(struct source_watch *watch)
{
	if (watch->fd >= 0)
		close(watch->fd);
	watch->fd = -1;
}

void
source_warn_if_newer(const char *source, const char *table,
    const struct stat *table_st)
{
	struct stat st;

	if (stat(source, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_mtim.tv_sec > table_st->st_mtim.tv_sec &&
	    st.st_mtim.tv_sec < clock_wall_us() / 1000000 - EDITED_S)
		log_warn("database %s is older than source file %s", table,
		    source);
}

/* --- Inline tables -------------------------------------------------------*/

/* The part between the braces that open and close text; names the trouble as
 * documented for inline tables. */
static bool
inside_braces(const char *type, struct span *text, struct str *why)
{
	size_t depth = 0;

	if (text->len == 0 || text->p[0] != '{') {
		str_printf(why, "%s map: no '{' at start of text in \"%.*s\"",
		    type, SPAN_ARG(*text));
		return false;
	}
	for (size_t i = 0; i < text->len; i++) {
		if (text->p[i] == '{')
			depth++;
		if (text->p[i] != '}' || --depth > 0)
			continue;
		if (span_trim(span_skip(*text, i + 1)).len > 0) {
			str_printf(why, "%s map: syntax error after '}' in "
			    "\"%.*s\"", type, SPAN_ARG(*text));
			return false;
		}
		*text = span_trim(span_sub(*text, 1, i - 1));
		return true;
	}
	str_printf(why, "%s map: missing '}' in \"%.*s\"", type,
	    SPAN_ARG(*text));
	return false;
}

bool
source_inline_text(const char *type, struct span name, struct str *out,
    struct str *why)
{
	struct strlist rules = STRLIST_EMPTY;
	bool ok = inside_braces(type, &name, why);

	if (ok && !strlist_split_braced(&rules, name, STRLIST_CONF, why))
		ok = false;
	for (size_t i = 0; ok && i < rules.count; i++) {
		struct span rule = span_cstr(rules.items[i]);

		ok = inside_braces(type, &rule, why);
		if (ok) {
			str_add(out, rule);
			str_putc(out, '\n');
		}
	}
	strlist_fini(&rules);
	return ok;
}

/* --- Opening -------------------------------------------------------------*/

enum source_status
source_open(struct textfile *file, struct source_watch *watch,
    const struct map_spec *spec, struct str *why)
{
	*watch = SOURCE_WATCH_NONE;
	if (spec->text.p != NULL) {
		textfile_open_mem(file, spec->name, spec->text);
		return SOURCE_OK;
	}
	if (spec->name[0] == '{') {
		struct str text = STR_EMPTY;
		bool ok = source_inline_text(spec->type, span_cstr(spec->name),
		    &text, why);

		if (ok)
			textfile_open_mem(file, spec->name, str_span(&text));
		str_fini(&text);
		return ok ? SOURCE_OK : SOURCE_BAD;
	}
	if (!textfile_open(file, spec->name, why))
		return SOURCE_UNAVAILABLE;
	source_watch_path(watch, spec->name, &file->st);
	return SOURCE_OK;
}

void
source_warn(const struct map *map, const struct textfile *file,
    const char *format, ...)
{
	struct str text = STR_EMPTY;
	va_list args;

	va_start(args, format);
	str_vaddf(&text, format, args);
	va_end(args);
	log_warn("%s map %s, line %u: %s", map->type->name, map->name,
	    file->first_line, str_cstr(&text));
	str_fini(&text);
}
