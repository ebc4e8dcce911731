/*
 * pattern - rule lists of patterns, shared by regexp: and pcre:, which differ
 * only in the engine: /pattern/flags result, !/pattern/, if, endif, $1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MAPS_PATTERN_PRIV_H
#define MAPS_PATTERN_PRIV_H

#include "maps/map.h"

struct pattern_group {
	ssize_t from, to;		/* -1: took no part */
};

enum pattern_outcome { PATTERN_HIT, PATTERN_MISS, PATTERN_ERROR };

struct pattern_engine {
	unsigned default_options;
	bool deep;			/* matching needs a large stack, and a NUL
					   behind the subject */
	/* The option a flag letter toggles, 0 if there is none. */
	unsigned (*option)(char letter);
	/* NULL with a reason; *groups_out is the number of ( ) in it. */
	void *(*compile)(struct span pattern, unsigned options,
	    unsigned map_flags, size_t *groups_out, struct str *why);
	/* groups[0] is the whole match; room for 1 + the number of ( ). */
	enum pattern_outcome (*match)(void *code, struct span subject,
	    struct pattern_group *groups, size_t ngroups, struct str *why);
	void (*free)(void *code);
};

struct map *pattern_open(const struct map_spec *spec,
    const struct pattern_engine *engine, struct str *why);
map_lookup_fn pattern_lookup;
map_changed_fn pattern_changed;
map_close_fn pattern_close;

#endif
