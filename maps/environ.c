/*
 * environ: - variables of this process; the name of the table means nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "common/base/mem.h"
#include "maps/map.h"

static enum map_status
environ_lookup(struct map *map, struct span key, struct str *value_out)
{
	(void)map;
	/* A NUL would cut the name short. */
	if (span_has(key, '\0'))
		return MAP_ABSENT;
	char *name = mem_strndup(key.p, key.len);
	const char *value = getenv(name);

	mem_free(name);
	if (value == NULL)
		return MAP_ABSENT;
	str_sets(value_out, value);
	return MAP_FOUND;
}

static struct map *
environ_open(const struct map_spec *spec, struct str *why)
{
	(void)why;
	return map_new_size(spec, sizeof(struct map));
}

const struct map_type environ_type = {
	.name = "environ", .open = environ_open,
	.lookup = environ_lookup,
};
