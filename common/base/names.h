/*
 * names - tables of word <-> number, and word lists <-> bit sets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_NAMES_H
#define COMMON_BASE_NAMES_H

#include "common/base/span.h"
#include "common/base/str.h"

struct name_value {
	const char *name;		/* NULL ends a table */
	int value;
};

/* Case is ignored. -1 when absent: no table uses it as a value. */
int names_value(const struct name_value *table, struct span name);
const char *names_name(const struct name_value *table, int value); /* or NULL */
/* Sets the mask to the values of the words in text, split as lists in main.cf;
 * it stays as it was if a word is unknown. */
bool names_mask(const struct name_value *table, struct span text,
    unsigned *mask_out, struct str *why);
void names_print_mask(const struct name_value *table, unsigned mask,
    struct str *out);
/* The entry of candidates nearest to name (edit distance, at most 1/3 of its
 * length), or NULL: "did you mean". */
const char *names_nearest(struct span name, const char *const *candidates,
    size_t count);

#endif
