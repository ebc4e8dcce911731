/*
 * internal: - a table in this process's memory, gone when the process is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/text_priv.h"

static struct map *
internal_open(const struct map_spec *spec, struct str *why)
{
	(void)why;
	return &text_new(spec)->map;
}

const struct map_type internal_type = {
	.name = "internal", .open = internal_open, .lookup = text_lookup,
	.sequence = text_sequence, .close = text_close,
};
