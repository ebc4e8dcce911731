/*
 * hash, btree, lmdb, cdb - written by us, read back, rewritten, locked, deleted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/io/fault.h"
#include "maps/make.h"
#include "maps/types.h"
#include "tests/harness/t_maps.h"

static const char *const types[] = {
#if HAVE_DB || HAVE_LMDB
	"hash", "btree",
#endif
#if HAVE_LMDB
	"lmdb",
#endif
#if HAVE_CDB
	"cdb",
#endif
};

static char spec[400];
static struct str why;

static bool
make_table(const char *type, const char *text, unsigned flags)
{
	const char *path = write_file("table", text);

	snprintf(spec, sizeof(spec), "%s:%s", type, path);
	return map_make(spec, flags | MAKE_FOLD | MAKE_SAVE_MODE, SPAN_NONE,
	    &why);
}

static void
each_type(void (*test)(const char *type))
{
	keep_log();
	for (size_t i = 0; i < T_COUNT(types); i++) {
		T_CASE(types[i]);
		str_clear(&why);
		test(types[i]);
		T_EQ_STR(str_cstr(&why), "");
		(void)logged();
	}
	str_fini(&why);
}

static void
write_and_read(const char *type)
{
	T_NEED(make_table(type, "Foo bar\nbaz  x y \n", 0));
	struct map *m = map_open(spec, MAP_FOLD, &why);

	T_EQ_STR(look(m, "foo"), "bar");
	T_EQ_STR(look(m, "FOO"), "bar");
	T_EQ_STR(look(m, "baz"), "x y");
	T_EQ_STR(look(m, "nope"), "absent");
	T_EQ_STR(look(m, ""), "absent");
	map_close(m);
}

T_TEST(what_was_written_is_found)
{
	each_type(write_and_read);
}

static void
read_nul(const char *type)
{
	static const unsigned ways[] = { 0, MAKE_WITH_NUL, MAKE_WITHOUT_NUL };

	for (size_t i = 0; i < T_COUNT(ways); i++) {
		T_NEED(make_table(type, "a 1\nb 2\n", ways[i]));
		struct map *m = map_open(spec, 0, &why);

		T_EQ_STR(look(m, "none"), "absent");
		T_EQ_STR(look(m, "a"), "1");
		T_EQ_STR(look(m, "b"), "2");
		T_EQ_STR(look(m, "c"), "absent");
		map_close(m);
	}
}

T_TEST(keys_are_found_with_and_without_their_nul)
{
	each_type(read_nul);
}

static void
list_all(const char *type)
{
	struct str key = STR_EMPTY, value = STR_EMPTY;
	unsigned count = 0;

	T_NEED(make_table(type, "a 1\nb 2\nc 3\n", 0));
	struct map *m = map_open(spec, 0, &why);

	for (bool first = true; map_sequence(m, first, &key, &value) ==
	    MAP_FOUND; first = false) {
		T_EQ_INT(str_cstr(&key)[0] - 'a', str_cstr(&value)[0] - '1');
		count++;
	}
	T_EQ_INT(count, 3);
	T_EQ_INT(map_sequence(m, true, &key, &value), MAP_FOUND);
	map_close(m);
	str_fini(&key);
	str_fini(&value);
}

T_TEST(all_entries_are_listed)
{
	each_type(list_all);
}

static void
duplicates(const char *type)
{
	T_NEED(make_table(type, "a 1\nA 2\nx: y\nd\n", 0));
	const char *log = logged();

	T_HAS_STR(log, "duplicate entry: \"a\"");
	T_HAS_STR(log, "table, line 3: record is in \"key: value\" format; is "
	    "this an alias file?");
	T_HAS_STR(log, "table, line 4: expected format: key whitespace "
	    "value");
	struct map *m = map_open(spec, MAP_FOLD, &why);

	T_EQ_STR(look(m, "a"), "1");
	map_close(m);
	T_NEED(make_table(type, "a 1\na 2\n", MAKE_REPLACE));
	T_EQ_STR(logged(), "");
	m = map_open(spec, MAP_FOLD, &why);
	T_EQ_STR(look(m, "a"), "2");
	map_close(m);
	T_NEED(make_table(type, "a 1\na 2\n", MAKE_IGNORE_DUPLICATES));
	T_EQ_STR(logged(), "");
	m = map_open(spec, MAP_FOLD, &why);
	T_EQ_STR(look(m, "a"), "1");
	map_close(m);
}

T_TEST(duplicates_warn_or_replace)
{
	each_type(duplicates);
}

static void
incremental(const char *type)
{
	size_t deleted;
	struct span gone[] = { SPAN_LIT("A"), SPAN_LIT("nope") };

	T_NEED(make_table(type, "a 1\nb 2\n", 0));
	T_NEED(map_make(spec, MAKE_INCREMENTAL | MAKE_FOLD, SPAN("c 3\na 9\n"),
	    &why));
	T_HAS_STR(logged(), "duplicate entry: \"a\"");
	struct map *m = map_open(spec, MAP_FOLD, &why);

	T_EQ_STR(look(m, "a"), "1");
	T_EQ_STR(look(m, "c"), "3");
	map_close(m);
	T_NEED(map_delete(spec, gone, 2, MAKE_FOLD, &deleted, &why));
	T_EQ_INT(deleted, 1);
	T_NEED(map_delete(spec, gone, 2, MAKE_FOLD, &deleted, &why));
	T_EQ_INT(deleted, 0);
	m = map_open(spec, MAP_FOLD, &why);
	T_EQ_STR(look(m, "a"), "absent");
	T_EQ_STR(look(m, "b"), "2");
	map_close(m);
}

T_TEST(entries_are_added_and_deleted)
{
	each_type(incremental);
}

static void
first_lines(const char *type)
{
	struct str path = STR_EMPTY;
	struct stat st;

	T_NEED(make_table(type, "a 1\n", 0));
	str_printf(&path, "%s%s", strchr(spec, ':') + 1,
	    map_type_find(SPAN(type))->maker->suffix);
	T_NEED(unlink(str_cstr(&path)) == 0);
	/* Secrets stay as private as the source of that name. */
	T_NEED(chmod(strchr(spec, ':') + 1, 0600) == 0);
	T_NEED(map_make(spec, MAKE_INCREMENTAL | MAKE_FOLD | MAKE_SAVE_MODE,
	    SPAN("b 2\n"), &why));
	struct map *m = map_open(spec, MAP_FOLD, &why);

	T_NEED(m != NULL);
	T_EQ_STR(look(m, "a"), "absent");
	T_EQ_STR(look(m, "b"), "2");
	map_close(m);
	T_NEED(stat(str_cstr(&path), &st) == 0);
	T_EQ_INT(st.st_mode & 0777, 0600);
	str_fini(&path);
}

T_TEST(entries_are_added_to_a_table_that_is_not_there)
{
	each_type(first_lines);
}

static void
aliases(const char *type)
{
	T_NEED(make_table(type, "Root: joe, ann\n\"a b\": c (see 2)\nbad\n"
	    "x@y: z\npost(master)master :root\np, q: r\n", MAKE_ALIASES));
	const char *log = logged();

	T_HAS_STR(log, "line 3: need name:value pair");
	T_HAS_STR(log, "line 4: name must be local");
	T_HAS_STR(log, "line 6: need name:value pair");
	struct map *m = map_open(spec, MAP_FOLD, &why);

	T_EQ_STR(look(m, "root"), "joe, ann");
	T_EQ_STR(look(m, "a b"), "c (see 2)");
	T_EQ_STR(look(m, "postmaster"), "root");
	T_EQ_STR(look(m, "@"), "@");
	map_close(m);
	m = map_open(spec, 0, &why);
	T_NE_STR(look(m, "YP_LAST_MODIFIED"), "absent");
	T_NE_STR(look(m, "YP_MASTER_NAME"), "absent");
	map_close(m);
}

T_TEST(alias_tables_have_the_usual_marks)
{
	each_type(aliases);
}

static void
missing(const char *type)
{
	snprintf(spec, sizeof(spec), "%s:%s/gone", type, t_tmpdir());
	struct map *m = map_open(spec, 0, &why);

	T_NEED(m != NULL);
	T_CHECK(map_is_unavailable(m));
	T_EQ_STR(look(m, "a"), "failed");
	T_HAS_STR(map_why(m), "open database ");
	T_HAS_STR(map_why(m), ": No such file or directory");
	map_close(m);
	T_CHECK(!map_make(spec, 0, SPAN_NONE, &why));
	T_HAS_STR(str_cstr(&why), "No such file or directory");
	str_clear(&why);
}

static void
without_library(const char *type)
{
	snprintf(spec, sizeof(spec), "%s:/some/table", type);
	fault_arm("map.library", 1, ENOENT);

	struct map *m = map_open(spec, MAP_QUIET, &why);

	T_NEED(m != NULL);
	if (!fault_was_hit()) {		/* loaded, for another type */
		fault_disarm();
		map_close(m);
		return;
	}
	T_EQ_STR(look(m, "a"), "failed");
	T_HAS_STR(map_why(m), spec);
	T_HAS_STR(map_why(m), "the library lib");
	T_HAS_STR(map_why(m), "(Debian has it in lib");
	map_close(m);
	fault_arm("map.library", 1, ENOENT);
	T_CHECK(!map_make(spec, 0, SPAN_NONE, &why));
	T_HAS_STR(str_cstr(&why), spec);
	T_HAS_STR(str_cstr(&why), "cannot be loaded");
	str_clear(&why);
	fault_disarm();
	/* As soon as it is there, all is well. */
	T_CHECK(make_table(type, "a 1\n", 0));
	m = map_open(spec, 0, &why);
	T_EQ_STR(look(m, "a"), "1");
	map_close(m);
}

T_TEST(a_library_that_is_not_there_is_told_with_table_and_package)
{
	each_type(without_library);
}

T_TEST(a_table_that_is_not_there_fails_its_lookups)
{
	each_type(missing);
}

static void
reopened(const char *type)
{
	struct stat before, after;
	char file[420];

	T_NEED(make_table(type, "a 1\n", 0));
	struct map *m = map_open(spec, 0, &why), *frozen;
	const struct map_maker *maker = map_type_find(SPAN(type))->maker;

	snprintf(file, sizeof(file), "%s%s", strchr(spec, ':') + 1,
	    maker->suffix);
	T_NEED(stat(file, &before) == 0);
	chmod(file, 0640);
	T_EQ_STR(look(m, "a"), "1");
	T_NEED(make_table(type, "a 2\n", 0));
	T_NEED(stat(file, &after) == 0);
	T_CHECK(before.st_ino != after.st_ino);
	T_EQ_INT(after.st_mode & 07777, 0640);
	frozen = m;
	clock_set_virtual(clock_now_ns(), clock_wall_us());
	clock_advance_ns(2000000000);
	T_CHECK(map_has_changed(m));
	T_EQ_STR(look(frozen, "a"), "1");
	map_allow_reopen(true);
	clock_advance_ns(2000000000);
	T_EQ_STR(look(m, "a"), "2");
	map_allow_reopen(false);
	clock_set_real();
	map_close(m);
	snprintf(file + strlen(file), 5, ".new");
	T_CHECK(access(file, F_OK) != 0);
}

T_TEST(a_rewritten_table_is_a_new_file_that_looks_like_the_old)
{
	each_type(reopened);
}

/* A look-up that is made to fail says nothing about the file: once more. */
static const char *
look_at_file(struct map *m, const char *key)
{
	bool before = T_FAULT_HIT();
	const char *got = look(m, key);

	if (strcmp(got, "failed") != 0 || before || !T_FAULT_HIT())
		return got;
	return look(m, key);
}

static void
survives_faults(const char *type)
{
	T_NEED(make_table(type, "a 1\n", 0));
	T_EACH_FAULT(NULL, EIO) {
		bool ok = make_table(type, "a 2\nb 3\n", 0);

		T_CHECK(ok != T_FAULT_HIT() || ok);
		T_CHECK(ok || str_len(&why) > 0);
		str_clear(&why);
		struct map *m = map_open(spec, MAP_QUIET, &why);

		/* The old table or the new one, whole. */
		if (!map_is_unavailable(m)
		    && strcmp(look_at_file(m, "a"), "1") == 0)
			T_EQ_STR(look_at_file(m, "b"), "absent");
		else if (!map_is_unavailable(m))
			T_EQ_STR(look_at_file(m, "b"), "3");
		map_close(m);
		str_clear(&why);
	}
}

T_TEST(a_failing_disk_leaves_the_old_table_or_the_new_one)
{
	each_type(survives_faults);
}

static void
older(const char *type)
{
	const char *path = write_file("table", "a 1\n");
	char file[420];
	const struct timespec hour_ago[] = { { time(NULL) - 3600, 0 },
		{ time(NULL) - 3600, 0 } };
	const struct timespec before[] = { { time(NULL) - 600, 0 },
		{ time(NULL) - 600, 0 } };

	T_NEED(make_table(type, "a 1\n", 0));
	snprintf(file, sizeof(file), "%s%s", path,
	    map_type_find(SPAN(type))->maker->suffix);
	T_NEED(utimensat(AT_FDCWD, file, hour_ago, 0) == 0);
	map_close(map_open(spec, 0, &why));
	T_EQ_STR(logged(), "");		/* edited just now */
	T_NEED(utimensat(AT_FDCWD, path, before, 0) == 0);
	map_close(map_open(spec, 0, &why));
	T_HAS_STR(logged(), "is older than source file ");
	T_NEED(utimensat(AT_FDCWD, file, before, 0) == 0);
	map_close(map_open(spec, 0, &why));
	T_EQ_STR(logged(), "");
}

T_TEST(a_table_older_than_its_text_is_told_about)
{
	each_type(older);
}

#if HAVE_CDB
T_TEST(a_damaged_cdb_fails_and_never_answers_absent)
{
	char file[420];
	struct str text = STR_EMPTY;

	keep_log();
	for (int i = 0; i < 100; i++)
		str_addf(&text, "k%d v%d\n", i, i);
	T_NEED(make_table("cdb", str_cstr(&text), 0));
	snprintf(file, sizeof(file), "%s.cdb", strchr(spec, ':') + 1);
	struct span whole = t_read_file(file);

	/* Without its end; the index and the entries are behind the head. */
	for (size_t keep = 0; keep < whole.len; keep += 97) {
		T_CASEF("%zu bytes", keep);
		FILE *f = fopen(file, "w");

		T_NEED(f != NULL);
		fwrite(whole.p, 1, keep, f);
		fclose(f);
		struct map *m = map_open(spec, MAP_QUIET, &why);
		const char *got = look(m, "k99");

		T_CHECK(strcmp(got, "failed") == 0 ||
		    strcmp(got, "v99") == 0);
		if (strcmp(got, "failed") == 0)
			T_HAS_STR(map_why(m), "not a cdb file, or a "
			    "damaged one");
		map_close(m);
	}
	str_fini(&text);
	str_fini(&why);
}
#endif
