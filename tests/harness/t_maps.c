/*
 * t_maps - helpers for the tests of table types.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/harness/t_maps.h"

#include "common/base/log.h"

const char *
look(struct map *map, const char *key)
{
	static struct str value;

	switch (map_lookup(map, span_cstr(key), &value)) {
	case MAP_FOUND:
		return str_cstr(&value);
	case MAP_ABSENT:
		return "absent";
	case MAP_FAILED:
		return "failed";
	}
	return "?";
}

void
run_lookups(const char *type, const struct lookup_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		T_CASE(cases[i].name);
		struct map *m = map_open_text(type, cases[i].table);
		struct str value = STR_EMPTY;

		T_NEED(m != NULL);
		T_EQ_INT(map_lookup(m, SPAN(cases[i].key), &value),
		    cases[i].want);
		if (cases[i].want == MAP_FOUND)
			T_EQ_STR(str_cstr(&value), cases[i].want_value);
		str_fini(&value);
		map_close(m);
	}
}

static struct str kept;

static void
keep(struct log_sink *sink, const struct log_record *record)
{
	(void)sink;
	str_add(&kept, record->text);
	str_putc(&kept, '\n');
}

static void
nothing(struct log_sink *sink)
{
	(void)sink;
}

void
keep_log(void)
{
	static struct log_sink sink = { keep, nothing };

	log_remove_sinks();
	log_add_sink(&sink);
}

const char *
logged(void)
{
	static struct str copy;

	log_flush();
	str_set(&copy, str_span(&kept));
	str_clear(&kept);
	return str_cstr(&copy);
}

const char *
write_file(const char *name, const char *text)
{
	static char paths[4][300];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", t_tmpdir(), name);
	FILE *f = fopen(path, "w");

	T_NEED(f != NULL);
	fputs(text, f);
	fclose(f);
	return path;
}
