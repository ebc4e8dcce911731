/*
 * t_maps - what the tests of table types share: cases, and a log to read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_HARNESS_T_MAPS_H
#define TESTS_HARNESS_T_MAPS_H

#include "maps/map.h"
#include "tests/harness/t.h"

struct lookup_case {
	const char *name, *table, *key;
	enum map_status want;
	const char *want_value;
};

/* Each case against a table of this type made from its text. */
void run_lookups(const char *type, const struct lookup_case *cases,
    size_t count);
/* One look-up; the value, or "absent" or "failed". Static storage. */
const char *look(struct map *map, const char *key);

/* From here on the log is kept. logged() returns and forgets it. */
void keep_log(void);
const char *logged(void);

/* Writes a file below t_tmpdir(); returns its path (static, four at once). */
const char *write_file(const char *name, const char *text);

#endif
