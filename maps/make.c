/*
 * make - from source text to an indexed file: postmap, postalias, newaliases.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/make.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/strlist.h"
#include "common/base/utf8.h"
#include "common/io/fs.h"
#include "common/io/textfile.h"
#include "common/mail/conf_core.h"
#include "maps/library_priv.h"
#include "maps/record_priv.h"
#include "maps/types.h"

enum { FILES_MAX = 16 * 1024 * 1024 };

struct making {
	const struct map_maker *maker;
	struct map_writer *writer;
	const char *path;		/* of the source, as given */
	char *shown;			/* of the table, for messages */
	unsigned flags;
	struct textfile file;
	struct str folded, key, contents;
};

static const struct map_maker *
maker_of(const char *spec, const char **path_out, struct str *why)
{
	struct span text = span_cstr(spec);
	ssize_t colon = span_find(text, ':');
	struct span name = span_sub(text, 0, colon < 0 ? 0 : (size_t)colon);
	const struct map_type *type = map_type_find(name);

	if (colon <= 0 || (size_t)colon + 1 == text.len)
		str_printf(why, "open dictionary: expecting \"type:name\" "
		    "form instead of \"%s\"", spec);
	else if (type == NULL)
		str_printf(why, "unsupported dictionary type: %.*s",
		    SPAN_ARG(name));
	else if (type->missing != NULL)
		str_printf(why, "unsupported dictionary type: %s (%s)",
		    type->name, type->missing);
	else if (type->maker == NULL)
		str_printf(why, "unsupported dictionary type: %s does not "
		    "support bulk-mode creation.", type->name);
	else if (library_load(type, span_skip(text, (size_t)colon + 1), why)) {
		*path_out = spec + colon + 1;
		return type->maker;
	}
	return NULL;
}

#define WARN_LINE(m, format, ...)                                            \
	log_warn("%s, line %u: " format, (m)->file.path,                     \
	    (m)->file.first_line, ##__VA_ARGS__)

/* Values that name files: their contents, a newline between, in base64. */
static bool
read_files(struct making *m, struct span names, struct str *why)
{
	struct strlist files = STRLIST_EMPTY;
	struct str bytes = STR_EMPTY;
	bool ok = true;

	strlist_split(&files, names, STRLIST_CONF);
	for (size_t i = 0; ok && i < files.count; i++) {
		if (i > 0)
			str_putc(&bytes, '\n');
		ok = fs_read_file_at(AT_FDCWD, files.items[i], FILES_MAX,
		    &bytes, why);
	}
	str_clear(&m->contents);
	base64_encode(&m->contents, str_span(&bytes));
	str_fini(&bytes);
	strlist_fini(&files);
	return ok;
}

static bool
put(struct making *m, struct span key, struct span value, struct str *why)
{
	bool existed = false;

	if ((m->flags & MAKE_FOLD) && !map_key_is_folded(key)) {
		map_fold_key(&m->folded, key);
		key = str_span(&m->folded);
	}
	if (m->flags & MAKE_FILES) {
		if (!read_files(m, value, why)) {
			WARN_LINE(m, "%s -- ignoring this line",
			    str_cstr(why));
			str_clear(why);
			return true;
		}
		value = str_span(&m->contents);
	}
	if (!m->maker->put(m->writer, key, value,
	    (m->flags & MAKE_REPLACE) != 0, &existed, why))
		return false;
	if (existed && !(m->flags & (MAKE_REPLACE | MAKE_IGNORE_DUPLICATES)))
		log_warn("%s: duplicate entry: \"%.*s\"", m->shown,
		    SPAN_ARG(key));
	return true;
}

static bool
take_map_line(struct making *m, struct span line, struct str *why)
{
	struct span key, value;

	if (!record_parse(line, &key, &value, why)) {
		if (str_len(why) > 0 && str_cstr(why)[0] == 'u')
			str_adds(why, " -- ignoring this line");
		WARN_LINE(m, "%s", str_cstr(why));
		str_clear(why);
		return true;
	}
	if (record_looks_like_alias(key, value))
		WARN_LINE(m, "record is in \"key: value\" format; is this an "
		    "alias file?");
	return put(m, key, value, why);
}

static bool
take_alias_line(struct making *m, struct span line, struct str *why)
{
	struct span value;

	if (record_parse_alias(line, &m->key, &value, why))
		return put(m, str_span(&m->key), value, why);
	WARN_LINE(m, "%s", str_cstr(why));
	str_clear(why);
	return true;
}

static bool
take_line(struct making *m, struct span line, struct str *why)
{
	if ((m->flags & MAKE_UTF8) && !utf8_valid(line)) {
		WARN_LINE(m, "non-UTF-8 input \"%.*s\" -- ignoring this line",
		    SPAN_ARG(line));
		return true;
	}
	if (ascii_is_space(line.p[0])) {
		log_warn("%s: logical line must not start with whitespace: "
		    "\"%.*s\"", m->file.path, line.len > 30 ? 30 :
		    (int)line.len, line.p);
		return true;
	}
	return (m->flags & MAKE_ALIASES) ? take_alias_line(m, line, why) :
	    take_map_line(m, line, why);
}

/* What readers of alias tables by NIS and by Sendmail look for. */
static bool
put_alias_marks(struct making *m, struct str *why)
{
	const char *host = conf_core.myhostname;
	struct str now = STR_EMPTY;
	bool existed;

	str_printf(&now, "%lld", (long long)(clock_wall_us() / 1000000));
	bool ok = m->maker->put(m->writer, SPAN("@"), SPAN("@"), true,
	    &existed, why) &&
	    m->maker->put(m->writer, SPAN("YP_LAST_MODIFIED"),
	    str_span(&now), true, &existed, why) &&
	    m->maker->put(m->writer, SPAN("YP_MASTER_NAME"),
	    span_cstr(host != NULL ? host : "localhost"), true, &existed, why);

	str_fini(&now);
	return ok;
}

/* When in doubt it does; nobody else writes it now. */
static bool
exists(const struct making *m)
{
	struct str path = STR_EMPTY;

	str_printf(&path, "%s%s", m->path, m->maker->suffix);
	bool absent = access(str_cstr(&path), F_OK) != 0 && errno == ENOENT;

	str_fini(&path);
	return !absent;
}

static bool
write_all(struct making *m, struct str *why)
{
	struct span line;

	if ((m->flags & MAKE_INCREMENTAL) && exists(m) &&
	    !m->maker->copy_present(m->writer, why))
		return false;
	while (textfile_next(&m->file, &line))
		if (!take_line(m, line, why))
			return false;
	return !(m->flags & MAKE_ALIASES) || put_alias_marks(m, why);
}

/* Readable by whom the source is readable; what comes from standard input
 * belongs to the source of that name, if there is one. */
static mode_t
mode_of(const struct making *m)
{
	struct stat st = m->file.st;

	if (!(m->flags & MAKE_SAVE_MODE) ||
	    (st.st_ino == 0 && stat(m->path, &st) != 0))
		return 0644;
	return 0600 | (st.st_mode & 0044);
}

static char *
shown_name(const struct map_maker *maker, const char *spec, const char *path)
{
	struct str text = STR_EMPTY;

	if (maker->names_file)
		str_printf(&text, "%s%s", path, maker->suffix);
	else
		str_sets(&text, spec);
	return str_release(&text);
}

bool
map_make(const char *spec, unsigned flags, struct span source,
    struct str *why)
{
	struct making m = { .flags = flags };

	m.maker = maker_of(spec, &m.path, why);
	if (m.maker == NULL)
		return false;
	if (source.p != NULL)
		textfile_open_mem(&m.file, "stdin", source);
	else if (!textfile_open(&m.file, m.path, why))
		return false;
	m.shown = shown_name(m.maker, spec, m.path);
	m.writer = m.maker->begin(m.path, flags, why);
	bool ok = m.writer != NULL;

	if (ok && write_all(&m, why))
		ok = m.maker->commit(m.writer, mode_of(&m), why);
	else if (ok) {
		m.maker->abandon(m.writer);
		ok = false;
	}
	textfile_close(&m.file);
	mem_free(m.shown);
	str_fini(&m.folded);
	str_fini(&m.key);
	str_fini(&m.contents);
	return ok;
}

static bool
erase(const struct map_maker *maker, struct map_writer *w, struct span key,
    unsigned flags, bool *existed_out, struct str *why)
{
	struct str folded = STR_EMPTY;

	if ((flags & MAKE_FOLD) && !map_key_is_folded(key)) {
		map_fold_key(&folded, key);
		key = str_span(&folded);
	}
	bool ok = maker->erase(w, key, existed_out, why);

	str_fini(&folded);
	return ok;
}

bool
map_delete(const char *spec, const struct span *keys, size_t nkeys,
    unsigned flags, size_t *deleted_out, struct str *why)
{
	const char *path;
	const struct map_maker *maker = maker_of(spec, &path, why);

	*deleted_out = 0;
	if (maker == NULL) {
		const char *colon = strchr(spec, ':');

		str_printf(why, "table %s: delete operation is not supported",
		    colon != NULL ? spec : "");
		return false;
	}
	struct map_writer *w = maker->begin(path, flags, why);
	bool ok = w != NULL;

	if (ok && !maker->copy_present(w, why)) {
		maker->abandon(w);
		return false;
	}
	for (size_t i = 0; ok && i < nkeys; i++) {
		bool existed;

		ok = erase(maker, w, keys[i], flags, &existed, why);
		*deleted_out += ok && existed;
	}
	if (w != NULL && ok && *deleted_out > 0)
		return maker->commit(w, 0644, why);
	if (w != NULL)
		maker->abandon(w);
	return ok;
}
