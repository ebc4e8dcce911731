/*
 * text - tables whose whole contents are held in memory: texthash:, inline:,
 * and the NIS-like tables that tests make.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_TEXT_PRIV_H
#define MAPS_TEXT_PRIV_H

#include "common/base/hash.h"
#include "maps/source_priv.h"

struct text_entry {
	struct span key, value;		/* in the map's arena */
};

struct text_map {
	struct map map;
	struct arena *arena;
	struct source_watch watch;
	struct hash *entries;		/* of struct text_entry */
	struct text_entry **order;	/* as they were written */
	size_t count, room;
	size_t next;			/* of a sequence */
};

struct text_map *text_new(const struct map_spec *spec);
/* Folds the key when the caller asked for it. False: it was there before, and
 * the first one stays. */
bool text_add(struct text_map *m, struct span key, struct span value);
map_lookup_fn text_lookup;
map_sequence_fn text_sequence;
map_changed_fn text_changed;
map_close_fn text_close;

#endif
