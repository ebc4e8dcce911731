/*
 * hash: and btree: - Berkeley DB files, interchangeable with those of other
 * mail systems.
 *
 * Readers take the shared lock without blocking; pages are read into a cache,
 * never mapped, because others rewrite such files in place. Each table has a
 * private environment: a cache shared by several, or one that outlives a
 * rewrite, would show old pages, since a changed file keeps its identity. Its
 * home cannot exist: the library looks for DB_CONFIG there and nowhere else.
 * Every call runs on the deep stack.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/map.h"

#if HAVE_DB

#include <db.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/fiber.h"
#include "common/io/fs.h"
#include "maps/keeper_priv.h"
#include "maps/library_priv.h"
#include "maps/locked_priv.h"
#include "maps/make_priv.h"
#include "maps/source_priv.h"

#define CALLS(_) _(db_create) _(db_env_create) _(db_strerror)
static struct { CALLS(LIBRARY_POINTER) } lib;
static const struct library_call calls[] = { CALLS(LIBRARY_CALL) };
static const struct library db_library = LIBRARY(DB_SONAME,
    "libdb5.3", calls);

#define HOME "/proc/0"			/* no process has this number */
enum { CACHE_BYTES = 128 << 10, WRITE_CACHE_BYTES = 16 << 20,
	KEPT_CACHE_BYTES = 1 << 20, OPEN_TRIES = 5 };

static const char *
error_text(int error)
{
	return error > 0 ? strerror(error) : lib.db_strerror(error);
}

/* What the library would print to standard error is in the error code too. */
static void
swallow(const DB_ENV *env, const char *prefix, const char *text)
{
	(void)env;
	(void)prefix;
	log_debug("Berkeley DB: %s", text);
}

static DB_ENV *
new_environment(u_int32_t cache_bytes)
{
	DB_ENV *env;

	if (lib.db_env_create(&env, 0) != 0)
		return NULL;
	env->set_errcall(env, swallow);
	(void)env->set_cachesize(env, 0, cache_bytes, 1);
	if (env->open(env, HOME, DB_CREATE | DB_INIT_MPOOL | DB_PRIVATE,
	    0) == 0)
		return env;
	(void)env->close(env, 0);
	return NULL;
}

/* An open database; NULL with an error code. */
static DB *
open_db(DB_ENV *env, const char *path, DBTYPE type, u_int32_t flags,
    int *error_out)
{
	DB *db;

	*error_out = ENOMEM;
	if (env == NULL || lib.db_create(&db, env, 0) != 0)
		return NULL;
	*error_out = db->open(db, NULL, path, NULL, type, flags, 0644);
	if (*error_out == 0)
		return db;
	(void)db->close(db, 0);
	return NULL;
}

/* --- Reading -------------------------------------------------------------*/

/* Keys and values written by others end with a NUL byte, or do not; the first
 * key that is found tells which. */
enum { TRY_WITH_NUL = 1, TRY_WITHOUT_NUL = 2 };

struct db_map {
	struct map map;
	struct locked_file file;
	DBTYPE kind;
	DB_ENV *env;
	DB *db;
	DBC *cursor;
	unsigned tries;
	struct str key;
};

static void
close_db(struct db_map *m)
{
	if (m->cursor != NULL)
		(void)m->cursor->close(m->cursor);
	m->cursor = NULL;
	if (m->db != NULL)
		(void)m->db->close(m->db, DB_NOSYNC);
	m->db = NULL;
	if (m->env != NULL)
		(void)m->env->close(m->env, 0);
	m->env = NULL;
}

static bool
is_same_inode(DB *db, const struct stat *want)
{
	struct stat st;
	int fd;

	return db->fd(db, &fd) == 0 && fstat(fd, &st) == 0 &&
	    st.st_dev == want->st_dev && st.st_ino == want->st_ino;
}

struct open_job {
	struct db_map *m;
	int error;
};

static void
open_deep(void *arg)
{
	struct open_job *job = arg;
	struct db_map *m = job->m;

	m->env = new_environment(CACHE_BYTES);
	m->db = open_db(m->env, m->file.path, m->kind, DB_RDONLY | DB_NOMMAP,
	    &job->error);
}

static void
close_deep(void *arg)
{
	close_db(arg);
}

/* The library opens by name what we locked by descriptor. */
static bool
open_locked(struct db_map *m, bool may_wait, struct str *reason)
{
	struct open_job job = { .m = m };

	m->tries = TRY_WITH_NUL | TRY_WITHOUT_NUL;
	for (int i = 0; i < OPEN_TRIES; i++) {
		if (!locked_file_open(&m->file, may_wait, reason))
			return false;
		m->map.owner = m->file.as_opened.st_uid;
		map_call_deep(open_deep, &job);
		locked_file_release(&m->file);
		if (m->db != NULL && is_same_inode(m->db, &m->file.as_opened))
			return true;
		map_call_deep(close_deep, m);
		locked_file_close(&m->file);
		if (job.error != 0) {
			str_printf(reason, "open database %s: %s",
			    m->file.shown, error_text(job.error));
			return false;
		}
	}
	str_printf(reason, "open database %s: it keeps being replaced",
	    m->file.shown);
	return false;
}

struct get_job {
	struct db_map *m;
	struct span key;
	struct str *value_out;
	enum map_status status;
};

static void
add_value(struct str *out, const DBT *value)
{
	const char *bytes = value->data;
	size_t len = value->size;

	if (len > 0 && bytes[len - 1] == '\0')
		len--;
	str_set(out, span_of(bytes, len));
}

static enum map_status
get(struct db_map *m, struct span key, bool with_nul, struct str *value_out)
{
	DBT wanted = { 0 }, value = { 0 };

	str_set(&m->key, key);			/* a NUL follows it */
	wanted.data = str_reserve(&m->key, 1) - m->key.len;
	wanted.size = (u_int32_t)(key.len + with_nul);
	int error = m->db->get(m->db, NULL, &wanted, &value, 0);

	if (error == DB_NOTFOUND)
		return MAP_ABSENT;
	if (error != 0)
		return map_fail(&m->map, "error reading %s: %s",
		    m->file.shown, error_text(error));
	add_value(value_out, &value);
	m->tries = with_nul ? TRY_WITH_NUL : TRY_WITHOUT_NUL;
	return MAP_FOUND;
}

static void
get_deep(void *arg)
{
	struct get_job *job = arg;
	unsigned tries = job->m->tries;

	job->status = MAP_ABSENT;
	if (tries & TRY_WITH_NUL)
		job->status = get(job->m, job->key, true, job->value_out);
	if (job->status == MAP_ABSENT && (tries & TRY_WITHOUT_NUL))
		job->status = get(job->m, job->key, false, job->value_out);
}

/* Without waiting: others may be in this table too. The lock on the file as it
 * was is held, where it is, until the new one is: no writer gets in between. */
static bool
reopen(struct db_map *m, struct str *reason)
{
	struct locked_file old = m->file;
	bool ok;

	if (!map_may_reopen()) {
		str_printf(reason, "%s was rewritten in place",
		    m->file.shown);
		return false;
	}
	map_call_deep(close_deep, m);
	m->file.fd = -1;
	m->file.holders = 0;
	ok = open_locked(m, false, reason);
	locked_file_close(&old);
	return ok;
}

/* The lock, and behind it the file as it was opened. Suspends while someone
 * writes, who may have changed it all. */
static enum map_status
enter(struct db_map *m)
{
	struct str reason = STR_EMPTY;
	enum map_status status = MAP_ABSENT;

	for (int i = 0; status == MAP_ABSENT && i < OPEN_TRIES; i++) {
		if ((m->db == NULL && !reopen(m, &reason))
		    || !locked_file_acquire(&m->file, &reason))
			status = MAP_FAILED;
		else if (m->db != NULL && !locked_file_was_rewritten(&m->file))
			status = MAP_FOUND;
		else if (m->db != NULL && !reopen(m, &reason))
			status = MAP_FAILED;
	}
	if (status != MAP_FOUND) {
		locked_file_release(&m->file);
		status = map_fail(&m->map, "%s", str_len(&reason) > 0
		    ? str_cstr(&reason) : "it keeps being rewritten");
	}
	str_fini(&reason);
	return status;
}

static enum map_status
db_lookup(struct map *map, struct span key, struct str *value_out)
{
	struct get_job job = { .m = (struct db_map *)map, .key = key,
		.value_out = value_out };

	if (enter(job.m) == MAP_FAILED)
		return MAP_FAILED;
	map_call_deep(get_deep, &job);
	locked_file_release(&job.m->file);
	return job.status;
}

struct next_job {
	struct db_map *m;
	bool first;
	struct str *key_out, *value_out;
	enum map_status status;
};

static void
next_deep(void *arg)
{
	struct next_job *job = arg;
	struct db_map *m = job->m;
	DBT key = { 0 }, value = { 0 };
	int error = 0;

	if (m->cursor == NULL)
		error = m->db->cursor(m->db, NULL, &m->cursor, 0);
	if (error == 0)
		error = m->cursor->get(m->cursor, &key, &value,
		    job->first ? DB_FIRST : DB_NEXT);
	job->status = error == 0 ? MAP_FOUND : MAP_ABSENT;
	if (error == 0) {
		add_value(job->key_out, &key);
		add_value(job->value_out, &value);
	} else if (error != DB_NOTFOUND) {
		job->status = map_fail(&m->map, "error reading %s: %s",
		    m->file.shown, error_text(error));
	}
}

static enum map_status
db_sequence(struct map *map, bool first, struct str *key_out,
    struct str *value_out)
{
	struct next_job job = { .m = (struct db_map *)map, .first = first,
		.key_out = key_out, .value_out = value_out };

	if (enter(job.m) == MAP_FAILED)
		return MAP_FAILED;
	map_call_deep(next_deep, &job);
	locked_file_release(&job.m->file);
	return job.status;
}

static void
db_close(struct map *map)
{
	struct db_map *m = (struct db_map *)map;

	map_call_deep(close_deep, m);
	locked_file_fini(&m->file);
	str_fini(&m->key);
}

static bool
db_changed(struct map *map)
{
	return locked_file_changed(&((struct db_map *)map)->file);
}

static struct map *
open_table(const struct map_spec *spec, DBTYPE kind)
{
	struct db_map *m = map_new(spec, struct db_map, map);
	struct str reason = STR_EMPTY;
	struct map *map = &m->map;

	m->kind = kind;
	locked_file_init(&m->file, spec->name, ".db", LOCKED_FLOCK);
	if (!open_locked(m, true, &reason)) {
		db_close(map);
		map_discard(map);
		map = map_unavailable(spec, str_cstr(&reason));
	} else {
		source_warn_if_newer(spec->name, m->file.shown,
		    &m->file.as_opened);
	}
	str_fini(&reason);
	return map;
}

static struct map *
hash_open(const struct map_spec *spec, struct str *why)
{
	(void)why;
	return open_table(spec, DB_HASH);
}

static struct map *
btree_open(const struct map_spec *spec, struct str *why)
{
	(void)why;
	return open_table(spec, DB_BTREE);
}

/* --- Writing -------------------------------------------------------------*/

struct map_writer {
	struct make_file file;
	DBTYPE kind;
	bool with_nul, copied;
	DB_ENV *env;
	DB *db;
	struct str key, value;
};

static struct map_writer *
begin(DBTYPE kind, const char *path, unsigned flags, struct str *why)
{
	struct map_writer *w = MEM_NEW(struct map_writer);

	w->kind = kind;
	w->with_nul = !(flags & MAKE_WITHOUT_NUL);
	if (make_file_begin(&w->file, path, ".db", true, why))
		return w;
	mem_free(w);
	return NULL;
}

static struct map_writer *
hash_begin(const char *path, unsigned flags, struct str *why)
{
	return begin(DB_HASH, path, flags, why);
}

static struct map_writer *
btree_begin(const char *path, unsigned flags, struct str *why)
{
	return begin(DB_BTREE, path, flags, why);
}

static bool
refuse(struct map_writer *w, int error, struct str *why)
{
	str_printf(why, "error writing %s: %s", w->file.path,
	    error_text(error));
	return false;
}

/* Opened at the first use: the copy of the present table comes before. */
static bool
is_open(struct map_writer *w, struct str *why)
{
	int error;

	if (w->db != NULL)
		return true;
	w->env = new_environment(WRITE_CACHE_BYTES);
	w->db = open_db(w->env, w->file.temp, w->kind,
	    w->copied ? 0 : DB_CREATE | DB_TRUNCATE, &error);
	if (w->db != NULL)
		return true;
	str_printf(why, "open database %s: %s", w->file.path,
	    error_text(error));
	return false;
}

static DBT
entry_of(bool with_nul, struct str *room, struct span text)
{
	DBT entry = { 0 };

	str_set(room, text);
	if (with_nul)
		str_putc(room, '\0');
	str_reserve(room, 1);			/* empty text has bytes too */
	entry.data = room->buf;
	entry.size = (u_int32_t)room->len;
	return entry;
}

static bool
db_put(struct map_writer *w, struct span key, struct span value, bool replace,
    bool *existed_out, struct str *why)
{
	if (!is_open(w, why))
		return false;
	DBT k = entry_of(w->with_nul, &w->key, key);
	DBT v = entry_of(w->with_nul, &w->value, value);
	int error = w->db->put(w->db, NULL, &k, &v, DB_NOOVERWRITE);

	*existed_out = error == DB_KEYEXIST;
	if (*existed_out)
		error = replace ? w->db->put(w->db, NULL, &k, &v, 0) : 0;
	return error == 0 || refuse(w, error, why);
}

static bool
db_erase(struct map_writer *w, struct span key, bool *existed_out,
    struct str *why)
{
	*existed_out = false;
	if (!is_open(w, why))
		return false;
	for (int with_nul = 1; with_nul >= 0; with_nul--) {
		w->with_nul = with_nul;
		DBT k = entry_of(with_nul, &w->key, key);
		int error = w->db->del(w->db, NULL, &k, 0);

		if (error == 0)
			*existed_out = true;
		else if (error != DB_NOTFOUND)
			return refuse(w, error, why);
	}
	return true;
}

/* As the present entries are: with NUL or without. */
static void
adopt_nul(DB *db, bool *with_nul)
{
	DBT key = { 0 }, value = { 0 };
	DBC *cursor;

	if (db->cursor(db, NULL, &cursor, 0) != 0)
		return;
	if (cursor->get(cursor, &key, &value, DB_FIRST) == 0 && key.size > 0)
		*with_nul = ((char *)key.data)[key.size - 1] == '\0';
	(void)cursor->close(cursor);
}

static bool
db_copy_present(struct map_writer *w, struct str *why)
{
	w->copied = true;
	if (!make_file_copy_present(&w->file, false, why) || !is_open(w, why))
		return false;
	adopt_nul(w->db, &w->with_nul);
	return true;
}

static int
close_writer(struct map_writer *w)
{
	int error = 0;

	if (w->db != NULL)
		error = w->db->close(w->db, 0);
	w->db = NULL;
	if (w->env != NULL)
		(void)w->env->close(w->env, 0);
	w->env = NULL;
	return error;
}

static void
db_abandon(struct map_writer *w)
{
	(void)close_writer(w);
	make_file_end(&w->file);
	str_fini(&w->key);
	str_fini(&w->value);
	mem_free(w);
}

static bool
db_commit(struct map_writer *w, mode_t mode, struct str *why)
{
	bool ok = is_open(w, why);		/* an empty source: an empty table */

	if (ok) {
		int error = close_writer(w);

		ok = error == 0 || refuse(w, error, why);
	}
	ok = ok && make_file_publish(&w->file, mode, why);
	db_abandon(w);
	return ok;
}

static const struct map_maker hash_maker = {
	.suffix = ".db", .names_file = true, .begin = hash_begin,
	.put = db_put, .erase = db_erase, .copy_present = db_copy_present,
	.commit = db_commit, .abandon = db_abandon,
};

static const struct map_maker btree_maker = {
	.suffix = ".db", .names_file = true, .begin = btree_begin,
	.put = db_put, .erase = db_erase, .copy_present = db_copy_present,
	.commit = db_commit, .abandon = db_abandon,
};

/* --- Caches --------------------------------------------------------------*/

struct kept {
	bool with_nul;
	DB_ENV *env;
	DB *db;
	DBC *cursor;
	struct str key, value;
	const char *path;		/* for reasons */
};

static bool
kept_failed(struct kept *k, int error, struct str *why)
{
	str_printf(why, "error in %s: %s", k->path, error_text(error));
	return false;
}

static void
kept_close(struct kept *k)
{
	if (k->cursor != NULL)
		(void)k->cursor->close(k->cursor);
	if (k->db != NULL)
		(void)k->db->close(k->db, DB_NOSYNC);
	if (k->env != NULL)
		(void)k->env->close(k->env, 0);
	str_fini(&k->key);
	str_fini(&k->value);
	mem_free((char *)k->path);
	mem_free(k);
}

static struct kept *
kept_open(DBTYPE kind, const char *path, int fd, struct str *why)
{
	struct kept *k = MEM_NEW(struct kept);
	struct stat st;
	int error = fstat(fd, &st) == 0 ? 0 : errno;

	k->path = mem_strdup(path);
	k->with_nul = true;
	k->env = new_environment(KEPT_CACHE_BYTES);
	if (error == 0)
		k->db = open_db(k->env, path, kind, st.st_size == 0
		    ? DB_CREATE | DB_TRUNCATE : DB_NOMMAP, &error);
	/* What we hold the lock of is what the library opened. */
	if (k->db != NULL && fstat(fd, &st) == 0
	    && is_same_inode(k->db, &st)) {
		adopt_nul(k->db, &k->with_nul);
		return k;
	}
	(void)kept_failed(k, error != 0 ? error : EAGAIN, why);
	kept_close(k);
	return NULL;
}

static struct kept *
hash_keep(const char *path, int fd, struct str *why)
{
	return kept_open(DB_HASH, path, fd, why);
}

static struct kept *
btree_keep(const char *path, int fd, struct str *why)
{
	return kept_open(DB_BTREE, path, fd, why);
}

static enum map_status
kept_get(struct kept *k, struct span key, struct str *value_out,
    struct str *why)
{
	DBT wanted = entry_of(k->with_nul, &k->key, key), value = { 0 };
	int error = k->db->get(k->db, NULL, &wanted, &value, 0);

	if (error == DB_NOTFOUND)
		return MAP_ABSENT;
	if (error != 0) {
		(void)kept_failed(k, error, why);
		return MAP_FAILED;
	}
	add_value(value_out, &value);
	return MAP_FOUND;
}

static bool
kept_put(struct kept *k, struct span key, struct span value, struct str *why)
{
	DBT key_entry = entry_of(k->with_nul, &k->key, key);
	DBT entry = entry_of(k->with_nul, &k->value, value);
	int error = k->db->put(k->db, NULL, &key_entry, &entry, 0);

	return error == 0 || kept_failed(k, error, why);
}

static bool
kept_erase(struct kept *k, struct span key, struct str *why)
{
	DBT entry = entry_of(k->with_nul, &k->key, key);
	int error = k->db->del(k->db, NULL, &entry, 0);

	return error == 0 || error == DB_NOTFOUND
	    || kept_failed(k, error, why);
}

static enum map_status
kept_next(struct kept *k, bool first, struct str *key_out,
    struct str *value_out, struct str *why)
{
	DBT key = { 0 }, value = { 0 };
	int error = 0;

	if (k->cursor == NULL)
		error = k->db->cursor(k->db, NULL, &k->cursor, 0);
	if (error == 0)
		error = k->cursor->get(k->cursor, &key, &value,
		    first ? DB_FIRST : DB_NEXT);
	if (error == 0) {
		add_value(key_out, &key);
		add_value(value_out, &value);
		return MAP_FOUND;
	}
	if (k->cursor != NULL)
		(void)k->cursor->close(k->cursor);
	k->cursor = NULL;
	if (error == DB_NOTFOUND)
		return MAP_ABSENT;
	(void)kept_failed(k, error, why);
	return MAP_FAILED;
}

static bool
kept_sync(struct kept *k, struct str *why)
{
	int error = k->db->sync(k->db, 0);

	return error == 0 || kept_failed(k, error, why);
}

#define KEEPER(fn) { .suffix = ".db", .open = (fn), .get = kept_get,	\
	.put = kept_put, .erase = kept_erase, .next = kept_next,	\
	.sync = kept_sync, .close = kept_close }

static const struct map_keeper hash_keeper = KEEPER(hash_keep);
static const struct map_keeper btree_keeper = KEEPER(btree_keep);

const struct map_type hash_type = {
	.name = "hash", .flags = MAP_SUSPENDS, .open = hash_open,
	.lookup = db_lookup, .sequence = db_sequence, .changed = db_changed,
	.close = db_close, .maker = &hash_maker, .keeper = &hash_keeper,
	.library = &db_library,
};

const struct map_type btree_type = {
	.name = "btree", .flags = MAP_SUSPENDS, .open = btree_open,
	.lookup = db_lookup, .sequence = db_sequence, .changed = db_changed,
	.close = db_close, .maker = &btree_maker, .keeper = &btree_keeper,
	.library = &db_library,
};

#endif
