/*
 * cdb: - constant databases: read as they are, replaced as a whole.
 *
 * Nobody writes to such a file in place, so readers take no lock; the library
 * maps it into memory. Keys and values end without a NUL byte, as other mail
 * systems write them; files that have one are read as well.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/map.h"

#if HAVE_CDB

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/fault.h"
#include "maps/library_priv.h"
#include "maps/make_priv.h"
#include "maps/source_priv.h"

#define CALLS(_) _(cdb_find) _(cdb_free) _(cdb_get) _(cdb_init) \
	_(cdb_make_add) _(cdb_make_find) _(cdb_make_finish) _(cdb_make_put) \
	_(cdb_make_start) _(cdb_seqnext)
static struct { CALLS(LIBRARY_POINTER) } lib;
static const struct library_call calls[] = { CALLS(LIBRARY_CALL) };
static const struct library cdb_library = LIBRARY(CDB_SONAME,
    "libcdb1", calls);

static const char *
error_text(int error)
{
	return error == EPROTO ? "not a cdb file, or a damaged one" :
	    strerror(error);
}

/* Of the entry that was found. */
static const void *
value_of(const struct cdb *cdb)
{
	return lib.cdb_get(cdb, cdb_datalen(cdb), cdb_datapos(cdb));
}

static const void *
key_of(const struct cdb *cdb)
{
	return lib.cdb_get(cdb, cdb_keylen(cdb), cdb_keypos(cdb));
}

/* --- Reading -------------------------------------------------------------*/

/* The first key that is found tells whether keys end with a NUL byte. */
enum { TRY_WITHOUT_NUL = 1, TRY_WITH_NUL = 2 };

struct cdb_map {
	struct map map;
	struct source_watch watch;
	struct cdb cdb;
	unsigned next;			/* of a sequence */
	unsigned tries;
	struct str key;
};

static void
cdb_map_close(struct map *map)
{
	struct cdb_map *m = (struct cdb_map *)map;

	lib.cdb_free(&m->cdb);
	source_watch_close(&m->watch);
	str_fini(&m->key);
}

static bool
cdb_map_changed(struct map *map)
{
	return source_watch_changed(&((struct cdb_map *)map)->watch);
}

/* The mapping stays when the descriptor is gone. */
static bool
read_file(struct cdb *cdb, const char *path, struct stat *st)
{
	int fd = FAULT("map.open") ? -1 :
	    open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return false;
	bool ok = fstat(fd, st) == 0 && lib.cdb_init(cdb, fd) == 0;
	int saved = errno;

	close(fd);
	errno = saved;
	return ok;
}

static struct map *
cdb_map_open(const struct map_spec *spec, struct str *why)
{
	struct str path = STR_EMPTY, reason = STR_EMPTY;
	struct cdb cdb;
	struct stat st;
	struct map *map;

	(void)why;
	str_printf(&path, "%s.cdb", spec->name);
	if (read_file(&cdb, str_cstr(&path), &st)) {
		struct cdb_map *m = map_new(spec, struct cdb_map, map);

		m->cdb = cdb;
		m->tries = TRY_WITH_NUL | TRY_WITHOUT_NUL;
		source_watch_path(&m->watch, str_cstr(&path), &st);
		m->map.owner = source_watch_owner(&m->watch);
		source_warn_if_newer(spec->name, str_cstr(&path), &st);
		map = &m->map;
	} else {
		str_printf(&reason, "open database %s: %s", str_cstr(&path),
		    error_text(errno));
		map = map_unavailable(spec, str_cstr(&reason));
	}
	str_fini(&reason);
	str_fini(&path);
	return map;
}

static bool
take(struct str *out, const void *bytes, unsigned len)
{
	const char *p = bytes;

	if (p == NULL)
		return false;
	if (len > 0 && p[len - 1] == '\0')
		len--;
	str_set(out, span_of(p, len));
	return true;
}

static enum map_status
damaged(struct cdb_map *m)
{
	return map_fail(&m->map, "error reading %s.cdb: %s", m->map.name,
	    error_text(errno));
}

static enum map_status
find(struct cdb_map *m, struct span key, bool with_nul, struct str *value_out)
{
	str_set(&m->key, key);			/* a NUL follows it */
	int found = key.len >= UINT32_MAX ? 0 : lib.cdb_find(&m->cdb,
	    str_cstr(&m->key), (unsigned)(key.len + with_nul));

	if (found == 0)
		return MAP_ABSENT;
	if (found < 0 || !take(value_out, value_of(&m->cdb),
	    cdb_datalen(&m->cdb)))
		return damaged(m);
	m->tries = with_nul ? TRY_WITH_NUL : TRY_WITHOUT_NUL;
	return MAP_FOUND;
}

static enum map_status
cdb_map_lookup(struct map *map, struct span key, struct str *value_out)
{
	struct cdb_map *m = (struct cdb_map *)map;
	unsigned tries = m->tries;
	enum map_status status = MAP_ABSENT;

	if (tries & TRY_WITHOUT_NUL)
		status = find(m, key, false, value_out);
	if (status == MAP_ABSENT && (tries & TRY_WITH_NUL))
		status = find(m, key, true, value_out);
	return status;
}

static enum map_status
cdb_map_sequence(struct map *map, bool first, struct str *key_out,
    struct str *value_out)
{
	struct cdb_map *m = (struct cdb_map *)map;

	if (first)
		cdb_seqinit(&m->next, &m->cdb);
	int found = lib.cdb_seqnext(&m->next, &m->cdb);

	if (found == 0)
		return MAP_ABSENT;
	if (found < 0 || !take(key_out, key_of(&m->cdb),
	    cdb_keylen(&m->cdb)) || !take(value_out, value_of(&m->cdb),
	    cdb_datalen(&m->cdb)))
		return damaged(m);
	return MAP_FOUND;
}

/* --- Writing -------------------------------------------------------------*/

struct map_writer {
	struct make_file file;
	bool with_nul, finished;
	struct cdb_make make;
	struct str key, value;
};

static bool
refuse(struct map_writer *w, struct str *why)
{
	str_printf(why, "error writing %s: %s", w->file.path,
	    error_text(errno));
	return false;
}

static struct map_writer *
cdb_begin(const char *path, unsigned flags, struct str *why)
{
	struct map_writer *w = MEM_NEW(struct map_writer);

	w->with_nul = (flags & MAKE_WITH_NUL) != 0;
	if (!make_file_begin(&w->file, path, ".cdb", true, why)) {
		mem_free(w);
		return NULL;
	}
	(void)lib.cdb_make_start(&w->make, w->file.fd);
	return w;
}

static struct span
entry_of(struct map_writer *w, struct str *room, struct span text)
{
	str_set(room, text);
	if (w->with_nul)
		str_putc(room, '\0');
	return str_span(room);
}

static bool
cdb_put(struct map_writer *w, struct span key, struct span value,
    bool replace, bool *existed_out, struct str *why)
{
	if (key.len >= UINT32_MAX || value.len >= UINT32_MAX) {
		errno = EFBIG;
		return refuse(w, why);
	}
	struct span k = entry_of(w, &w->key, key);
	struct span v = entry_of(w, &w->value, value);
	int existed = lib.cdb_make_put(&w->make, k.p, (unsigned)k.len, v.p,
	    (unsigned)v.len, replace ? CDB_PUT_REPLACE : CDB_PUT_INSERT);

	*existed_out = existed > 0;
	return existed >= 0 || refuse(w, why);
}

static bool
cdb_erase(struct map_writer *w, struct span key, bool *existed_out,
    struct str *why)
{
	struct span k = entry_of(w, &w->key, key);
	int existed = lib.cdb_make_find(&w->make, k.p, (unsigned)k.len,
	    CDB_FIND_REMOVE);

	*existed_out = existed > 0;
	return existed >= 0 || refuse(w, why);
}

/* Entry by entry: behind them the file has an index. */
static int
copy_entries(struct map_writer *w, struct cdb *from)
{
	unsigned next;
	int found;
	bool first = true;

	cdb_seqinit(&next, from);
	while ((found = lib.cdb_seqnext(&next, from)) > 0) {
		const char *key = key_of(from);
		const char *value = value_of(from);
		unsigned len = cdb_keylen(from);

		if (key == NULL || value == NULL)
			return -1;
		/* As the present entries are: with NUL or without. */
		if (first)
			w->with_nul = len > 0 && key[len - 1] == '\0';
		first = false;
		if (lib.cdb_make_add(&w->make, key, len, value,
		    cdb_datalen(from)) != 0)
			return -1;
	}
	return found;
}

static bool
cdb_copy_present(struct map_writer *w, struct str *why)
{
	struct cdb from;
	struct stat st;

	if (!read_file(&from, w->file.path, &st)) {
		str_printf(why, "open database %s: %s", w->file.path,
		    error_text(errno));
		return false;
	}
	int result = copy_entries(w, &from);
	int saved = errno;

	lib.cdb_free(&from);
	errno = saved;
	if (result == 0)
		return true;
	str_printf(why, "copy database %s: %s", w->file.path,
	    error_text(errno));
	return false;
}

/* The library frees what it holds when it has written the index. */
static bool
finish(struct map_writer *w)
{
	w->finished = true;
	return lib.cdb_make_finish(&w->make) == 0;
}

static void
cdb_abandon(struct map_writer *w)
{
	if (!w->finished)
		(void)finish(w);
	make_file_end(&w->file);
	str_fini(&w->key);
	str_fini(&w->value);
	mem_free(w);
}

static bool
cdb_commit(struct map_writer *w, mode_t mode, struct str *why)
{
	bool ok = finish(w) || refuse(w, why);

	ok = ok && make_file_publish(&w->file, mode, why);
	cdb_abandon(w);
	return ok;
}

static const struct map_maker cdb_maker = {
	.suffix = ".cdb", .names_file = true, .begin = cdb_begin,
	.put = cdb_put, .erase = cdb_erase, .copy_present = cdb_copy_present,
	.commit = cdb_commit, .abandon = cdb_abandon,
};

const struct map_type cdb_type = {
	.name = "cdb", .open = cdb_map_open, .lookup = cdb_map_lookup,
	.sequence = cdb_map_sequence, .changed = cdb_map_changed,
	.close = cdb_map_close, .maker = &cdb_maker,
	.library = &cdb_library,
};

#else

const struct map_type cdb_type = {
	.name = "cdb", .missing = "built without the cdb library",
};

#endif
