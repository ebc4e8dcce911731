/*
 * Rule files of cidr:, regexp: and pcre: tables: any text makes a table, and
 * looking up never fails but by an engine's limit. The first byte chooses the
 * type; the first line is the key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "maps/map.h"
#include "tests/fuzz/surroundings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 2000, REGEXP_MAX = 120 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { "cidr", "regexp", "pcre",
		"texthash" };
	struct str value = STR_EMPTY;

	surroundings_quiet();
	if (size < 2 || size > TEXT_MAX)
		return 0;
	const char *type = types[data[0] % ARRAY_COUNT(types)];
	struct span text = span_of((const char *)data + 1, size - 1);

	/* The C library expands repetitions when it compiles: a table's owner
	 * can ask for more memory than there is. */
	if (strcmp(type, "regexp") == 0 && (text.len > REGEXP_MAX ||
	    span_has(text, '{') || span_has(text, '\\')))
		return 0;
	char *copy = mem_strndup(text.p, text.len);
	struct map *map = map_open_text(type, copy);

	if (map != NULL) {
		struct span key = text;
		ssize_t end = span_find(text, '\n');

		if (end >= 0)
			key = span_sub(text, 0, (size_t)end);
		enum map_status status = map_lookup(map, key, &value);

		CHECK(status != MAP_FAILED || strcmp(type, "pcre") == 0 ||
		    strcmp(type, "regexp") == 0);
		status = map_lookup(map, SPAN("10.0.0.1"), &value);
		CHECK(status != MAP_FAILED || strcmp(type, "cidr") != 0);
		map_close(map);
	}
	mem_free(copy);
	str_fini(&value);
	return 0;
}
