/*
 * cache - see the header.
 *
 * The file is locked for as long as it is open: two that write in place would
 * destroy it. When the library finds it damaged the process goes on in memory,
 * since from a jail nothing can be opened, and the next one begins anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/strlist.h"
#include "common/io/fs.h"
#include "maps/keeper_priv.h"
#include "maps/library_priv.h"
#include "maps/make_priv.h"
#include "maps/proxy_cache_priv.h"
#include "maps/types.h"

enum { RETRY_MS = 20, WAIT_MS = 10000 };

struct cache {
	char *label;
	const struct map_keeper *keeper;
	struct kept *kept;		/* NULL: memory */
	struct proxy_cache *proxied;	/* another process has it */
	int fd;				/* the locked file */
	struct hash *memory;		/* key -> char *value */
	struct strlist keys;		/* of cache_next, in memory */
	size_t at;
};

/* ---- the file ---- */

static bool
lock(const struct map_keeper *keeper, int fd, const char *path,
    struct str *why)
{
	for (int waited = 0;; waited += RETRY_MS) {
		const struct timespec pause = { 0, RETRY_MS * 1000000L };

		if (keeper->ofd_lock ? fs_ofd_lock(fd, true)
		    : fs_flock(fd, true, false))
			return true;
		if (errno != EWOULDBLOCK && errno != EAGAIN
		    && errno != EACCES && errno != EINTR) {
			str_printf(why, "lock %s: %s", path, strerror(errno));
			return false;
		}
		if (waited >= WAIT_MS) {
			str_printf(why, "%s is in use by another process",
			    path);
			return false;
		}
		nanosleep(&pause, NULL);
	}
}

struct job {
	struct cache *c;
	const char *path;
	struct span key, value;
	struct str *key_out, *value_out, *why;
	bool first, ok;
	enum map_status status;
};

static void
open_deep(void *arg)
{
	struct job *job = arg;

	job->c->kept = job->c->keeper->open(job->path, job->c->fd, job->why);
}

/* What cannot be opened, but was locked, is no database any more. */
static bool
open_kept(struct cache *c, const char *path, struct str *why)
{
	struct job job = { .c = c, .path = path, .why = why };

	map_call_deep(open_deep, &job);
	if (c->kept != NULL)
		return true;
	log_warn("cache %s: %s -- begun anew", c->label, str_cstr(why));
	if (!fs_truncate(c->fd, 0, why))
		return false;
	map_call_deep(open_deep, &job);
	return c->kept != NULL;
}

static bool
open_file(struct cache *c, const char *name, struct str *why)
{
	struct str path = STR_EMPTY;
	bool ok;
	char *absolute;

	str_printf(&path, "%s%s", name, c->keeper->suffix);
	absolute = make_absolute(str_cstr(&path));
	c->fd = fs_open_at(AT_FDCWD, absolute, O_RDWR | O_CREAT, why);
	ok = c->fd >= 0 && lock(c->keeper, c->fd, absolute, why)
	    && open_kept(c, absolute, why);
	mem_free(absolute);
	str_fini(&path);
	return ok;
}

static const struct map_keeper *
find_keeper(struct span spec, struct str *why)
{
	ssize_t colon = span_find(spec, ':');
	const struct map_type *type = colon <= 0 ? NULL
	    : map_type_find(span_sub(spec, 0, (size_t)colon));

	if (type != NULL && type->keeper != NULL)
		return library_load(type, span_skip(spec, (size_t)colon + 1), why)
		    ? type->keeper : NULL;
	str_printf(why, "\"%.*s\": found %s, expected btree:, hash: or lmdb: "
	    "and a file", SPAN_ARG(spec), colon <= 0 ? "no type"
	    : type == NULL ? "an unknown type" : "a type that keeps no cache");
	return NULL;
}

/* "proxy:", however often it is there. */
static bool
skip_proxy(struct span *spec)
{
	bool proxied = false;

	while (span_starts(*spec, SPAN("proxy:"))) {
		*spec = span_skip(*spec, 6);
		proxied = true;
	}
	return proxied;
}

bool
cache_check(const char *spec, struct str *why)
{
	struct span text = span_trim(SPAN(spec));

	(void)skip_proxy(&text);
	return span_empty(text) || find_keeper(text, why) != NULL;
}

struct cache *
cache_open(const char *spec, struct str *why)
{
	struct span text = span_trim(SPAN(spec));
	struct cache *c = MEM_NEW(struct cache);

	c->fd = -1;
	c->label = mem_strndup(text.p != NULL ? text.p : "", text.len);
	c->memory = hash_new();
	if (span_empty(text))
		return c;
	bool proxied = skip_proxy(&text);

	c->keeper = find_keeper(text, why);
	if (c->keeper != NULL && proxied)
		c->proxied = proxy_cache_new(text);
	if (c->keeper != NULL && (proxied
	    || open_file(c, strchr(c->label, ':') + 1, why)))
		return c;
	cache_close(c);
	return NULL;
}

/* ---- trouble ---- */

static void
close_deep(void *arg)
{
	struct cache *c = arg;

	if (c->kept != NULL)
		c->keeper->close(c->kept);
	c->kept = NULL;
}

static void
give_up(struct cache *c, struct str *why)
{
	struct str ignored = STR_EMPTY;

	log_warn("cache %s: %s -- it will be begun anew; until then nothing "
	    "is kept on disk", c->label, str_cstr(why));
	map_call_deep(close_deep, c);
	(void)fs_truncate(c->fd, 0, &ignored);
	str_fini(&ignored);
}

bool
cache_is_kept(const struct cache *c)
{
	return c->kept != NULL;
}

/* Runs one call; false when the file is lost, or there is none. */
static bool
run(struct job *job, void (*deep)(void *arg))
{
	struct str why = STR_EMPTY;

	if (job->c->kept == NULL)
		return false;
	job->why = &why;
	job->ok = true;
	map_call_deep(deep, job);
	if (!job->ok)
		give_up(job->c, &why);
	str_fini(&why);
	return job->ok;
}

/* ---- entries ---- */

static void
get_deep(void *arg)
{
	struct job *job = arg;

	job->status = job->c->keeper->get(job->c->kept, job->key,
	    job->value_out, job->why);
	job->ok = job->status != MAP_FAILED;
}

bool
cache_get(struct cache *c, struct span key, struct str *value_out)
{
	struct job job = { .c = c, .key = key, .value_out = value_out };
	const char *value;

	if (c->proxied != NULL)
		return proxy_cache_get(c->proxied, key, value_out);
	if (run(&job, get_deep))
		return job.status == MAP_FOUND;
	value = hash_get(c->memory, key);
	if (value != NULL)
		str_sets(value_out, value);
	return value != NULL;
}

static void
put_deep(void *arg)
{
	struct job *job = arg;

	job->ok = job->c->keeper->put(job->c->kept, job->key, job->value,
	    job->why);
}

/* Where there is no room another entry makes some. */
static void
make_room(struct cache *c)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	if (hash_count(c->memory) >= CACHE_MEMORY_MOST
	    && hash_next(c->memory, &it, &key, &value))
		mem_free(hash_remove(c->memory, key));
}

bool
cache_put(struct cache *c, struct span key, struct span value)
{
	struct job job = { .c = c, .key = key, .value = value };

	if (c->proxied != NULL)
		return proxy_cache_change(c->proxied, key, value, false);
	if (run(&job, put_deep))
		return true;
	mem_free(hash_remove(c->memory, key));
	make_room(c);
	hash_put(c->memory, key, mem_strndup(value.p, value.len));
	return true;
}

static void
erase_deep(void *arg)
{
	struct job *job = arg;

	job->ok = job->c->keeper->erase(job->c->kept, job->key, job->why);
}

void
cache_erase(struct cache *c, struct span key)
{
	struct job job = { .c = c, .key = key };

	if (c->proxied != NULL)
		(void)proxy_cache_change(c->proxied, key, SPAN_NONE, true);
	else if (!run(&job, erase_deep))
		mem_free(hash_remove(c->memory, key));
}

static void
next_deep(void *arg)
{
	struct job *job = arg;

	job->status = job->c->keeper->next(job->c->kept, job->first,
	    job->key_out, job->value_out, job->why);
	job->ok = job->status != MAP_FAILED;
}

static void
note_keys(struct cache *c)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	strlist_fini(&c->keys);
	while (hash_next(c->memory, &it, &key, &value))
		strlist_add(&c->keys, key);
	c->at = 0;
}

/* Others may come in between: the walk is over what was there at first. */
static bool
next_in_memory(struct cache *c, bool first, struct str *key_out,
    struct str *value_out)
{
	if (first)
		note_keys(c);
	while (c->at < c->keys.count) {
		struct span key = SPAN(c->keys.items[c->at++]);
		const char *value = hash_get(c->memory, key);

		if (value == NULL)
			continue;
		str_set(key_out, key);
		str_sets(value_out, value);
		return true;
	}
	return false;
}

bool
cache_next(struct cache *c, bool first, struct str *key_out,
    struct str *value_out)
{
	struct job job = { .c = c, .first = first, .key_out = key_out,
		.value_out = value_out };

	if (c->proxied != NULL)
		return proxy_cache_next(c->proxied, first, key_out,
		    value_out);
	if (run(&job, next_deep))
		return job.status == MAP_FOUND;
	return next_in_memory(c, first, key_out, value_out);
}

static void
sync_deep(void *arg)
{
	struct job *job = arg;

	job->ok = job->c->keeper->sync(job->c->kept, job->why);
}

void
cache_sync(struct cache *c)
{
	struct job job = { .c = c };

	(void)run(&job, sync_deep);
}

void
cache_close(struct cache *c)
{
	struct hash_iter it = HASH_ITER_START;
	struct span key;
	void *value;

	if (c == NULL)
		return;
	cache_sync(c);
	map_call_deep(close_deep, c);
	if (c->fd >= 0)
		close(c->fd);
	while (hash_next(c->memory, &it, &key, &value))
		mem_free(value);
	hash_free(&c->memory);
	strlist_fini(&c->keys);
	proxy_cache_free(c->proxied);
	mem_free(c->label);
	mem_free(c);
}
