/*
 * lmdb: - LMDB files; also hash: and btree: where Berkeley DB is absent.
 *
 * Keys and values end without a NUL byte, as other mail systems write them.
 * Readers register nowhere (MDB_NOLOCK); the fcntl lock keeps them apart from
 * writers that change the file in place. The map of a writer is far larger
 * than what it will hold: address space costs nothing, MDB_MAP_FULL does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/map.h"

#if HAVE_LMDB

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "maps/keeper_priv.h"
#include "maps/library_priv.h"
#include "maps/locked_priv.h"
#include "maps/make_priv.h"
#include "maps/source_priv.h"

#define CALLS(_) _(mdb_cursor_close) _(mdb_cursor_get) _(mdb_cursor_open) \
	_(mdb_dbi_open) _(mdb_del) _(mdb_env_close) _(mdb_env_create) \
	_(mdb_env_open) _(mdb_env_set_mapsize) _(mdb_get) _(mdb_put) \
	_(mdb_strerror) _(mdb_txn_abort) _(mdb_txn_begin) _(mdb_txn_commit) \
	_(mdb_txn_renew) _(mdb_txn_reset)
static struct { CALLS(LIBRARY_POINTER) } lib;
static const struct library_call calls[] = { CALLS(LIBRARY_CALL) };
static const struct library lmdb_library = LIBRARY(LMDB_SONAME,
    "liblmdb0", calls);

enum { KEY_MAX = 511, PUTS_PER_TXN = 20000 };
#define WRITE_MAP_BYTES ((size_t)1 << (sizeof(size_t) > 4 ? 36 : 30))

/* --- Reading -------------------------------------------------------------*/

struct lmdb_map {
	struct map map;
	struct locked_file file;
	MDB_env *env;
	MDB_dbi dbi;
	MDB_txn *txn;			/* reset between look-ups */
	bool with_nul;			/* the first key found told so */
	bool nul_known;
	struct str key;
	struct str last_key;		/* of a sequence */
};

static void
close_env(struct lmdb_map *m)
{
	if (m->txn != NULL)
		lib.mdb_txn_abort(m->txn);
	if (m->env != NULL)
		lib.mdb_env_close(m->env);
	m->txn = NULL;
	m->env = NULL;
}

static bool
open_env(struct lmdb_map *m, bool may_wait, struct str *reason)
{
	int error;

	if (!locked_file_open(&m->file, may_wait, reason))
		return false;
	m->map.owner = m->file.as_opened.st_uid;
	if ((error = lib.mdb_env_create(&m->env)) != 0)
		m->env = NULL;
	/* As large as the file is, not as its writer's map was. */
	if (error == 0)
		error = lib.mdb_env_set_mapsize(m->env,
		    (size_t)m->file.as_opened.st_size);
	if (error == 0)
		error = lib.mdb_env_open(m->env, m->file.path, MDB_NOSUBDIR |
		    MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0644);
	if (error == 0)
		error = lib.mdb_txn_begin(m->env, NULL, MDB_RDONLY, &m->txn);
	if (error == 0)
		error = lib.mdb_dbi_open(m->txn, NULL, 0, &m->dbi);
	/* The handle is kept by a commit alone. */
	if (error == 0) {
		error = lib.mdb_txn_commit(m->txn);
		m->txn = NULL;
	}
	if (error == 0)
		error = lib.mdb_txn_begin(m->env, NULL, MDB_RDONLY, &m->txn);
	if (error == 0)
		lib.mdb_txn_reset(m->txn);
	locked_file_release(&m->file);
	if (error == 0)
		return true;
	str_printf(reason, "open database %s: %s", m->file.shown,
	    lib.mdb_strerror(error));
	close_env(m);
	locked_file_close(&m->file);
	return false;
}

static bool
reopen(struct lmdb_map *m, struct str *reason)
{
	close_env(m);
	locked_file_close(&m->file);
	m->nul_known = false;
	return open_env(m, false, reason);
}

/* The lock and a snapshot. Suspends while someone writes. */
static enum map_status
enter(struct lmdb_map *m)
{
	struct str reason = STR_EMPTY;
	bool ok = true;

	if (m->env == NULL)
		ok = map_may_reopen() && reopen(m, &reason);
	ok = ok && locked_file_acquire(&m->file, &reason);
	if (!ok) {
		enum map_status status = map_fail(&m->map, "%s",
		    str_cstr(&reason));

		str_fini(&reason);
		return status;
	}
	str_fini(&reason);
	int error = lib.mdb_txn_renew(m->txn);

	/* Someone let the file grow beyond what we have mapped. */
	if (error == MDB_MAP_RESIZED) {
		(void)lib.mdb_env_set_mapsize(m->env, 0);
		error = lib.mdb_txn_renew(m->txn);
	}
	if (error == 0)
		return MAP_FOUND;
	locked_file_release(&m->file);
	return map_fail(&m->map, "error reading %s: %s", m->file.shown,
	    lib.mdb_strerror(error));
}

static void
leave(struct lmdb_map *m)
{
	lib.mdb_txn_reset(m->txn);
	locked_file_release(&m->file);
}

static enum map_status
get(struct lmdb_map *m, struct span key, bool with_nul,
    struct str *value_out)
{
	str_set(&m->key, key);
	str_reserve(&m->key, 1);		/* the NUL behind is there */
	MDB_val k = { key.len + with_nul, m->key.buf }, v;

	if (k.mv_size == 0 || k.mv_size > KEY_MAX)
		return MAP_ABSENT;		/* no such key can be stored */
	int error = lib.mdb_get(m->txn, m->dbi, &k, &v);

	if (error == MDB_NOTFOUND)
		return MAP_ABSENT;
	if (error != 0)
		return map_fail(&m->map, "error reading %s: %s",
		    m->file.shown, lib.mdb_strerror(error));
	if (v.mv_size > 0 && ((char *)v.mv_data)[v.mv_size - 1] == '\0')
		v.mv_size--;
	str_set(value_out, span_of(v.mv_data, v.mv_size));
	m->with_nul = with_nul;
	m->nul_known = true;
	return MAP_FOUND;
}

static enum map_status
lmdb_lookup(struct map *map, struct span key, struct str *value_out)
{
	struct lmdb_map *m = (struct lmdb_map *)map;

	if (enter(m) == MAP_FAILED)
		return MAP_FAILED;
	enum map_status status = get(m, key, m->with_nul, value_out);

	if (status == MAP_ABSENT && !m->nul_known) {
		status = get(m, key, !m->with_nul, value_out);
	}
	leave(m);
	return status;
}

/* The entry behind the last one, found anew: no cursor is kept open. */
static enum map_status
next_entry(struct lmdb_map *m, bool first, MDB_val *key, MDB_val *value)
{
	MDB_cursor *cursor;
	int error = lib.mdb_cursor_open(m->txn, m->dbi, &cursor);

	if (error == 0) {
		key->mv_data = m->last_key.buf;
		key->mv_size = m->last_key.len;
		error = lib.mdb_cursor_get(cursor, key, value,
		    first ? MDB_FIRST : MDB_SET_RANGE);
		if (error == 0 && !first && span_eq(span_of(key->mv_data,
		    key->mv_size), str_span(&m->last_key)))
			error = lib.mdb_cursor_get(cursor, key, value, MDB_NEXT);
		lib.mdb_cursor_close(cursor);
	}
	if (error == MDB_NOTFOUND)
		return MAP_ABSENT;
	return error == 0 ? MAP_FOUND : map_fail(&m->map,
	    "error reading %s: %s", m->file.shown, lib.mdb_strerror(error));
}

static void
set_text(struct str *out, const MDB_val *v)
{
	size_t len = v->mv_size;

	if (len > 0 && ((char *)v->mv_data)[len - 1] == '\0')
		len--;
	str_set(out, span_of(v->mv_data, len));
}

static enum map_status
lmdb_sequence(struct map *map, bool first, struct str *key_out,
    struct str *value_out)
{
	struct lmdb_map *m = (struct lmdb_map *)map;
	MDB_val key, value;

	if (enter(m) == MAP_FAILED)
		return MAP_FAILED;
	enum map_status status = next_entry(m, first, &key, &value);

	if (status == MAP_FOUND) {
		str_set(&m->last_key, span_of(key.mv_data, key.mv_size));
		set_text(key_out, &key);
		set_text(value_out, &value);
	}
	leave(m);
	return status;
}

static void
lmdb_close(struct map *map)
{
	struct lmdb_map *m = (struct lmdb_map *)map;

	close_env(m);
	locked_file_fini(&m->file);
	str_fini(&m->key);
	str_fini(&m->last_key);
}

/* A change in place is seen by the next look-up anyway; what was resolved
 * from the table before is not. */
static bool
lmdb_changed(struct map *map)
{
	return locked_file_changed(&((struct lmdb_map *)map)->file);
}

static struct map *
lmdb_open(const struct map_spec *spec, struct str *why)
{
	struct lmdb_map *m = map_new(spec, struct lmdb_map, map);
	struct map *map = &m->map;
	struct str reason = STR_EMPTY;

	(void)why;
	locked_file_init(&m->file, spec->name, ".lmdb", LOCKED_OFD);
	if (!open_env(m, true, &reason)) {
		lmdb_close(map);
		map_discard(map);
		map = map_unavailable(spec, str_cstr(&reason));
	} else {
		source_warn_if_newer(spec->name, m->file.shown,
		    &m->file.as_opened);
	}
	str_fini(&reason);
	return map;
}

/* --- Writing -------------------------------------------------------------*/

struct map_writer {
	struct make_file file;
	bool with_nul;
	MDB_env *env;
	MDB_dbi dbi;
	MDB_txn *txn;
	unsigned puts;			/* in this transaction */
	struct str key, value;
};

static struct map_writer *
lmdb_begin(const char *path, unsigned flags, struct str *why)
{
	struct map_writer *w = MEM_NEW(struct map_writer);

	w->with_nul = (flags & MAKE_WITH_NUL) != 0;
	if (make_file_begin(&w->file, path, ".lmdb", false, why))
		return w;
	mem_free(w);
	return NULL;
}

static bool
refuse(struct map_writer *w, int error, struct str *why)
{
	str_printf(why, "error writing %s: %s", w->file.path,
	    lib.mdb_strerror(error));
	return false;
}

static bool
is_open(struct map_writer *w, struct str *why)
{
	int error = 0;

	if (w->env == NULL) {
		error = lib.mdb_env_create(&w->env);
		if (error == 0)
			error = lib.mdb_env_set_mapsize(w->env, WRITE_MAP_BYTES);
		if (error == 0)
			error = lib.mdb_env_open(w->env, w->file.temp,
			    MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC, 0600);
	}
	if (error == 0 && w->txn == NULL) {
		error = lib.mdb_txn_begin(w->env, NULL, 0, &w->txn);
		if (error == 0)
			error = lib.mdb_dbi_open(w->txn, NULL, 0, &w->dbi);
		w->puts = 0;
	}
	return error == 0 || refuse(w, error, why);
}

static MDB_val
entry_of(struct map_writer *w, struct str *room, struct span text)
{
	str_set(room, text);
	if (w->with_nul)
		str_putc(room, '\0');
	str_reserve(room, 1);
	return (MDB_val){ room->len, room->buf };
}

static int
commit_txn(struct map_writer *w)
{
	int error = w->txn != NULL ? lib.mdb_txn_commit(w->txn) : 0;

	w->txn = NULL;
	return error;
}

static bool
lmdb_put(struct map_writer *w, struct span key, struct span value,
    bool replace, bool *existed_out, struct str *why)
{
	if (!is_open(w, why))
		return false;
	MDB_val k = entry_of(w, &w->key, key), v = entry_of(w, &w->value,
	    value);

	if (k.mv_size == 0 || k.mv_size > KEY_MAX) {
		str_printf(why, "%s: the key \"%.*s...\" is longer than %d "
		    "bytes", w->file.path, key.len > 40 ? 40 : (int)key.len,
		    key.p, KEY_MAX);
		return false;
	}
	int error = lib.mdb_put(w->txn, w->dbi, &k, &v, MDB_NOOVERWRITE);

	*existed_out = error == MDB_KEYEXIST;
	if (*existed_out) {
		v = entry_of(w, &w->value, value);
		error = replace ? lib.mdb_put(w->txn, w->dbi, &k, &v, 0) : 0;
	}
	if (error == 0 && ++w->puts >= PUTS_PER_TXN)
		error = commit_txn(w);
	return error == 0 || refuse(w, error, why);
}

static bool
lmdb_erase(struct map_writer *w, struct span key, bool *existed_out,
    struct str *why)
{
	*existed_out = false;
	if (!is_open(w, why))
		return false;
	for (int with_nul = 1; with_nul >= 0; with_nul--) {
		w->with_nul = with_nul;
		MDB_val k = entry_of(w, &w->key, key);

		if (k.mv_size == 0 || k.mv_size > KEY_MAX)
			continue;
		int error = lib.mdb_del(w->txn, w->dbi, &k, NULL);

		if (error == 0)
			*existed_out = true;
		else if (error != MDB_NOTFOUND)
			return refuse(w, error, why);
	}
	return true;
}

static void
adopt_nul(struct map_writer *w)
{
	MDB_cursor *cursor;
	MDB_val key, value;

	if (lib.mdb_cursor_open(w->txn, w->dbi, &cursor) != 0)
		return;
	if (lib.mdb_cursor_get(cursor, &key, &value, MDB_FIRST) == 0)
		w->with_nul = key.mv_size > 0 &&
		    ((char *)key.mv_data)[key.mv_size - 1] == '\0';
	lib.mdb_cursor_close(cursor);
}

static bool
lmdb_copy_present(struct map_writer *w, struct str *why)
{
	if (!make_file_copy_present(&w->file, true, why) || !is_open(w, why))
		return false;
	adopt_nul(w);
	return true;
}

static void
lmdb_abandon(struct map_writer *w)
{
	if (w->txn != NULL)
		lib.mdb_txn_abort(w->txn);
	if (w->env != NULL)
		lib.mdb_env_close(w->env);
	make_file_end(&w->file);
	str_fini(&w->key);
	str_fini(&w->value);
	mem_free(w);
}

static bool
lmdb_commit(struct map_writer *w, mode_t mode, struct str *why)
{
	bool ok = is_open(w, why);		/* an empty source: an empty table */

	if (ok) {
		int error = commit_txn(w);

		ok = error == 0 || refuse(w, error, why);
		lib.mdb_env_close(w->env);
		w->env = NULL;
	}
	ok = ok && make_file_publish(&w->file, mode, why);
	lmdb_abandon(w);
	return ok;
}

static const struct map_maker lmdb_maker = {
	.suffix = ".lmdb", .begin = lmdb_begin, .put = lmdb_put,
	.erase = lmdb_erase, .copy_present = lmdb_copy_present,
	.commit = lmdb_commit, .abandon = lmdb_abandon,
};

/* --- Caches --------------------------------------------------------------*/

/* One transaction between two syncs: what others see is always whole. */
struct kept {
	char *path;			/* for reasons */
	MDB_env *env;
	MDB_dbi dbi;
	MDB_txn *txn;
	struct str last_key;		/* of next */
};

static bool
kept_failed(struct kept *k, int error, struct str *why)
{
	str_printf(why, "error in %s: %s", k->path, lib.mdb_strerror(error));
	return false;
}

static void
kept_close(struct kept *k)
{
	if (k->txn != NULL)
		lib.mdb_txn_abort(k->txn);
	if (k->env != NULL)
		lib.mdb_env_close(k->env);
	str_fini(&k->last_key);
	mem_free(k->path);
	mem_free(k);
}

static struct kept *
kept_open(const char *path, int fd, struct str *why)
{
	struct kept *k = MEM_NEW(struct kept);
	int error;

	(void)fd;
	k->path = mem_strdup(path);
	if ((error = lib.mdb_env_create(&k->env)) != 0)
		k->env = NULL;
	if (error == 0)
		error = lib.mdb_env_set_mapsize(k->env, WRITE_MAP_BYTES);
	if (error == 0)
		error = lib.mdb_env_open(k->env, path, MDB_NOSUBDIR | MDB_NOLOCK |
		    MDB_NOTLS, 0600);
	if (error == 0)
		error = lib.mdb_txn_begin(k->env, NULL, 0, &k->txn);
	if (error == 0)
		error = lib.mdb_dbi_open(k->txn, NULL, 0, &k->dbi);
	if (error == 0)
		return k;
	(void)kept_failed(k, error, why);
	kept_close(k);
	return NULL;
}

/* An address that is longer than a key may be is not kept. */
static bool
fits(struct span key)
{
	return key.len > 0 && key.len <= KEY_MAX;
}

static enum map_status
kept_get(struct kept *k, struct span key, struct str *value_out,
    struct str *why)
{
	MDB_val wanted = { key.len, (void *)(uintptr_t)key.p }, value;
	int error = fits(key) ? lib.mdb_get(k->txn, k->dbi, &wanted, &value)
	    : MDB_NOTFOUND;

	if (error == MDB_NOTFOUND)
		return MAP_ABSENT;
	if (error != 0) {
		(void)kept_failed(k, error, why);
		return MAP_FAILED;
	}
	set_text(value_out, &value);
	return MAP_FOUND;
}

static bool
kept_put(struct kept *k, struct span key, struct span text, struct str *why)
{
	MDB_val entry = { key.len, (void *)(uintptr_t)key.p };
	MDB_val value = { text.len, (void *)(uintptr_t)text.p };
	int error = fits(key) ? lib.mdb_put(k->txn, k->dbi, &entry, &value, 0) : 0;

	return error == 0 || kept_failed(k, error, why);
}

static bool
kept_erase(struct kept *k, struct span key, struct str *why)
{
	MDB_val entry = { key.len, (void *)(uintptr_t)key.p };
	int error = fits(key) ? lib.mdb_del(k->txn, k->dbi, &entry, NULL) : 0;

	return error == 0 || error == MDB_NOTFOUND ||
	    kept_failed(k, error, why);
}

static enum map_status
kept_next(struct kept *k, bool first, struct str *key_out,
    struct str *value_out, struct str *why)
{
	MDB_val key = { k->last_key.len, k->last_key.buf }, value;
	MDB_cursor *cursor;
	int error = lib.mdb_cursor_open(k->txn, k->dbi, &cursor);

	if (error == 0) {
		error = lib.mdb_cursor_get(cursor, &key, &value,
		    first ? MDB_FIRST : MDB_SET_RANGE);
		if (error == 0 && !first && span_eq(span_of(key.mv_data,
		    key.mv_size), str_span(&k->last_key)))
			error = lib.mdb_cursor_get(cursor, &key, &value,
			    MDB_NEXT);
		lib.mdb_cursor_close(cursor);
	}
	if (error == MDB_NOTFOUND)
		return MAP_ABSENT;
	if (error != 0) {
		(void)kept_failed(k, error, why);
		return MAP_FAILED;
	}
	str_set(&k->last_key, span_of(key.mv_data, key.mv_size));
	set_text(key_out, &key);
	set_text(value_out, &value);
	return MAP_FOUND;
}

static bool
kept_sync(struct kept *k, struct str *why)
{
	int error = lib.mdb_txn_commit(k->txn);

	k->txn = NULL;
	if (error == 0)
		error = lib.mdb_txn_begin(k->env, NULL, 0, &k->txn);
	return error == 0 || kept_failed(k, error, why);
}

static const struct map_keeper lmdb_keeper = {
	.suffix = ".lmdb", .ofd_lock = true, .open = kept_open,
	.get = kept_get, .put = kept_put, .erase = kept_erase,
	.next = kept_next, .sync = kept_sync, .close = kept_close,
};

#define LMDB_TYPE(type) { .name = (type), .flags = MAP_SUSPENDS, \
	.open = lmdb_open, .lookup = lmdb_lookup, .sequence = lmdb_sequence, \
	.changed = lmdb_changed, .close = lmdb_close, .maker = &lmdb_maker, \
	.keeper = &lmdb_keeper, .library = &lmdb_library }

const struct map_type lmdb_type = LMDB_TYPE("lmdb");
#if !HAVE_DB
const struct map_type hash_type = LMDB_TYPE("hash");
const struct map_type btree_type = LMDB_TYPE("btree");
#endif

#else

const struct map_type lmdb_type = {
	.name = "lmdb", .missing = "built without LMDB",
};
#if !HAVE_DB
const struct map_type hash_type = {
	.name = "hash", .missing = "built without Berkeley DB and LMDB",
};
const struct map_type btree_type = {
	.name = "btree", .missing = "built without Berkeley DB and LMDB",
};
#endif

#endif
