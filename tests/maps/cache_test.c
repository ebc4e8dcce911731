/*
 * Tests of maps/cache.c, and of what berkeley.c and lmdb.c do for it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maps/make.h"
#include "tests/harness/t_maps.h"

static const char *const kinds[] = {
#if HAVE_DB || HAVE_LMDB
	"hash", "btree",
#endif
#if HAVE_LMDB
	"lmdb",
#endif
	"",
};
#define FILES (T_COUNT(kinds) - 1)

static const char *
file_of(const char *kind)
{
	static char name[40];

	snprintf(name, sizeof(name), "c-%s%s", kind,
	    HAVE_DB && strcmp(kind, "lmdb") != 0 ? ".db" : ".lmdb");
	return name;
}

static struct cache *
open_kind(const char *kind, struct str *why)
{
	struct str spec = STR_EMPTY;
	struct cache *c;

	if (kind[0] != '\0')
		str_printf(&spec, "%s:%s/c-%s", kind, t_tmpdir(), kind);
	c = cache_open(str_cstr(&spec), why);
	str_fini(&spec);
	return c;
}

static bool
has(struct cache *c, const char *key, const char *want)
{
	struct str value = STR_EMPTY;
	bool found = cache_get(c, SPAN(key), &value);
	bool same = found == (want != NULL)
	    && (!found || strcmp(str_cstr(&value), want) == 0);

	str_fini(&value);
	return same;
}

static unsigned
count(struct cache *c, const char *erase)
{
	struct str key = STR_EMPTY, value = STR_EMPTY;
	unsigned n = 0;

	for (bool first = true; cache_next(c, first, &key, &value);
	    first = false) {
		n++;
		if (erase != NULL && strcmp(str_cstr(&key), erase) == 0)
			cache_erase(c, str_span(&key));
	}
	str_fini(&key);
	str_fini(&value);
	return n;
}

T_TEST(what_is_put_is_there_until_it_is_erased)
{
	struct str why = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(kinds); i++) {
		struct cache *c = open_kind(kinds[i], &why);

		T_CASE(kinds[i]);
		T_NEED(c != NULL);
		T_CHECK(has(c, "a@b.example", NULL));
		cache_put(c, SPAN("a@b.example"), SPAN("0:1:2:yes"));
		cache_put(c, SPAN("c@b.example"), SPAN(""));
		T_CHECK(has(c, "a@b.example", "0:1:2:yes"));
		T_CHECK(has(c, "c@b.example", ""));
		cache_put(c, SPAN("a@b.example"), SPAN("2:1:2:no"));
		T_CHECK(has(c, "a@b.example", "2:1:2:no"));
		T_EQ_INT(count(c, NULL), 2);
		cache_erase(c, SPAN("a@b.example"));
		cache_erase(c, SPAN("a@b.example"));
		T_CHECK(has(c, "a@b.example", NULL));
		T_EQ_INT(count(c, NULL), 1);
		T_CHECK(cache_is_kept(c) == (kinds[i][0] != '\0'));
		cache_close(c);
	}
	str_fini(&why);
}

T_TEST(a_walk_survives_what_comes_in_between)
{
	struct str why = STR_EMPTY, key = STR_EMPTY, value = STR_EMPTY;
	char text[40];

	for (size_t i = 0; i < T_COUNT(kinds); i++) {
		struct cache *c = open_kind(kinds[i], &why);
		bool seen[3000] = { false };
		unsigned n = 0;

		T_CASE(kinds[i]);
		T_NEED(c != NULL);
		for (int k = 0; k < 2000; k++) {
			snprintf(text, sizeof(text), "k%04d", k);
			cache_put(c, SPAN(text), SPAN("v"));
		}
		for (bool first = true; cache_next(c, first, &key, &value);
		    first = false) {
			int k = atoi(str_cstr(&key) + 1);

			T_NEED(k >= 0 && k < 3000);
			T_CHECK(!seen[k]);
			seen[k] = true;
			n += k < 2000;
			if (k % 2 == 0)
				cache_erase(c, str_span(&key));
			if (k < 1000) {
				snprintf(text, sizeof(text), "k%04d",
				    2000 + k);
				cache_put(c, SPAN(text), SPAN("new"));
			}
		}
		T_CHECK(n == 2000 || strcmp(kinds[i], "hash") == 0);
		T_CHECK(has(c, "k0002", n == 2000 ? NULL : "v")
		    || n < 2000);
		T_CHECK(has(c, "k0003", "v"));
		T_CHECK(has(c, "k2005", "new") || has(c, "k2005", NULL));
		cache_close(c);
	}
	str_fini(&key);
	str_fini(&value);
	str_fini(&why);
}

T_TEST(a_file_is_for_one_owner_and_lasts)
{
	struct str why = STR_EMPTY, path = STR_EMPTY;
	struct stat st;

	for (size_t i = 0; i < FILES; i++) {
		struct cache *c = open_kind(kinds[i], &why);

		T_CASE(kinds[i]);
		T_NEED(c != NULL);
		cache_put(c, SPAN("a"), SPAN("1"));
		cache_close(c);
		str_printf(&path, "%s/%s", t_tmpdir(), file_of(kinds[i]));
		T_NEED(stat(str_cstr(&path), &st) == 0);
		T_EQ_INT(st.st_mode & 0777, 0600);
		c = open_kind(kinds[i], &why);
		T_NEED(c != NULL);
		T_CHECK(has(c, "a", "1"));
		cache_put(c, SPAN("b"), SPAN("2"));
		cache_sync(c);
		cache_put(c, SPAN("b"), SPAN("3"));
		cache_close(c);
		c = open_kind(kinds[i], &why);
		T_NEED(c != NULL);
		T_CHECK(has(c, "b", "3"));
		cache_close(c);
	}
	str_fini(&path);
	str_fini(&why);
}

/* As postmap made it, or another mail system's daemon. */
T_TEST(files_made_by_others_are_taken_over)
{
	static const unsigned nul[] = { MAKE_WITH_NUL, MAKE_WITHOUT_NUL };
	struct str why = STR_EMPTY, value = STR_EMPTY;
	char spec[500];

	for (size_t i = 0; i < 2 * FILES; i++) {
		struct cache *c;
		struct map *map;

		T_CASE(kinds[i / 2]);
		snprintf(spec, sizeof(spec), "%s:%s", kinds[i / 2],
		    write_file("made", "a@b.example 0:5:6:old\n"));
		T_NEED(map_make(spec, nul[i % 2], SPAN_NONE, &why));
		c = cache_open(spec, &why);
		T_NEED(c != NULL);
		T_CHECK(has(c, "a@b.example", "0:5:6:old")
		    || (nul[i % 2] == MAKE_WITH_NUL
		    && strcmp(kinds[i / 2], "lmdb") == 0));
		cache_put(c, SPAN("new@b.example"), SPAN("x"));
		cache_close(c);
		map = map_open(spec, 0, &why);
		T_NEED(map != NULL);
		T_EQ_INT(map_lookup(map, SPAN("new@b.example"), &value),
		    MAP_FOUND);
		T_EQ_STR(str_cstr(&value), "x");
		map_close(map);
	}
	str_fini(&value);
	str_fini(&why);
}

T_TEST(a_file_that_is_no_database_is_begun_anew)
{
	struct str why = STR_EMPTY;

	keep_log();
	for (size_t i = 0; i < FILES; i++) {
		struct cache *c;

		T_CASE(kinds[i]);
		write_file(file_of(kinds[i]), "this is a letter, of some "
		    "length, to whoever it may concern.\n");
		c = open_kind(kinds[i], &why);
		T_NEED(c != NULL);
		T_CHECK(strstr(logged(), "begun anew") != NULL);
		cache_put(c, SPAN("a"), SPAN("1"));
		cache_close(c);
		c = open_kind(kinds[i], &why);
		T_NEED(c != NULL);
		T_CHECK(has(c, "a", "1"));
		cache_close(c);
	}
	str_fini(&why);
}

T_TEST(what_keeps_no_cache_says_so)
{
	static const char *const specs[] = { "static:x", "nosuch:x", "x",
		"btree:/nowhere/at/all", "cdb:x", ":x" };
	struct str why = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(specs); i++) {
		T_CASE(specs[i]);
		str_clear(&why);
		T_CHECK(cache_check(specs[i], &why) == (i == 3));
		T_CHECK(cache_open(specs[i], &why) == NULL);
		T_CHECK(str_len(&why) > 0);
	}
	str_fini(&why);
}
